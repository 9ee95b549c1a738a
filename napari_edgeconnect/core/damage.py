"""Synthetic damage: the shapes that scientific images really lose.

Training and evaluation both draw from here, hence its place in ``core``.
Each function draws one shape into a boolean array; ``random_damage`` draws
shapes of a kind of damage (``DAMAGE_KINDS``) until a wanted share of the image
is missing. Which holes an evaluation repairs is settled in its own room.
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
    _rectangle(mask, rng, height, width)


def half_blocks(mask: Mask, rng: np.random.Generator) -> None:
    """A block of half the sides' length anywhere, as EdgeConnect was published with."""
    _rectangle(mask, rng, mask.shape[0] // 2, mask.shape[1] // 2)


def halves(mask: Mask, rng: np.random.Generator) -> None:
    """The left, right, top or bottom half; of an odd side, the smaller half."""
    lines = mask if rng.random() < 0.5 else mask.T
    if rng.random() < 0.5:
        lines = lines[::-1]
    lines[: len(lines) // 2] = True


KINDS: tuple[Draw, ...] = (strokes, scratches, blobs, blocks)
#: What ``random_damage`` can draw.
DAMAGE_KINDS = ("mixed", "thin", "strokes", "block", "half", "science", "published")
_WHOLE: dict[str, Draw] = {"block": half_blocks, "half": halves}
#: Drawn again and again: what, and the smallest and largest share of the image.
_REPEATED: dict[str, tuple[tuple[Draw, ...], float, float]] = {
    "mixed": (KINDS, 0.005, 0.42),
    "thin": ((scratches,), 0.005, 0.10),
    "strokes": ((strokes,), 0.005, 0.60),
}
_MIXTURES = {
    "science": {"thin": 0.25, "mixed": 0.75},
    "published": {"block": 1 / 3, "half": 1 / 3, "strokes": 1 / 3},  # mask type 5 of its authors
}
#: A disk that fits into no line of 4 px.
_TOO_WIDE = np.hypot(*np.mgrid[-2:3, -2:3]) < 2.5


def random_damage(
    shape: tuple[int, int],
    rng: np.random.Generator,
    kind: str = "mixed",
    *,
    smallest: float | None = None,
    largest: float | None = None,
) -> Mask:
    """Draw damage of one kind, most often until a random share of the image is missing.

    Parameters
    ----------
    shape : (H, W)
        At least 2 px a side.
    kind : str, one of ``DAMAGE_KINDS``
        - "mixed": one or two of ``KINDS``;
        - "thin": scratches, nowhere wider than 4 px;
        - "strokes": brush strokes;
        - "block": a block of half the sides' length;
        - "half": one half of the image;
        - "science": "thin" in a quarter of the cases, else "mixed";
        - "published": "block", "half" or "strokes", equally often.
    smallest, largest : float in (0, 1), optional
        The share aimed at is drawn uniformly in its square root, so small holes are common. "block" and "half" have
        their own; without them: "mixed" 0.005 to 0.42, "thin" to 0.10, "strokes" to 0.60.

    Returns
    -------
    mask : (H, W) bool, True inside the hole; never empty and never everything.

    Raises
    ------
    ValueError
        For a kind of another name.
    """
    if kind not in DAMAGE_KINDS:
        raise ValueError(f"There is no damage {kind!r}: give one of {', '.join(DAMAGE_KINDS)}.")
    if kind in _MIXTURES:
        kind = str(rng.choice(list(_MIXTURES[kind]), p=list(_MIXTURES[kind].values())))
    mask = np.zeros(shape, dtype=bool)
    if kind in _WHOLE:
        _WHOLE[kind](mask, rng)
        return mask
    draws, low, high = _REPEATED[kind]
    low, high = low if smallest is None else smallest, high if largest is None else largest
    wanted = rng.uniform(low**0.5, high**0.5) ** 2
    chosen = rng.choice(len(draws), size=min(len(draws), int(rng.integers(1, 3))), replace=False)
    for _ in range(64):
        before = mask.copy()
        draws[rng.choice(chosen)](mask, rng)
        if kind == "thin" and ndimage.binary_erosion(mask, _TOO_WIDE).any():  # where two lines meet
            mask = before
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


def _rectangle(mask: Mask, rng: np.random.Generator, height: int, width: int) -> None:
    top = rng.integers(0, mask.shape[0] - height + 1)
    left = rng.integers(0, mask.shape[1] - width + 1)
    mask[top : top + height, left : left + width] = True


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
