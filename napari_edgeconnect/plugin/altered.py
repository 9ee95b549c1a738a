"""The altered pixels of every completed image, as an outline over it that is there unless a person hides it.

Whoever looks at a completed image sees without asking which of its pixels were invented. The outline is drawn by
colours and not by napari's contours: these are computed anew whenever a layer is shown or its slice changes, half a
second each time for 4096 x 4096 px. Works on any ``ViewerModel``; no Qt.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Layer
from numpy.typing import NDArray

from . import layers as ours
from .geometry import Plane, spatial
from .preferences import preferred, remember_altered_shown

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image, Labels

Mask = NDArray[np.bool_]

#: Labels of the layer: altered pixels, and those of them that draw the outline.
INSIDE, RIM = 1, 2
#: Vermilion: on no layer of ours besides, and to be seen on black and on white.
COLOUR = "#d55e00"
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
        _write_slice(overlay, result, plane, altered)
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
    """(H, W) uint8: ``INSIDE`` and ``RIM`` where pixels are altered, 0 elsewhere.

    The rim lies inside, so that no measured pixel is covered; at the image's border there is none.
    """
    inside = altered.copy()
    for _ in range(1 + (max(altered.shape) - 1) // _PX_PER_RIM_PX):
        shrunk = inside.copy()
        shrunk[1:] &= inside[:-1]
        shrunk[:-1] &= inside[1:]
        shrunk[:, 1:] &= inside[:, :-1]
        shrunk[:, :-1] &= inside[:, 1:]
        inside = shrunk
    labels = altered.astype(np.uint8) * np.uint8(RIM)
    labels[inside] = INSIDE
    return labels


class OutlinedStack:
    """An array-like of a stack's shape that holds the altered pixels of some of its planes, and no others.

    Parameters
    ----------
    shape : tuple of int
    axes : (int, int)
        Those of a plane.
    """

    dtype = np.dtype(np.uint8)

    def __init__(self, shape: tuple[int, ...], axes: tuple[int, int]) -> None:
        self.shape, self.ndim = shape, len(shape)
        self._axes = axes
        self._planes: dict[tuple[int, ...], NDArray[np.uint8]] = {}

    def put(self, index: tuple[int, ...], altered: Mask) -> None:
        """Keep a plane's altered pixels, (H, W) bool, one bit each."""
        self._planes[index] = np.packbits(altered)

    def __getitem__(self, key: Any) -> NDArray[np.uint8]:
        """Any part that integers and slices name."""
        keys = key if isinstance(key, tuple) else (key,)
        keys = (*keys, *[slice(None)] * (self.ndim - len(keys)))
        across = [axis for axis in range(self.ndim) if axis not in self._axes]
        positions = {axis: np.atleast_1d(np.arange(self.shape[axis])[keys[axis]]) for axis in across}
        part = np.zeros([len(positions.get(axis, range(size))) for axis, size in enumerate(self.shape)], self.dtype)
        for index, bits in self._planes.items():
            found = {axis: np.flatnonzero(positions[axis] == index[axis]) for axis in across}
            if all(at.size for at in found.values()):
                part[tuple(found[axis][0] if axis in found else slice(None) for axis in range(self.ndim))] = outlined(
                    self._unpacked(bits)
                )
        return part[tuple(_left(keys[axis]) if axis in across else keys[axis] for axis in range(self.ndim))]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return self[()].astype(dtype or self.dtype)

    def _unpacked(self, bits: NDArray[np.uint8]) -> Mask:
        height, width = (self.shape[axis] for axis in self._axes)
        return np.unpackbits(bits, count=height * width).reshape(height, width).view(bool)


def _left(key: Any) -> Any:
    """What is left of a key when its positions have been picked: an integer takes its axis away."""
    return slice(None) if isinstance(key, slice) else 0


def _added(viewer: ViewerModel, result: Image, plane: Plane) -> Labels:
    """A new outline right over its image, on nothing yet; what is active stays so."""
    whole = ours.holds_every_slice(result)
    shape = result.data.shape[: result.ndim]
    details = {"kind": ours.ALTERED, "of": dict(result.metadata[ours.KEY]["of"]), "result": str(result.unique_id)}
    look = {"opacity": 0.9, "colormap": ours.direct_colormap({INSIDE: "transparent", RIM: COLOUR})}
    kwargs = {
        "name": f"{result.name} · {ours.TITLES[ours.ALTERED]}",
        "metadata": {ours.KEY: details},
        "visible": preferred().show_altered,
        **spatial(result),
        **look,
    }
    data = OutlinedStack(shape, plane.axes) if whole else np.zeros(shape, np.uint8)
    active = viewer.layers.selection.active
    overlay: Labels = Layer.create(data, kwargs, "labels")
    viewer.layers.insert(viewer.layers.index(result) + 1, overlay)
    viewer.layers.selection.active = active
    viewer.layers.link_layers([result, overlay], _SPATIAL)
    overlay.events.visible.connect(remember)
    return overlay


def _write_slice(overlay: Labels, result: Image, plane: Plane, altered: Mask) -> None:
    if not isinstance(overlay.data, OutlinedStack):  # somebody has replaced it
        overlay.data = OutlinedStack(result.data.shape[: result.ndim], plane.axes)
    overlay.data.put(plane.index, altered)
    overlay.refresh()
