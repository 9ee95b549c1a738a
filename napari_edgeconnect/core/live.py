"""Live completion: the picture follows the edges, stroke by stroke.

A person who draws wants to see at once what a line does. Everything that the
edges have no part in (contrast, plan, each window's pixels and smooth fill) is
therefore kept between strokes, and stage 2 runs again in those windows alone
for which a stroke has changed its input. The picture is always the one that
``EdgeConnect.complete`` would make of the same edges.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .coarse import CoarseGuess
from .edges import EdgeMap, as_edge_map
from .holes import Box, Slices, Window
from .job import Job, View
from .noise import add_matching_noise
from .passes import PixelPass, coarse_strips, stage_two_edges, within_memory
from .record import repair_record
from .results import Repair
from .settings import Settings

if TYPE_CHECKING:
    from .edgeconnect import EdgeConnect

#: Views are kept up to this size: some 200 windows of 256 px in gray, or 20 of 512 px in colour.
VIEWS_BYTES = 256 * 2**20


@dataclass(frozen=True, eq=False)
class Patch:
    """New pixels of one window.

    Attributes
    ----------
    slices : (slice, slice)
        The window's place in the plane.
    target : (h, w) bool
        The window's pixels that are new.
    pixels : (n,) or (n, channels) array
        Their values in the image's dtype, row by row.
    """

    slices: Slices
    target: NDArray[np.bool_]
    pixels: NDArray[Any]

    def put_into(self, image: NDArray[Any]) -> None:
        """Write the pixels into an image like the one under repair."""
        image[self.slices][self.target] = self.pixels


class LiveCompletion:
    """A plane under repair whose edges are being edited.

    Parameters
    ----------
    model : EdgeConnect
    image, mask, settings, **changes
        As for :meth:`EdgeConnect.complete`. The image must not change while this is in use.
    views_bytes : int
        How much memory the windows' views may take. Those that were not used
        for longest are dropped, and made again when they are needed.

    Raises
    ------
    TypeError, ValueError
        For bad input, in one sentence.

    Examples
    --------
    >>> from skimage import data
    >>> from napari_edgeconnect import EdgeConnect
    >>> image = data.camera()[:128, :128]
    >>> mask = np.zeros(image.shape, dtype=bool)
    >>> mask[60:70, 20:100] = True
    >>> model = EdgeConnect.load(device="cpu")
    >>> live = LiveCompletion(model, image, mask)
    >>> edges, shown = model.hallucinate_edges(image, mask), image.copy()
    >>> for patch in live.update(edges):
    ...     patch.put_into(shown)
    >>> bool((shown == model.complete(image, mask, edges)).all())
    True
    """

    def __init__(
        self,
        model: EdgeConnect,
        image: ArrayLike,
        mask: ArrayLike,
        settings: Settings | None = None,
        *,
        views_bytes: int = VIEWS_BYTES,
        **changes: Any,
    ) -> None:
        self._model = model
        self._views_bytes = views_bytes
        self._asked = Job.prepare(image, mask, replace(settings or Settings(), **changes))
        self._begin(self._asked)

    def update(self, edges: EdgeMap | ArrayLike) -> Generator[Patch, None, Repair]:
        """Complete what a change of the edges has made outdated; the first time, everything.

        Between any two patches the generator may be closed, for newer edges to
        be followed at once. A patch that was yielded counts as taken.

        Parameters
        ----------
        edges : EdgeMap or (H, W) array
            As for :meth:`EdgeConnect.complete`.

        Yields
        ------
        Patch
            As soon as a window is completed. All patches so far, put into the
            image in their order, are the completed image.

        Returns
        -------
        Repair
            What :meth:`EdgeConnect.complete` would return: bit for bit where
            it takes windows one by one, as on the CPU.

        Raises
        ------
        TypeError, ValueError
            For bad edges.
        OutOfMemoryError
            When not even the smallest windows fit into memory. Where smaller ones do, all is completed in these.
        """
        started = time.monotonic()
        asked = self._asked
        edge_map = as_edge_map(edges, asked.hole, asked.measured_edges, asked.settings.threshold)

        def follow(job: Job, batch: int) -> Generator[Patch, None, None]:
            if job is not self._job:  # memory ran out
                self._begin(job)
            yield from self._follow(edge_map)

        stages = self._model.stages
        yield from within_memory(self._job, follow, stages.device, batch=1)
        job, image, noise = self._job, self._result.copy(), None
        if job.settings.match_noise:
            noise = add_matching_noise(image, job)
            yield from (_noisy_patch(image, window, job) for window in job.plan.windows)
        record = repair_record(
            job,
            edge_map,
            self._model.info,
            stages,
            result=image,
            edges_given=True,
            noise=noise,
            seconds=time.monotonic() - started,
        )
        return Repair(image, edge_map, job.hole.copy(), record)

    def _begin(self, job: Job) -> None:
        self._job = job
        self._result = job.image.copy()
        self._view = _Remembering(job, self._views_bytes)
        self._parts = _parts(job)

    def _follow(self, edges: EdgeMap) -> Generator[Patch, None, None]:
        pixels = PixelPass(self._model.stages, self._job, edges, self._result, self._view)
        for part in self._parts:
            part.compare(edges, self._job)
        for i, part in enumerate(self._parts):
            if part.made_from is edges:
                continue
            for other in (part, *self._parts[i + 1 :]):
                if other is part or other.looks_at(part):
                    other.made_from = None
            for window in part.windows:
                (target,) = pixels.add([window])
                if window is part.windows[-1]:
                    part.made_from = edges
                yield Patch(window.box.slices, target, self._result[window.box.slices][target])


def _noisy_patch(image: NDArray[Any], window: Window, job: Job) -> Patch:
    """Noise comes last: tiles look at what others have completed, and not at noise."""
    target = job.plan.target(window)
    return Patch(window.box.slices, target, image[window.box.slices][target])


@dataclass(eq=False)
class _Part:
    """Windows that are completed together: one alone, or all tiles of a large hole.

    Attributes
    ----------
    windows : sequence of Window
    boxes : sequence of Box
        Whose edges stage 2 gets.
    made_from : EdgeMap or None
        What its pixels now follow; None when they follow nothing.
    """

    windows: Sequence[Window]
    boxes: Sequence[Box]
    made_from: EdgeMap | None = None

    def compare(self, edges: EdgeMap, job: Job) -> None:
        """See whether stage 2 would get from ``edges`` what it got."""
        before = self.made_from
        if before is not None and not any(_differ(before, edges, box, job) for box in self.boxes):
            self.made_from = edges

    def looks_at(self, other: _Part) -> bool:
        """True for tiles that show what another, earlier part has repaired."""
        tiles = (window for window in self.windows if window.region is not None)
        return any(tile.box.overlaps(window.box) for tile in tiles for window in other.windows)


def _parts(job: Job) -> list[_Part]:
    windows = job.plan.windows
    parts = [_Part([window], [window.box]) for window in windows if window.region is None]
    tiled = [window for window in windows if window.region is not None]
    for region, tiles in groupby(tiled, key=lambda tile: tile.region):
        together = list(tiles)
        assert region is not None
        parts.append(_Part(together, [*coarse_strips(region, job), *(tile.box for tile in together)]))
    return parts


def _differ(before: EdgeMap, now: EdgeMap, box: Box, job: Job) -> bool:
    """True where stage 2 gets other edges in a box."""
    planes = [(getattr(before, name), getattr(now, name)) for name in ("labels", "decided", "probability", "hole")]
    if all(a is b or np.array_equal(a[box.slices], b[box.slices]) for a, b in planes):
        return False  # thinning takes time
    return not np.array_equal(stage_two_edges(before, box, job), stage_two_edges(now, box, job))


class _Remembering:
    """``Job.view`` with a memory: of what does not depend on edges, for windows that are no tiles."""

    def __init__(self, job: Job, most_bytes: int) -> None:
        self._make: Callable[..., View] = job.view
        self._most_bytes = most_bytes
        self._bytes = 0
        self._views: OrderedDict[Window, View] = OrderedDict()

    def __call__(
        self, window: Window, edges: NDArray[np.float32], guess: CoarseGuess | None, *, result: NDArray[Any]
    ) -> View:
        if guess is not None:
            return self._make(window, edges, guess, result=result)
        if window in self._views:
            self._views.move_to_end(window)
        else:
            self._views[window] = view = self._make(window, edges, None)
            self._bytes += _size(view)
        view = replace(self._views[window], edges=edges)
        while self._bytes > self._most_bytes:
            _, oldest = self._views.popitem(last=False)
            self._bytes -= _size(oldest)
        return view


def _size(view: View) -> int:
    return view.unit.nbytes + view.unknown.nbytes + view.fill.nbytes + view.edges.nbytes
