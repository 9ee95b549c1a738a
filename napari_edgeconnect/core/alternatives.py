"""Different fills for one hole, for a person to choose from.

What the model does not know shows in how much its fills differ when the edges
do. Stage 1 runs once for each sigma; thresholds are applied to what it found,
without another run. Stage 2 gets undecided proposals soft, whatever the
threshold, so those of a threshold are made certain lines first.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from skimage.morphology import thin

from .edges import EdgeMap, EdgeSource
from .planes import colours
from .results import Repair, Result, Step, result_of
from .settings import Settings

if TYPE_CHECKING:
    from .edgeconnect import EdgeConnect

#: Many fine edges, the default, few strong ones.
SIGMAS = (1.0, 2.0, 3.0)
#: Nearly all that was proposed, and what is hardly in doubt.
THRESHOLDS = (0.2, 0.4)


@dataclass(frozen=True, eq=False)
class Alternative:
    """One fill among others.

    Attributes
    ----------
    edges : EdgeMap
        What it was completed from. Only what a person has decided is decided in it.
    repair : Repair
        What ``EdgeConnect.complete`` makes of these edges with this sigma and
        threshold; its record has the title as ``"alternative"``.
    sigma : float or None
        Of Canny, in pixels.
    threshold : float
        That of ``edges``; 1 where they have no proposals.
    title : str
        What is particular about it: "sigma 1, threshold 0.4".
    """

    edges: EdgeMap
    repair: Repair
    sigma: float | None
    threshold: float
    title: str


class _Variant(NamedTuple):
    """Edges to complete from, in the settings that led to them."""

    title: str
    edges: EdgeMap
    settings: Settings


def alternatives(
    model: EdgeConnect,
    image: ArrayLike,
    mask: ArrayLike,
    settings: Settings | None = None,
    *,
    sigmas: Sequence[float | None] = SIGMAS,
    thresholds: Sequence[float] = THRESHOLDS,
    before: EdgeMap | None = None,
) -> list[Alternative]:
    """Complete an image from several edge maps.

    The first has the edges as proposed with ``settings``, soft. The others have
    none at all in the hole, or those of one sigma and one threshold as certain
    lines of one pixel. What comes out the same inside the hole is given once.

    Parameters
    ----------
    model : EdgeConnect
    image, mask
        As for :meth:`EdgeConnect.complete`.
    settings : Settings, optional
        Of all alternatives, but for sigma and threshold.
    sigmas : sequence of float or None
        In pixels.
    thresholds : sequence of float
        Probabilities, above 0 and up to 1.
    before : EdgeMap, optional
        A person's edited map of the same plane: every pixel decided there holds in every alternative.

    Returns
    -------
    list of Alternative
        First the one that is as proposed; then by the mean absolute difference
        from it inside the hole, over all colours, the most alike first.

    Raises
    ------
    TypeError, ValueError, OutOfMemoryError
        As for :meth:`EdgeConnect.complete`, and for a threshold that is none.
    """
    steps = alternatives_steps(model, image, mask, settings, sigmas=sigmas, thresholds=thresholds, before=before)
    return result_of(steps)


def alternatives_steps(
    model: EdgeConnect,
    image: ArrayLike,
    mask: ArrayLike,
    settings: Settings | None = None,
    *,
    sigmas: Sequence[float | None] = SIGMAS,
    thresholds: Sequence[float] = THRESHOLDS,
    before: EdgeMap | None = None,
) -> Generator[Step, None, list[Alternative]]:
    """:func:`alternatives`, step by step; closing it stops within one window."""
    present = settings or Settings()
    combinations = _combinations(present, sigmas, thresholds)
    distinct_sigmas = list(dict.fromkeys([present.sigma, *sigmas]))
    runs = len(distinct_sigmas) + 2 + len(combinations)

    proposed: dict[float | None, EdgeMap] = {}
    for run, sigma in enumerate(distinct_sigmas):
        stage_one = model.hallucinate_edges_steps(image, mask, present, sigma=sigma)
        found, total = yield from _part(stage_one, run, runs, f"Hallucinating edges: {_in_words(sigma)}")
        proposed[sigma] = before.again(found) if before else found

    made: list[Alternative] = []
    tried: list[NDArray[np.float32]] = []
    for run, variant in enumerate(_variants(proposed, present, combinations), start=len(distinct_sigmas)):
        in_hole = variant.edges.for_stage_two()[variant.edges.hole]
        if any(np.array_equal(in_hole, other) for other in tried):
            continue
        tried.append(in_hole)
        stage_two = model.complete_steps(image, mask, variant.edges, variant.settings)
        repair, total = yield from _part(stage_two, run, runs, f"Completing: {variant.title}")
        if not any(np.array_equal(repair.image, other.repair.image) for other in made):
            made.append(_alternative(variant, repair))
    yield Step(total, total, "Done")
    first, *others = made
    return [first, *sorted(others, key=lambda other: _difference(first.repair, other.repair))]


def _combinations(present: Settings, sigmas: Sequence[float | None], thresholds: Sequence[float]) -> list[Settings]:
    """The present settings with each sigma and each threshold, once."""
    for threshold in thresholds:
        if not 0 < threshold <= 1:
            raise ValueError(f"A threshold is {threshold!r}: give probabilities above 0 and up to 1.")
    return [
        replace(present, sigma=sigma, threshold=threshold)
        for sigma in dict.fromkeys(sigmas)
        for threshold in dict.fromkeys(thresholds)
    ]


def _variants(
    proposed: Mapping[float | None, EdgeMap], present: Settings, combinations: Sequence[Settings]
) -> Iterator[_Variant]:
    """All that is tried, made when it is its turn."""
    edges = proposed[present.sigma]
    yield _Variant(f"{_in_words(present.sigma)}, as proposed", edges, present)
    without = _with_lines(edges, np.zeros_like(edges.hole), 1.0)
    yield _Variant("no edges", without, replace(present, threshold=1.0))
    for settings in combinations:
        edges = proposed[settings.sigma]
        lines = thin(edges.at_threshold(settings.threshold).proposal != EdgeSource.NONE)
        title = f"{_in_words(settings.sigma)}, threshold {settings.threshold:g}"
        yield _Variant(title, _with_lines(edges, lines, settings.threshold), settings)


def _with_lines(edges: EdgeMap, lines: NDArray[np.bool_], threshold: float) -> EdgeMap:
    """The map with certain lines in place of its proposals; a person's decisions stay."""
    probability = np.where(edges.hole, lines, edges.probability).astype(np.float32)
    return edges.again(replace(edges, probability=probability, threshold=threshold))


def _in_words(sigma: float | None) -> str:
    return "no known edges" if sigma is None else f"sigma {sigma:g}"


def _alternative(variant: _Variant, repair: Repair) -> Alternative:
    titled = replace(repair, record={**repair.record, "alternative": variant.title})
    return Alternative(variant.edges, titled, variant.settings.sigma, variant.settings.threshold, variant.title)


def _difference(first: Repair, other: Repair) -> float:
    """Mean absolute difference inside the hole, in the image's own units."""
    a, b = (colours(repair.image)[repair.altered].astype(np.float64) for repair in (first, other))
    return float(np.abs(a - b).mean())


def _part(
    steps: Generator[Step, None, Result], run: int, runs: int, what: str
) -> Generator[Step, None, tuple[Result, int]]:
    """One run's steps, counted among those of all runs; returns its result, and how many these are."""
    total = 0
    while True:
        try:
            step = next(steps)
        except StopIteration as end:
            return end.value, total
        total = runs * step.total
        if step.done < step.total:  # the last says what the next run's first does
            yield Step(run * step.total + step.done, total, what)
