"""The tools of the edge layer: strokes, curves, bridges, and edges taken from elsewhere.

Apart from ``edges``, which says what an edge map means, because nothing here
decides anything: every tool takes what a person pointed at and gives back
pixels, for the caller to set or to erase.

Edge labels are values of :class:`~.edges.EdgeSource`. Points are (row, column)
in pixels of the plane; whole numbers are the pixels' centres.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage
from scipy.interpolate import CubicHermiteSpline
from skimage.graph import route_through_array
from skimage.morphology import thin

from .edges import EdgeSource, known_edges
from .holes import Box
from .job import gray_of
from .planes import checked_image, colours, contrast_mapping, nonfinite

Points = NDArray[np.float64]
Mask = NDArray[np.bool_]

_EIGHT_NEIGHBOURS = np.ones((3, 3), dtype=bool)
#: The eight neighbours of a pixel, those that share a side with it first.
_AROUND = np.array([(-1, 0), (0, 1), (1, 0), (0, -1), (-1, -1), (-1, 1), (1, 1), (1, -1)])
#: Curves are looked up this densely: no pixel under them is stepped over.
_STEP_PX = 0.5
#: A cubic Hermite piece whose tangents are at most twice its chord is at most so many times as fast as the chord.
_FASTEST = 2.5
#: An edge's direction is that of so many pixels at its end: fewer follow the pixel grid, more cut a bend.
_TAIL_PX = 10
#: How far around an edge end it is looked at: its tail, and what thinning takes off a thick edge.
_AROUND_END_PX = 2 * _TAIL_PX
#: Canny sees this many sigmas more than the hole's box.
_CANNY_REACH = 4
#: Clicks closer together than this are one.
_SAME_PX = 1e-3
#: A vertex between sides as long as this is a corner and keeps its pixel; between shorter ones it is part of a curve.
_CORNER_PX = 2.0
#: Less than one gray level of 8 bits per pixel is no edge, however flat the rest is.
_FAINTEST_GRADIENT = 1 / 255


def stroke(points: ArrayLike, shape: tuple[int, int], *, kind: str) -> Mask:
    """The pixels under one shape of a napari Shapes layer, one pixel wide and without gaps.

    Parameters
    ----------
    points : (N, 2) float
        Vertices; for an ellipse the four corners of its box, which may be rotated.
    shape : (H, W)
        The plane's; what lies outside is cut off.
    kind : "line", "path", "polygon", "rectangle" or "ellipse"
        The last three give their closed outline.

    Returns
    -------
    pixels : (H, W) bool
        8-connected where the whole shape lies in the plane.

    Raises
    ------
    ValueError
        For another kind, or points that are no points.
    """
    vertices = _checked_points(points)
    if kind in ("polygon", "rectangle"):
        vertices = np.concatenate([vertices, vertices[:1]])
    elif kind == "ellipse":
        vertices = _ellipse(vertices)
    elif kind not in ("line", "path"):
        raise ValueError(f'The shape is of kind "{kind}": give line, path, polygon, rectangle or ellipse.')
    return _marked(_pixels_under(vertices), shape)


def spline(points: ArrayLike) -> Points:
    """A smooth curve through clicked points, for ``stroke`` of kind "path".

    A centripetal Catmull-Rom curve: with knots at the root of the distances it
    makes no loop and no cusp between two points, however unevenly they are
    spaced. Its first and last piece are parts of parabolas.

    Parameters
    ----------
    points : (N, 2) float
        Points on the spot of the one before are ignored.

    Returns
    -------
    curve : (M, 2) float
        Through every point, less than a pixel from one to the next; of two points a straight line.

    Raises
    ------
    ValueError
        For points that are no points.

    References
    ----------
    Yuksel, Schaefer and Keyser, Parameterization and applications of Catmull-Rom curves, 2011.
    """
    through = _distinct(_checked_points(points), _SAME_PX)
    if len(through) == 1:
        return through
    lengths = np.hypot(*np.diff(through, axis=0).T)
    knots = _cumulated(np.sqrt(lengths))
    # Catmull and Rom's tangents are the differences of second order.
    tangents = np.gradient(through, knots, axis=0, edge_order=1 if len(through) == 2 else 2)
    along = _cumulated(lengths)
    stations = np.interp(_stations(along, _STEP_PX / _FASTEST), along, knots)
    return CubicHermiteSpline(knots, through, tangents)(stations)


def edge_ends(edges: NDArray[Any]) -> tuple[Points, Points]:
    """Where edges end, and in which direction they would go on.

    Parameters
    ----------
    edges : (H, W) bool or labels
        Anything but 0 is edge; thick ones are thinned first.

    Returns
    -------
    points : (N, 2) float
        Pixels of the thinned edges with one neighbour; a single pixel is no end.
    directions : (N, 2) float
        Unit vectors away from the edge: the straight line fitted to its last 10 pixels, up to the next junction.
    """
    # Not skeletonize: it eats staircases from their ends, half of a diagonal one.
    thinned = np.pad(thin(edges != 0), 1)
    pixels = np.argwhere(thinned)
    neighbours = thinned[tuple(np.moveaxis(pixels[:, None] + _AROUND, -1, 0))]
    ends = pixels[neighbours.sum(axis=1) == 1]
    directions = [_outward(_tail(thinned, end)) for end in ends]
    return ends - 1.0, np.array(directions, dtype=float).reshape(-1, 2)


def bridge(labels: NDArray[Any], start: ArrayLike, end: ArrayLike, *, reach_px: float = 10) -> Mask:
    """Close the gap between two edge ends with a curve that goes on as both of them do.

    A cubic Hermite curve between the ends nearest to two clicks. Its tangents
    are as long as the gap and have the ends' own directions, turned on as far
    as an even bend turns from the middle of an edge's tail to its end.

    Parameters
    ----------
    labels : (H, W) edge labels
    start, end : (2,) float
        Two clicks.
    reach_px : float
        How far a click may be from its edge end.

    Returns
    -------
    pixels : (H, W) bool
        8-connected, one pixel wide, from end to end with both of them.

    Raises
    ------
    ValueError
        Where a click is near no edge end, or both are near the same one.
    """
    first, leaving = _end_near(labels, start, reach_px, "first")
    last, arriving = _end_near(labels, end, reach_px, "second")
    across = last - first
    gap = np.hypot(*across)
    if gap == 0:
        raise ValueError("The first and the second click find the same edge end: click closer to the other one.")
    tangents = [gap * _turned(leaving, across), -gap * _turned(arriving, -across)]
    curve = CubicHermiteSpline([0, 1], [first, last], tangents)
    stations = np.linspace(0, 1, int(np.ceil(_FASTEST * gap / _STEP_PX)) + 1)
    return _marked(_pixels_under(curve(stations)), labels.shape)


def edge_cost(gray: NDArray[np.floating], probability: NDArray[np.floating], hole: Mask) -> NDArray[np.float64]:
    """What a snapped stroke pays per pixel: ``1 - s``, where ``s`` is how much of an edge a pixel is.

    Known pixels have ``s = m / M · m² / (m² + n²)``. ``m`` is the gradient's
    magnitude after a Gaussian of 1 px over known pixels only; ``M``, its
    maximum within 2 px, makes a crest of every edge, strong or faint; ``n²``,
    the mean of ``m²`` plus (1/255)², puts strong edges before faint ones. Inside
    the hole ``s`` is the probability.

    Parameters
    ----------
    gray : (H, W) float in [0, 1]
        Ignored inside the hole; it may be NaN there.
    probability : (H, W) float in [0, 1]
        Stage 1's.
    hole : (H, W) bool, True inside the hole

    Returns
    -------
    cost : (H, W) float in [0, 1], low on edges
    """
    known = ~hole
    weight = ndimage.gaussian_filter(known.astype(float), 1)
    smooth = ndimage.gaussian_filter(np.where(known, gray, 0.0), 1) / np.maximum(weight, np.finfo(float).tiny)
    slopes = [ndimage.correlate1d(smooth, (-0.5, 0, 0.5), axis=axis) for axis in (0, 1)]
    squared = np.where(known, np.square(slopes).sum(axis=0), 0.0)
    typical = squared.sum() / max(1, np.count_nonzero(known))
    crest = np.sqrt(squared / np.maximum(ndimage.maximum_filter(squared, 5), np.finfo(float).tiny))
    gradient = crest * squared / (squared + typical + _FAINTEST_GRADIENT**2)
    return 1 - np.where(known, gradient, probability)


def snapped(points: ArrayLike, cost: NDArray[np.floating], *, corridor_px: int = 6) -> Points:
    """Move a stroke onto the strongest edge near it.

    The minimal-cost path from the stroke's first to its last point. A pixel
    costs ``cost + (d / corridor_px)²`` at a distance ``d`` from the stroke: a
    perfect edge at the corridor's rim is as good as nothing under the stroke,
    and where there is nothing at all the stroke stays where it is.

    The path is sought in the corridor rolled out straight, one row for each
    pixel of the stroke. In the plane itself it would take the short cut
    wherever a stroke comes back to itself, as an outline does.

    Parameters
    ----------
    points : (N, 2) float
        An open or closed polyline. Its two ends stay.
    cost : (H, W) float in [0, 1]
        As ``edge_cost`` gives it; 1 outside the plane.
    corridor_px : int
        How far the path may leave the stroke, at least 1.

    Returns
    -------
    path : (M, 2) float
        For ``stroke`` of kind "path".

    Raises
    ------
    ValueError
        For points that are no points.
    """
    vertices = _distinct(_checked_points(points), _SAME_PX)
    if len(vertices) == 1:
        return vertices
    middle = _evenly_spaced(vertices)
    offsets = np.arange(-corridor_px, corridor_px + 1)
    corridor = middle[:, None] + offsets[:, None] * _normals(middle, corridor_px / 2)[:, None]
    rolled_out = ndimage.map_coordinates(cost, np.moveaxis(corridor, -1, 0), order=1, mode="constant", cval=1.0)
    rolled_out += (offsets / corridor_px) ** 2
    ends = (0, corridor_px), (len(middle) - 1, corridor_px)
    path, _ = route_through_array(rolled_out, *ends, fully_connected=True, geometric=True)
    return corridor[tuple(np.transpose(path))]


def connected_edge(labels: NDArray[Any], at: ArrayLike, *, reach_px: float = 3) -> Mask:
    """The whole edge nearest to a click: all pixels 8-connected with it, whatever their source.

    Parameters
    ----------
    labels : (H, W) edge labels
    at : (2,) float
        The click.
    reach_px : float
        How far it may be from the edge.

    Returns
    -------
    pixels : (H, W) bool, empty where no edge is near
    """
    box = _box_around(at, reach_px, labels.shape)
    near = np.argwhere(labels[box.slices])
    near += (box.top, box.left)
    nearest = _nearest(near, at, reach_px)
    if nearest is None:
        return np.zeros(labels.shape, dtype=bool)
    connected = ndimage.label(labels, _EIGHT_NEIGHBOURS)[0]
    return connected == connected[tuple(near[nearest])]


def short_edges(labels: NDArray[Any], shortest_px: int, *, hole: Mask | None = None) -> Mask:
    """What is erased where only edges of ``shortest_px`` pixels and more shall stay.

    Parameters
    ----------
    labels : (H, W) edge labels
        An edge is what is 8-connected, whatever its source; with a drawn pixel in it, it is never short.
    shortest_px : int
        Pixels.
    hole : (H, W) bool, optional
        Only pixels in here are given. An edge is measured with what lies outside.

    Returns
    -------
    pixels : (H, W) bool
    """
    connected = ndimage.label(labels, _EIGHT_NEIGHBOURS)[0]
    short = np.bincount(connected.ravel()) < shortest_px
    short[0] = False
    short[connected[labels == EdgeSource.DRAWN]] = False
    pixels: Mask = short[connected]
    return pixels if hole is None else pixels & hole


def edges_from(picture: ArrayLike, *, sigma: float, hole: Mask, as_they_are: bool = False) -> Mask:
    """Structure inside the hole from elsewhere: another channel or slice, a reference, a drawing made by hand.

    Parameters
    ----------
    picture : (H, W), (H, W, 3) or (H, W, 4) bool, integer or float
        Of any contrast; it is mapped as an image under repair is, by percentiles of all its finite pixels.
    sigma : float
        Canny's, in pixels.
    hole : (H, W) bool, True inside the hole
    as_they_are : bool
        The picture is a drawing: anything but 0 is line, and only thinned to one pixel.

    Returns
    -------
    edges : (H, W) bool, False outside the hole

    Raises
    ------
    TypeError, ValueError
        For a picture of another plane, or one that shows nothing: the message says which.
    """
    pixels = checked_image(picture)
    if pixels.shape[:2] != hole.shape:
        raise ValueError(f"The picture has shape {pixels.shape}, but the image's plane is {hole.shape}.")
    missing = nonfinite(pixels)
    if missing.all():
        raise ValueError("The picture holds nothing but NaN or infinite pixels: there are no edges to take from it.")
    edges = np.zeros(hole.shape, dtype=bool)
    if hole.any():
        seen = _box_of(hole, int(np.ceil(_CANNY_REACH * sigma)) + 2).slices
        shown = np.where(missing[seen][..., None], 0, colours(pixels)[seen])
        if as_they_are:
            lines = thin(shown.any(axis=2))
        else:
            unit = contrast_mapping(pixels, missing).to_unit(shown)
            lines = known_edges(gray_of(unit), missing[seen], sigma)
        edges[seen] = lines & hole[seen]
    return edges


def _checked_points(points: ArrayLike) -> Points:
    array = np.asarray(points, dtype=float)
    if array.ndim != 2 or array.shape[1] != 2 or not len(array):
        raise ValueError(f"The points have shape {array.shape}: give (N, 2) rows and columns of at least one point.")
    if not np.isfinite(array).all():
        raise ValueError("The points hold NaN or infinite coordinates: give rows and columns in pixels.")
    return array


def _distinct(points: Points, apart_px: float) -> Points:
    """The points that are not on the spot of the one before."""
    moved = np.hypot(*np.diff(points, axis=0).T) > apart_px
    return points[np.concatenate([[True], moved])]


def _cumulated(steps: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.concatenate([[0.0], np.cumsum(steps)])


def _stations(along: NDArray[np.float64], spacing: float) -> NDArray[np.float64]:
    """Positions along a line: every vertex (they are at ``along``), and at most ``spacing`` between two."""
    return np.union1d(along, np.arange(0, along[-1], spacing))


def _looked_up(vertices: Points, along: NDArray[np.float64], stations: NDArray[np.float64]) -> Points:
    return np.stack([np.interp(stations, along, axis) for axis in vertices.T], axis=1)


def _evenly_spaced(vertices: Points) -> Points:
    """Points along a polyline, about a pixel apart; at least two."""
    along = _cumulated(np.hypot(*np.diff(vertices, axis=0).T))
    return _looked_up(vertices, along, np.linspace(0, along[-1], int(np.ceil(along[-1])) + 1))


def _normals(line: Points, smoothed_px: float) -> Points:
    """Unit vectors across a line of evenly spaced points, at right angles to its general direction."""
    tangents = ndimage.gaussian_filter1d(np.gradient(line, axis=0), smoothed_px, axis=0, mode="nearest")
    lengths = np.hypot(*tangents.T)[:, None]
    return tangents[:, ::-1] * (1, -1) / np.maximum(lengths, np.finfo(float).tiny)


def _ellipse(corners: Points) -> Points:
    """The closed outline of the ellipse in a box, of sides shorter than a pixel."""
    if len(corners) != 4:
        raise ValueError(f"The ellipse has {len(corners)} points: give the four corners of its box.")
    first, second = (corners[1] - corners[0]) / 2, (corners[2] - corners[1]) / 2
    sides = int(np.ceil(2 * np.pi * (np.hypot(*first) + np.hypot(*second)) / _STEP_PX)) + 4
    angles = np.linspace(0, 2 * np.pi, sides + 1)[:, None]
    return corners.mean(axis=0) + np.cos(angles) * first + np.sin(angles) * second


def _pixels_under(vertices: Points) -> NDArray[np.intp]:
    """(N, 2) pixels of a polyline in their order, each a neighbour of the one before."""
    vertices = _distinct(vertices, 0)
    lengths = np.hypot(*np.diff(vertices, axis=0).T)
    along = _cumulated(lengths)
    stations = _stations(along, _STEP_PX)
    # Not rint, which rounds 0.5 down and 1.5 up: a line along a border between pixels stays on one side of it.
    pixels = np.floor(_looked_up(vertices, along, stations) + 0.5).astype(np.intp)
    corners = along[1:-1][np.minimum(lengths[:-1], lengths[1:]) >= _CORNER_PX]
    return _without_steps(pixels, np.isin(stations, corners))


def _without_steps(pixels: NDArray[np.intp], kept: Mask) -> NDArray[np.intp]:
    """A chain of pixels without those whose neighbours in it touch each other; ``kept`` ones stay."""
    line = pixels.tolist()
    chain = line[:1]
    for here, following, stays in zip(line[1:], line[2:], kept[1:].tolist(), strict=False):
        if stays or not _touch(chain[-1], following):
            chain.append(here)
    return np.array(chain + line[-1:], dtype=np.intp)


def _touch(pixel: Sequence[int], other: Sequence[int]) -> bool:
    return max(abs(pixel[0] - other[0]), abs(pixel[1] - other[1])) <= 1


def _marked(pixels: NDArray[np.intp], shape: tuple[int, ...]) -> Mask:
    marked = np.zeros(shape, dtype=bool)
    inside = ((pixels >= 0) & (pixels < shape)).all(axis=1)
    marked[tuple(pixels[inside].T)] = True
    return marked


def _tail(thinned: Mask, end: NDArray[np.intp]) -> list[tuple[int, int]]:
    """The last pixels of an edge, from its end inwards, up to the next junction; ``thinned`` has a free border."""
    tail = [(int(end[0]), int(end[1]))]
    while len(tail) < _TAIL_PX:
        around = [(row, column) for row, column in (tail[-1] + _AROUND).tolist()]
        ways = [pixel for pixel in around if thinned[pixel] and pixel not in tail]
        if not ways or not all(_touch(ways[0], way) for way in ways):
            break
        tail.append(ways[0])
    return tail


def _outward(tail: list[tuple[int, int]]) -> Points:
    """The direction of the straight line nearest to a tail, from its inner to its outer end."""
    pixels = np.array(tail, dtype=float)
    direction = np.linalg.svd(pixels - pixels.mean(axis=0))[2][0]
    return direction * np.sign(direction @ (pixels[0] - pixels[-1]))


def _turned(direction: Points, across: Points) -> Points:
    """The direction at an edge's end, given that of its tail and the way across the gap.

    A tail's direction is that in its middle. A bridge that bends evenly turns
    by the same angle on every pixel from the middle of one tail to that of the other.
    """
    gap = np.hypot(*across)
    onwards = gap * direction + _TAIL_PX * across / gap
    length = np.hypot(*onwards)
    return onwards / length if length else direction


def _end_near(labels: NDArray[Any], click: ArrayLike, reach_px: float, which: str) -> tuple[Points, Points]:
    """The edge end nearest to a click, and its direction."""
    box = _box_around(click, reach_px + _AROUND_END_PX, labels.shape)
    points, directions = edge_ends(labels[box.slices])
    points += (box.top, box.left)
    nearest = _nearest(points, click, reach_px)
    if nearest is None:
        raise ValueError(f"There is no edge end within {reach_px:g} px of the {which} click.")
    return points[nearest], directions[nearest]


def _nearest(points: NDArray[Any], click: ArrayLike, reach_px: float) -> int | None:
    away = np.hypot(*(points - np.asarray(click, dtype=float)).T)
    return int(away.argmin()) if away.size and away.min() <= reach_px else None


def _box_around(click: ArrayLike, px: float, shape: tuple[int, int]) -> Box:
    """Pixels around a click, or around the one nearest to it in the plane."""
    row, column = np.clip(np.rint(np.asarray(click, dtype=float)), 0, np.array(shape) - 1).astype(int).tolist()
    return Box(row, row + 1, column, column + 1).widened(int(np.ceil(px)) + 1, shape)


def _box_of(hole: Mask, with_px: int) -> Box:
    rows, columns = np.flatnonzero(hole.any(axis=1)), np.flatnonzero(hole.any(axis=0))
    box = Box(int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1)
    return box.widened(with_px, hole.shape)
