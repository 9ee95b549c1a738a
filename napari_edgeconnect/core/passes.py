"""The two stages as passes over windows: what happens to each, whoever asks for it.

Apart from ``edgeconnect`` because a repair goes through all windows and a live
one through those alone that a stroke has changed, and both must do the same to
each. Numpy in, numpy out: torch is behind ``Stages``.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
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
from .planes import colours

if TYPE_CHECKING:
    import torch

    from .stages import Stages

Yielded = TypeVar("Yielded")
Result = TypeVar("Result")
_NONE_MEASURED = np.zeros((0, 0), dtype=bool)


class Work(NamedTuple):
    """What is about to be done, and for how many windows it counts."""

    what: str
    windows: int


class Prepared(NamedTuple):
    """A window, as a network gets it; and for stage 1 the edges that were measured there, (h, w) bool."""

    window: Window
    view: View
    known: NDArray[np.bool_] = _NONE_MEASURED


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
        prepared = [self.prepared(window) for window in windows]
        for ready, plane in zip(prepared, self.computed([ready.view for ready in prepared]), strict=True):
            self.put(ready, plane)

    def prepared(self, window: Window) -> Prepared:
        """A window as stage 1 gets it."""
        known = self.job.measured(window.box)
        proposed = self._labels[window.box.slices] == EdgeSource.PROPOSED  # by earlier tiles
        view = self.job.view(window, (known | proposed).astype(np.float32), self.guesses.of(window))
        return Prepared(window, view, known)

    def computed(self, views: Sequence[View]) -> list[NDArray[np.float32]]:
        """What stage 1 makes of views of one shape, this job's or others' of the same settings."""
        return self._stages.edge_probability(views, half=self.job.settings.half_precision)

    def put(self, ready: Prepared, plane: NDArray[np.float32]) -> None:
        """Take over what was computed for a window."""
        job, window = self.job, ready.window
        target, here = job.plan.target(window), window.box.slices
        seen = target | ~job.hole[here]
        self._probability[here][seen] = plane[seen]
        self._labels[here][ready.known] = EdgeSource.MEASURED
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
        prepared = [self.prepared(window) for window in windows]
        completed = self.computed([ready.view for ready in prepared])
        return [self.put(ready, unit) for ready, unit in zip(prepared, completed, strict=True)]

    def prepared(self, window: Window) -> Prepared:
        """A window as stage 2 gets it."""
        edges = stage_two_edges(self._edges, window.box, self.job)
        return Prepared(window, self._view(window, edges, self.guesses.of(window), result=self.result))

    def computed(self, views: Sequence[View]) -> list[NDArray[np.float64]]:
        """What stage 2 makes of views of one shape, this job's or others' of the same settings."""
        settings = self.job.settings
        return self._stages.completed(views, rim_correction=settings.rim_correction, half=settings.half_precision)

    def put(self, ready: Prepared, unit: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Take over what was computed for a window: (h, w) bool, where it has new pixels."""
        view = ready.view
        return self.job.composite(self.result, ready.window, unit, self.job.limits(view.unit, view.unknown))


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


def through_all(stages: Sequence[EdgePass] | Sequence[PixelPass], batch: int) -> Generator[Work, None, None]:
    """Add all windows of the passes' plans, and say before each batch what comes.

    Parameters
    ----------
    stages : sequence of EdgePass, or of PixelPass
        Passes of one kind over jobs of the same settings: windows of one shape go through the network together,
        whichever job they are of.
    batch : int
        So many at most. With 1 each pass is done alone, one after the other.
    """
    if batch == 1:
        for stage in stages:
            for window in stage.job.plan.windows:
                yield from _added_alone(stage, window)
        return
    whole = [(stage, window) for stage in stages for window in stage.job.plan.windows if window.region is None]
    whole.sort(key=lambda one: one[1].box.shape)
    for _, alike in groupby(whole, key=lambda one: (one[1].box.shape, colours(one[0].job.image).shape[2])):
        group = list(alike)
        for start in range(0, len(group), batch):
            yield from _added_together(group[start : start + batch])
    for stage in stages:
        for window in stage.job.plan.windows:
            if window.region is not None:
                yield from _added_alone(stage, window)


def _added_alone(stage: EdgePass | PixelPass, window: Window) -> Generator[Work, None, None]:
    if stage.guesses.lack(window):
        yield Work("Looking at a large hole as a whole", 0)
        stage.guesses.of(window)
    yield Work(stage.what, 1)
    stage.add([window])


def _added_together(group: Sequence[tuple[Any, Window]]) -> Generator[Work, None, None]:
    """Add windows that hold their holes, each to its own pass."""
    first = group[0][0]
    yield Work(first.what, len(group))
    prepared = [stage.prepared(window) for stage, window in group]
    computed = first.computed([ready.view for ready in prepared])
    for (stage, _), ready, plane in zip(group, prepared, computed, strict=True):
        stage.put(ready, plane)


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
