"""Other layers brought onto the pixels of an image's plane: masks, images, outlines, points.

Always through world coordinates, whatever scale, translation, rotation, shear,
affine and units either layer has, and what does not lie under the plane is not
read. Apart from ``layer_plane``, which most rooms need without any of this. No
Qt; napari only when it is used.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ..core.holes import Box
from .layer_plane import Plane, world_affine
from .outlines import rasterised

if TYPE_CHECKING:
    from napari.layers import Image, Labels, Layer, Shapes


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
