"""Weight files, read and written: published ``.pth`` files and our ``.safetensors``.

Kept apart from ``models`` (which finds files by name) because this is where
trust is decided: nothing here ever unpickles, what a file holds is read from
its tensors' shapes, and everything that can be wrong with a file has its own
sentence. torch is imported only when a file is really loaded.
"""

from __future__ import annotations

import os
import pickle
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, overload

from safetensors import SafetensorError, safe_open

if TYPE_CHECKING:
    from torch import Tensor, nn

    from .networks import EdgeGenerator, Generator, InpaintGenerator

Kind = Literal["edge", "inpaint"]
Shape = tuple[int, ...]


class CheckpointError(ValueError):
    """A weight file that can't be used; the message says why and what to do."""


@dataclass(frozen=True)
class NetworkInfo:
    """What a weight file holds.

    ``metadata`` are the strings of a safetensors header (``name``, ``licence``,
    ``training`` …); published files have none.
    """

    kind: Kind
    formulation: str
    width: int
    blocks: int
    metadata: Mapping[str, str] = field(default_factory=dict)


def inspect_checkpoint(path: Path) -> NetworkInfo:
    """Say what a weight file holds; a safetensors file's tensors (and torch) are not loaded.

    Raises
    ------
    CheckpointError
        If the file can't be read, or holds no generator.
    """
    if path.suffix == ".safetensors":
        with _open_safetensors(path, "numpy") as file:
            shapes = {key: tuple(file.get_slice(key).get_shape()) for key in file.keys()}  # noqa: SIM118
            return _identify(shapes, file.metadata() or {}, path)
    state = _read_pth(path)
    return _identify(_shapes(state), {}, path)


@overload
def load_generator(path: Path, kind: Literal["edge"]) -> tuple[EdgeGenerator, NetworkInfo]: ...
@overload
def load_generator(path: Path, kind: Literal["inpaint"]) -> tuple[InpaintGenerator, NetworkInfo]: ...
@overload
def load_generator(path: Path, kind: Kind | None = None) -> tuple[EdgeGenerator | InpaintGenerator, NetworkInfo]: ...
def load_generator(path: Path, kind: Kind | None = None) -> tuple[EdgeGenerator | InpaintGenerator, NetworkInfo]:
    """Read a generator for inference, on the CPU, in evaluation mode, spectral norm folded.

    Parameters
    ----------
    path : Path
        A ``.safetensors`` file of ours or a published ``.pth`` file
        (``{"iteration", "generator"}`` or a bare state dict, keys with or
        without ``module.``, saved on any device).
    kind : "edge" or "inpaint", optional
        Which network is wanted.

    Raises
    ------
    CheckpointError
        If the file can't be read safely, holds no generator, or the wrong one.
    """
    state, metadata = read_state(path)
    info = _identify(_shapes(state), metadata, path)
    if kind not in (None, info.kind):
        raise CheckpointError(
            f"{path.name} holds the {info.kind} generator, but the {kind} generator was wanted: "
            f"are the two files swapped?"
        )
    return generator_from(state, info), info


def generator_from(state: Mapping[str, Tensor], info: NetworkInfo) -> EdgeGenerator | InpaintGenerator:
    """An inference network with these tensors: evaluation mode, no gradients, spectral norm folded, float32.

    Raises
    ------
    CheckpointError
        If the tensors do not fit ``info``.
    """
    network = build_generator(info)
    network.load_state_dict(_with_block_biases(fold_spectral_norm(state), network), strict=True)
    return network.eval().requires_grad_(False)


def build_generator(info: NetworkInfo) -> EdgeGenerator | InpaintGenerator:
    """An inference network (no spectral norm) with the layout that ``info`` describes."""
    from .formulations import FORMULATIONS
    from .networks import EdgeGenerator, InpaintGenerator

    if info.kind == "edge":
        return EdgeGenerator(width=info.width, blocks=info.blocks, spectral=False)
    channels = FORMULATIONS[info.formulation].inpaint_channels
    return InpaintGenerator(in_channels=channels, width=info.width, blocks=info.blocks)


def read_state(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """A weight file's tensors by name (without ``module.``), and its metadata."""
    if path.suffix == ".safetensors":
        with _open_safetensors(path, "pt") as file:
            return {key: file.get_tensor(key) for key in file.keys()}, file.metadata() or {}  # noqa: SIM118
    return _read_pth(path), {}


def write_generator(path: Path, network: Generator, info: NetworkInfo, *, half: bool = False) -> None:
    """Write a generator as safetensors; a file of that name is replaced only by a whole one.

    Parameters
    ----------
    path : Path
        Ends in ``.safetensors``.
    network : Generator
        Without spectral norm (see :func:`load_generator`).
    info : NetworkInfo
        Its metadata go into the file's header, with kind, formulation, width and blocks.
    half : bool
        Store 16-bit floats: half the size; they are computed with in 32 bits again.
    """
    import torch
    from safetensors.torch import save

    header = {
        **info.metadata,
        "kind": info.kind,
        "formulation": info.formulation,
        "width": str(info.width),
        "blocks": str(info.blocks),
    }
    dtype = torch.float16 if half else torch.float32
    tensors = {name: value.detach().to("cpu", dtype).contiguous() for name, value in network.state_dict().items()}
    temporary = path.with_name(path.name + ".part")
    try:
        temporary.write_bytes(save(tensors, metadata=header))
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def fold_spectral_norm(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Replace each ``weight_orig``/``weight_u``/``weight_v`` by the ``weight`` they amount to.

    In evaluation mode ``torch.nn.utils.spectral_norm`` divides by
    ``sigma = u @ W @ v`` with the stored vectors; so does this, once.
    """
    folded: dict[str, Tensor] = {}
    for name, value in state.items():
        if name.endswith("weight_orig"):
            stem = name.removesuffix("_orig")
            # A transposed convolution's output channels are its second dimension.
            rows = value.transpose(0, 1) if stem.startswith("decoder.") else value
            matrix = rows.reshape(rows.shape[0], -1)
            folded[stem] = value / (state[stem + "_u"] @ matrix @ state[stem + "_v"])
        elif not name.endswith(("weight_u", "weight_v")):
            folded[name] = value
    return folded


def _identify(shapes: Mapping[str, Shape], metadata: Mapping[str, str], path: Path) -> NetworkInfo:
    if "conv1.0.weight_orig" in shapes or "features.0.weight_orig" in shapes:
        raise CheckpointError(f"{path.name} holds a discriminator; repairing needs the generators (…_gen.pth).")
    first = shapes.get("encoder.1.weight") or shapes.get("encoder.1.weight_orig")
    last = shapes.get("decoder.7.weight")
    blocks = len({name.split(".")[1] for name in shapes if name.startswith("middle.")})
    if not (first and last and len(first) == len(last) == 4 and blocks):
        raise CheckpointError(
            f"{path.name} holds no EdgeConnect generator: the tensors encoder.1.weight, middle.* and "
            f"decoder.7.weight were not all found among its {len(shapes)}."
        )
    if any(f"{n.removesuffix('_orig')}_v" not in shapes for n in shapes if n.endswith("weight_orig")):
        raise CheckpointError(
            f"{path.name} was written by PyTorch 0.4 or older, whose spectral norm did not store weight_v: "
            f"load it and save it again with PyTorch 1.0 or newer."
        )
    width, channels_in, channels_out = first[0], first[1], last[0]
    layouts: dict[tuple[int, int], tuple[Kind, str]] = {
        (3, 1): ("edge", metadata.get("formulation", "published")),
        (4, 3): ("inpaint", "published"),
        (5, 3): ("inpaint", "residual"),
    }
    if (channels_in, channels_out) not in layouts:
        raise CheckpointError(
            f"{path.name} holds a network from {channels_in} to {channels_out} channels; EdgeConnect's "
            f"generators go from 3 to 1 (edges) and from 4 or 5 to 3 (completion)."
        )
    kind, formulation = layouts[channels_in, channels_out]
    return NetworkInfo(kind, formulation, width, blocks, dict(metadata))


def _with_block_biases(state: dict[str, Tensor], network: nn.Module) -> dict[str, Tensor]:
    """Zero biases where a spectrally normalised block had none; any other gap or misfit is an error."""
    expected = network.state_dict()
    for name, value in expected.items():
        if name.startswith("middle.") and name.endswith(".bias"):
            state.setdefault(name, value.new_zeros(value.shape))
    wrong = [
        name
        for name in sorted(expected.keys() | state.keys())
        if name not in expected or name not in state or expected[name].shape != state[name].shape
    ]
    if wrong:
        raise CheckpointError(
            f"{len(wrong)} tensors do not fit EdgeConnect's layers, the first of them {wrong[0]!r}: "
            f"the file is of another architecture or incomplete."
        )
    return state


def _shapes(state: Mapping[str, Tensor]) -> dict[str, Shape]:
    return {name: tuple(value.shape) for name, value in state.items()}


def _open_safetensors(path: Path, framework: str) -> Any:
    try:
        return safe_open(path, framework=framework)
    except FileNotFoundError:
        raise CheckpointError(f"There is no weight file {path}.") from None
    except SafetensorError as error:
        raise CheckpointError(
            f"{path.name} is truncated or not a safetensors file ({error}): copy it again."
        ) from error


def _read_pth(path: Path) -> dict[str, Tensor]:
    import torch

    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise CheckpointError(f"There is no weight file {path}.") from None
    except (pickle.UnpicklingError, EOFError, RuntimeError, KeyError, OSError) as error:
        raise CheckpointError(_why_unreadable(path, error)) from error
    if isinstance(content, Mapping):
        for key in ("generator", "discriminator"):
            if isinstance(content.get(key), Mapping):
                content = content[key]
    if not isinstance(content, Mapping) or not all(isinstance(v, torch.Tensor) for v in content.values()):
        raise CheckpointError(f"{path.name} holds no state dict: expected tensors by name, or these under 'generator'.")
    return {name.removeprefix("module."): value for name, value in content.items()}


def _why_unreadable(path: Path, error: Exception) -> str:
    message = str(error)
    with path.open("rb") as file:
        is_page = file.read(1) == b"<"
    if is_page:
        return f"{path.name} is a web page, as a failed download leaves it, and no weight file: download it again."
    if "legacy .tar format" in message:
        return f"{path.name} is in the .tar format of PyTorch 0.1: load it and save it again with PyTorch 1.0 or newer."
    if "Unsupported global" in message or "Unsupported class" in message or "Unsupported operand" in message:
        return (
            f"{path.name} holds Python objects besides tensors and could run code when unpickled; it was not "
            f"opened. Ask its author for a state dict, or save one where you trust the file."
        )
    return f"{path.name} is truncated or not a PyTorch file: copy or download it again."
