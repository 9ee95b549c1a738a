"""Objects, measured and matched with those of another segmentation of the same plane."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from skimage.measure import regionprops_table
from skimage.metrics import contingency_table

#: Of each object.
QUANTITIES = ("area", "mean intensity", "integrated intensity")
#: Of all objects together.
TOTALS = ("count", "total area", "mean area", "median area", "mean intensity", "integrated intensity")
#: How an object fares in another segmentation.
FATES = ("matched", "split", "merged", "lost")
#: So much of one of two objects lies in the other, or they are not the same.
_MOSTLY = 0.5

Labels = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Objects:
    """Objects of one plane.

    Attributes
    ----------
    labels : (H, W) int, 0 or 1 to n
    values : dict of (n,) float
        ``QUANTITIES`` by name, areas in pixels.
    numbers : (n,) int
        What each was labelled before labels that do not occur were closed up: how people know it.
    """

    labels: Labels
    values: dict[str, Floats]
    numbers: Labels

    def numbered(self) -> Labels:
        """(H, W) int: the objects by their ``numbers``."""
        return np.append(0, self.numbers)[self.labels]

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self.values["area"])

    def totals(self, chosen: NDArray[np.bool_] | None = None) -> dict[str, float]:
        """``TOTALS`` of all objects, or of those chosen; NaN for means of none."""
        area, _, integrated = (v if chosen is None else v[chosen] for v in (self.values[q] for q in QUANTITIES))
        some = area.size > 0
        return {
            "count": float(area.size),
            "total area": float(area.sum()),
            "mean area": float(area.mean()) if some else np.nan,
            "median area": float(np.median(area)) if some else np.nan,
            "mean intensity": float(integrated.sum() / area.sum()) if some else np.nan,
            "integrated intensity": float(integrated.sum()),
        }


def measured(labels: Labels, gray: Floats) -> Objects:
    """Measure the objects of a plane; labels that do not occur are closed up.

    Parameters
    ----------
    labels : (H, W) int, 0 is background
    gray : (H, W) float
    """
    numbers, dense = np.unique(np.append(0, labels), return_inverse=True)
    closed = dense[1:].reshape(labels.shape)
    if not closed.any():
        return Objects(closed, {quantity: np.empty(0) for quantity in QUANTITIES}, numbers[1:])
    table = regionprops_table(closed, gray, properties=("area", "intensity_mean"))
    area, mean = table["area"].astype(np.float64), table["intensity_mean"].astype(np.float64)
    return Objects(closed, dict(zip(QUANTITIES, (area, mean, area * mean), strict=True)), numbers[1:])


@dataclass(frozen=True)
class Match:
    """How the objects of one segmentation fare in another.

    Attributes
    ----------
    fate : (n,) int
        Index into ``FATES``.
    partner : (n,) int
        Index of the matched object, -1 where there is none.
    new : int
        Objects of the other segmentation that are none of these.
    """

    fate: NDArray[np.intp]
    partner: NDArray[np.intp]
    new: int


def match(ours: Objects, theirs: Objects) -> Match:
    """Match objects by overlap: two belong together where at least half of one lies in the other.

    One to one they are matched. An object with several partners is split; one that shares its partner is merged; one
    without any is lost.
    """
    if not ours.count or not theirs.count:
        nothing = np.full(ours.count, FATES.index("lost"))
        return Match(nothing, np.full(ours.count, -1), theirs.count)
    shared: Any = contingency_table(ours.labels, theirs.labels).tocsr()[1:, 1:].tocoo()
    one, other, overlap = shared.row, shared.col, shared.data
    half = (overlap >= _MOSTLY * ours.values["area"][one]) | (overlap >= _MOSTLY * theirs.values["area"][other])
    one, other = one[half], other[half]
    partners = np.bincount(one, minlength=ours.count)
    sharers = np.bincount(other, minlength=theirs.count)
    merged = np.zeros(ours.count, dtype=bool)
    merged[one[sharers[other] > 1]] = True
    fate = np.select(
        [partners == 0, merged, partners > 1], [FATES.index(f) for f in ("lost", "merged", "split")], default=0
    )
    partner = np.full(ours.count, -1)
    partner[one] = other
    partner[fate != 0] = -1
    return Match(fate, partner, int(np.count_nonzero(sharers == 0)))
