"""Lines as points and as pixels: what strokes, curves and bridges are made of.

Apart from the tools, which decide where a line goes: here one that is given
becomes evenly spaced points or an unbroken chain of pixels. Points are
(row, column) in pixels of the plane; whole numbers are the pixels' centres.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage

Points = NDArray[np.float64]
Mask = NDArray[np.bool_]

#: Curves are looked up this densely: no pixel under them is stepped over.
STEP_PX = 0.5
#: A cubic Hermite piece whose tangents are at most twice its chord is at most so many times as fast as the chord.
FASTEST = 2.5
#: Clicks closer together than this are one.
SAME_PX = 1e-3
#: A vertex between sides as long as this is a corner and keeps its pixel; between shorter ones it is part of a curve.
_CORNER_PX = 2.0


def checked_points(points: ArrayLike) -> Points:
    """(N, 2) float from what may be points; a ValueError says why it is not."""
    array = np.asarray(points, dtype=float)
    if array.ndim != 2 or array.shape[1] != 2 or not len(array):
        raise ValueError(f"The points have shape {array.shape}: give (N, 2) rows and columns of at least one point.")
    if not np.isfinite(array).all():
        raise ValueError("The points hold NaN or infinite coordinates: give rows and columns in pixels.")
    return array


def distinct(points: Points, apart_px: float) -> Points:
    """The points that are not on the spot of the one before."""
    moved = np.hypot(*np.diff(points, axis=0).T) > apart_px
    return points[np.concatenate([[True], moved])]


def cumulated(steps: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sums up to each step, from 0 on."""
    return np.concatenate([[0.0], np.cumsum(steps)])


def stations_along(along: NDArray[np.float64], spacing: float) -> NDArray[np.float64]:
    """Positions along a line: every vertex (they are at ``along``), and at most ``spacing`` between two."""
    return np.union1d(along, np.arange(0, along[-1], spacing))


def _looked_up(vertices: Points, along: NDArray[np.float64], stations: NDArray[np.float64]) -> Points:
    return np.stack([np.interp(stations, along, axis) for axis in vertices.T], axis=1)


def evenly_spaced(vertices: Points) -> Points:
    """Points along a polyline, about a pixel apart; at least two."""
    along = cumulated(np.hypot(*np.diff(vertices, axis=0).T))
    return _looked_up(vertices, along, np.linspace(0, along[-1], int(np.ceil(along[-1])) + 1))


def normals(line: Points, smoothed_px: float) -> Points:
    """Unit vectors across a line of evenly spaced points, at right angles to its general direction."""
    tangents = ndimage.gaussian_filter1d(np.gradient(line, axis=0), smoothed_px, axis=0, mode="nearest")
    lengths = np.hypot(*tangents.T)[:, None]
    return tangents[:, ::-1] * (1, -1) / np.maximum(lengths, np.finfo(float).tiny)


def pixels_under(vertices: Points) -> NDArray[np.intp]:
    """(N, 2) pixels of a polyline in their order, each a neighbour of the one before."""
    vertices = distinct(vertices, 0)
    lengths = np.hypot(*np.diff(vertices, axis=0).T)
    along = cumulated(lengths)
    stations = stations_along(along, STEP_PX)
    # Not rint, which rounds 0.5 down and 1.5 up: a line along a border between pixels stays on one side of it.
    pixels = np.floor(_looked_up(vertices, along, stations) + 0.5).astype(np.intp)
    corners = along[1:-1][np.minimum(lengths[:-1], lengths[1:]) >= _CORNER_PX]
    return _without_steps(pixels, np.isin(stations, corners))


def marked(pixels: NDArray[np.intp], shape: tuple[int, ...]) -> Mask:
    """A plane with these (N, 2) pixels set, as far as they lie in it."""
    plane = np.zeros(shape, dtype=bool)
    inside = ((pixels >= 0) & (pixels < shape)).all(axis=1)
    plane[tuple(pixels[inside].T)] = True
    return plane


def touch(pixel: Sequence[int], other: Sequence[int]) -> bool:
    """Whether two pixels are the same, or neighbours of eight."""
    return max(abs(pixel[0] - other[0]), abs(pixel[1] - other[1])) <= 1


def _without_steps(pixels: NDArray[np.intp], kept: Mask) -> NDArray[np.intp]:
    """A chain of pixels without those whose neighbours in it touch each other; ``kept`` ones stay."""
    line = pixels.tolist()
    chain = line[:1]
    for here, following, stays in zip(line[1:], line[2:], kept[1:].tolist(), strict=False):
        if stays or not touch(chain[-1], following):
            chain.append(here)
    return np.array(chain + line[-1:], dtype=np.intp)
