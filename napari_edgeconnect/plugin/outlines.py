"""Outlines to pixels: napari's shapes filled on an image's own grid.

``Shapes.to_labels`` ignores every transform (napari#5817), so the vertices are
moved to the image's pixels first, each kind of shape as the polygons it covers.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray
from skimage.draw import line, polygon

if TYPE_CHECKING:
    from napari.layers import Shapes

Points = NDArray[np.floating]
_CIRCLE = np.linspace(0, 2 * np.pi, 64, endpoint=False)


class Grid(Protocol):
    """How the image's plane lies among a layer's axes."""

    axes: tuple[int, int]
    across: tuple[int, ...]
    index: tuple[int, ...]

    def to_plane(self, points: NDArray[Any]) -> Points:
        """(N, 2) coordinates of the layer as rows and columns of the plane."""


def rasterised(shapes: Shapes, grid: Grid, plane_shape: tuple[int, int]) -> NDArray[np.bool_]:
    """The pixels that a Shapes layer covers in a plane; shapes of other slices are left out.

    Parameters
    ----------
    shapes : Shapes layer
    grid : Grid
        Where the plane lies among the layer's axes.
    plane_shape : (H, W)

    Returns
    -------
    covered : (H, W) bool
    """
    covered = np.zeros(plane_shape, dtype=bool)
    across = list(grid.across)
    here = np.asarray(grid.index)[across]
    for vertices, kind, width in zip(shapes.data, shapes.shape_type, shapes.edge_width, strict=True):
        vertices = np.asarray(vertices)
        if (np.rint(vertices[:, across]) != here).any():
            continue
        in_plane = vertices[:, list(grid.axes)]
        for outline in _outlines(in_plane, kind, width):
            covered[polygon(*grid.to_plane(outline).T, shape=plane_shape)] = True
        if kind in ("line", "path"):
            _trace(covered, grid.to_plane(in_plane))
    return covered


def _outlines(vertices: Points, kind: str, width: float) -> Iterator[Points]:
    """The polygons that one shape covers, in its own layer's coordinates."""
    if kind in ("rectangle", "polygon"):
        yield vertices
    elif kind == "ellipse":
        centre = vertices.mean(axis=0)
        yield _ellipse(centre, (vertices[1] - vertices[0]) / 2, (vertices[2] - vertices[1]) / 2)
    else:
        yield from _stroke(vertices, width / 2)


def _ellipse(centre: Points, first: Points, second: Points) -> Points:
    return centre + np.outer(np.cos(_CIRCLE), first) + np.outer(np.sin(_CIRCLE), second)


def _stroke(vertices: Points, radius: float) -> Iterator[Points]:
    """A line with round joints as a disc at every vertex and a box along every segment."""
    for vertex in vertices:
        yield _ellipse(vertex, np.array([radius, 0]), np.array([0, radius]))
    for start, end in pairwise(vertices):
        length = np.hypot(*(end - start))
        if length > 0:
            side = radius * np.array([end[1] - start[1], start[0] - end[0]]) / length
            yield np.stack([start + side, end + side, end - side, start - side])


def _trace(covered: NDArray[np.bool_], vertices: Points) -> None:
    """Mark at least the pixels under a line, however thin it is."""
    points = np.rint(vertices).astype(int)
    for start, end in pairwise(points):
        rows, columns = line(*start, *end)
        inside = (0 <= rows) & (rows < covered.shape[0]) & (0 <= columns) & (columns < covered.shape[1])
        covered[rows[inside], columns[inside]] = True
