"""Holes by size: a seeded mask for each bin of the missing share."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..core.damage import Draw, blobs, blocks, scratches, strokes

_KINDS: tuple[Draw, ...] = (strokes, scratches, blobs, blocks)
#: After so many shapes too large for the bin only scratches are tried, which fit sooner or later.
_PATIENCE = 100
_TRIES = 5000


@dataclass(frozen=True)
class Bin:
    """Masks of one size.

    Attributes
    ----------
    name : str
        For tables and files.
    low, high : float
        Share of the image that is missing.
    kinds : tuple
        What draws the damage; the cases take turns.
    """

    name: str
    low: float
    high: float
    kinds: tuple[Draw, ...] = _KINDS


#: The paper's ratios (10–20 … 40–50 %), smaller ones, and lines of 1 to 4 px, which are a task of their own.
BINS = (
    Bin("thin", 0.01, 0.10, (scratches,)),
    Bin("1-10%", 0.01, 0.10),
    Bin("10-20%", 0.10, 0.20),
    Bin("20-30%", 0.20, 0.30),
    Bin("30-40%", 0.30, 0.40),
    Bin("40-50%", 0.40, 0.50),
)


def drawn_mask(shape: tuple[int, int], bin_: Bin, number: int, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Draw one kind of damage until the missing share lies inside the bin.

    Parameters
    ----------
    shape : (H, W)
    bin_ : Bin
    number : int
        The case's; with the bin it chooses the kind.
    rng : Generator

    Returns
    -------
    mask : (H, W) bool, True inside the hole

    Raises
    ------
    ValueError
        For planes too small to draw on.
    """
    kind = bin_.kinds[(BINS.index(bin_) + number) % len(bin_.kinds)]  # so short lists know every kind, too
    wanted = rng.uniform(bin_.low, bin_.low + 0.8 * (bin_.high - bin_.low))
    mask = np.zeros(shape, dtype=bool)
    for attempt in range(_TRIES):
        longer = mask.copy()
        (kind if attempt < _PATIENCE else scratches)(longer, rng)
        if longer.mean() <= bin_.high:
            mask = longer
        if mask.mean() >= wanted:
            return mask
    raise ValueError(f"No {bin_.name} mask can be drawn on {shape[0]} x {shape[1]} pixels: take a larger size.")


def bin_of(mask: NDArray[np.bool_]) -> Bin | None:
    """The bin of a mask that somebody else drew, by its share alone; None outside 1 to 50 %."""
    share = float(mask.mean())
    return next((b for b in BINS if b.name != "thin" and b.low <= share < b.high), None)
