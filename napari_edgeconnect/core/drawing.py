"""The tools that draw edges: strokes, curves, strokes that snap, and edges taken from another picture.

Apart from ``edges``, which says what an edge map means, because nothing here
decides anything: every tool takes what a person pointed at and gives back
pixels, for the caller to set. Tools for edges that are there already are in
``edge_parts``. Points are (row, column) in pixels of the plane.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage
from scipy.interpolate import CubicHermiteSpline
from skimage.graph import route_through_array
from skimage.morphology import thin

from .edges import known_edges
from .holes import Box
from .job import gray_of
from .planes import checked_image, colours, contrast_mapping, nonfinite
from .polylines import (
    FASTEST,
    SAME_PX,
    STEP_PX,
    Mask,
    Points,
    checked_points,
    cumulated,
    distinct,
    evenly_spaced,
    marked,
    normals,
    pixels_under,
    stations_along,
)

#: Canny sees this many sigmas more than the hole's box.
_CANNY_REACH = 4
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
    vertices = checked_points(points)
    if kind in ("polygon", "rectangle"):
        vertices = np.concatenate([vertices, vertices[:1]])
    elif kind == "ellipse":
        vertices = _ellipse(vertices)
    elif kind not in ("line", "path"):
        raise ValueError(f'The shape is of kind "{kind}": give line, path, polygon, rectangle or ellipse.')
    return marked(pixels_under(vertices), shape)


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
    through = distinct(checked_points(points), SAME_PX)
    if len(through) == 1:
        return through
    lengths = np.hypot(*np.diff(through, axis=0).T)
    knots = cumulated(np.sqrt(lengths))
    # Catmull and Rom's tangents are the differences of second order.
    tangents = np.gradient(through, knots, axis=0, edge_order=1 if len(through) == 2 else 2)
    along = cumulated(lengths)
    stations = np.interp(stations_along(along, STEP_PX / FASTEST), along, knots)
    return CubicHermiteSpline(knots, through, tangents)(stations)


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
    vertices = distinct(checked_points(points), SAME_PX)
    if len(vertices) == 1:
        return vertices
    middle = evenly_spaced(vertices)
    offsets = np.arange(-corridor_px, corridor_px + 1)
    corridor = middle[:, None] + offsets[:, None] * normals(middle, corridor_px / 2)[:, None]
    rolled_out = ndimage.map_coordinates(cost, np.moveaxis(corridor, -1, 0), order=1, mode="constant", cval=1.0)
    rolled_out += (offsets / corridor_px) ** 2
    ends = (0, corridor_px), (len(middle) - 1, corridor_px)
    path, _ = route_through_array(rolled_out, *ends, fully_connected=True, geometric=True)
    return corridor[tuple(np.transpose(path))]


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


def _ellipse(corners: Points) -> Points:
    """The closed outline of the ellipse in a box, of sides shorter than a pixel."""
    if len(corners) != 4:
        raise ValueError(f"The ellipse has {len(corners)} points: give the four corners of its box.")
    first, second = (corners[1] - corners[0]) / 2, (corners[2] - corners[1]) / 2
    sides = int(np.ceil(2 * np.pi * (np.hypot(*first) + np.hypot(*second)) / STEP_PX)) + 4
    angles = np.linspace(0, 2 * np.pi, sides + 1)[:, None]
    return corners.mean(axis=0) + np.cos(angles) * first + np.sin(angles) * second


def _box_of(hole: Mask, with_px: int) -> Box:
    rows, columns = np.flatnonzero(hole.any(axis=1)), np.flatnonzero(hole.any(axis=0))
    box = Box(int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1)
    return box.widened(with_px, hole.shape)
