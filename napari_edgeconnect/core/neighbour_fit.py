"""How well a neighbouring plane fits a window, and what it says about the hole: arrays in, arrays out.

Apart from ``neighbours``, which knows planes, windows and holes, because this is
measurement alone. Everything is measured where both planes are known, near the
hole: by how much the neighbour is shifted, whether its detail and its edges are
the plane's, and, on discs cut out beside the hole, whether repairing from it
would have been better than the smooth fill.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.optimize import nnls
from skimage.registration import phase_cross_correlation

from .fill import biharmonic_fill

#: A neighbour is moved by at most so much: specimens drift, and sections are cut and aligned, within this.
LARGEST_SHIFT_PX = 16
#: Known pixels at most so far from the hole say how well a neighbour fits.
NEAR_PX = 32
#: Cut out beside the hole, so many discs at most, no wider than this, say what neighbours are good for.
_TRIALS, _LARGEST_TRIAL_PX = 12, 24
_FEWEST_TRIALS = 3
#: Contents are taken where they beat the smooth fill by so much on these discs: the networks beat it by up to 1 dB.
LEAST_GAIN_DB = 1.0
#: Edges are taken from neighbours whose edges are the plane's own, this much of the way from chance to always.
LEAST_EDGE_AGREEMENT = 0.3
#: Widths of the Gaussian that takes the noise off the rim's difference; which one, the discs say.
_SMOOTHINGS_PX = (0.0, 1.0, 2.0)
#: A window is registered by at most so much of it, around its middle.
_REGISTERED_PX = 512
_FEWEST_KNOWN_PX = 256

Plane = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Contents:
    """What neighbours put into a hole.

    Attributes
    ----------
    pixels : (h, w, C) float64
        The whole window, as the neighbours' share of it and the smooth rest.
    weights : tuple of float
        Each neighbour's share, from the detail of the surroundings.
    gain_db : float
        By how much they beat the smooth fill on the discs; may be negative. -inf where there are too few discs.
    trials : int
        How many discs.
    smoothing_px : float
        Width of the Gaussian over the difference at the rim.
    """

    pixels: Plane
    weights: tuple[float, ...]
    gain_db: float
    trials: int
    smoothing_px: float


def shift_of(own: Plane, known: Mask, theirs: Plane, their_known: Mask, scale_px: float) -> tuple[int, int]:
    """By how many whole pixels a neighbour must be moved to lie on the plane; (0, 0) where that can't be told.

    Parameters
    ----------
    own, theirs : (h, w) float64
        Gray; values outside of what is known do not count.
    known, their_known : (h, w) bool
    scale_px : float
        Detail finer than this is compared.
    """
    middle = tuple(slice(max(0, n // 2 - _REGISTERED_PX // 2), n // 2 + _REGISTERED_PX // 2) for n in own.shape)
    own, theirs = own[middle], theirs[middle]
    known, their_known = known[middle], their_known[middle]
    ours, other = detail(own, known, scale_px), detail(theirs, their_known, scale_px)
    if np.count_nonzero(known & their_known) < _FEWEST_KNOWN_PX or not (ours.any() and other.any()):
        return 0, 0
    found, _, _ = phase_cross_correlation(ours, other, reference_mask=known, moving_mask=their_known)
    rows, columns = (int(step) for step in found)
    return (rows, columns) if max(abs(rows), abs(columns)) <= LARGEST_SHIFT_PX else (0, 0)


def agreement(own: Plane, theirs: Plane, where: Mask, known: Mask, their_known: Mask, scale_px: float) -> float:
    """Pearson correlation of two planes' detail, from -1 to 1, where both are known; 0 where one is flat."""
    where = where & known & their_known
    if np.count_nonzero(where) < 2:
        return 0.0
    ours, other = detail(own, known, scale_px)[where], detail(theirs, their_known, scale_px)[where]
    spread = ours.std() * other.std()
    return float(((ours - ours.mean()) * (other - other.mean())).mean() / spread) if spread > 0 else 0.0


def edge_agreement(own: Mask, theirs: Mask, where: Mask) -> float:
    """How many of a neighbour's edges are the plane's to a pixel: 1 all, 0 no more than by chance.

    Parameters
    ----------
    own, theirs : (h, w) bool
        Canny edges.
    where : (h, w) bool
        Known pixels near the hole.
    """
    near = ndimage.binary_dilation(own, np.ones((3, 3), dtype=bool))
    theirs = theirs & where
    if not theirs.any():
        return 0.0
    chance = float(near[where].mean())
    return (float(near[theirs].mean()) - chance) / (1 - chance) if chance < 1 else 0.0


def contents_of(own: Plane, unknown: Mask, hole: Mask, neighbours: Sequence[tuple[Plane, Mask]]) -> Contents:
    """Put neighbours' contents into a hole, level-matched at its rim, and say what that is worth beside it.

    A neighbour's share is what its detail explains of the plane's near the hole, all neighbours fitted together and
    none negative: those that agree share it, and one that shows something else gets none. What they leave unexplained
    at the rim is continued smoothly. Where none has a share, or too few discs have room, nothing is put into the hole.

    Parameters
    ----------
    own : (h, w, C) float64
    unknown : (h, w) bool
        All that is not known of the plane.
    hole : (h, w) bool
        The part of it that is to be filled.
    neighbours : sequence of ((h, w, C) float64, (h, w) bool)
        Moved onto the plane, and where they are known: in all of the hole.
    """
    scale = scale_of(hole)
    known = np.logical_and.reduce([~unknown, *(theirs_known for _, theirs_known in neighbours)])
    near = known & (ndimage.distance_transform_edt(~hole) <= NEAR_PX)
    weights = _weights(own, ~unknown, neighbours, near, scale)
    trial, count = _trial_discs(known, hole)
    if count < _FEWEST_TRIALS or not any(weights):
        return Contents(own, weights, -np.inf, count, 0.0)
    explained = np.sum([weight * theirs for weight, (theirs, _) in zip(weights, neighbours, strict=True)], axis=0)
    difference = np.where(known[..., None], own - explained, 0)
    unknown_there = ~known | trial
    # Taking noise off the rim is worth something without any neighbour: it must not count for them.
    plain = min(_mean_square(_continued(own, unknown_there, width) - own, trial) for width in _SMOOTHINGS_PX)
    errors = {
        width: _mean_square(explained + _continued(difference, unknown_there, width) - own, trial)
        for width in _SMOOTHINGS_PX
    }
    smoothing = min(errors, key=lambda width: errors[width])
    gain = 10 * float(np.log10(max(plain, 1e-12) / max(errors[smoothing], 1e-12)))
    pixels = np.where(hole[..., None], explained + _continued(difference, ~known, smoothing), own)
    return Contents(pixels, weights, gain, count, smoothing)


def scale_of(hole: Mask) -> float:
    """Detail that the smooth fill of a hole can't show is finer than this, in pixels."""
    return max(2.0, _radius(hole) / 2)


def detail(gray: Plane, known: Mask, scale_px: float) -> Plane:
    """What of a plane is finer than a Gaussian of this width over known pixels; 0 elsewhere."""
    return np.where(known, gray - smoothed(gray, known, scale_px), 0)


def smoothed(plane: Plane, known: Mask, width_px: float) -> Plane:
    """A Gaussian over known pixels alone, (h, w) or (h, w, C)."""
    lacking = (1,) * (plane.ndim - 2)
    weight = ndimage.gaussian_filter(known.astype(np.float64), width_px).reshape(*known.shape, *lacking)
    values = np.where(known.reshape(*known.shape, *lacking), plane, 0)
    widths = (width_px, width_px, *(0.0 for _ in lacking))
    return np.asarray(ndimage.gaussian_filter(values, widths) / np.maximum(weight, 1e-9))


def _weights(
    own: Plane, known: Mask, neighbours: Sequence[tuple[Plane, Mask]], near: Mask, scale_px: float
) -> tuple[float, ...]:
    if not near.any():
        return (0.0,) * len(neighbours)
    theirs = [detail(plane.mean(axis=2), seen, scale_px)[near] for plane, seen in neighbours]
    found, _ = nnls(np.stack(theirs, axis=1), detail(own.mean(axis=2), known, scale_px)[near])
    return tuple(float(weight) for weight in found)


def _continued(difference: Plane, unknown: Mask, width_px: float) -> Plane:
    """The difference at the rim, continued into all that is unknown."""
    known = ~unknown
    if width_px:
        difference = np.where(known[..., None], smoothed(difference, known, width_px), 0)
    return biharmonic_fill(difference, unknown)


def _trial_discs(known: Mask, hole: Mask) -> tuple[Mask, int]:
    """Discs as wide as the hole is thick, or narrower ones where these do not fit, and how many there are.

    They lie in what is known nearest to the hole. The smooth fill is better at narrow ones: these flatter nobody.
    """
    room = ndimage.distance_transform_edt(np.pad(known, 1))[1:-1, 1:-1]
    away = ndimage.distance_transform_edt(~hole)
    radius = min(max(1, round(_radius(hole))), _LARGEST_TRIAL_PX)
    while True:
        step = 2 * radius + 5  # the two pixels around each that the biharmonic fill needs stay known
        grid = product(*(range(0, size, step) for size in known.shape))
        nearest = [at for _, at in sorted((away[at], at) for at in grid if room[at] > radius + 2)[:_TRIALS]]
        if len(nearest) >= _FEWEST_TRIALS or radius == 1:
            break
        radius = radius * 2 // 3
    trial = np.zeros_like(known)
    rows, columns = np.mgrid[-radius : radius + 1, -radius : radius + 1]
    disc = np.hypot(rows, columns) <= radius
    for row, column in nearest:
        trial[row - radius : row + radius + 1, column - radius : column + radius + 1] |= disc
    return trial, len(nearest)


def _radius(hole: Mask) -> float:
    """Of the largest disc inside a hole; the image's border is no rim."""
    return float(ndimage.distance_transform_edt(hole).max())


def _mean_square(error: Plane, where: Mask) -> float:
    return float((error[where] ** 2).mean())
