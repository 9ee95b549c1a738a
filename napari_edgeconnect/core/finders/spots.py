"""Round spots: gold beads, dust grains, bubbles."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage
from skimage.draw import disk
from skimage.feature import blob_log

from .contrast import Floats, Mask, between, in_gray, noise_of

Pixels = NDArray[np.signedinteger]

#: The response of ``blob_log`` to a disk of contrast 1 whose radius is its sigma times the square root of 2.
_DISK_RESPONSE = 2 / math.e
#: The spot must stand out of its surroundings' own deviation by so much.
_ABOVE_SURROUNDINGS = 3.0
#: The spot's level inside of its border and beyond it, of its height.
_FULL, _ENDED = 0.8, 0.25
#: More blobs than this are the image's own texture; finding out which overlap would take minutes.
_MOST = 4000


def dark_spots(image: ArrayLike, sensitivity: float = 0.5, *, radius_px: tuple[float, float] = (2.0, 12.0)) -> Mask:
    """Round dark spots of sharp contrast, such as gold beads in electron microscopy.

    Candidates are maxima of the Laplacian of Gaussian over scales (``skimage.feature.blob_log``). A spot is what
    lies beyond half of the way from the surroundings to its middle; it is kept if it is compact, round and as
    large as its scale says, and if its surroundings are calm compared with it.

    Parameters
    ----------
    image : (H, W), (H, W, 3) or (H, W, 4) bool, integer or float
    sensitivity : float in [0, 1]
        The contrast from 0.9 (at 0) over 0.37 to 0.15 (at 1) of the image's.
    radius_px : (smallest, largest)

    Returns
    -------
    mask : (H, W) bool

    Raises
    ------
    TypeError, ValueError
        For what is no image of one plane, or another sensitivity.
    """
    return _spots(-in_gray(image), sensitivity, radius_px)


def bright_spots(image: ArrayLike, sensitivity: float = 0.5, *, radius_px: tuple[float, float] = (2.0, 12.0)) -> Mask:
    """As :func:`dark_spots`, bright."""
    return _spots(in_gray(image), sensitivity, radius_px)


def _spots(gray: Floats, sensitivity: float, radius_px: tuple[float, float]) -> Mask:
    contrast = max(between(0.9, 0.15, sensitivity), 4 * noise_of(gray))
    smallest, largest = radius_px
    blobs = blob_log(
        gray,
        min_sigma=smallest / np.sqrt(2),
        max_sigma=largest / np.sqrt(2),
        num_sigma=8,
        threshold=0.6 * contrast * _DISK_RESPONSE,
        overlap=1,
    )
    mask = np.zeros(gray.shape, dtype=bool)
    for row, column, sigma in sorted(blobs.tolist(), key=lambda blob: -blob[2])[:_MOST]:
        spot = _spot(gray, round(row), round(column), sigma * np.sqrt(2), contrast)
        if spot is not None:
            mask[spot] = True
    return mask


def _spot(gray: Floats, row: int, column: int, radius: float, contrast: float) -> tuple[Pixels, Pixels] | None:
    """The pixels (rows, columns) of one spot, or None where there is no such thing."""
    reach = int(np.ceil(2.2 * radius)) + 1
    top, left = max(0, row - reach), max(0, column - reach)
    window = gray[top : row + reach + 1, left : column + reach + 1]
    away = np.hypot(*np.ogrid[top - row : top - row + window.shape[0], left - column : left - column + window.shape[1]])
    around = window[(away > 1.5 * radius) & (away <= reach)]
    if around.size < 8:
        return None
    background, middle = np.median(around), np.median(window[away <= max(1.0, 0.5 * radius)])
    height = middle - background
    if height < max(contrast, _ABOVE_SURROUNDINGS * around.std()):
        return None
    labels, _ = ndimage.label(window > background + height / 2)
    spot = labels == labels[row - top, column - left]
    if labels[row - top, column - left] == 0 or not _is_round(spot, away, radius):
        return None
    if not _is_sharp(spot, (window - background) / height):
        return None
    rows, columns = np.nonzero(ndimage.binary_fill_holes(spot))
    return rows + top, columns + left


def _is_round(spot: Mask, away: Floats, radius: float) -> bool:
    expected = len(disk((0, 0), radius + 0.5)[0])
    area = np.count_nonzero(spot)
    inside = np.count_nonzero(spot & (away <= 1.4 * radius + 1))
    rows, columns = np.nonzero(spot)
    sides = np.ptp(rows) + 1, np.ptp(columns) + 1
    return bool(
        0.4 * expected <= area <= 2.0 * expected
        and inside >= 0.95 * area
        and max(sides) <= 1.5 * min(sides) + 1
        and area >= 0.6 * sides[0] * sides[1]
    )


def _is_sharp(spot: Mask, level: Floats) -> bool:
    """Whether the spot is full 2 px inside of its border and has ended as far outside; ``level`` is 0 to 1."""
    inside, outside = ndimage.distance_transform_edt(spot), ndimage.distance_transform_edt(~spot)
    full = level[inside >= min(2.0, inside.max())]
    ended = level[(outside >= 2.0) & (outside < 3.5)]
    return bool(full.mean() >= _FULL and (not ended.size or ended.mean() <= _ENDED))
