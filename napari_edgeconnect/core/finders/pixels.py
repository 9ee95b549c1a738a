"""Single pixels: those that a detector counts wrong."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy import ndimage

from .contrast import Mask, between, in_gray, noise_of

#: A defect is rarer than one pixel in fifty. The deviation that so many stay below, over that, counts as noise, too.
_USUAL_PERCENT, _USUAL_DEVIATIONS = 98.0, 4.0
_NEIGHBOURS = np.array([[1, 1, 1], [1, 0, 1], [1, 1, 1]], dtype=bool)


def hot_pixels(image: ArrayLike, sensitivity: float = 0.5) -> Mask:
    """Pixels far brighter or darker than all of their neighbours but one.

    One neighbour is left out, so that two hot pixels side by side are found.
    The jump is measured by the noise and by how much the other neighbours
    differ among themselves, so that neither a noisy image nor a small real
    spot, whose neighbours rise with it, is taken for a defect.

    Parameters
    ----------
    image : (H, W), (H, W, 3) or (H, W, 4) bool, integer or float
    sensitivity : float in [0, 1]
        The jump from 32 (at 0) over 11 (at 0.5) to 4 (at 1) of these.

    Returns
    -------
    mask : (H, W) bool

    Raises
    ------
    TypeError, ValueError
        For what is no image of one plane, or another sensitivity.
    """
    jump = between(32, 4, sensitivity)
    gray = in_gray(image)
    off = np.abs(gray - ndimage.median_filter(gray, size=3))
    # Where single pixels stand out all over (counted photons), one that stands out is no defect.
    noise = max(noise_of(gray), float(np.percentile(off, _USUAL_PERCENT)) / _USUAL_DEVIATIONS)
    ranked = [ndimage.rank_filter(gray, rank, footprint=_NEIGHBOURS, mode="reflect") for rank in (1, 3, 4, 6)]
    second, below, above, last_but_one = ranked
    middle = (below + above) / 2
    return np.asarray(
        (gray - last_but_one > jump * np.maximum(noise, last_but_one - middle))
        | (second - gray > jump * np.maximum(noise, middle - second))
    )
