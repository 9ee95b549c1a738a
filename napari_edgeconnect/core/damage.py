"""Synthetic damage: the shapes that scientific images really lose.

Training and evaluation both draw from here, hence its place in ``core``.
Each function draws one kind of hole into a boolean array; ``random_damage``
mixes them until a wanted share of the image is missing.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.draw import disk, line

Mask = NDArray[np.bool_]
Draw = Callable[[Mask, np.random.Generator], None]


def strokes(mask: Mask, rng: np.random.Generator) -> None:
    """A bent brush stroke, as a hand paints over an object."""
    _polyline(mask, rng, points=int(rng.integers(3, 8)), radius=rng.uniform(2, 7), bend=0.9)


def scratches(mask: Mask, rng: np.random.Generator) -> None:
    """A thin, nearly straight scratch of 1 to 4 px."""
    _polyline(mask, rng, points=3, radius=rng.uniform(0.5, 2), bend=0.15)


def blobs(mask: Mask, rng: np.random.Generator) -> None:
    """A round spot with a wobbly border: dust, a bubble, a bead."""
    size = min(mask.shape)
    radius = rng.uniform(2, max(3, size / 7))
    centre = rng.uniform(0, mask.shape[0]), rng.uniform(0, mask.shape[1])
    angles = np.arange(0, 2 * np.pi, 0.4)
    for angle in angles[: rng.integers(1, 6)]:
        offset = radius * 0.5 * rng.uniform(0, 1)
        at = centre[0] + offset * np.sin(angle * 3), centre[1] + offset * np.cos(angle * 3)
        mask[disk(at, radius * rng.uniform(0.5, 1), shape=mask.shape)] = True


def blocks(mask: Mask, rng: np.random.Generator) -> None:
    """A rectangle: a lost tile, a scale bar, a label."""
    height, width = (int(rng.integers(4, max(5, side // 2 + 1))) for side in mask.shape)
    top = rng.integers(0, mask.shape[0] - height + 1)
    left = rng.integers(0, mask.shape[1] - width + 1)
    mask[top : top + height, left : left + width] = True


KINDS: tuple[Draw, ...] = (strokes, scratches, blobs, blocks)


def random_damage(
    shape: tuple[int, int], rng: np.random.Generator, *, smallest: float = 0.005, largest: float = 0.42
) -> Mask:
    """Draw one or two kinds of damage until a random share of the image is missing.

    Parameters
    ----------
    shape : (H, W)
    smallest, largest : float in (0, 1)
        The share aimed at is drawn uniformly in its square root, so small holes are common.

    Returns
    -------
    mask : (H, W) bool, True inside the hole; never empty and never everything.
    """
    wanted = rng.uniform(smallest**0.5, largest**0.5) ** 2
    kinds = rng.choice(len(KINDS), size=rng.integers(1, 3), replace=False)
    mask = np.zeros(shape, dtype=bool)
    for _ in range(64):
        before = mask.copy()
        KINDS[rng.choice(kinds)](mask, rng)
        if mask.mean() > max(1.3 * wanted, 0.02):
            mask = before if before.any() else mask
            break
        if mask.mean() >= wanted:
            break
    if mask.mean() > 0.7:
        mask = ndimage.binary_erosion(mask, iterations=4)
    if not mask.any():
        mask[shape[0] // 2, shape[1] // 2] = True
    return mask


def _polyline(mask: Mask, rng: np.random.Generator, *, points: int, radius: float, bend: float) -> None:
    here = np.array([rng.uniform(0, mask.shape[0]), rng.uniform(0, mask.shape[1])])
    angle = rng.uniform(0, 2 * np.pi)
    canvas = np.zeros_like(mask)
    for _ in range(points):
        angle += rng.uniform(-bend, bend)
        there = here + rng.uniform(0.1, 0.4) * min(mask.shape) * np.array([np.sin(angle), np.cos(angle)])
        rows, columns = line(*np.round([*here, *there]).astype(int))
        inside = (rows >= 0) & (rows < mask.shape[0]) & (columns >= 0) & (columns < mask.shape[1])
        canvas[rows[inside], columns[inside]] = True
        here = there
    if canvas.any():
        mask |= ndimage.distance_transform_edt(~canvas) <= radius
