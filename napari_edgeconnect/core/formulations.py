"""What the two networks are fed, and what their outputs mean.

Two formulations share one pair of architectures. *Published*: the hole is
white and the output absolute, as in the paper's code. *Residual*: the networks
correct a biharmonic fill in a standardised window, so that a repair commutes
with intensity and starts from the classical method. Inference and training
call the same functions here, so the two can't drift apart.

All tensors are batches ``(B, C, H, W)`` of float32; images in [0, 1]; masks
``(B, 1, H, W)`` with 1 inside the hole; edges in [0, 1].
"""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor

from .networks import InpaintGenerator

#: skimage.color.rgb2gray's weights, which the published edges were made with.
LUMA = (0.2125, 0.7154, 0.0721)
#: A flat window must not divide by zero; 0.004 is one grey level of 8 bits.
MIN_STD = 0.004


class Formulation(Protocol):
    """How a pair of networks is to be used."""

    name: str
    inpaint_channels: int
    rim_correction: bool

    def edge_input(self, image: Tensor, fill: Tensor, edges: Tensor, mask: Tensor) -> Tensor:
        """Stage 1's three input channels."""

    def inpaint_input(self, image: Tensor, fill: Tensor, edges: Tensor, mask: Tensor) -> Tensor:
        """Stage 2's input channels, for the completed edge map ``edges``."""

    def completed(self, network: InpaintGenerator, image: Tensor, fill: Tensor, edges: Tensor, mask: Tensor) -> Tensor:
        """Stage 2's colours for the whole window, (B, 3, H, W)."""


class Published:
    """Hole white, output absolute: for weights in the published layout."""

    name = "published"
    inpaint_channels = 4
    #: Absolute outputs miss the rim's colours; see ``edgeconnect`` for the remedy.
    rim_correction = True

    def edge_input(self, image: Tensor, fill: Tensor, edges: Tensor, mask: Tensor) -> Tensor:
        known = 1 - mask
        return torch.cat([luma(image) * known + mask, edges * known, mask], dim=1)

    def inpaint_input(self, image: Tensor, fill: Tensor, edges: Tensor, mask: Tensor) -> Tensor:
        return torch.cat([image * (1 - mask) + mask, edges], dim=1)

    def completed(self, network: InpaintGenerator, image: Tensor, fill: Tensor, edges: Tensor, mask: Tensor) -> Tensor:
        return network(self.inpaint_input(image, fill, edges, mask))


class Residual:
    """A correction of the biharmonic fill, in units of the window's standard deviation."""

    name = "residual"
    inpaint_channels = 5
    rim_correction = False

    def edge_input(self, image: Tensor, fill: Tensor, edges: Tensor, mask: Tensor) -> Tensor:
        gray = luma(fill)
        mean, std = known_statistics(gray, mask)
        return torch.cat([(gray - mean) / std, edges * (1 - mask), mask], dim=1)

    def inpaint_input(self, image: Tensor, fill: Tensor, edges: Tensor, mask: Tensor) -> Tensor:
        mean, std = known_statistics(fill, mask)
        return torch.cat([(fill - mean) / std, edges, mask], dim=1)

    def completed(self, network: InpaintGenerator, image: Tensor, fill: Tensor, edges: Tensor, mask: Tensor) -> Tensor:
        _, std = known_statistics(fill, mask)
        return fill + std * network.raw(self.inpaint_input(image, fill, edges, mask))


FORMULATIONS: dict[str, Formulation] = {f.name: f for f in (Published(), Residual())}


def luma(rgb: Tensor) -> Tensor:
    """(B, 3, H, W) to (B, 1, H, W)."""
    weights = rgb.new_tensor(LUMA).view(1, 3, 1, 1)
    return (rgb * weights).sum(1, keepdim=True)


def known_statistics(image: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """Mean per channel and one standard deviation, over the known pixels of each window.

    Returns
    -------
    mean : (B, C, 1, 1)
    std : (B, 1, 1, 1)
        Root of the channels' mean variance, at least ``MIN_STD``.
    """
    known = 1 - mask
    count = known.sum((2, 3), keepdim=True).clamp(min=1)
    mean = (image * known).sum((2, 3), keepdim=True) / count
    variance = ((image - mean) ** 2 * known).sum((2, 3), keepdim=True) / count
    return mean, variance.mean(1, keepdim=True).sqrt().clamp(min=MIN_STD)
