"""What a model was trained on, in figures that go with it: see ``core.familiarity``."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..core.familiarity import STATISTICS, Familiarity, statistics_of
from .images import Plane, planes_by_modality, read_plane

#: Squares of these sides are judged: small ones vary more, so each size has a limit of its own.
SIDES_PX = (64, 96, 128, 192, 256)
#: Squares of each size and plane; the means and covariances are those of the largest.
CROPS = 2
#: Of the planes of a stack.
MOST_PLANES = 4
#: Of training images, each judged by those of the other folds, that are within the limit.
SHARE = 0.97
FOLDS = 5
#: Of the variance of each statistic over all images, added to each kind's own.
_RIDGE = 0.01

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class _Looks:
    """Statistics of squares of one size.

    Attributes
    ----------
    values : (N, D) float
    kinds : (N,) int
    folds : (N,) int
        Neighbours in a folder, which are often of one series, are in one fold.
    """

    values: Floats
    kinds: NDArray[np.intp]
    folds: NDArray[np.intp]

    def of(self, chosen: NDArray[np.bool_]) -> _Looks:
        return _Looks(self.values[chosen], self.kinds[chosen], self.folds[chosen])


def familiarity_of(folder: Path) -> Familiarity:
    """Look at every training image: a folder, with a sub-folder for each kind of image or without.

    Raises
    ------
    FileNotFoundError, FileError, ValueError
        Where there is no image, a file can't be read, or there are too few squares of 64 px.
    """
    kinds = tuple(sorted(found := planes_by_modality(folder)))
    seen: dict[int, list[tuple[Floats, int, int]]] = defaultdict(list)
    images = 0
    for kind, name in enumerate(kinds):
        files = found[name]
        images += len(files)
        for number, (path, count) in enumerate(files):
            fold = number * FOLDS // len(files)
            rng = np.random.default_rng([kind, number])
            for plane in np.unique(np.linspace(0, count - 1, min(count, MOST_PLANES)).round().astype(int)):
                for side, statistics in _squares(read_plane(path, int(plane)), rng):
                    seen[side].append((statistics, kind, fold))
    looks = {side: _gathered(seen[side]) for side in SIDES_PX if len(seen[side]) > 2 * len(STATISTICS)}
    if not looks:
        raise ValueError(
            f"The images below {folder} have {len(seen[SIDES_PX[0]])} squares of {SIDES_PX[0]} px with known pixels: "
            f"more than {2 * len(STATISTICS)} are needed to say what is usual among them."
        )
    largest = looks[max(looks)]
    means, precisions = fitted(largest.values, largest.kinds, len(kinds))
    return Familiarity(
        kinds=kinds,
        means=means,
        precisions=precisions,
        pixels=np.array([side**2 for side in looks], dtype=np.float64),
        limits=_limits(looks, largest, len(kinds)),
        share=SHARE,
        images=images,
    )


def fitted(values: Floats, kinds: NDArray[np.intp], number: int) -> tuple[Floats, Floats]:
    """Mean and inverse covariance of each kind; the covariance of a kind with few images leans on that of all.

    Parameters
    ----------
    values : (N, D) float
    kinds : (N,) int below ``number``

    Returns
    -------
    means : (number, D)
    precisions : (number, D, D)
    """
    everywhere = values.mean(axis=0)
    means = np.array([values[kinds == kind].mean(axis=0) if (kinds == kind).any() else everywhere
                      for kind in range(number)])  # fmt: skip
    off = values - means[kinds]
    shared = off.T @ off / len(off)
    ridge = np.diag(_RIDGE * values.var(axis=0) + 1e-9)
    precisions = []
    for kind in range(number):
        own = off[kinds == kind]
        weight = len(own) / (len(own) + values.shape[1])
        covariance = weight * (own.T @ own / max(1, len(own))) + (1 - weight) * shared + ridge
        precisions.append(np.linalg.inv(covariance))
    return means, np.array(precisions)


def _squares(plane: Plane, rng: np.random.Generator) -> Iterator[tuple[int, Floats]]:
    height, width = plane.pixels.shape[:2]
    for side in SIDES_PX:
        if min(height, width) < side:
            return
        for _ in range(CROPS):
            top, left = int(rng.integers(height - side + 1)), int(rng.integers(width - side + 1))
            window = slice(top, top + side), slice(left, left + side)
            known = np.ones((side, side), bool) if plane.missing is None else ~plane.missing[window]
            statistics = statistics_of(plane.unit(window), known)
            if statistics is not None:
                yield side, statistics


def _gathered(seen: list[tuple[Floats, int, int]]) -> _Looks:
    values, kinds, folds = zip(*seen, strict=True)
    return _Looks(np.array(values), np.array(kinds), np.array(folds))


def _limits(looks: dict[int, _Looks], largest: _Looks, number: int) -> Floats:
    """For each size, what ``SHARE`` of the squares stay within that are judged by other folds."""
    apart: dict[int, list[Floats]] = {side: [] for side in looks}
    for fold in np.unique(largest.folds):
        others = largest.of(largest.folds != fold)
        if not len(others.values):  # a single image
            others = largest
        means, precisions = fitted(others.values, others.kinds, number)
        nothing = np.empty(0)
        judge = Familiarity(("",) * number, means, precisions, nothing, nothing, SHARE, 0)
        for side, look in looks.items():
            apart[side].append(judge.distances(look.values[look.folds == fold]).min(axis=1))
    return np.array([np.quantile(np.concatenate(apart[side]), SHARE) for side in looks])
