"""Planes too large to be worked on as a whole: the part of one that a person looks at, cut as ``core.cutouts`` cuts.

A part is a plane with a box: everything that works on planes works on it, and
its layers lie where it does. Which parts there are follows from the mask, of
which one bit a block is kept, and after a stroke only what it touched is looked
at again. No Qt.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from math import ceil
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..core import cutouts
from ..core.edges import EdgeMap
from ..core.holes import Box, grown
from ..core.planes import fixed_mapping, nonfinite, percentile_mapping
from ..core.settings import Settings
from . import layers as ours
from .layer_plane import Plane, read_plane, world_affine
from .onto_plane import plane_mask, reached

if TYPE_CHECKING:
    from napari.components import Dims, ViewerModel
    from napari.layers import Layer

#: Tools that look at a whole plane look at this much around the middle of the view.
VIEW_PX = 4096
#: Parts are cut for growth and sigma rounded up to these, so that turning a knob a little does not cut anew.
_GROW_STEP_PX, _SIGMA_STEP_PX = 16, 8
#: Of so many planes it is kept which blocks are marked.
_KEPT_PLANES = 16
#: After these events of a mask all of it is looked at again.
_ANYTHING = ("data", "set_data")

Contrast = tuple[float, float] | None


def is_large(plane: Plane) -> bool:
    """True for a plane that is worked on part by part."""
    return cutouts.is_large(plane.whole_shape)


class LargePlanes:
    """The large planes of one viewer.

    Parameters
    ----------
    viewer : ViewerModel
    is_needed : callable
        Whether what is worked on is a part, so that it counts where the view is.

    Attributes
    ----------
    on_move : list of callables
        Called when the view has moved: another part may be the nearest.
    """

    def __init__(self, viewer: ViewerModel, is_needed: Callable[[], bool]) -> None:
        self._viewer, self._is_needed = viewer, is_needed
        self._marks: list[_Marks] = []
        #: By plane, each with the data that it was taken from.
        self._contrasts: list[tuple[Plane, Contrast]] = []
        self.on_move: list[Callable[[], None]] = []
        viewer.scene.camera.events.center.connect(self._moved)
        viewer.layers.events.removed.connect(self._forget)

    def part(self, plane: Plane, mask: Layer | None, settings: Settings) -> Plane:
        """The damaged part of a large plane that is nearest to the middle of the view; without damage, the view.

        Raises
        ------
        ValueError
            If the mask lies askew to the plane.
        """
        found = self.parts(plane, mask, settings)
        middle = self._middle(plane)
        return min(found, key=partial(_distance, middle)) if found else self.view(plane)

    def parts(self, plane: Plane, mask: Layer | None, settings: Settings) -> list[Plane]:
        """All damaged parts of a large plane; errors as for :meth:`part`.

        A part that has edges stays the one that they were proposed for, while it still holds all that it has to.
        """
        if mask is None:
            return []
        marks = self._marks_of(plane, mask)
        blocks, found = marks.blocks(), marks.boxes(_coarsened(settings))
        with_edges = [box for box in ours.edge_boxes(self._viewer.layers, plane) if _is_whole(box, found, blocks)]
        boxes = [next((box for box in with_edges if _holds(box, own)), own) for own in found]
        return [replace(plane, box=box) for box in dict.fromkeys(boxes)]

    def view(self, plane: Plane) -> Plane:
        """What is on display of a large plane, or its middle where that is too much; other planes as they are."""
        if not is_large(plane):
            return plane
        corners = np.asarray(plane.layer.corner_pixels, dtype=float)
        if plane.layer.multiscale:
            corners = corners * plane.layer.downsample_factors[plane.layer.data_level][: corners.shape[1]]
        low, high = corners[0, list(plane.axes)], corners[1, list(plane.axes)] + 1
        middle = self._middle(plane)
        ends: list[int] = []
        for start, stop, at, size in zip(low, high, middle, plane.whole_shape, strict=True):
            if stop - start <= 1:  # nothing is on display yet
                start, stop = 0, size
            side = int(min(stop - start, VIEW_PX, size))
            first = int(np.clip(start if stop - start <= VIEW_PX else at - side / 2, 0, size - side))
            ends += [first, first + side]
        return replace(plane, box=Box(*ends))

    def contrast(self, plane: Plane, mask: Layer, settings: Settings) -> Callable[[], Contrast]:
        """What gives a large plane's contrast, by reading what it is taken from: not for the interface's thread.

        It is taken once, as ``core.stack`` takes it: from the known pixels of all damaged parts, with squares spread
        evenly where these are few. So it does not change from part to part, or while more damage is painted.
        """
        parts = self.parts(plane, mask, settings)

        def take() -> Contrast:
            for other, known in self._contrasts:
                if other.source is plane.source and (other.axes, other.index) == (plane.axes, plane.index):
                    return known
            taken = _contrast(plane, mask, parts, settings)
            self._contrasts = [*(kept for kept in self._contrasts if kept[0].is_current), (plane, taken)]
            return taken

        return take

    def _marks_of(self, plane: Plane, mask: Layer) -> _Marks:
        """Of the planes that were looked at last they are kept; others are looked through when they are asked for."""
        plane = replace(plane, box=None)
        marks = next((kept for kept in self._marks if kept.are_of(plane, mask)), None)
        if marks is None:
            marks = _Marks(plane, mask, self._viewer.dims)
            current = [kept for kept in self._marks if kept.plane.is_current]
            self._marks = [marks, *current[: _KEPT_PLANES - 1]]
        return marks

    def _middle(self, plane: Plane) -> NDArray[np.floating]:
        """(row, column) of a plane under the middle of the view."""
        matrix, offset = world_affine(plane.layer, plane.units)
        point = np.array(plane.point)
        displayed = list(self._viewer.dims.displayed)
        point[displayed] = self._viewer.scene.camera.center[-len(displayed) :]
        position = np.linalg.solve(matrix, point[len(point) - len(plane.index) :] - offset)
        return position[list(plane.axes)]

    def _forget(self, event: Any = None) -> None:
        """What is known about layers that are gone would keep their data."""
        layers = self._viewer.layers
        self._marks = [marks for marks in self._marks if marks.plane.layer in layers and marks.mask in layers]
        self._contrasts = [(plane, known) for plane, known in self._contrasts if plane.layer in layers]

    def _moved(self, event: Any = None) -> None:
        if self._is_needed():
            for callback in self.on_move:
                callback()


class _Marks:
    """Where a mask marks a large plane, block by block, kept up to date."""

    def __init__(self, plane: Plane, mask: Any, dims: Dims) -> None:
        self.plane, self.mask, self._dims = plane, mask, dims
        self._data, self._lies = mask.data, _lies(plane, mask)
        self._blocks = cutouts.no_blocks(plane.whole_shape)
        self._boxes: tuple[Settings, list[Box]] | None = None
        self._is_stale = True
        self._touched: list[tuple[tuple[slice, ...], tuple[int, ...]]] = []
        for name in _ANYTHING:
            if name in mask.events.emitters:
                mask.events[name].connect(self._look_anew)
        if "labels_update" in mask.events.emitters:
            mask.events.labels_update.connect(self._note)

    def are_of(self, plane: Plane, mask: Any) -> bool:
        """True where these are the marks of a mask on a plane."""
        mine, lead = self.plane, len(plane.point) - len(plane.index)
        return (
            (mine.layer is plane.layer and mine.source is plane.source)
            and (mine.axes, mine.index, mine.point[:lead]) == (plane.axes, plane.index, plane.point[:lead])
            and (mask is self.mask and mask.data is self._data)
            and all(np.array_equal(a, b) for a, b in zip(self._lies, _lies(plane, mask), strict=True))
        )

    def blocks(self) -> NDArray[np.bool_]:
        """One bit a block."""
        shape = self.plane.whole_shape
        if self._is_stale:
            self._mark(cutouts.tiles(shape))
        else:
            for touched, displayed in self._touched:
                box = reached(self.plane, self.mask, dict(zip(displayed, touched, strict=True)))
                if box is not None:
                    self._mark([cutouts.whole_blocks(box, shape)])
        self._is_stale, self._touched = False, []
        return self._blocks

    def boxes(self, settings: Settings) -> list[Box]:
        """The plane's cutouts."""
        blocks = self.blocks()
        if self._boxes is None or self._boxes[0] != settings:
            found = cutouts.cutouts_from(blocks, self.plane.whole_shape, settings)
            self._boxes = settings, [cutout.box for cutout in found]
        return self._boxes[1]

    def _mark(self, boxes: Iterable[Box]) -> None:
        self._boxes = None
        for box in boxes:
            cutouts.mark_blocks(self._blocks, box, plane_mask(replace(self.plane, box=box), self.mask))

    def _look_anew(self, event: Any = None) -> None:
        self._is_stale = True

    def _note(self, event: Any) -> None:
        """A stroke: napari says which part of what is displayed it has redrawn."""
        touched = tuple(slice(at, at + size) for at, size in zip(event.offset, event.data.shape, strict=True))
        lead = self._dims.ndim - self.mask.ndim
        self._touched.append((touched, tuple(axis - lead for axis in self._dims.displayed)))


def reboxed(edge_map: EdgeMap, box: Box, new: Box) -> EdgeMap:
    """The edge map of one part of a plane as that of another, which may be larger, smaller, or elsewhere."""
    planes: dict[str, NDArray[Any]] = {}
    for name in ("labels", "probability", "hole", "measured", "decided"):
        old: NDArray[Any] = getattr(edge_map, name)
        planes[name] = np.zeros(new.shape, old.dtype)
        if box.overlaps(new):
            shared = box.shared(new)
            planes[name][shared.within(new)] = old[shared.within(box)]
    return replace(edge_map, **planes)


def outgrown_edges(layers: Iterable[Layer], plane: Plane, hole: NDArray[np.bool_]) -> list[tuple[Layer, EdgeMap]]:
    """Edge layers of other parts that have damage of this one, each with its edges as those of this part."""
    assert plane.box is not None
    found = []
    for layer in list(layers):
        box = ours.box_of(layer, plane, ours.EDGES)
        if box is not None and box != plane.box and box.overlaps(plane.box):
            moved = reboxed(ours.read_edges(layer), box, plane.box)
            if (moved.hole & hole).any():
                found.append((layer, moved))
    return found


def part_settings(settings: Settings, plane: Plane) -> Settings:
    """Settings of a part: noise that differs from the other parts'."""
    if plane.box is None or not settings.match_noise:
        return settings
    words = np.random.SeedSequence([settings.seed, plane.box.top, plane.box.left]).generate_state(1)
    return replace(settings, seed=int(words[0]))


def _contrast(plane: Plane, mask: Any, parts: list[Plane], settings: Settings) -> Contrast:
    if fixed_mapping(np.dtype(plane.level.dtype), colour=plane.layer.rgb) is not None:
        return None

    def read(box: Box) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        pixels = read_plane(replace(plane, box=box))
        around = box.widened(ceil(settings.grow_px), plane.whole_shape)
        hole = grown(plane_mask(replace(plane, box=around), mask), settings.grow_px)[box.within(around)]
        return pixels, hole | nonfinite(pixels)

    shape = plane.whole_shape
    boxes = [cutouts.Cutout(part.box, shape) for part in parts if part.box is not None]
    values = cutouts.known_values(boxes, read, shape)
    if not values.size:
        return None
    mapping = percentile_mapping(values)
    return mapping.low, mapping.high


def _coarsened(settings: Settings) -> Settings:
    sigma = _SIGMA_STEP_PX * max(1, ceil((settings.sigma or 0) / _SIGMA_STEP_PX))
    return replace(settings, grow_px=_GROW_STEP_PX * max(1, ceil(settings.grow_px / _GROW_STEP_PX)), sigma=sigma)


def _is_whole(box: Box, found: list[Box], blocks: NDArray[np.bool_]) -> bool:
    """True where all damage in a box is that of parts that lie in it with all that they need."""
    return not cutouts.is_marked(blocks, box, but=[other for other in found if _holds(box, other)])


def _holds(box: Box, other: Box) -> bool:
    return box.united(other) == box


def _distance(middle: NDArray[np.floating], plane: Plane) -> tuple[float, float]:
    """How far a part is from a point; of parts that hold it, how far their middles are."""
    box = plane.box
    assert box is not None
    low, high = np.array([box.top, box.left]), np.array([box.bottom, box.right])
    outside = np.maximum(np.maximum(low - middle, middle - high), 0)
    return float(np.hypot(*outside)), float(np.hypot(*(middle - (low + high) / 2)))


def _lies(plane: Plane, mask: Any) -> tuple[NDArray[np.floating], ...]:
    return (*world_affine(plane.layer, plane.units), *world_affine(mask, plane.units))
