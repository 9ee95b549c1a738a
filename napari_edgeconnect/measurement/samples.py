"""Repairs that are as possible as the one at hand, within its calibrated interval."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from ..core.planes import ContrastMapping, colours
from ..selftest.calibration import Uncertainty

#: Takes values as they are: what is wanted of a mapping here is the way back into a dtype.
_AS_IT_IS = ContrastMapping("given", 0.0, 1.0)


def sampled_repairs(found: Uncertainty, number: int, seed: int = 0) -> Iterator[NDArray[Any]]:
    """Draw repairs whose pixels vary as much as the calibrated interval says, and together as the variants do.

    A sample is the repair plus a random combination (of normal weights) of the variants' deviations from their mean,
    each pixel's scaled from the variants' spread to the calibrated one. So how errors of neighbouring pixels go
    together is taken from the variants, how large they are from the copies of the damage, and that they are normal is
    assumed. Pixels in which all variants agree to the last bit keep their value.

    Parameters
    ----------
    found : Uncertainty
    number : int
    seed : int
        The same samples for the same seed.

    Yields
    ------
    (H, W), (H, W, 3) or (H, W, 4) in the image's dtype; bit-identical to the repair outside the hole
    """
    hole, answers = found.spread.hole, found.spread.answers.astype(np.float64)
    patterns = answers - answers.mean(axis=0)
    spread = found.spread.spread[hole].astype(np.float64)
    sigma = found.half_width[hole] / norm.ppf((1 + found.calibration.level) / 2)
    patterns *= np.divide(sigma, spread, out=np.zeros_like(spread), where=spread > 0)[:, None]
    rng = np.random.default_rng(seed)
    for _ in range(number):
        weights = rng.standard_normal(len(patterns)) / np.sqrt(len(patterns))
        image = found.spread.repaired.copy()
        inside = answers[0] + np.tensordot(weights, patterns, axes=1)
        colours(image)[hole] = _AS_IT_IS.from_unit(inside, image.dtype)
        yield image
