"""The two stages as passes over windows: what happens to each, whoever asks for it.

Apart from ``edgeconnect`` because a repair goes through all windows and a live
one through those alone that a stroke has changed, and both must do the same to
each. Numpy in, numpy out: torch is behind ``Stages``.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from .coarse import CoarseGuess, shrink_factor, shrunk, shrunk_any
from .device import free_memory, is_out_of_memory
from .edges import EdgeMap, EdgeSource, known_edges
from .fill import biharmonic_fill
from .holes import Box, Window
from .job import Job, View, gray_of

if TYPE_CHECKING:
    import torch

    from .stages import Stages

Yielded = TypeVar("Yielded")
Result = TypeVar("Result")


class Work(NamedTuple):
    """What is about to be done, and for how many windows it counts."""

    what: str
    windows: int


class EdgePass:
    """Stage 1 on one job: the edges found so far."""

    what = "Hallucinating edges"

    def __init__(self, stages: Stages, job: Job) -> None:
        self.job = job
        self.guesses = Guesses(stages, job)
        self._stages = stages
        self._labels = np.zeros(job.hole.shape, np.uint8)
        self._probability = np.zeros(job.hole.shape, np.float32)

    @property
    def edges(self) -> EdgeMap:
        """The map, complete when all windows have been added."""
        return EdgeMap(self._labels, self._probability, self.job.hole, self.job.settings.threshold)

    def add(self, windows: Sequence[Window]) -> None:
        """Find the edges of windows of one shape."""
        job, guess = self.job, self.guesses.of(windows[0])
        measured = [job.measured(window.box) for window in windows]
        views = []
        for window, known in zip(windows, measured, strict=True):
            proposed = self._labels[window.box.slices] == EdgeSource.PROPOSED  # by earlier tiles
            views.append(job.view(window, (known | proposed).astype(np.float32), guess))
        found = self._stages.edge_probability(views, half=job.settings.half_precision)
        for window, known, plane in zip(windows, measured, found, strict=True):
            target, here = job.plan.target(window), window.box.slices
            seen = target | ~job.hole[here]
            self._probability[here][seen] = plane[seen]
            self._labels[here][known] = EdgeSource.MEASURED
            self._labels[here][target & (plane >= job.settings.threshold)] = EdgeSource.PROPOSED


class PixelPass:
    """Stage 2 on one job, from one edge map: the picture so far.

    Parameters
    ----------
    stages : Stages
    job : Job
    edges : EdgeMap
    result : array like the job's image, optional
        Written to. Where some windows only are added, it shows what all windows
        before them in the plan have made of these edges. By default a copy of the image.
    view : callable, optional
        Makes views in place of ``job.view``, out of a memory of them.
    """

    what = "Completing the image"

    def __init__(
        self,
        stages: Stages,
        job: Job,
        edges: EdgeMap,
        result: NDArray[Any] | None = None,
        view: Callable[..., View] | None = None,
    ) -> None:
        self.job = job
        self.guesses = Guesses(stages, job, edges)
        self.result = job.image.copy() if result is None else result
        self._stages = stages
        self._edges = edges
        self._view = view or job.view

    def add(self, windows: Sequence[Window]) -> list[NDArray[np.bool_]]:
        """Complete windows of one shape: their targets, (h, w) bool, where the result now has new pixels."""
        job, guess = self.job, self.guesses.of(windows[0])
        views = [
            self._view(window, stage_two_edges(self._edges, window.box, job), guess, result=self.result)
            for window in windows
        ]
        completed = self._stages.completed(
            views, rim_correction=job.settings.rim_correction, half=job.settings.half_precision
        )
        return [
            job.composite(self.result, window, unit, job.limits(view.unit, view.unknown))
            for window, view, unit in zip(windows, views, completed, strict=True)
        ]


class Guesses:
    """What tiles of large holes start from: both stages on the whole hole, shrunk into one window.

    Parameters
    ----------
    stages : Stages
    job : Job
    edges : EdgeMap, optional
        To complete from; without it stage 1 proposes.
    """

    def __init__(self, stages: Stages, job: Job, edges: EdgeMap | None = None) -> None:
        self._stages = stages
        self._job = job
        self._edges = edges
        self._made: dict[Box, CoarseGuess] = {}

    def lack(self, window: Window) -> bool:
        """True where a window's guess has yet to be made."""
        return window.region is not None and window.region not in self._made

    def of(self, window: Window) -> CoarseGuess | None:
        """A tile's guess, made once a hole; None for a window that holds its holes."""
        if window.region is None:
            return None
        if window.region not in self._made:
            self._made[window.region] = self._guess(window.region, window.holes)
        return self._made[window.region]

    def _guess(self, region: Box, holes: tuple[int, ...]) -> CoarseGuess:
        job, half = self._job, self._job.settings.half_precision
        factor = shrink_factor(region, job.settings.largest_window_px)
        strips = coarse_strips(region, job)
        parts = [shrunk(job.unit(box), ~job.hole[box.slices], factor) for box in strips]
        unit, hole = (np.concatenate(part) for part in zip(*parts, strict=True))
        wanted = np.concatenate([shrunk_any(np.isin(job.plan.labels[box.slices], holes), factor) for box in strips])
        if not hole.any():
            return CoarseGuess(region, factor, unit)
        fill = biharmonic_fill(unit, hole)
        if not (hole & wanted).any():  # a scratch is closed by shrinking alone
            return CoarseGuess(region, factor, fill)
        known = known_edges(gray_of(unit), hole, job.settings.sigma).astype(np.float32)
        view = View(unit, hole, fill, known)
        if self._edges is None:
            (proposed,) = self._stages.edge_probability([view], half=half)
            completed_edges = np.where(hole, proposed, known)
        else:
            shown = [shrunk_any(stage_two_edges(self._edges, box, job), factor) for box in strips]
            completed_edges = np.concatenate(shown)
        (pixels,) = self._stages.completed(
            [replace(view, edges=completed_edges)], rim_correction=job.settings.rim_correction, half=half
        )
        return CoarseGuess(region, factor, np.where(hole[..., None], np.clip(pixels, *job.limits(unit, hole)), unit))


def stage_two_edges(edges: EdgeMap, box: Box, job: Job) -> NDArray[np.float32]:
    """What stage 2 gets of an edge map in a box, (h, w): lines are thinned as the box shows them."""
    return edges.cropped(box.slices).for_stage_two(merge_known_edges=job.settings.merge_known_edges)


def coarse_strips(region: Box, job: Job) -> list[Box]:
    """The strips in which a large hole's region is shrunk, one after another to save memory."""
    return list(region.strips(64 * shrink_factor(region, job.settings.largest_window_px)))


def through_all(stage: EdgePass | PixelPass, batch: int) -> Generator[Work, None, None]:
    """Add all of the plan's windows, and say before each batch what comes."""
    for windows in _batches(stage.job.plan.windows, batch):
        if stage.guesses.lack(windows[0]):
            yield Work("Looking at a large hole as a whole", 0)
            stage.guesses.of(windows[0])
        yield Work(stage.what, len(windows))
        stage.add(windows)


def within_memory(
    job: Job, work: Callable[[Job, int], Generator[Yielded, None, Result]], device: torch.device, batch: int
) -> Generator[Yielded, None, tuple[Result, Job]]:
    """Do the work; where memory runs out, again with half the batch, then in half as large windows.

    Parameters
    ----------
    job : Job
    work : callable
        Takes the job, which may be one with smaller windows, and the largest batch.
    device : torch.device
    batch : int

    Returns
    -------
    result, job
        What ``work`` returned, and the job that it could do.

    Raises
    ------
    OutOfMemoryError
        When not even the smallest windows fit.
    """
    while True:
        try:
            return (yield from work(job, batch)), job
        except (MemoryError, RuntimeError) as error:
            if not is_out_of_memory(error):
                raise
        free_memory(device)
        if batch > 1:
            batch //= 2
        else:
            job = job.with_smaller_windows()


def _batches(windows: Sequence[Window], size: int) -> Iterator[list[Window]]:
    """Windows of one shape in groups; tiles one by one, because each builds on those before."""
    if size == 1:
        yield from ([window] for window in windows)
        return
    whole = sorted((w for w in windows if w.region is None), key=lambda w: w.box.shape)
    for _, alike in groupby(whole, key=lambda w: w.box.shape):
        group = list(alike)
        yield from (group[i : i + size] for i in range(0, len(group), size))
    yield from ([window] for window in windows if window.region is not None)
