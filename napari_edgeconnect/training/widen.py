"""Make a trained generator wider without forgetting what it can do.

Channels are copied, and what reads them shares its weights out among the
copies (Chen et al., Net2Net, arXiv:1511.05641, section 2.2): the wider network
computes the same function. The shares are random, so that copies learn apart.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ..core.networks import EdgeGenerator, InpaintGenerator

AnyGenerator = EdgeGenerator | InpaintGenerator


def widened(network: AnyGenerator, width: int, *, seed: int = 0) -> AnyGenerator:
    """The same function in a network of more channels.

    Parameters
    ----------
    network : EdgeGenerator or InpaintGenerator
        Without spectral norm.
    width : int
        At least the network's own.
    seed : int
        Of the choice of channels to copy, and of the shares.

    Returns
    -------
    network
        A new one; its outputs agree with the old one's to rounding.

    Raises
    ------
    ValueError
        For a width below the network's own.
    """
    old = network.state_dict()
    old_width, in_channels = old["encoder.1.weight"].shape[:2]
    if width < old_width:
        raise ValueError(f"The width is {width}, but the network has {old_width} already: give {old_width} or more.")
    random = torch.Generator().manual_seed(seed)
    blocks = len(network.middle)
    if isinstance(network, EdgeGenerator):
        wider: AnyGenerator = EdgeGenerator(width=width, blocks=blocks, spectral=False)
    else:
        wider = InpaintGenerator(in_channels=in_channels, width=width, blocks=blocks)
    # Which old channel each new one copies. The residual stream is one set of channels through all blocks.
    full, half, stream, half_again, full_again = (
        _copies(factor * old_width, factor * width, random) for factor in (1, 2, 4, 2, 1)
    )
    ends = torch.arange(in_channels), torch.arange(len(old["decoder.7.weight"]))
    flow = {
        "encoder.1": (ends[0], full),
        "encoder.4": (full, half),
        "encoder.7": (half, stream),
        "decoder.0": (stream, half_again),
        "decoder.3": (half_again, full_again),
        "decoder.7": (full_again, ends[1]),
    }
    for block in range(blocks):
        inner = _copies(4 * old_width, 4 * width, random)
        flow[f"middle.{block}.conv_block.1"] = (stream, inner)
        flow[f"middle.{block}.conv_block.5"] = (inner, stream)
    state = {}
    for name, (sources, targets) in flow.items():
        transposed = name in ("decoder.0", "decoder.3")  # their weights are (in, out, ...)
        weight = old[f"{name}.weight"].transpose(0, 1) if transposed else old[f"{name}.weight"]
        weight = _shared_out(weight[targets], sources, random)
        state[f"{name}.weight"] = weight.transpose(0, 1).contiguous() if transposed else weight
        if f"{name}.bias" in old:
            state[f"{name}.bias"] = old[f"{name}.bias"][targets]
    wider.load_state_dict(state)
    return wider


def _copies(old: int, new: int, random: torch.Generator) -> Tensor:
    """Every old channel once, then random ones again: all equally often, but for the remainder."""
    rounds = [torch.arange(old), *(torch.randperm(old, generator=random) for _ in range(new // old))]
    return torch.cat(rounds)[:new]


def _shared_out(weight: Tensor, sources: Tensor, random: torch.Generator) -> Tensor:
    """(out, old in, ...) to (out, new in, ...): each weight split at random among the copies of its channel."""
    shares = 0.5 + torch.rand(len(weight), len(sources), generator=random)
    totals = torch.zeros(len(weight), weight.shape[1]).index_add_(1, sources, shares)
    return weight[:, sources] * (shares / totals[:, sources])[..., None, None]
