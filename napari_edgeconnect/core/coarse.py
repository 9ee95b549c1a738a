"""A coarse guess for holes that are too large for one window.

The large hole is shrunk until it fits, repaired there as usual, and the small
result is stretched back: the tiles of the fine level start from it, so that
they agree about what none of them can see alone. Shrinking averages known
pixels only, so a thin scratch is already closed on the coarse level.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from .holes import Box


def shrink_factor(region: Box, largest_px: int) -> int:
    """The smallest whole factor that brings a region into one window."""
    return -(-max(region.shape) // largest_px)


def shrunk(
    values: NDArray[np.floating], weight: NDArray[np.bool_], factor: int
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Average blocks of ``factor`` x ``factor`` pixels over their known ones.

    Parameters
    ----------
    values : (H, W, C) float
        Finite wherever ``weight`` is True.
    weight : (H, W) bool, True for known pixels
    factor : int

    Returns
    -------
    small : (h, w, C) float64, h = ceil(H / factor); 0 in blocks without a known pixel
    hole : (h, w) bool, True for those
    """
    total = _block_sums(np.where(weight[..., None], values, 0.0), factor)
    count = _block_sums(weight[..., None].astype(np.float64), factor)
    return total / np.maximum(count, 1), count[..., 0] == 0


def shrunk_any(plane: NDArray[Any], factor: int) -> NDArray[Any]:
    """The largest value of each block, (H, W) to (h, w): a thin line stays a line."""
    padded = np.pad(plane, [(0, -n % factor) for n in plane.shape])
    height, width = padded.shape
    return padded.reshape(height // factor, factor, width // factor, factor).max(axis=(1, 3))


@dataclass(frozen=True)
class CoarseGuess:
    """A coarsely repaired region that can be asked for any window of it.

    Attributes
    ----------
    region : Box
        In the plane's pixels.
    factor : int
    values : (h, w, C) float
    """

    region: Box
    factor: int
    values: NDArray[np.float64]

    def at(self, box: Box) -> NDArray[np.float64]:
        """The guess stretched to a window's pixels, (H, W, C); beyond the region its border repeats."""
        rows = (np.arange(box.top, box.bottom) - self.region.top + 0.5) / self.factor - 0.5
        columns = (np.arange(box.left, box.right) - self.region.left + 0.5) / self.factor - 0.5
        grid = np.meshgrid(rows, columns, indexing="ij")
        channels = [
            ndimage.map_coordinates(self.values[..., c], grid, order=1, mode="nearest")
            for c in range(self.values.shape[2])
        ]
        return np.stack(channels, axis=2)


def _block_sums(values: NDArray[np.float64], factor: int) -> NDArray[np.float64]:
    height, width, channels = values.shape
    padded = np.pad(values, ((0, -height % factor), (0, -width % factor), (0, 0)))
    blocks = padded.reshape(padded.shape[0] // factor, factor, padded.shape[1] // factor, factor, channels)
    return blocks.sum(axis=(1, 3))
