"""How noise at neighbouring pixels goes together, and noise drawn so.

Apart from ``noise``, which says how much there is: detectors, interpolation,
compression and deconvolution leave noise whose pixels are not independent, and
white noise in its place looks wrong at the same strength. Here its spectrum is
measured where the picture is flat, and given to white Gaussian noise: a random
phase texture (Galerne, Gousseau & Morel, Random Phase Textures: Theory and
Synthesis, IEEE Transactions on Image Processing, 2011).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import fft, signal

from .noise_level import robust_deviation

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

#: Pixels farther from each other than this are taken for independent.
LAG_PX = 5
#: Side of the grid on which the spectrum is kept.
_SIDE_PX = 32
#: Where smoothing left less than this share of the power, the detail says nothing: such frequencies are the picture's.
_LEAST_PASSED = 0.3
#: Deviations beyond which a pixel is no noise.
_CLIP = 3.0


@dataclass(frozen=True)
class Grain:
    """The spectrum of noise of variance 1.

    Attributes
    ----------
    amplitude : (32, 32) float64
        For each frequency, in the order of ``scipy.fft.fft2``; its mean square is 1. Ones: white noise.
    """

    amplitude: Floats

    @classmethod
    def measured(cls, details: Iterable[tuple[Floats, Mask]], smoothing_px: float) -> Grain:
        """The grain of a picture's channels, together.

        Parameters
        ----------
        details : iterable of ((h, w) float64, (h, w) bool)
            Of each channel: the picture less itself smoothed, and where it is flat, so that noise is most of that.
        smoothing_px : float
            Sigma of the Gaussian with which it was smoothed.
        """
        products, pairs = np.zeros((2, 2 * LAG_PX + 1, 2 * LAG_PX + 1))
        for detail, flat in details:
            deviation = robust_deviation(detail[flat]) if flat.any() else 0.0
            if deviation:
                scaled = np.where(flat, np.clip(detail / deviation, -_CLIP, _CLIP), 0.0)
                products += _autocorrelation(scaled)
                pairs += _autocorrelation(flat.astype(np.float64))
        distance = np.hypot(*np.indices(products.shape) - LAG_PX)
        covariance = products / np.maximum(pairs, 1) * np.clip(1 - distance / (LAG_PX + 1), 0, None)
        grid = np.zeros((_SIDE_PX, _SIDE_PX))
        grid[: len(covariance), : len(covariance)] = covariance
        power = np.clip(fft.fft2(np.roll(grid, (-LAG_PX, -LAG_PX), (0, 1))).real, 0, None)
        power /= np.maximum(_passed(smoothing_px), _LEAST_PASSED)
        return cls(np.sqrt(power / power.mean()) if power.any() else np.ones_like(power))

    def seen_through(self, kernel: Floats) -> float:
        """The variance that noise of this grain and of variance 1 has after a convolution with a kernel."""
        passed = np.abs(fft.fft2(kernel, self.amplitude.shape)) ** 2
        return float((passed * self.amplitude**2).mean())

    @property
    def correlation(self) -> float:
        """Between pixels that are next to each other, in [-1, 1]; 0 for white noise."""
        covariance = fft.ifft2(self.amplitude**2).real
        return float((covariance[0, 1] + covariance[1, 0]) / 2)

    def drawn(self, shape: tuple[int, int, int], rng: np.random.Generator) -> Floats:
        """Noise of this grain and of variance 1, (h, w, C) float64; its colours are independent."""
        kernel = fft.fftshift(fft.ifft2(self.amplitude).real)
        reach = _SIDE_PX // 2
        white = np.pad(rng.standard_normal(shape), [(reach - 1, reach), (reach - 1, reach), (0, 0)], mode="wrap")
        return np.asarray(signal.fftconvolve(white, kernel[..., None], mode="valid", axes=(0, 1)))


def _autocorrelation(plane: Floats) -> Floats:
    """Sums of the products of pixels up to ``LAG_PX`` apart, the pixel itself in the middle."""
    shape = [fft.next_fast_len(n + LAG_PX, real=True) for n in plane.shape]
    sums = fft.irfft2(np.abs(fft.rfft2(plane, shape)) ** 2, shape)
    return np.asarray(np.roll(sums, (LAG_PX, LAG_PX), (0, 1))[: 2 * LAG_PX + 1, : 2 * LAG_PX + 1])


def _passed(smoothing_px: float) -> Floats:
    """The share of each frequency's power that is left of a picture without itself smoothed."""
    frequency = fft.fftfreq(_SIDE_PX)
    squared = frequency[:, None] ** 2 + frequency**2
    return np.asarray((1 - np.exp(-2 * (np.pi * smoothing_px) ** 2 * squared)) ** 2)
