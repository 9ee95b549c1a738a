"""The tools for edges that are there already: their ends, the gap between two, a whole edge, short ones.

Apart from ``drawing``, whose tools need no edge to begin with. Each takes edge
labels (values of :class:`~.edges.EdgeSource`) and what a person pointed at,
and gives back pixels, for the caller to set or to erase. Points are
(row, column) in pixels of the plane.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage
from scipy.interpolate import CubicHermiteSpline
from skimage.morphology import thin

from .edges import EdgeSource
from .holes import Box
from .polylines import (
    FASTEST,
    STEP_PX,
    Mask,
    Points,
    marked,
    pixels_under,
    touch,
)

_EIGHT_NEIGHBOURS = np.ones((3, 3), dtype=bool)
#: The eight neighbours of a pixel, those that share a side with it first.
_AROUND = np.array([(-1, 0), (0, 1), (1, 0), (0, -1), (-1, -1), (-1, 1), (1, 1), (1, -1)])
#: An edge's direction is that of so many pixels at its end: fewer follow the pixel grid, more cut a bend.
_TAIL_PX = 10
#: How far around an edge end it is looked at: its tail, and what thinning takes off a thick edge.
_AROUND_END_PX = 2 * _TAIL_PX


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
    stations = np.linspace(0, 1, int(np.ceil(FASTEST * gap / STEP_PX)) + 1)
    return marked(pixels_under(curve(stations)), labels.shape)


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


def _tail(thinned: Mask, end: NDArray[np.intp]) -> list[tuple[int, int]]:
    """The last pixels of an edge, from its end inwards, up to the next junction; ``thinned`` has a free border."""
    tail = [(int(end[0]), int(end[1]))]
    while len(tail) < _TAIL_PX:
        around = [(row, column) for row, column in (tail[-1] + _AROUND).tolist()]
        ways = [pixel for pixel in around if thinned[pixel] and pixel not in tail]
        if not ways or not all(touch(ways[0], way) for way in ways):
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
