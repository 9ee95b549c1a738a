"""EdgeConnect on arrays: hallucinate edges, complete the image, or both.

Every call has a twin that yields a ``Step`` before each batch of windows, so
that a progress bar moves and a cancel button works between windows. Going back
from edited edges to stage 2 never runs stage 1 again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar, overload

from numpy.typing import ArrayLike, NDArray

from .device import choose_device
from .edges import EdgeMap, as_edge_map
from .job import Job
from .models import DEFAULT_MODEL, ModelInfo, find_model
from .noise import add_matching_noise
from .passes import EdgePass, PixelPass, Work, through_all, within_memory
from .record import edge_record, repair_record
from .results import Repair, Step, result_of
from .settings import Settings

if TYPE_CHECKING:
    import torch

    from .stages import Stages

Result = TypeVar("Result")
#: Windows of one shape that a GPU computes at once.
GPU_BATCH = 8


class EdgeConnect:
    """A loaded model: both networks, on one device.

    Attributes
    ----------
    info : ModelInfo
    stages : Stages
        The networks as functions of windows.

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
        self.stages = stages

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
        return self.stages.device

    @property
    def batch(self) -> int:
        """How many windows go through a network at once, if there are as many: 1 on a CPU."""
        return _batch_size(self.device)

    @property
    def starts_from_fill(self) -> bool:
        """True for networks that correct a fill; those of the published formulation see none."""
        return self.info.formulation == "residual"

    def record_of(self, edges: EdgeMap, settings: Settings) -> dict[str, Any]:
        """The record of an edge map that has not been completed from: plain values, as in ``Repair.record``."""
        return edge_record(edges, self.info, self.stages, settings)

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
        return (yield from self.job_edges_steps(job))

    def job_edges_steps(self, job: Job) -> Generator[Step, None, EdgeMap]:
        """Stage 1 of a prepared job."""
        edges, _ = yield from counted(self._within_memory(job, self._all_edges), window_count(job))
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
        return (yield from self.job_steps(job, edges, started=started))

    def inpaint_steps(
        self, image: ArrayLike, mask: ArrayLike, settings: Settings | None = None, **changes: Any
    ) -> Generator[Step, None, Repair]:
        """:meth:`inpaint`, step by step; returns a :class:`Repair`."""
        started = time.monotonic()
        job = Job.prepare(image, mask, replace(settings or Settings(), **changes))
        return (yield from self.job_steps(job, started=started))

    def job_steps(
        self, job: Job, edges: EdgeMap | ArrayLike | None = None, *, started: float | None = None
    ) -> Generator[Step, None, Repair]:
        """Both stages of a prepared job, or with edges the second alone.

        Parameters
        ----------
        job : Job
        edges : EdgeMap or (H, W) array, optional
            As for :meth:`complete`.
        started : float, optional
            What ``time.monotonic()`` said before it was prepared.
        """
        started = time.monotonic() if started is None else started
        if edges is not None:
            edge_map = as_edge_map(edges, job.hole, job.measured_edges, job.settings.threshold)
            return (yield from counted(self._completed(job, edge_map, started, edges_given=True), window_count(job)))

        def both() -> Generator[Work, None, Repair]:
            proposed, fitting = yield from self._within_memory(job, self._all_edges)
            return (yield from self._completed(fitting, proposed, started, edges_given=False))

        return (yield from counted(both(), 2 * window_count(job)))

    def _completed(
        self, job: Job, edges: EdgeMap, started: float, *, edges_given: bool
    ) -> Generator[Work, None, Repair]:
        def all_pixels(job: Job, batch: int) -> Generator[Work, None, NDArray[Any]]:
            pixels = PixelPass(self.stages, job, edges)
            yield from through_all([pixels], batch)
            return pixels.result

        image, job = yield from self._within_memory(job, all_pixels)
        return self.repair_of(image, job, edges, time.monotonic() - started, edges_given=edges_given)

    def repair_of(self, image: NDArray[Any], job: Job, edges: EdgeMap, seconds: float, *, edges_given: bool) -> Repair:
        """What a job gives back that was completed into ``image``: noise is added there where that was asked for."""
        noise = add_matching_noise(image, job) if job.settings.match_noise else None
        record = repair_record(
            job,
            edges,
            self.info,
            self.stages,
            result=image,
            edges_given=edges_given,
            noise=noise,
            seconds=seconds,
        )
        return Repair(image, edges, job.hole.copy(), record)

    def _all_edges(self, job: Job, batch: int) -> Generator[Work, None, EdgeMap]:
        found = EdgePass(self.stages, job)
        yield from through_all([found], batch)
        return found.edges

    def _within_memory(
        self, job: Job, work: Callable[[Job, int], Generator[Work, None, Result]]
    ) -> Generator[Work, None, tuple[Result, Job]]:
        return within_memory(job, work, self.device, self.batch)


def _batch_size(device: torch.device) -> int:
    return 1 if device.type == "cpu" else GPU_BATCH  # a CPU gains nothing from more than one


def window_count(job: Job) -> int:
    """How many windows a job has."""
    return len(job.plan.windows)


def counted(work: Generator[Work, None, Result], total: int) -> Generator[Step, None, Result]:
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
