"""Rows and columns that a detector or a transmission lost."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy import ndimage

from .contrast import Floats, Mask, between, checked_sensitivity, in_gray, noise_of

#: The rows around a row that say what it should be. Dead bundles of up to half of it are found.
_AROUND_PX = 7
#: Of the noise: more than this is no line of the image's own brightness.
_CLIP = 8.0
#: So much of a line deviates to one side.
_ONE_SIDED = 0.9


def dead_rows(image: ArrayLike, sensitivity: float = 0.5) -> Mask:
    """Rows, or long pieces of them, that are brighter or darker than the rows around them all along.

    Parameters
    ----------
    image : (H, W), (H, W, 3) or (H, W, 4) bool, integer or float
    sensitivity : float in [0, 1]
        Both how long a piece must be, from the whole row (at 0) over 60 % to 20 % (at 1) of it, and how far it
        deviates, from 8 over 2 to 0.5 times the noise.

    Returns
    -------
    mask : (H, W) bool
        Bundles of up to three rows are found; nothing in images of less than 7 px a side.

    Raises
    ------
    TypeError, ValueError
        For what is no image of one plane, or another sensitivity.
    """
    return _rows(in_gray(image), sensitivity)


def dead_columns(image: ArrayLike, sensitivity: float = 0.5) -> Mask:
    """As :func:`dead_rows`, for columns."""
    return _rows(in_gray(image).T, sensitivity).T


def _rows(gray: Floats, sensitivity: float) -> Mask:
    least = between(8, 0.5, sensitivity)
    share = 1 - 0.8 * checked_sensitivity(sensitivity)
    if min(gray.shape) < _AROUND_PX:
        return np.zeros(gray.shape, dtype=bool)
    reach = max(3, int(share * gray.shape[1]))
    off = (gray - ndimage.median_filter(gray, size=(_AROUND_PX, 1), mode="reflect")) / noise_of(gray)
    found = np.zeros(gray.shape, dtype=bool)
    for side in (off, -off):
        # A line that is nowhere else: means of clipped values, so that a few bright pixels make no line.
        strength = ndimage.uniform_filter1d(np.clip(side, -_CLIP, _CLIP), reach, axis=1, mode="nearest")
        one_sided = ndimage.uniform_filter1d((side > 0).astype(np.float64), reach, axis=1, mode="nearest")
        middles = (strength > least) & (one_sided > _ONE_SIDED)
        middles[:, : reach // 2] = middles[:, reach // 2 : reach // 2 + 1]
        middles[:, gray.shape[1] - (reach - 1) // 2 :] = middles[:, gray.shape[1] - (reach - 1) // 2 - 1, None]
        found |= ndimage.binary_dilation(middles, np.ones((1, reach), dtype=bool)) if middles.any() else middles
    return found
