"""Tools of the edge layer beyond the brush: shapes turned into edges, short edges erased, edges from elsewhere.

What a tool draws or erases counts as a person's own edit, and is one step of
the edge layer's undo history. No Qt.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from napari.layers import Image, Labels, Layer, Shapes
from numpy.typing import NDArray

from ..core import drawing, edge_parts
from ..core.edges import EdgeSource
from ..core.job import gray_of
from ..core.planes import colours, contrast_mapping, nonfinite
from . import layers as ours
from .layer_plane import Plane, read_plane
from .onto_plane import plane_mask, plane_outlines, plane_values
from .placing import add

if TYPE_CHECKING:
    from napari.components import ViewerModel

#: Kinds of shape that a spline can go through.
_OPEN = ("line", "path", "polygon")


def add_strokes(viewer: ViewerModel, plane: Plane) -> Shapes:
    """The plane's layer of strokes, ready to be drawn in; a new one where there is none."""
    layer = ours.find_own(viewer.layers, plane, ours.STROKES)
    if layer is None:
        layer = add(viewer, ours.strokes_tuple(plane))
    viewer.layers.selection.active = layer
    layer.mode = "add_polyline"
    return layer


def take_strokes(plane: Plane, edges: Labels, strokes: Shapes, *, smooth: bool, snap: bool) -> int:
    """Draw every shape into the edge layer, one pixel wide, and empty the layer of strokes.

    Parameters
    ----------
    plane : Plane
    edges : Labels
        The plane's edge layer.
    strokes : Shapes
        Lines, paths and the outlines of polygons, rectangles and ellipses; those of other slices are left.
    smooth : bool
        Paths and polygons become smooth curves through their points.
    snap : bool
        Each stroke is moved onto the strongest gradient or probability near it.

    Returns
    -------
    drawn : int
        Pixels that are drawn now and were not.

    Raises
    ------
    ValueError
        Where there is nothing to draw, or the shapes lie askew to the plane. Nothing is changed then.
    """
    outlines = plane_outlines(plane, strokes)
    if not outlines:
        raise ValueError("There are no strokes in this slice: draw a line, path or ellipse in the layer of strokes.")
    cost = _cost(plane, edges) if snap else None
    pixels = np.zeros(plane.shape, dtype=bool)
    for kind, points in outlines:
        pixels |= _drawn(kind, points, plane.shape, smooth=smooth, cost=cost)
    if not pixels.any():
        raise ValueError("The strokes lie outside the image: draw them over it.")
    count = ours.draw(edges, plane, pixels, EdgeSource.DRAWN)
    strokes.data = []
    return count


def keep_longer(plane: Plane, edges: Labels, shortest_px: int) -> int:
    """Erase the edges inside the hole that have fewer pixels than this; drawn ones stay.

    Returns
    -------
    erased : int
        Pixels.
    """
    edge_map = ours.read_edges(edges)
    return ours.draw(
        edges, plane, edge_parts.short_edges(edge_map.labels, shortest_px, hole=edge_map.hole), EdgeSource.NONE
    )


class Source(NamedTuple):
    """Where edges can be taken from.

    Attributes
    ----------
    title, explanation : str
        For a menu.
    picture : callable
        Gives the picture on the plane's pixel grid, (H, W) or (H, W, channels).
    as_they_are : bool
        The picture is a drawing: its lines are taken, and not found by Canny.
    """

    title: str
    explanation: str
    picture: Callable[[], NDArray[Any]]
    as_they_are: bool

    def take(self, plane: Plane, edges: Labels, *, sigma: float) -> int:
        """Make the edges inside the hole those of the picture.

        What the machine proposed there and a person did not draw gives way;
        where the picture shows nothing (NaN), all stays.

        Parameters
        ----------
        plane : Plane
        edges : Labels
            The plane's edge layer.
        sigma : float
            Canny's, in pixels of the plane.

        Returns
        -------
        taken : int
            Pixels of edges.

        Raises
        ------
        ValueError
            Where the picture can't be brought onto the plane, or shows no edge inside the hole.
        """
        picture = self.picture()
        before = ours.read_edges(edges)
        taken = drawing.edges_from(picture, sigma=sigma, hole=before.hole, as_they_are=self.as_they_are)
        if not taken.any():
            raise ValueError(f"{self.title} shows no edges inside the damage: try a smaller sigma, or another layer.")
        decides = before.hole & ~nonfinite(picture)
        labels = np.where(decides & ~before.drawn, EdgeSource.NONE, before.labels).astype(np.uint8)
        labels[taken] = EdgeSource.DRAWN
        ours.write_edges(edges, replace(before, labels=labels, decided=before.decided | decides), details={})
        return int(np.count_nonzero(taken))


def sources(viewer: ViewerModel, plane: Plane | None, *, mask: Layer | None = None) -> Iterator[Source]:
    """Everything in a viewer that edges can be taken from: the neighbouring slices, and other layers but the mask."""
    if plane is None:
        return
    for neighbour in neighbours(plane):
        yield Source(
            f"“{plane.layer.name}”, {neighbour.where}",
            "The same image, one slice away: edges by Canny, as wide as sigma says.",
            lambda neighbour=neighbour: read_plane(neighbour),
            as_they_are=False,
        )
    for layer in reversed(viewer.layers):
        if isinstance(layer, Image) and layer is not plane.layer and ours.KEY not in layer.metadata:
            yield Source(
                f"“{layer.name}”, by Canny",
                "Another channel, or an image that shows the same: its edges, as wide as sigma says.",
                lambda layer=layer: plane_values(plane, layer),
                as_they_are=False,
            )
            yield Source(
                f"“{layer.name}”, as it is",
                "A drawing: whatever is not 0 is a line.",
                lambda layer=layer: plane_values(plane, layer),
                as_they_are=True,
            )
        elif isinstance(layer, Labels | Shapes) and layer is not mask and ours.KEY not in layer.metadata:
            yield Source(
                f"“{layer.name}”, as it is",
                "A drawing: every label, or every shape, is a line.",
                lambda layer=layer: plane_mask(plane, layer),
                as_they_are=True,
            )


def neighbours(plane: Plane) -> Iterator[Plane]:
    """The slices before and after a plane, along the first of the other axes that has more than one."""
    along = next((axis for axis in plane.across if plane.level.shape[axis] > 1), None)
    if along is None:
        return
    for step in (-1, 1):
        index = list(plane.index)
        index[along] += step
        if 0 <= index[along] < plane.level.shape[along]:
            yield replace(plane, index=tuple(index))


def _drawn(
    kind: str, points: NDArray[np.floating], shape: tuple[int, int], *, smooth: bool, cost: NDArray[Any] | None
) -> NDArray[np.bool_]:
    """One shape's pixels."""
    if smooth and kind in _OPEN:
        closed = kind == "polygon"
        points, kind = drawing.spline(np.concatenate([points, points[:1]]) if closed else points), "path"
    if cost is not None and kind in ("line", "path"):
        points, kind = drawing.snapped(points, cost), "path"
    elif cost is not None and kind in ("polygon", "rectangle"):
        points, kind = drawing.snapped(np.concatenate([points, points[:1]]), cost), "path"
    return drawing.stroke(points, shape, kind=kind)


def _cost(plane: Plane, edges: Labels) -> NDArray[np.float64]:
    """What a stroke that is snapped pays for each pixel of the plane."""
    edge_map, pixels = ours.read_edges(edges), read_plane(plane)
    unknown = edge_map.hole | nonfinite(pixels)
    shown = np.where(unknown[..., None], 0, colours(pixels))
    gray = gray_of(contrast_mapping(pixels, unknown).to_unit(shown))
    return drawing.edge_cost(gray, edge_map.probability, unknown)
