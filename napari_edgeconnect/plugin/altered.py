"""The altered pixels of every completed image, as an outline over it that is there unless a person hides it.

Whoever looks at a completed image sees without asking which of its pixels were invented. The outline is drawn by
colours and not by napari's contours: these are computed anew whenever a layer is shown or its slice
changes (``benchmarks/outline.py``). Works on any ``ViewerModel``; no Qt.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Layer
from numpy.typing import NDArray

from ..core.lazy_array import Block, LazyArray
from . import layers as ours
from .layer_plane import Plane, spatial
from .preferences import preferred, remember_altered_shown

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image, Labels

Mask = NDArray[np.bool_]

#: Labels of the layer: altered pixels, and those of them that draw the outline, in dashes of two colours.
INSIDE, RIM, OTHER_RIM = 1, 2, 3
#: Vermilion, on no layer of ours besides, and white: one of them is seen on any background.
COLOURS = {INSIDE: "transparent", RIM: "#d55e00", OTHER_RIM: "white"}
_DASH_PX = 5
#: A line of one pixel gets lost where a large image is shown small: one more for each so many pixels a side.
_PX_PER_RIM_PX = 2048
_SPATIAL = ("scale", "translate", "rotate", "shear", "affine")


def show_altered(viewer: ViewerModel, result: Image, plane: Plane, altered: Mask) -> Labels:
    """Show which pixels of a completed image were invented, over it; a layer that is there already is updated.

    Parameters
    ----------
    viewer : ViewerModel
    result : Image
        Of the plane, or of all planes of its image. The outline moves with it.
    plane : Plane
    altered : (H, W) bool

    Returns
    -------
    overlay : Labels
    """
    overlay = overlay_of(viewer.layers, result)
    if overlay is None:
        overlay = _added(viewer, result, plane)
    if ours.holds_every_slice(result):
        overlay.refresh()
    elif not np.array_equal(overlay.data != 0, plane.raised(altered)):
        overlay.data = plane.raised(outlined(altered))
    overlay.editable = False  # setting data makes a layer editable again
    return overlay


def overlay_of(layers: Any, result: Layer) -> Any:
    """The layer with a completed image's altered pixels, or None."""
    mine = (layer for layer in layers if ours.is_own(layer, ours.ALTERED))
    return next((layer for layer in mine if layer.metadata[ours.KEY]["result"] == str(result.unique_id)), None)


def remove_orphans(viewer: ViewerModel) -> None:
    """Take away the outlines of completed images that are gone."""
    there = {str(layer.unique_id) for layer in viewer.layers}
    for layer in [layer for layer in viewer.layers if ours.is_own(layer, ours.ALTERED)]:
        if layer.metadata[ours.KEY]["result"] not in there:
            viewer.layers.remove(layer)


def remember(event: Any) -> None:
    """Outlines made later are shown, or not, as a person wanted the last one."""
    remember_altered_shown(event.source.visible)


def set_visible(layer: Layer, visible: bool) -> None:
    """Show or hide a layer for a while: that is nothing to be remembered."""
    with layer.events.visible.blocker(remember):
        layer.visible = visible


def outlined(altered: Mask) -> NDArray[np.uint8]:
    """(H, W) uint8: ``INSIDE``, ``RIM`` and ``OTHER_RIM`` where pixels are altered, 0 elsewhere.

    The rim lies inside, so that no measured pixel is covered; at the image's border there is none.
    """
    inside, wide_px = altered.copy(), 1 + (max(altered.shape) - 1) // _PX_PER_RIM_PX
    for _ in range(wide_px):
        shrunk = inside.copy()
        shrunk[1:] &= inside[:-1]
        shrunk[:-1] &= inside[1:]
        shrunk[:, 1:] &= inside[:, :-1]
        shrunk[:, :-1] &= inside[:, 1:]
        inside = shrunk
    labels = altered.astype(np.uint8) * np.uint8(INSIDE)
    rows, columns = np.nonzero(altered & ~inside)
    dash_px = _DASH_PX * wide_px
    labels[rows, columns] = np.where((rows // dash_px + columns // dash_px) % 2, OTHER_RIM, RIM)
    return labels


class Outlined(LazyArray):
    """An array-like of a stack's or a large plane's shape: the outlines of what its records say was altered.

    Nothing is kept: whatever is asked for is drawn anew.

    Parameters
    ----------
    shape : tuple of int
        Of the array itself, or of one of its smaller levels.
    axes : (int, int)
        Those of a plane.
    records : dict
        Of the result's metadata: by plane, or by plane and box, what is known about it, with its ``altered`` pixels.
    step : int
        How many of the full array's rows and columns are one here.
    """

    def __init__(
        self, shape: tuple[int, ...], axes: tuple[int, int], records: Mapping[Any, Mapping[str, Any]], step: int = 1
    ) -> None:
        super().__init__(shape, np.uint8)
        self._axes, self._records, self._step = axes, records, step

    def _read(self, block: Block) -> NDArray[np.uint8]:
        part = np.zeros([along.stop - along.start for along in block], self.dtype)
        across = [axis for axis in range(self.ndim) if axis not in self._axes]
        top, left = (block[axis].start for axis in self._axes)
        for index, row, column, altered in list(self._parts()):
            if all(block[axis].start <= index[axis] < block[axis].stop for axis in across):
                where = tuple(
                    index[axis] - block[axis].start if axis in across else slice(None) for axis in range(self.ndim)
                )
                plane = part[where]
                self._draw(plane if self._axes[0] < self._axes[1] else plane.T, (top, left), row, column, altered)
        return part

    def _parts(self) -> Iterator[tuple[tuple[int, ...], int, int, Mask]]:
        """Of each plane or part of one: its place along every axis, its first row and column, what was altered."""
        for key, details in self._records.items():
            index, box = key if isinstance(key[0], tuple) else (key, None)
            if "altered" in details:
                yield index, box.top if box else 0, box.left if box else 0, details["altered"]

    def _draw(self, seen: NDArray[np.uint8], corner: tuple[int, int], top: int, left: int, altered: Mask) -> None:
        """Put one outline, whose altered pixels begin at ``top`` and ``left``, into what is seen from ``corner`` on."""
        shrunk, here, there = altered, [], []
        for axis, (first, start, size) in enumerate(zip((top, left), corner, seen.shape, strict=True)):
            rows = np.arange(first // self._step, -(-(first + altered.shape[axis]) // self._step))
            shrunk = np.logical_or.reduceat(shrunk, np.maximum(rows * self._step - first, 0), axis=axis)
            begin, end = max(int(rows[0]), start), min(int(rows[-1]) + 1, start + size)
            if begin >= end:
                return
            here.append(slice(begin - start, end - start))
            there.append(slice(begin - int(rows[0]), end - int(rows[0])))
        into = seen[tuple(here)]
        np.maximum(into, outlined(shrunk)[tuple(there)], out=into)


def _added(viewer: ViewerModel, result: Image, plane: Plane) -> Labels:
    """A new outline right over its image, on nothing yet; what is active stays so."""
    details = {"kind": ours.ALTERED, "of": dict(result.metadata[ours.KEY]["of"]), "result": str(result.unique_id)}
    look = {"opacity": 0.9, "colormap": ours.direct_colormap(COLOURS)}
    kwargs = {
        "name": f"{result.name} · {ours.TITLES[ours.ALTERED]}",
        "metadata": {ours.KEY: details},
        "visible": preferred().show_altered,
        **spatial(result),
        **look,
    }
    data = (
        _of_records(result, plane)
        if ours.holds_every_slice(result)
        else np.zeros(result.data.shape[: result.ndim], np.uint8)
    )
    kwargs["multiscale"] = isinstance(data, list)
    active = viewer.layers.selection.active
    overlay: Labels = Layer.create(data, kwargs, "labels")
    viewer.layers.insert(viewer.layers.index(result) + 1, overlay)
    viewer.layers.selection.active = active
    viewer.layers.link_layers([result, overlay], _SPATIAL)
    overlay.events.visible.connect(remember)
    return overlay


def _of_records(result: Image, plane: Plane) -> Outlined | list[Outlined]:
    """What a layer of many planes or parts shows, as many levels as its own."""
    records = result.metadata[ours.KEY]["records"]
    if not result.multiscale:
        return Outlined(result.data.shape[: result.ndim], plane.axes, records)
    full = result.data[0].shape[plane.axes[0]]
    shapes = [tuple(level.shape[: result.ndim]) for level in result.data]
    return [Outlined(shape, plane.axes, records, max(1, round(full / shape[plane.axes[0]]))) for shape in shapes]
