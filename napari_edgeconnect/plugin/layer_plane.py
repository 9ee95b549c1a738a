"""Planes of image layers: which one the viewer shows, where it lies, and its pixels.

Nearly every room of the plugin works on a plane; nothing is resampled here.
Apart from ``onto_plane``, for the few that bring other layers onto a plane's
pixels. No Qt; napari only when it is used.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..core.holes import Box

if TYPE_CHECKING:
    from napari.components import Dims
    from napari.layers import Image, Layer

_SPATIAL = ("scale", "translate", "rotate", "shear", "affine", "units", "axis_labels")


@dataclass(frozen=True)
class Plane:
    """One 2-D plane of an image layer, or a part of one that is too large to be worked on as a whole.

    Attributes
    ----------
    layer : Image
    source : array or list of arrays
        The layer's data when the plane was chosen, to notice a replacement.
    axes : (int, int)
        The layer's axes that lie in the plane.
    index : tuple of int
        Position along every axis of the layer; 0 along ``axes``.
    point : tuple of float
        The viewer's position in the world, which places the plane among the
        axes that the image itself does not have.
    units : tuple of pint.Unit or None
        The world's; None where the layers' units do not go together.
    box : Box or None
        The part; None: all of it. ``shape`` and every array "of the plane" are the part's.
    """

    layer: Image
    source: Any
    axes: tuple[int, int]
    index: tuple[int, ...]
    point: tuple[float, ...]
    units: tuple[Any, ...] | None
    box: Box | None = None

    @property
    def across(self) -> tuple[int, ...]:
        """The layer's other axes, along which the plane is one slice."""
        return tuple(axis for axis in range(len(self.index)) if axis not in self.axes)

    @property
    def level(self) -> Any:
        """The layer's array, or the full-size level of a multiscale one."""
        return self.source[0] if self.layer.multiscale else self.source

    @property
    def whole_shape(self) -> tuple[int, int]:
        """(H, W) of all of the plane."""
        height, width = (int(self.level.shape[axis]) for axis in self.axes)
        return height, width

    @property
    def shape(self) -> tuple[int, int]:
        """(H, W), of a part its own."""
        return self.box.shape if self.box else self.whole_shape

    @property
    def origin(self) -> tuple[int, ...]:
        """The position of the first pixel along every axis of the layer."""
        first = dict(zip(self.axes, (self.box.top, self.box.left), strict=True)) if self.box else {}
        return tuple(first.get(axis, at) for axis, at in enumerate(self.index))

    @property
    def where(self) -> str:
        """The slice in words, "z 5, t 0", and the middle of a part; nothing for a whole 2-D image."""
        words = [f"{self.word(axis)} {self.index[axis]}" for axis in self.across]
        if self.box:
            words.append(f"at {(self.box.top + self.box.bottom) // 2}, {(self.box.left + self.box.right) // 2}")
        return ", ".join(words)

    def word(self, axis: int) -> str:
        """What an axis of the layer is called."""
        label = str(self.layer.axis_labels[axis])
        return f"axis {axis}" if label.startswith("-") else label

    @property
    def is_current(self) -> bool:
        """False once the layer shows other data than those that were read."""
        return self.layer.data is self.source

    def cut(self) -> tuple[Any, ...]:
        """To index an array with the layer's axes: gives (H, W) or (H, W, channels)."""
        rows, columns = self.box.slices if self.box else (slice(None), slice(None))
        inside = {self.axes[0]: rows, self.axes[1]: columns}
        return tuple(inside.get(axis, at) for axis, at in enumerate(self.index))

    def raised(self, plane: NDArray[Any]) -> NDArray[Any]:
        """(H, W, ...) as an array with the layer's axes, of size 1 across the plane."""
        return np.expand_dims(plane, self.across)

    def spatial(self) -> dict[str, Any]:
        """Keyword arguments that put a layer of the ``raised`` array where the plane lies."""
        from napari.utils.transforms import Affine

        kwargs = spatial(self.layer)
        own = Affine(**{name: kwargs[name] for name in ("scale", "translate", "rotate", "shear")})
        return kwargs | {"translate": np.asarray(own(np.asarray(self.origin, dtype=float)))}


def spatial(layer: Layer) -> dict[str, Any]:
    """The keyword arguments that put another layer where ``layer`` lies."""
    state = layer.as_layer_data_tuple()[1]
    return {name: state[name] for name in _SPATIAL}


def displayed_plane(image: Image, dims: Dims) -> Plane:
    """The plane of ``image`` that the viewer shows.

    Raises
    ------
    ValueError
        If the view is 3-D, cuts the image obliquely, or lies outside it.
    """
    point = tuple(float(value) for value in dims.point)
    if image.ndim == 2:
        return Plane(image, image.data, (0, 1), (0, 0), point, dims.units)
    lead = dims.ndim - image.ndim
    axes = tuple(sorted(axis - lead for axis in dims.displayed))
    if len(axes) != 2:
        raise ValueError("The viewer shows a volume: switch to the 2-D view to choose the slice to repair.")
    if axes[0] < 0:
        raise ValueError(f"The view lies along an axis that “{image.name}” does not have.")
    matrix, offset = world_affine(image, dims.units)
    position = np.linalg.solve(matrix, np.asarray(point[lead:]) - offset)
    shape = (image.data[0] if image.multiscale else image.data).shape
    index = [0] * image.ndim
    for axis in set(range(image.ndim)) - set(axes):
        if any(abs(matrix[axis, other]) * shape[other] > 0.5 * abs(matrix[axis, axis]) for other in axes):
            raise ValueError(f"The view cuts “{image.name}” obliquely: show one of its own slices.")
        index[axis] = int(np.rint(position[axis]))
        if not 0 <= index[axis] < shape[axis]:
            raise ValueError(f"The viewer shows a slice outside “{image.name}”: move the slider.")
    return Plane(image, image.data, (axes[0], axes[1]), tuple(index), point, dims.units)


def every_slice(plane: Plane) -> Iterator[Plane]:
    """All planes of the plane's image, along the same axes: one for each position along all others.

    The viewer's position moves with them, so that a mask is taken from the same place in the world.
    """
    matrix, offset = world_affine(plane.layer, plane.units)
    lead = len(plane.point) - len(plane.index)
    positions = [range(plane.level.shape[axis]) if axis in plane.across else [0] for axis in range(len(plane.index))]
    for index in product(*positions):
        world = matrix @ np.asarray(index, dtype=float) + offset
        yield replace(plane, box=None, index=index, point=(*plane.point[:lead], *(float(value) for value in world)))


def read_plane(plane: Plane) -> NDArray[Any]:
    """A copy of the plane's pixels, (H, W) or (H, W, channels), in the layer's dtype."""
    return np.array(plane.level[plane.cut()])


def read_along(plane: Plane, axis: int, most: int) -> NDArray[Any]:
    """The plane in several slices along another axis, (N, H, W): at most so many, spread evenly."""
    count = int(plane.level.shape[axis])
    cut = list(plane.cut())
    frames = []
    for index in np.unique(np.linspace(0, count - 1, min(count, most)).round().astype(int)):
        cut[axis] = int(index)
        frames.append(np.asarray(plane.level[tuple(cut)]))
    return np.stack(frames)


def world_affine(layer: Layer, units: tuple[Any, ...] | None) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    """(N, N) matrix and (N,) offset from the layer's data to the world, in the world's units.

    ``data_to_world`` takes one point at a time, so the matrix is read off the
    unit vectors; and it speaks the layer's own units, which may be others.
    """
    origin = np.asarray(layer.data_to_world(np.zeros(layer.ndim)))
    columns = [np.asarray(layer.data_to_world(unit)) - origin for unit in np.eye(layer.ndim)]
    matrix = np.stack(columns, axis=1)
    if units is None or len(units) < layer.ndim:
        return matrix, origin
    pairs = zip(layer.units, units[-layer.ndim :], strict=True)
    factors = np.array([float((1 * own).to(common).magnitude) for own, common in pairs])
    return factors[:, None] * matrix, factors * origin
