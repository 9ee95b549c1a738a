"""Noise that matches: the fill gets the noise of the known pixels near it.

A network completes what it can know, and noise is not among it: a repaired
patch of a noisy image stands out as smooth. Here the noise is estimated window
by window, as Poisson–Gaussian (its variance is a straight line over intensity)
and with its ``grain``, and what the fill lacks of it is added, to invented
pixels only and from a seed.

Estimates are robust: within classes of intensity, from the median absolute
deviation of a residual that no plane or saddle leaves, where the smoothed
picture is flattest. All happens on the unit scale of ``planes``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, optimize

from .grain import Grain
from .holes import Box, Window
from .job import Job
from .noise_level import robust_deviation
from .planes import ContrastMapping, colours

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

#: Known pixels up to this far from the hole say how noisy it should be; where they are too few, all of the window.
REACH_PX = 32
_ENOUGH_PX = 1000
#: With fewer than these nothing is added.
_FEWEST_PX = 64
#: A class of intensity has at least so many pixels, and there are at most so many classes.
_CLASS_PX = 250
_MOST_CLASSES = 10
#: Of more pixels a regular subsample is taken.
_MOST_PX = 100_000
#: So many of the fill's own pixels are needed to see how noisy it is already.
_FEWEST_FILL_PX = 16
#: The difference of two Laplacians (Immerkær 1996): white noise keeps its deviation.
_RESIDUAL = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]]) / 6.0
_SMOOTHING_PX = 1.5
#: A detector that clips leaves at least this share of pixels at one end, and they have no noise.
_CLIPPED_SHARE = 0.01
_REWEIGHTINGS = 4
#: Of noise of the coarsest grain the residual shows so little that its strength can't be told.
_LEAST_SEEN = 0.05


@dataclass(frozen=True)
class NoiseModel:
    """Poisson–Gaussian noise of one channel: of variance ``read + gain * (value - darkest)``.

    Attributes
    ----------
    darkest, brightest : float
        Between these it was measured; beyond them it is taken as it is there.
    read, gain : float
        Not negative.
    """

    darkest: float
    brightest: float
    read: float
    gain: float

    def variance(self, values: NDArray[np.floating] | float) -> Floats:
        """The noise's variance at noise-free values, of any shape."""
        above = np.clip(np.asarray(values, np.float64), self.darkest, self.brightest) - self.darkest
        return self.read + self.gain * above


@dataclass(frozen=True)
class Noise:
    """The noise of all colours of a window: a model for each, and how they go together.

    Attributes
    ----------
    models : tuple of NoiseModel
        One per colour, on the unit scale.
    mixing : (C, C) float64
        Takes independent noise to noise with the colours' correlation: gray images stay gray.
    grain : Grain
        How neighbouring pixels go together. The models' variances are those of white noise with the same residual.
    """

    models: tuple[NoiseModel, ...]
    mixing: Floats
    grain: Grain

    @property
    def seen(self) -> float:
        """The share of this noise's variance that the residual shows; 1 for white noise."""
        return max(_LEAST_SEEN, self.grain.seen_through(_RESIDUAL))

    def as_dict(self, mapping: ContrastMapping) -> dict[str, Any]:
        """Plain values in the image's units, for a record: values, and the deviation at them, one per colour.

        ``correlation`` is that of neighbouring pixels.
        """
        seen = self.seen
        ends = {"darkest": [m.darkest for m in self.models], "brightest": [m.brightest for m in self.models]}
        float64 = np.dtype(np.float64)
        shown: dict[str, Any] = {
            name: mapping.from_unit(np.array(values), float64).tolist() for name, values in ends.items()
        }
        for name, values in ends.items():
            variances = [float(m.variance(value)) / seen for m, value in zip(self.models, values, strict=True)]
            shown[f"sigma_{name}"] = [mapping.to_source_span(variance**0.5) for variance in variances]
        return {**shown, "correlation": self.grain.correlation}


def estimate_noise(pixels: NDArray[np.floating], known: Mask) -> NoiseModel | None:
    """The noise of one channel's known pixels.

    Parameters
    ----------
    pixels : (h, w) float
        Finite; what is not known does not count.
    known : (h, w) bool

    Returns
    -------
    NoiseModel or None
        In the units of ``pixels``; None where too few of them have only known ones around them.
    """
    measured = _Measured.of(pixels.astype(np.float64), known)
    return measured.model(measured.usable)


def signal_to_noise(pixels: NDArray[np.floating], known: Mask) -> float:
    """How far one channel's known picture stands out from its noise.

    Parameters are those of :func:`estimate_noise`.

    Returns
    -------
    float
        The spread of the smoothed picture in deviations of its noise; 0 where nothing can be told.
    """
    measured = _Measured.of(pixels.astype(np.float64), known)
    model = measured.model(measured.usable)
    if model is None:
        return 0.0
    low, middle, high = np.percentile(measured.smooth[measured.usable], (5, 50, 95))
    deviation = float(np.sqrt(model.variance(middle)))
    return float(high - low) / deviation if deviation else (np.inf if high > low else 0.0)


def add_matching_noise(result: NDArray[Any], job: Job) -> list[dict[str, Any] | None]:
    """Give a completed image's fill the noise of its surroundings.

    The same image, hole, windows and seed give the same noise, on any device.

    Parameters
    ----------
    result : array like ``job.image``
        Completed. Written to, inside the hole only, and within the dtype's range.
    job : Job
        Its settings hold the seed.

    Returns
    -------
    list
        What was found in each window of the plan, as :meth:`Noise.as_dict` says it; None where too few pixels
        are known, or the image is bool: nothing was added there.
    """
    completed = result.copy()
    found: list[dict[str, Any] | None] = []
    of_large_hole: dict[Box, Noise] = {}
    for window, own in zip(job.plan.windows, job.window_seeds(), strict=True):
        noise = _noise_near(window, job) if result.dtype.kind != "b" else None
        if window.region is not None:  # tiles with the most known surroundings come first
            noise = noise or of_large_hole.get(window.region)
            if noise:
                of_large_hole.setdefault(window.region, noise)
        if noise:
            _add(noise, result, completed, window, job, np.random.default_rng([job.settings.seed, *own]))
        found.append(noise.as_dict(job.mapping) if noise else None)
    return found


def _noise_near(window: Window, job: Job) -> Noise | None:
    """The noise of a window's known pixels, those near its target if they are enough."""
    unit, known = job.unit(window.box), ~job.hole[window.box.slices]
    channels = [_Measured.of(unit[..., c], known) for c in range(unit.shape[2])]
    near = ndimage.distance_transform_edt(~job.plan.target(window)) <= REACH_PX
    places = [channel.enough(near) for channel in channels]
    models = []
    for channel, where in zip(channels, places, strict=True):
        model = channel.model(where)
        if model is None:
            return None
        models.append(model)
    return Noise(tuple(models), _mixing(channels, models), _grain(channels, places))


def _add(
    noise: Noise, result: NDArray[Any], completed: NDArray[Any], window: Window, job: Job, rng: np.random.Generator
) -> None:
    """Add to a window's target what it lacks of the noise."""
    target = job.plan.target(window)
    unit = job.mapping.to_unit(colours(completed)[window.box.slices])
    fill = unit[target]
    lacking = np.stack([m.variance(fill[:, c]) for c, m in enumerate(noise.models)], axis=1)
    lacking -= [_variance_inside(unit[..., c], target) for c in range(unit.shape[2])]
    if result.dtype.kind in "ui":  # rounding adds its own
        lacking -= (1 / job.mapping.to_source_span(1.0)) ** 2 / 12
    drawn = noise.grain.drawn(unit.shape, rng)[target] @ noise.mixing
    noisy = fill + np.sqrt(np.clip(lacking, 0, None) / noise.seen) * drawn
    colours(result)[window.box.slices][target] = job.mapping.from_unit(noisy, result.dtype)


def _variance_inside(plane: Floats, target: Mask) -> float:
    """The noise that a fill has already; 0 where it is too thin to tell."""
    inside = _surrounded(target)
    if np.count_nonzero(inside) < _FEWEST_FILL_PX:
        return 0.0
    return robust_deviation(ndimage.convolve(plane, _RESIDUAL, mode="nearest")[inside]) ** 2


@dataclass(frozen=True)
class _Measured:
    """Of one channel: (h, w) residual, detail, smoothed picture and its slope, and where they count."""

    residual: Floats
    detail: Floats
    smooth: Floats
    slope: Floats
    usable: Mask

    @classmethod
    def of(cls, pixels: Floats, known: Mask) -> _Measured:
        pixels = np.where(known, pixels, 0)
        weight = ndimage.gaussian_filter(known.astype(np.float64), _SMOOTHING_PX)
        smooth = ndimage.gaussian_filter(pixels, _SMOOTHING_PX) / np.where(weight > 0, weight, 1)
        return cls(
            residual=ndimage.convolve(pixels, _RESIDUAL, mode="nearest"),
            detail=pixels - smooth,
            smooth=smooth,
            slope=np.hypot(*_gradient(smooth)),
            usable=_surrounded(known & ~_clipped(pixels, known)),
        )

    def enough(self, near: Mask) -> Mask:
        """The usable pixels that are near, or all where those are too few."""
        where = self.usable & near
        return where if np.count_nonzero(where) >= _ENOUGH_PX else self.usable

    def model(self, where: Mask) -> NoiseModel | None:
        """The line over the classes of intensity among the pixels ``where``."""
        at = np.flatnonzero(where)
        at = at[:: -(-at.size // _MOST_PX) or 1]
        if at.size < _FEWEST_PX:
            return None
        residual, smooth, slope = (plane.ravel()[at] for plane in (self.residual, self.smooth, self.slope))
        levels, variances = [], []
        by_intensity = np.argsort(smooth, kind="stable")
        for members in np.array_split(by_intensity, np.clip(at.size // _CLASS_PX, 1, _MOST_CLASSES)):
            # An odd filter's slope says nothing about an even filter's residual of white noise: no bias.
            flat = members[slope[members] <= np.median(slope[members])]
            levels.append(float(np.median(smooth[members])))
            variances.append(robust_deviation(residual[flat]) ** 2)
        read, gain = _line(np.array(levels) - levels[0], np.array(variances))
        return NoiseModel(levels[0], levels[-1], read, gain)


def _line(above: Floats, variances: Floats) -> tuple[float, float]:
    """Offset and slope, neither negative, where the error of a variance grows with it."""
    if len(above) == 1 or not above[-1] > 0 or not variances.any():
        return float(np.mean(variances)), 0.0
    terms = np.stack([np.ones_like(above), above / above[-1]], axis=1)
    expected = np.full_like(variances, variances.mean())
    for _ in range(_REWEIGHTINGS):
        weights = 1 / np.maximum(expected, 1e-3 * variances.mean())
        (read, rise), _ = optimize.nnls(terms * weights[:, None], variances * weights)
        expected = terms @ (read, rise)
    return float(read), float(rise / above[-1])


def _grain(channels: list[_Measured], places: list[Mask]) -> Grain:
    """How the noise goes from pixel to pixel, where the picture is flattest."""
    details = (
        (channel.detail, where & (channel.slope <= np.median(channel.slope[where])))
        for channel, where in zip(channels, places, strict=True)
    )
    return Grain.measured(details, _SMOOTHING_PX)


def _mixing(channels: list[_Measured], models: list[NoiseModel]) -> Floats:
    """The square root of the correlation between the colours' noise."""
    count = len(channels)
    where = np.logical_and.reduce([channel.usable for channel in channels])
    scaled = []
    for channel, model in zip(channels, models, strict=True):
        deviation = np.sqrt(model.variance(channel.smooth[where]))
        scaled.append(np.clip(channel.residual[where] / np.where(deviation > 0, deviation, 1), -3, 3))
    if count == 1 or not where.any() or any(not s.any() for s in scaled):
        return np.eye(count)
    values, vectors = np.linalg.eigh(np.corrcoef(scaled))
    return np.asarray((vectors * np.sqrt(np.clip(values, 0, None))) @ vectors.T)


def _clipped(pixels: Floats, known: Mask) -> Mask:
    clipped = np.zeros_like(known)
    if known.any():
        for end in (pixels[known].min(), pixels[known].max()):
            there = known & (pixels == end)
            if np.count_nonzero(there) > _CLIPPED_SHARE * np.count_nonzero(known):
                clipped |= there
    return clipped


def _surrounded(where: Mask) -> Mask:
    return np.asarray(ndimage.binary_erosion(where, np.ones((3, 3), dtype=bool)))


def _gradient(plane: Floats) -> tuple[Floats, Floats]:
    rows, columns = (ndimage.correlate1d(plane, [-0.5, 0, 0.5], axis=axis, mode="nearest") for axis in (0, 1))
    return np.asarray(rows), np.asarray(columns)
