"""Where things lie: the one place for geometry.

The plane of an image layer that is repaired, or a part of it where it is
large, and masks brought onto its pixel grid through world coordinates,
whatever scale, translation, rotation, shear and affine either layer has. Only
what lies under it is read. No Qt; napari only when it is used.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ..core.holes import Box
from .outlines import rasterised

if TYPE_CHECKING:
    from napari.components import Dims
    from napari.layers import Image, Labels, Layer, Shapes

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


def plane_mask(plane: Plane, mask: Labels | Shapes, *, label: int | None = None) -> NDArray[np.bool_]:
    """A mask layer on the pixel grid of an image's plane.

    A pixel is damaged where its centre lies in a labelled pixel of the mask,
    or a labelled pixel's centre lies in it, so that a coarse mask is not
    frayed and a scratch in a fine one is not lost. Outlines are filled; lines
    are as wide as they are drawn, at least one pixel.

    Parameters
    ----------
    plane : Plane
    mask : Labels or Shapes layer
        Of as many axes as the image, or fewer: it then holds for every slice.
    label : int, optional
        Of a Labels layer, this label alone.

    Returns
    -------
    mask : (H, W) bool, True inside the hole

    Raises
    ------
    ValueError
        If the mask lies askew to the plane.
    """
    from napari.layers import Shapes

    grid = _Grid.of(plane, mask)
    if isinstance(mask, Shapes):
        return rasterised(mask, grid, plane.shape)
    level = mask.data[0] if mask.multiscale else mask.data
    cut, grid = grid.onto(level.shape, plane.shape)
    if cut is None:
        return np.zeros(plane.shape, dtype=bool)
    labels = np.asarray(level[cut])
    labelled = labels != 0 if label is None else labels == label
    if labelled.shape == plane.shape and grid.is_identity:
        return labelled
    return _nearest(labelled, grid, plane.shape) | _splat(labelled, grid, plane.shape)


def plane_labels(plane: Plane, labels: Labels) -> NDArray[np.integer]:
    """The objects of a Labels layer on the pixel grid of an image's plane, through world coordinates.

    A pixel gets the label in which its centre lies: objects never overlap, so a coarse layer's are frayed and a fine
    one's may be lost, unlike damage in :func:`plane_mask`.

    Returns
    -------
    labels : (H, W) int
        In the layer's dtype; 0 outside the layer.

    Raises
    ------
    ValueError
        If the layer lies askew to the plane.
    """
    grid = _Grid.of(plane, labels)
    level = labels.data[0] if labels.multiscale else labels.data
    cut, grid = grid.onto(level.shape, plane.shape)
    if cut is None:
        return np.zeros(plane.shape, dtype=level.dtype)
    there = np.array(level[cut])
    if there.shape == plane.shape and grid.is_identity:
        return there
    sampled: NDArray[np.integer] = ndimage.affine_transform(
        there, grid.matrix, grid.offset, output_shape=plane.shape, order=0, mode="grid-constant"
    )
    return sampled


def plane_values(plane: Plane, image: Image) -> NDArray[Any]:
    """Another image layer on the pixel grid of a plane, through world coordinates.

    Returns
    -------
    values : (H, W) or (H, W, channels)
        As they are where the grids agree; elsewhere float64, linearly interpolated, NaN outside the other image.

    Raises
    ------
    ValueError
        If the other image lies askew to the plane, or does not reach it.
    """
    grid = _Grid.of(plane, image)
    level = image.data[0] if image.multiscale else image.data
    cut, grid = grid.onto(level.shape[: image.ndim], plane.shape)
    if cut is None:
        raise ValueError(f"“{image.name}” does not reach the displayed slice: move it, or choose another layer.")
    pixels = np.array(level[cut])
    if pixels.shape[:2] == plane.shape and grid.is_identity:
        return pixels
    sampled = [
        ndimage.affine_transform(
            channel, grid.matrix, grid.offset, output_shape=plane.shape, order=1, mode="constant", cval=np.nan
        )
        for channel in np.moveaxis(np.atleast_3d(pixels).astype(float), -1, 0)
    ]
    return np.stack(sampled, axis=-1) if pixels.ndim == 3 else sampled[0]


def plane_outlines(plane: Plane, shapes: Shapes) -> list[tuple[str, NDArray[np.floating]]]:
    """The shapes that lie in a plane: the kind of each, and its vertices as (N, 2) rows and columns of the plane.

    Raises
    ------
    ValueError
        If the shapes lie askew to the plane.
    """
    grid = _Grid.of(plane, shapes)
    across, here = list(grid.across), np.asarray(grid.index)[list(grid.across)]
    found = [(str(kind), np.asarray(vertices)) for vertices, kind in zip(shapes.data, shapes.shape_type, strict=True)]
    return [
        (kind, grid.to_plane(vertices[:, list(grid.axes)]))
        for kind, vertices in found
        if (np.rint(vertices[:, across]) == here).all()
    ]


def plane_point(plane: Plane, layer: Layer, position: Sequence[float]) -> NDArray[np.floating]:
    """A position in the viewer's world as (row, column) of a layer of ours that lies on the plane."""
    matrix, offset = world_affine(layer, plane.units)
    point = np.linalg.solve(matrix, np.asarray(position, dtype=float)[-layer.ndim :] - offset)
    return point[list(plane.axes)]


def reached(plane: Plane, other: Layer, touched: Mapping[int, slice]) -> Box | None:
    """The part of a whole plane that lies under a part of another layer.

    Parameters
    ----------
    plane : Plane
    other : Layer
    touched : mapping of int to slice
        From where to where, for the axes of the other layer that the plane lies along at least.

    Returns
    -------
    Box or None
        None where the plane does not.
    """
    grid = _Grid.of(plane, other)
    if not set(grid.axes) <= set(touched):
        return Box(0, plane.whole_shape[0], 0, plane.whole_shape[1])
    rows, columns = (touched[axis] for axis in grid.axes)
    corners = np.array([(i, j) for i in (rows.start, rows.stop) for j in (columns.start, columns.stop)]) - 0.5
    points = grid.to_plane(corners)
    low = np.maximum(np.floor(points.min(axis=0)).astype(int) - 1, 0)
    high = np.minimum(np.ceil(points.max(axis=0)).astype(int) + 2, plane.whole_shape)
    return None if (low >= high).any() else Box(int(low[0]), int(high[0]), int(low[1]), int(high[1]))


@dataclass(frozen=True)
class _Grid:
    """How an image's plane lies in another layer: ``there = matrix @ (row, column) + offset``."""

    axes: tuple[int, int]
    across: tuple[int, ...]
    index: tuple[int, ...]
    matrix: NDArray[np.floating]
    offset: NDArray[np.floating]

    @classmethod
    def of(cls, plane: Plane, other: Layer) -> _Grid:
        matrix, offset = _plane_in_world(plane)
        to_world, origin = world_affine(other, plane.units)
        matrix = np.linalg.solve(to_world, matrix[-other.ndim :])
        offset = np.linalg.solve(to_world, offset[-other.ndim :] - origin)
        first, second = (axis + other.ndim - len(plane.index) for axis in plane.axes)
        if first < 0:
            raise ValueError(f"“{other.name}” lacks an axis of the displayed plane: use a mask drawn in this view.")
        across = tuple(axis for axis in range(other.ndim) if axis not in (first, second))
        if any(np.abs(matrix[axis]) @ plane.shape > 0.5 for axis in across):
            raise ValueError(f"“{other.name}” is turned out of the image's plane: draw the damage in this plane.")
        index = tuple(int(value) for value in np.rint(offset))
        rows = [first, second]
        return cls((first, second), across, index, matrix[rows], offset[rows])

    @property
    def is_identity(self) -> bool:
        return np.allclose(self.matrix, np.eye(2), atol=1e-9) and np.allclose(self.offset, 0, atol=1e-6)

    def onto(self, there: tuple[int, ...], here: tuple[int, int]) -> tuple[tuple[Any, ...] | None, _Grid]:
        """What of the other layer lies under the plane: to index its array with, and how the plane lies in that alone.

        Parameters
        ----------
        there : tuple of int
            The other layer's shape.
        here : (H, W)

        Returns
        -------
        cut : tuple or None
            None where nothing does.
        grid : _Grid
        """
        if any(not 0 <= self.index[axis] < there[axis] for axis in self.across):
            return None, self
        shifted = np.rint(self.offset)
        if np.allclose(self.matrix, np.eye(2), atol=1e-9) and np.allclose(self.offset, shifted, atol=1e-6):
            low, high = shifted, shifted + here
        else:
            corners = np.array([(i, j) for i in (-0.5, here[0] - 0.5) for j in (-0.5, here[1] - 0.5)])
            reached = corners @ self.matrix.T + self.offset
            low, high = np.floor(reached.min(axis=0)) - 1, np.ceil(reached.max(axis=0)) + 2
        sizes = [there[axis] for axis in self.axes]
        low, high = np.maximum(low, 0).astype(int), np.minimum(high, sizes).astype(int)
        if (low >= high).any():
            return None, self
        inside = dict(zip(self.axes, map(slice, low.tolist(), high.tolist()), strict=True))
        cut = tuple(inside.get(axis, self.index[axis]) for axis in range(len(there)))
        return cut, replace(self, offset=self.offset - low)

    def to_plane(self, points: NDArray[Any]) -> NDArray[np.floating]:
        """(N, 2) in-plane coordinates of the other layer as rows and columns of the plane."""
        return np.linalg.solve(self.matrix, (points - self.offset).T).T


def _plane_in_world(plane: Plane) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    """(N, 2) matrix and (N,) offset from the plane's rows and columns to the viewer's world."""
    matrix, offset = world_affine(plane.layer, plane.units)
    lead = len(plane.point) - len(plane.index)
    columns = np.zeros((len(plane.point), 2))
    columns[lead:] = matrix[:, plane.axes]
    return columns, np.concatenate([plane.point[:lead], matrix @ plane.origin + offset])


def _nearest(labelled: NDArray[np.bool_], grid: _Grid, shape: tuple[int, int]) -> NDArray[np.bool_]:
    sampled = ndimage.affine_transform(
        labelled.astype(np.uint8), grid.matrix, grid.offset, output_shape=shape, order=0, mode="grid-constant"
    )
    return sampled != 0


def _splat(labelled: NDArray[np.bool_], grid: _Grid, shape: tuple[int, int]) -> NDArray[np.bool_]:
    rows, columns = np.rint(grid.to_plane(np.argwhere(labelled))).astype(np.int64).T
    inside = (0 <= rows) & (rows < shape[0]) & (0 <= columns) & (columns < shape[1])
    damaged = np.zeros(shape, dtype=bool)
    damaged[rows[inside], columns[inside]] = True
    return damaged
