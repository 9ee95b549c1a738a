"""Figures that say how good a repair is, where the truth is known.

Every figure is one function of arrays. Those of pictures take a hole: with it
only the pixels inside count, without it the whole image does, which flatters
every method, because known pixels are always right. Nothing is resized,
converted or averaged behind one's back. What needs a network is in
``evaluation.perceptual``.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.color import rgb2gray
from skimage.metrics import structural_similarity

#: Side of the window in which EdgeConnect's paper took SSIM, on grayscale.
PUBLISHED_SSIM_WINDOW_PX = 51
_NOISE_WINDOW_PX = 5
_NOISE_REACH_PX = 8
#: Fewer pixels in a window say nothing about its noise.
_FEWEST_PX = 4

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]


class EdgeScores(NamedTuple):
    """How well edges were found; NaN where there was none to be right about."""

    precision: float
    recall: float


def psnr(result: NDArray[Any], truth: NDArray[Any], hole: Mask | None = None, *, data_range: float = 1.0) -> float:
    """Peak signal-to-noise ratio.

    Parameters
    ----------
    result, truth : (H, W) or (H, W, C), of one shape
    hole : (H, W) bool, True inside the hole; None: the whole image
    data_range : float
        Distance between black and white: 1 for floats in [0, 1], 255 for uint8.

    Returns
    -------
    float
        In dB; infinite where both are equal.

    Examples
    --------
    >>> truth = np.zeros((4, 4))
    >>> round(psnr(truth + 0.1, truth), 6)
    20.0
    """
    squared = float(np.mean(_difference(result, truth, hole) ** 2))
    return float(10 * np.log10(data_range**2 / squared)) if squared else float("inf")


def l1_percent(
    result: NDArray[Any], truth: NDArray[Any], hole: Mask | None = None, *, data_range: float = 1.0
) -> float:
    """Mean absolute difference in per cent of the data range; parameters as for :func:`psnr`."""
    return float(100 * np.mean(np.abs(_difference(result, truth, hole))) / data_range)


def ssim(result: NDArray[Any], truth: NDArray[Any], hole: Mask | None = None, *, data_range: float = 1.0) -> float:
    """Structural similarity as its authors define it: Gaussian window of sigma 1.5, 11 px wide.

    Parameters are those of :func:`psnr`; both sides are at least 11 px.

    Returns
    -------
    float
        At most 1. With a hole: the mean of the SSIM map inside it, where the
        windows of its rim see known pixels too. Colours count equally.

    References
    ----------
    Wang et al., Image quality assessment: from error visibility to structural
    similarity, IEEE TIP 2004.
    """
    return _ssim(result, truth, hole, data_range, gaussian_weights=True, sigma=1.5, use_sample_covariance=False)


def ssim_published(
    result: NDArray[Any], truth: NDArray[Any], hole: Mask | None = None, *, data_range: float = 1.0
) -> float:
    """Structural similarity as EdgeConnect's paper reports it: on grayscale, in flat windows of 51 px.

    So wide a window forgives blur: it is comparable with published tables and with nothing else.
    Parameters are those of :func:`psnr`; both sides are at least 51 px.
    """
    return _ssim(luma(result), luma(truth), hole, data_range, win_size=PUBLISHED_SSIM_WINDOW_PX)


def edge_scores(found: Mask, true: Mask, hole: Mask, *, tolerance_px: int = 0) -> EdgeScores:
    """Precision and recall of edges inside the hole.

    Parameters
    ----------
    found, true : (H, W) bool
    hole : (H, W) bool, True inside the hole
        Only edge pixels in here are counted; their partners within the
        tolerance may lie on the rim's other side.
    tolerance_px : int
        0: pixel for pixel, as published. n: a partner at most n pixels away
        along rows and along columns will do.

    Returns
    -------
    EdgeScores
        NaN where no edge was found (precision) or none is there (recall).
    """
    near = np.ones((2 * tolerance_px + 1,) * 2, dtype=bool)
    found_inside, true_inside = found & hole, true & hole
    right = found_inside & ndimage.binary_dilation(true, near)
    met = true_inside & ndimage.binary_dilation(found, near)
    return EdgeScores(_share(right, found_inside), _share(met, true_inside))


def inner_rim(hole: Mask) -> Mask:
    """(H, W) bool: the hole's pixels that touch a known one, also by a corner."""
    return hole & ndimage.binary_dilation(~hole, np.ones((3, 3), dtype=bool))


def rim_bias(result: NDArray[Any], truth: NDArray[Any], hole: Mask) -> Floats:
    """Colour bias on the hole's inner rim, where a colour cast shows as a seam.

    Parameters
    ----------
    result, truth : (H, W) or (H, W, C), of one shape
    hole : (H, W) bool, True inside the hole

    Returns
    -------
    bias : (C,) float64
        Mean signed difference of each channel, result minus truth, in the images' units.
    """
    difference = _difference(result, truth, inner_rim(hole))
    return np.asarray(difference.reshape(-1, difference.shape[1] if difference.ndim > 1 else 1).mean(axis=0))


def noise_level(image: NDArray[Any], hole: Mask) -> float:
    """How noisy the hole is, compared with its surroundings; no truth is needed.

    The mean local standard deviation of grayscale inside the hole, divided by
    that of the known pixels at most 8 px away. Each is taken in windows of
    5 x 5 px, of which only the pixels on the same side of the rim count.

    Parameters
    ----------
    image : (H, W) or (H, W, 3)
    hole : (H, W) bool, True inside the hole

    Returns
    -------
    float
        1: as noisy as its surroundings. Below 1: too smooth. NaN where either
        side is nowhere wide enough for four pixels in a window, or the surroundings are flat.
    """
    gray = luma(image)
    near = ndimage.binary_dilation(hole, np.ones((3, 3), dtype=bool), iterations=_NOISE_REACH_PX) & ~hole
    inside, around = _local_deviation(gray, hole)[hole], _local_deviation(gray, ~hole)[near]
    inside, around = inside[np.isfinite(inside)], around[np.isfinite(around)]
    if not inside.size or not around.size or not around.any():
        return float("nan")
    return float(inside.mean() / around.mean())


def frechet_distance(one: NDArray[Any], other: NDArray[Any]) -> float:
    """Squared Fréchet distance between the Gaussians fitted to two sets of feature vectors.

    It means as much as its features do, and shrinks with the number of vectors:
    compare only distances between sets of equal size.

    Parameters
    ----------
    one, other : (N, D) float
        N at least 2.

    References
    ----------
    Dowson & Landau, The Fréchet distance between multivariate normal distributions, 1982.
    """
    mean_one, mean_other = one.mean(axis=0, dtype=np.float64), other.mean(axis=0, dtype=np.float64)
    cov_one, cov_other = (np.atleast_2d(np.cov(x.astype(np.float64), rowvar=False)) for x in (one, other))
    values, vectors = np.linalg.eigh(cov_one)
    root = (vectors * np.sqrt(np.clip(values, 0, None))) @ vectors.T
    # tr((C1 C2)^1/2) is that of the symmetric C1^1/2 C2 C1^1/2, whose eigenvalues are real.
    cross = np.sqrt(np.clip(np.linalg.eigvalsh(root @ cov_other @ root), 0, None)).sum()
    distance = ((mean_one - mean_other) ** 2).sum() + np.trace(cov_one) + np.trace(cov_other) - 2 * cross
    return max(0.0, float(distance))


def luma(image: NDArray[Any]) -> Floats:
    """Grayscale in the image's own units, (H, W) float64."""
    gray = image.astype(np.float64)
    return gray if image.ndim == 2 else rgb2gray(gray) if image.shape[2] == 3 else gray[..., 0]


def _difference(result: NDArray[Any], truth: NDArray[Any], hole: Mask | None) -> Floats:
    if result.shape != truth.shape:
        raise ValueError(f"result has shape {result.shape}, but truth has {truth.shape}: give both in one shape.")
    if hole is None:
        return result.astype(np.float64) - truth
    _check_hole(hole, truth)
    return result[hole].astype(np.float64) - truth[hole]


def _check_hole(hole: Mask, truth: NDArray[Any]) -> None:
    if hole.shape != truth.shape[:2]:
        raise ValueError(f"hole has shape {hole.shape}, but the images' plane is {truth.shape[:2]}.")
    if not hole.any():
        raise ValueError("The hole is empty: there is nothing to measure inside it.")


def _ssim(result: NDArray[Any], truth: NDArray[Any], hole: Mask | None, data_range: float, **kind: Any) -> float:
    smallest = kind.get("win_size", 11)
    if result.shape != truth.shape or min(truth.shape[:2]) < smallest:
        raise ValueError(
            f"result has shape {result.shape} and truth {truth.shape}: give both in one shape, of at least "
            f"{smallest} px a side."
        )
    channels = None if truth.ndim == 2 else -1
    images = (result.astype(np.float64), truth.astype(np.float64))
    mean, plane = structural_similarity(*images, data_range=data_range, channel_axis=channels, full=True, **kind)
    if hole is None:
        return float(mean)
    _check_hole(hole, truth)
    return float(plane[hole].mean())


def _share(some: Mask, of: Mask) -> float:
    total = np.count_nonzero(of)
    return np.count_nonzero(some) / total if total else float("nan")


def _local_deviation(gray: Floats, side: Mask) -> Floats:
    """Standard deviation of the pixels of ``side`` around each pixel; NaN where they are too few."""
    if not side.any():
        return np.full(gray.shape, np.nan)
    centred = np.where(side, gray - gray[side].mean(), 0)
    window = np.ones(_NOISE_WINDOW_PX)

    def summed(plane: Floats) -> Floats:
        rows = ndimage.convolve1d(plane, window, axis=0, mode="constant")
        return np.asarray(ndimage.convolve1d(rows, window, axis=1, mode="constant"))

    count = np.rint(summed(side.astype(np.float64)))
    enough = count >= _FEWEST_PX
    count = np.where(enough, count, np.nan)
    variance = (summed(centred**2) - summed(centred) ** 2 / count) / (count - 1)
    return np.sqrt(np.clip(variance, 0, None))
