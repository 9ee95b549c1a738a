"""How noisy an image is, whatever else it shows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

#: The median absolute deviation of a Gaussian times this is its standard deviation.
MAD_TO_SIGMA = 1.4826


def robust_deviation(values: NDArray[np.floating]) -> float:
    """The standard deviation of the most usual values, whatever the others are.

    Parameters
    ----------
    values : float array of any shape, not empty

    References
    ----------
    Rousseeuw & Croux, Alternatives to the Median Absolute Deviation, 1993.
    """
    middle = np.median(values)
    return float(MAD_TO_SIGMA * np.median(np.abs(values - middle)))


def white_noise(pixels: NDArray[np.floating], known: NDArray[np.bool_]) -> float | None:
    """Standard deviation of what differs from pixel to pixel.

    From second differences along rows, in which slow changes cancel; their
    usual size, so that edges do not count. Noise that is correlated between
    neighbours counts for less, that of JPEG and of denoised images for next to nothing.

    Parameters
    ----------
    pixels : (H, W) or (H, W, C) float
    known : (H, W) bool
        What lies elsewhere is not looked at, and may be anything but NaN.

    Returns
    -------
    float or None
        In the pixels' units; None where no three known pixels are neighbours in a row.

    Examples
    --------
    >>> slope = np.arange(2000.0).reshape(20, 100)
    >>> noisy = slope + np.random.default_rng(0).normal(0, 3, slope.shape)
    >>> 2.7 < white_noise(noisy, np.ones(slope.shape, bool)) < 3.3
    True
    """
    triple = known[:, :-2] & known[:, 1:-1] & known[:, 2:]
    if not triple.any():
        return None
    second = pixels[:, :-2] - 2 * pixels[:, 1:-1] + pixels[:, 2:]
    return robust_deviation(second[triple]) / float(np.sqrt(6))  # 1 + 4 + 1
