"""What finders look at: the plane in gray, in units of its own contrast, and how noisy it is."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage

from ..job import gray_of
from ..noise_level import robust_deviation
from ..planes import checked_image, colours, contrast_mapping, nonfinite

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

#: Of the contrast: two steps of 8 bits. What differs by less differs by rounding or compression.
LEAST_NOISE = 2 / 255


def checked_sensitivity(sensitivity: float) -> float:
    """The sensitivity, or a sentence about why it can't be one."""
    if not 0 <= sensitivity <= 1:
        raise ValueError(f"The sensitivity is {sensitivity!r}: give 0 (only what is beyond doubt) to 1.")
    return sensitivity


def between(at_zero: float, at_one: float, sensitivity: float) -> float:
    """A threshold for a sensitivity, geometrically between its ends."""
    return float(at_zero * (at_one / at_zero) ** checked_sensitivity(sensitivity))


def in_gray(image: ArrayLike) -> Floats:
    """The plane as a finder looks at it.

    Parameters
    ----------
    image : (H, W), (H, W, 3) or (H, W, 4) bool, integer or float
        The fourth channel is alpha, and not looked at.

    Returns
    -------
    gray : (H, W) float64
        0 and 1 at the ends of the contrast (``planes.contrast_mapping``), values beyond them outside of [0, 1].
        Pixels that are not finite have the median of the others; all are 0 where none is finite.

    Raises
    ------
    TypeError, ValueError
        For what is no image of one plane.
    """
    array = checked_image(image)
    missing = nonfinite(array)
    if missing.all():
        return np.zeros(missing.shape)
    pixels: NDArray[Any] = colours(array)
    if missing.any():
        pixels = np.where(missing[..., None], pixels[~missing][0], pixels)
    gray = gray_of(contrast_mapping(array, missing).to_unit(pixels)).astype(np.float64)
    gray[missing] = np.median(gray[~missing])
    return gray


def noise_of(gray: Floats) -> float:
    """The deviation of pixels from the median of their 3 x 3 neighbours, at least ``LEAST_NOISE``."""
    return max(LEAST_NOISE, robust_deviation(gray - ndimage.median_filter(gray, size=3)))
