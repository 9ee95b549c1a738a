"""Scratches, hairs and fibres: thin, long, nearly straight, and alike all along."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage
from skimage.draw import line
from skimage.measure import label, regionprops
from skimage.morphology import reconstruction, skeletonize

from ..noise_level import MAD_TO_SIGMA
from .contrast import LEAST_NOISE, Mask, between, in_gray

Floats = NDArray[np.float32]

#: Against pixel noise; the thinnest line keeps most of its contrast.
_SMOOTH_PX = 0.8
#: How far the sides lie from the middle: lines of 1 to about 10 px fit in between.
_SIDES_PX = (3, 5, 8)
#: At the length below, neighbouring directions are 2 px apart at the ends.
_DIRECTIONS = 24
_LENGTH_PX = 31
#: A line is alike all along: no pixel counts for more than this, in units of the usual deviation.
_CLIP = 4.0
#: In this reach the image's structures count as a scratch's surroundings.
_AROUND_PX = 20.0
_WIDEST_PX = 12
#: Of a candidate, in usual deviations: the average along it somewhere and everywhere, and each pixel.
_STRONG, _WEAK, _RISING = 1.6, 1.1, 0.8


def scratches(image: ArrayLike, sensitivity: float = 0.5, *, shortest_px: float = 40.0) -> Mask:
    """Thin lines, brighter or darker than both of their sides along their whole length.

    At each pixel and in each of 24 directions: how far the pixel lies above (or below) both of its sides, the nearer
    of the two, so that the border of an object is no line; averaged along 31 px; in units of how much the
    surroundings vary, so that what is everywhere in the image is no scratch in it.

    Parameters
    ----------
    image : (H, W), (H, W, 3) or (H, W, 4) bool, integer or float
    sensitivity : float in [0, 1]
        From 45 (at 0) over 25 to 14 (at 1): the mean height of a line above its sides, in usual deviations of the
        image around it, times the square root of its extent in pixels, times extent / length, which is 1 for a
        straight line. So a faint line must be long.
    shortest_px : float
        Shorter lines are left out.

    Returns
    -------
    mask : (H, W) bool
        Lines of up to about 10 px, in their full width.

    Raises
    ------
    TypeError, ValueError
        For what is no image of one plane, or another sensitivity.
    """
    least = between(45, 14, sensitivity)
    gray = ndimage.gaussian_filter(np.clip(in_gray(image), -0.5, 1.5), _SMOOTH_PX, mode="nearest").astype(np.float32)
    scale = _usual(gray)
    found = np.zeros(gray.shape, dtype=bool)
    for side in (gray, -gray):
        ridge, along = _lines(side, scale)
        # The average runs on beyond a line's ends, where nothing rises.
        rising = np.where(ridge > _RISING, along, 0)
        candidates = reconstruction(np.where(rising > _STRONG, rising, 0), rising) > _WEAK
        found |= _outstanding(candidates, along, shortest_px, least)
    return found


def _lines(gray: Floats, scale: Floats) -> tuple[Floats, Floats]:
    """How far pixels lie above both sides, and the average along it, in the direction where this is greatest."""
    best, along = np.zeros_like(gray), np.zeros_like(gray)
    reach = max(_SIDES_PX)
    padded = np.pad(gray, reach, mode="edge")
    for angle in np.pi * np.arange(_DIRECTIONS) / _DIRECTIONS:
        ridge = np.full_like(gray, -np.inf)
        for side in _SIDES_PX:
            # Across the direction (sin, cos).
            down, right = round(side * np.cos(angle)), round(-side * np.sin(angle))
            higher = np.maximum(_shifted(padded, down, right, reach), _shifted(padded, -down, -right, reach))
            np.maximum(ridge, gray - higher, out=ridge)
        ridge /= scale
        mean = _averaged(np.clip(ridge, -_CLIP, _CLIP), angle)
        better = mean > along
        along[better], best[better] = mean[better], ridge[better]
    return best, along


def _usual(gray: Floats) -> Floats:
    """How much the image varies around each pixel beyond its own slow changes, (H, W)."""
    detail = np.abs(gray - ndimage.gaussian_filter(gray, 4.0, mode="nearest"))
    everywhere = max(LEAST_NOISE, MAD_TO_SIGMA * float(np.median(detail)))
    # Limited, so that a scratch does not hide itself.
    around = ndimage.gaussian_filter(np.minimum(detail, 12 * everywhere), _AROUND_PX, mode="nearest")
    return np.asarray(np.maximum(everywhere, MAD_TO_SIGMA * around), dtype=np.float32)


def _averaged(plane: Floats, angle: float) -> Floats:
    """Means along a line of ``_LENGTH_PX`` through each pixel, in the direction (sin, cos) of rows and columns."""
    half = _LENGTH_PX // 2
    down, right = round(half * np.sin(angle)), round(half * np.cos(angle))
    padded = np.pad(plane, half, mode="symmetric")
    steps = list(zip(*line(-down, -right, down, right), strict=True))
    total = np.zeros_like(plane)
    for row, column in steps:
        total += _shifted(padded, int(row), int(column), half)
    total /= len(steps)
    return total


def _shifted(padded: Floats, down: int, right: int, reach: int) -> Floats:
    """What lies so many rows below and columns to the right of each pixel; ``reach`` is the padding."""
    height, width = padded.shape[0] - 2 * reach, padded.shape[1] - 2 * reach
    return padded[reach + down : reach + down + height, reach + right : reach + right + width]


def _outstanding(lines: Mask, along: Floats, shortest_px: float, least: float) -> Mask:
    """Those connected lines that are thin and long, and whose height, length and straightness together are enough."""
    labels: NDArray[np.integer] = label(lines, connectivity=2)
    middle = skeletonize(lines)
    keep = np.zeros(labels.max() + 1, dtype=bool)
    for region in regionprops(labels):
        rows, columns = np.nonzero(middle[region.slice] & region.image)
        if len(rows) < shortest_px or region.area > _WIDEST_PX * len(rows):
            continue  # short; or a patch of texture, which has a long skeleton, too
        extent = _extent(rows, columns)
        straight = min(1.0, extent / len(rows))
        height = along[region.slice][rows, columns].mean()
        keep[region.label] = height * np.sqrt(extent) * straight > least
    return np.asarray(keep[labels])


def _extent(rows: NDArray[np.integer], columns: NDArray[np.integer]) -> float:
    """The length in pixels of points along the direction in which they reach farthest."""
    points = np.stack([rows, columns], axis=1) - [rows.mean(), columns.mean()]
    direction = np.linalg.eigh(points.T @ points)[1][:, -1]
    return float(np.ptp(points @ direction)) + 1
