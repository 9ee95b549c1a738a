"""Means with 95 % intervals over cells: modality by bin, and each of them together.

Intervals are percentiles of a seeded bootstrap over cases. The cases of a cell
are resampled together for all methods, so that differences between methods are
paired. Crops of one image are not independent, which intervals do not know.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..core.metrics import frechet_distance
from ..core.settings import CLASSICAL_METHODS
from .figures import FIGURES, FRECHET_FIGURES
from .names import HALLUCINATED, NO_EDGES, TRUE_EDGES
from .perceptual import FRECHET_CHANNELS
from .run import Outcome

#: Stands for every modality, or every bin.
ALL = "(all)"
#: The row of figures that need no method: the undamaged image's own.
TRUTH = "truth"
_RESAMPLES = 2000
#: With fewer images than feature channels the fitted Gaussians are flat.
_FEWEST_FOR_FRECHET = FRECHET_CHANNELS + 1
#: What the edges are worth, and what EdgeConnect is worth.
_CLASSICAL_PAIRS = tuple((HALLUCINATED, name) for name in CLASSICAL_METHODS)
_DIFFERENCES = ((TRUE_EDGES, HALLUCINATED), (HALLUCINATED, NO_EDGES), *_CLASSICAL_PAIRS)


@dataclass(frozen=True)
class Mean:
    """A figure's mean over one cell.

    Attributes
    ----------
    modality, bin : str
        ``ALL`` for all of them together.
    method : str
        Its name; "a - b" for a paired difference; "truth" for the undamaged image.
    figure : str
    n : int
        Cases that the figure says something about.
    mean : float
    low, high : float or None
        The 95 % interval; None for fewer than two cases, and for Fréchet distances.
    """

    modality: str
    bin: str
    method: str
    figure: str
    n: int
    mean: float
    low: float | None = None
    high: float | None = None


def summarise(outcomes: Sequence[Outcome]) -> list[Mean]:
    """The means of every cell, by modality, bin, method and figure; empty ones are left out."""
    means: list[Mean] = []
    for modality in (*_in_order(o.case["modality"] for o in outcomes), ALL):
        for bin_ in (*_in_order(o.case["bin"] for o in outcomes), ALL):
            cell = [o for o in outcomes if modality in (ALL, o.case["modality"]) and bin_ in (ALL, o.case["bin"])]
            means += _cell_means(modality, bin_, cell)
    return means


def _cell_means(modality: str, bin_: str, cell: Sequence[Outcome]) -> list[Mean]:
    if not cell:
        return []
    columns = _columns(cell)
    values = np.array(list(columns.values()), dtype=np.float64).T
    valid = np.isfinite(values)
    n = valid.sum(axis=0)
    values = np.where(valid, values, 0)
    rng = np.random.default_rng([zlib.crc32(modality.encode()), zlib.crc32(bin_.encode())])
    drawn = rng.multinomial(len(cell), np.full(len(cell), 1 / len(cell)), size=_RESAMPLES).astype(np.float64)
    with np.errstate(invalid="ignore"):
        resampled = (drawn @ values) / (drawn @ valid)
        mean = values.sum(axis=0) / n
    means = []
    for number, (method, figure) in enumerate(columns):
        if n[number]:
            low, high = np.nanpercentile(resampled[:, number], (2.5, 97.5)) if n[number] > 1 else (None, None)
            means.append(Mean(modality, bin_, method, figure, int(n[number]), float(mean[number]), low, high))
    return means + _frechet(modality, bin_, cell)


def _columns(cell: Sequence[Outcome]) -> dict[tuple[str, str], list[float | None]]:
    """By method and figure, one value a case."""
    methods = list(cell[0].figures)
    columns: dict[tuple[str, str], list[float | None]] = {}
    for method in methods:
        for figure in cell[0].figures[method]:
            columns[method, figure] = [o.figures[method][figure] for o in cell]
    columns[TRUTH, "noise_level"] = [o.case["noise_level_of_truth"] for o in cell]
    for figure in cell[0].edges:
        columns[HALLUCINATED, figure] = [o.edges[figure] for o in cell]
    for one, other in _DIFFERENCES:
        for figure in (f.name for f in FIGURES if f.better != "one"):
            if (one, figure) in columns and (other, figure) in columns:
                pairs = zip(columns[one, figure], columns[other, figure], strict=True)
                columns[f"{one} - {other}", figure] = [None if a is None or b is None else a - b for a, b in pairs]
    return columns


def _frechet(modality: str, bin_: str, cell: Sequence[Outcome]) -> list[Mean]:
    if len(cell) < _FEWEST_FOR_FRECHET or not cell[0].features:
        return []
    means = []
    for method in cell[0].figures:
        for place, figure in enumerate(FRECHET_FIGURES):  # hole, whole
            distance = frechet_distance(_vectors(cell, method, place), _vectors(cell, TRUTH, place))
            means.append(Mean(modality, bin_, method, figure.name, len(cell), distance))
    return means


def _vectors(cell: Sequence[Outcome], method: str, place: int) -> NDArray[np.float64]:
    return np.array([o.features[method][place] for o in cell], dtype=np.float64)


def _in_order(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(names))
