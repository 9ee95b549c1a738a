"""EdgeConnect on arrays: hallucinate edges, complete the image, or both.

Every call has a twin that yields a ``Step`` before each batch of windows, so
that a progress bar moves and a cancel button works between windows. Going back
from edited edges to stage 2 never runs stage 1 again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeVar, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .coarse import CoarseGuess, shrink_factor, shrunk, shrunk_any
from .device import choose_device, free_memory, is_out_of_memory
from .edges import EdgeMap, EdgeSource, as_edge_map, known_edges
from .fill import biharmonic_fill
from .holes import Box, Window
from .job import Job, View, gray_of
from .models import DEFAULT_MODEL, ModelInfo, find_model
from .record import edge_record, repair_record
from .results import Repair, Step, result_of
from .settings import Settings

if TYPE_CHECKING:
    import torch

    from .stages import Stages

Result = TypeVar("Result")
#: Windows of one shape that a GPU computes at once.
GPU_BATCH = 8


class _Work(NamedTuple):
    """What is about to be done, and for how many windows it counts."""

    what: str
    windows: int


class EdgeConnect:
    """A loaded model: both networks, on one device.

    Examples
    --------
    >>> from skimage import data
    >>> import numpy as np
    >>> image = data.camera()[:128, :128]
    >>> mask = np.zeros(image.shape, dtype=bool)
    >>> mask[60:70, 20:100] = True
    >>> model = EdgeConnect.load(device="cpu")
    >>> result = model.inpaint(image, mask)
    >>> bool((result == image)[~mask].all())
    True

    References
    ----------
    Nazeri et al., EdgeConnect: Generative Image Inpainting with Adversarial
    Edge Learning, arXiv:1901.00212.
    """

    def __init__(self, info: ModelInfo, stages: Stages) -> None:
        self.info = info
        self._stages = stages

    @classmethod
    def load(
        cls, model: str | Path | tuple[str | Path, str | Path] = DEFAULT_MODEL, *, device: str = "auto"
    ) -> EdgeConnect:
        """Load a model onto a device.

        Parameters
        ----------
        model : str, Path or (edge file, completion file)
            A name (see ``list_models``), a folder, or two weight files.
        device : str
            "auto" (CUDA, then MPS, then CPU) or a name from ``available_devices``.

        Raises
        ------
        ValueError
            When there is no such model or device, or a file can't be used.
        """
        info = find_model(model)
        from .stages import Stages

        return cls(info, Stages(info, choose_device(device)))

    @property
    def device(self) -> torch.device:
        """Where the networks are."""
        return self._stages.device

    def record_of(self, edges: EdgeMap, settings: Settings) -> dict[str, Any]:
        """The record of an edge map that has not been completed from: plain values, as in ``Repair.record``."""
        return edge_record(edges, self.info, self._stages, settings)

    def hallucinate_edges(
        self, image: ArrayLike, mask: ArrayLike, settings: Settings | None = None, **changes: Any
    ) -> EdgeMap:
        """Stage 1: propose the edges inside the hole.

        Parameters
        ----------
        image : (H, W), (H, W, 3) or (H, W, 4) bool, integer or float
            Of any size and range; never modified. Pixels that are NaN or
            infinite count as hole.
        mask : (H, W) bool, integer (not 0 = hole) or float (above 0.5 = hole)
        settings : Settings, optional
        **changes
            Any field of :class:`Settings` by its name, such as ``sigma=1.5``.

        Returns
        -------
        EdgeMap

        Raises
        ------
        TypeError, ValueError
            For bad input, in one sentence.
        OutOfMemoryError
            When not even the smallest windows fit into memory.
        """
        return result_of(self.hallucinate_edges_steps(image, mask, settings, **changes))

    @overload
    def complete(
        self, image: ArrayLike, mask: ArrayLike, edges: EdgeMap | ArrayLike, settings: Settings | None = ...,
        *, return_record: Literal[True], **changes: Any,
    ) -> Repair: ...  # fmt: skip
    @overload
    def complete(
        self, image: ArrayLike, mask: ArrayLike, edges: EdgeMap | ArrayLike, settings: Settings | None = ...,
        *, return_record: Literal[False] = ..., **changes: Any,
    ) -> NDArray[Any]: ...  # fmt: skip
    def complete(
        self,
        image: ArrayLike,
        mask: ArrayLike,
        edges: EdgeMap | ArrayLike,
        settings: Settings | None = None,
        *,
        return_record: bool = False,
        **changes: Any,
    ) -> NDArray[Any] | Repair:
        """Stage 2: complete the image from an edge map, as often as one likes.

        Parameters
        ----------
        image, mask, settings, **changes
            As for :meth:`hallucinate_edges`.
        edges : EdgeMap or (H, W) array
            Every edited pixel of an ``EdgeMap`` is honoured. Arrays: bool
            (drawn edges) or float in [0, 1] (probabilities), for the hole;
            integers 0 to 3 (an edge label image, for the whole plane).
        return_record : bool

        Returns
        -------
        array or Repair
            The completed image, of the input's shape and dtype and
            bit-identical to it outside the hole; with ``return_record`` a
            :class:`Repair` around it.

        Raises
        ------
        TypeError, ValueError, OutOfMemoryError
            As for :meth:`hallucinate_edges`.
        """
        repair = result_of(self.complete_steps(image, mask, edges, settings, **changes))
        return repair if return_record else repair.image

    @overload
    def inpaint(
        self, image: ArrayLike, mask: ArrayLike, settings: Settings | None = ...,
        *, return_record: Literal[True], **changes: Any,
    ) -> Repair: ...  # fmt: skip
    @overload
    def inpaint(
        self, image: ArrayLike, mask: ArrayLike, settings: Settings | None = ...,
        *, return_record: Literal[False] = ..., **changes: Any,
    ) -> NDArray[Any]: ...  # fmt: skip
    def inpaint(
        self,
        image: ArrayLike,
        mask: ArrayLike,
        settings: Settings | None = None,
        *,
        return_record: bool = False,
        **changes: Any,
    ) -> NDArray[Any] | Repair:
        """Both stages, without a look at the edges in between.

        Parameters, results and errors are those of :meth:`complete`.
        """
        repair = result_of(self.inpaint_steps(image, mask, settings, **changes))
        return repair if return_record else repair.image

    def hallucinate_edges_steps(
        self, image: ArrayLike, mask: ArrayLike, settings: Settings | None = None, **changes: Any
    ) -> Generator[Step, None, EdgeMap]:
        """:meth:`hallucinate_edges`, step by step; closing it stops within one window."""
        job = Job.prepare(image, mask, replace(settings or Settings(), **changes))
        edges, _ = yield from _counted(self._within_memory(job, self._all_edges), _total(job))
        return edges

    def complete_steps(
        self,
        image: ArrayLike,
        mask: ArrayLike,
        edges: EdgeMap | ArrayLike,
        settings: Settings | None = None,
        **changes: Any,
    ) -> Generator[Step, None, Repair]:
        """:meth:`complete`, step by step; returns a :class:`Repair`."""
        started = time.monotonic()
        job = Job.prepare(image, mask, replace(settings or Settings(), **changes))
        edge_map = as_edge_map(edges, job.hole, lambda: _measured(job), job.settings.threshold)
        return (yield from _counted(self._completed(job, edge_map, started), _total(job)))

    def inpaint_steps(
        self, image: ArrayLike, mask: ArrayLike, settings: Settings | None = None, **changes: Any
    ) -> Generator[Step, None, Repair]:
        """:meth:`inpaint`, step by step; returns a :class:`Repair`."""
        started = time.monotonic()
        job = Job.prepare(image, mask, replace(settings or Settings(), **changes))

        def both() -> Generator[_Work, None, Repair]:
            edges, fitting = yield from self._within_memory(job, self._all_edges)
            return (yield from self._completed(fitting, edges, started))

        return (yield from _counted(both(), 2 * _total(job)))

    def _completed(self, job: Job, edges: EdgeMap, started: float) -> Generator[_Work, None, Repair]:
        def all_pixels(job: Job, batch: int) -> Generator[_Work, None, NDArray[Any]]:
            return (yield from self._all_pixels(job, edges, batch))

        image, job = yield from self._within_memory(job, all_pixels)
        record = repair_record(job, edges, self.info, self._stages, seconds=time.monotonic() - started)
        return Repair(image, edges, job.hole.copy(), record)

    def _within_memory(
        self, job: Job, work: Callable[[Job, int], Generator[_Work, None, Result]]
    ) -> Generator[_Work, None, tuple[Result, Job]]:
        """Do the work; where memory runs out, with half the batch, then in half as large windows."""
        batch = _batch_size(self.device)
        while True:
            try:
                return (yield from work(job, batch)), job
            except (MemoryError, RuntimeError) as error:
                if not is_out_of_memory(error):
                    raise
            free_memory(self.device)
            if batch > 1:
                batch //= 2
            else:
                job = job.with_smaller_windows()

    def _all_edges(self, job: Job, batch: int) -> Generator[_Work, None, EdgeMap]:
        """Stage 1 in all windows."""
        labels = np.zeros(job.hole.shape, np.uint8)
        probability = np.zeros(job.hole.shape, np.float32)
        guesses: dict[Box, CoarseGuess] = {}
        for windows in _batches(job.plan.windows, batch):
            guess = yield from self._guess(job, windows[0], guesses, None)
            yield _Work("Hallucinating edges", len(windows))
            measured = [job.measured(window.box) for window in windows]
            views = []
            for window, known in zip(windows, measured, strict=True):
                known = known | (labels[window.box.slices] == EdgeSource.PROPOSED)  # by earlier tiles
                views.append(job.view(window, known.astype(np.float32), guess))
            found = self._stages.edge_probability(views, half=job.settings.half_precision)
            for window, known, plane in zip(windows, measured, found, strict=True):
                target, here = job.plan.target(window), window.box.slices
                seen = target | ~job.hole[here]
                probability[here][seen] = plane[seen]
                labels[here][known] = EdgeSource.MEASURED
                labels[here][target & (plane >= job.settings.threshold)] = EdgeSource.PROPOSED
        return EdgeMap(labels, probability, job.hole, job.settings.threshold)

    def _all_pixels(self, job: Job, edges: EdgeMap, batch: int) -> Generator[_Work, None, NDArray[Any]]:
        """Stage 2 in all windows."""
        result = job.image.copy()
        finished = ~job.hole
        guesses: dict[Box, CoarseGuess] = {}
        for windows in _batches(job.plan.windows, batch):
            guess = yield from self._guess(job, windows[0], guesses, edges)
            yield _Work("Completing the image", len(windows))
            views = [
                job.view(window, _stage_two_edges(edges, window.box, job), guess, result=result, finished=finished)
                for window in windows
            ]
            completed = self._stages.completed(
                views, rim_correction=job.settings.rim_correction, half=job.settings.half_precision
            )
            for window, view, unit in zip(windows, views, completed, strict=True):
                target = job.composite(result, window, unit, job.limits(view.unit, view.unknown))
                finished[window.box.slices] |= target
        return result

    def _guess(
        self, job: Job, window: Window, guesses: dict[Box, CoarseGuess], edges: EdgeMap | None
    ) -> Generator[_Work, None, CoarseGuess | None]:
        """For a tile: both stages on the whole large hole, shrunk into one window; made once a hole."""
        region = window.region
        if region is None:
            return None
        if region not in guesses:
            yield _Work("Looking at a large hole as a whole", 0)
            guesses[region] = self._coarse(job, region, window.holes, edges)
        return guesses[region]

    def _coarse(self, job: Job, region: Box, holes: tuple[int, ...], edges: EdgeMap | None) -> CoarseGuess:
        factor = shrink_factor(region, job.settings.largest_window_px)
        strips = list(region.strips(64 * factor))
        parts = [shrunk(job.unit(box), ~job.hole[box.slices], factor) for box in strips]
        unit, hole = (np.concatenate(part) for part in zip(*parts, strict=True))
        wanted = np.concatenate([shrunk_any(np.isin(job.plan.labels[box.slices], holes), factor) for box in strips])
        if not hole.any():
            return CoarseGuess(region, factor, unit)
        fill = biharmonic_fill(unit, hole)
        if not (hole & wanted).any():  # a scratch is closed by shrinking alone
            return CoarseGuess(region, factor, fill)
        half = job.settings.half_precision
        known = known_edges(gray_of(unit), hole, job.settings.sigma).astype(np.float32)
        view = View(unit, hole, fill, known)
        if edges is None:
            (proposed,) = self._stages.edge_probability([view], half=half)
            completed_edges = np.where(hole, proposed, known)
        else:
            completed_edges = np.concatenate([shrunk_any(_stage_two_edges(edges, box, job), factor) for box in strips])
        (pixels,) = self._stages.completed(
            [replace(view, edges=completed_edges)], rim_correction=job.settings.rim_correction, half=half
        )
        return CoarseGuess(region, factor, np.where(hole[..., None], np.clip(pixels, *job.limits(unit, hole)), unit))


def _stage_two_edges(edges: EdgeMap, box: Box, job: Job) -> NDArray[np.float32]:
    return edges.cropped(box.slices).for_stage_two(merge_known_edges=job.settings.merge_known_edges)


def _measured(job: Job) -> NDArray[np.bool_]:
    """Canny edges of the known region in all windows, on the whole plane."""
    measured = np.zeros(job.hole.shape, dtype=bool)
    for window in job.plan.windows:
        measured[window.box.slices] |= job.measured(window.box)
    return measured


def _batch_size(device: torch.device) -> int:
    return 1 if device.type == "cpu" else GPU_BATCH  # a CPU gains nothing from more than one


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


def _total(job: Job) -> int:
    return len(job.plan.windows)


def _counted(work: Generator[_Work, None, Result], total: int) -> Generator[Step, None, Result]:
    """Turn work into steps: each says how much is done before it, and the last that all is."""
    done = 0
    while True:
        try:
            what, windows = next(work)
        except StopIteration as stop:
            yield Step(total, total, "Done")
            return stop.value
        yield Step(min(done, total), total, what)
        done += windows
