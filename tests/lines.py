"""Lines and planes that the tests of drawing share."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from scipy import ndimage
from scipy.spatial import KDTree

from napari_edgeconnect.core.edges import EdgeSource

PLANE = (64, 80)
EIGHT = np.ones((3, 3), dtype=bool)


def pixel(point: tuple[float, float] | np.ndarray) -> tuple[int, ...]:
    return tuple(np.floor(np.asarray(point) + 0.5).astype(int).tolist())


def densely(points: np.ndarray) -> np.ndarray:
    """A polyline as points a fiftieth of a pixel apart."""
    pieces = [np.linspace(a, b, int(50 * np.abs(b - a).max()) + 2) for a, b in pairwise(points)]
    return np.concatenate([points[:1], *pieces])


def farthest(points: np.ndarray, others: np.ndarray, p: float = 2) -> float:
    """How far a point can be from the nearest other; ``p=inf`` for rows or columns, whichever is more."""
    return float(KDTree(others).query(points, p=p)[0].max())


def pieces_of(mask: np.ndarray) -> int:
    return int(ndimage.label(mask, EIGHT)[1])


def circle(centre: tuple[float, float], radius: float, start: float, stop: float) -> np.ndarray:
    angles = np.linspace(start, stop, int(8 * radius * abs(stop - start)) + 2)
    return centre + radius * np.stack([np.sin(angles), np.cos(angles)], axis=1)


def painted(points: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Labels as a program paints them that rounds every point: with staircases."""
    labels = np.zeros(shape, np.uint8)
    labels[tuple(np.floor(points + 0.5).astype(int).T)] = EdgeSource.MEASURED
    return labels
