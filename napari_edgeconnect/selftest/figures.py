"""The figures of one repair of a copy, in the image's own units."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from skimage.feature import canny

from ..core import metrics
from ..core.job import gray_of
from ..core.planes import ContrastMapping, colours
from ..evaluation.figures import PSNR_CEILING_DB

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class TrialFigure:
    """One column of the self-test's table."""

    name: str
    label: str
    better: Literal["higher", "lower", "one"]
    meaning: str
    decimals: int | None = None


#: ``decimals`` is None for what is in the image's own units: three digits are shown.
FIGURES = (
    TrialFigure("psnr_db", "PSNR (dB)", "higher", "peak signal-to-noise ratio inside the hole", 2),
    TrialFigure("ssim", "SSIM", "higher", "structural similarity, its map's mean inside the hole", 3),
    TrialFigure("l1", "mean error", "lower", "mean absolute difference, in the image's units"),
    TrialFigure("rms", "RMS error", "lower", "root of the mean squared difference, in the image's units"),
    TrialFigure("error_90", "90 % error", "lower", "nine of ten pixels are at most this wrong, in the image's units"),
    TrialFigure("edge_f1", "edge F1", "higher", "Canny edges of the repair against the true ones, within 1 px", 3),
    TrialFigure("rim_bias", "rim bias", "lower", "size of the mean difference on the hole's rim, in its units"),
    TrialFigure("noise_level", "noise level", "one", "local deviation in the hole to that around it", 2),
)


def contrast_range(image: NDArray[Any], mapping: ContrastMapping) -> float:
    """What PSNR and SSIM take for the distance of black and white: 255 for 8 bits, else the contrast's span."""
    return 255.0 if image.dtype == np.uint8 else float(mapping.high - mapping.low)


def trial_figures(
    result: NDArray[Any], truth: NDArray[Any], hole: Mask, mapping: ContrastMapping, sigma: float | None
) -> dict[str, float]:
    """The values of ``FIGURES`` for one repair.

    Parameters
    ----------
    result, truth : (H, W), (H, W, 3) or (H, W, 4), of one shape, at least 11 px a side
        Alpha does not count.
    hole : (H, W) bool, True inside the hole
    mapping : ContrastMapping
        The image's.
    sigma : float or None
        Of Canny; None: 2.

    Returns
    -------
    dict
        NaN where a figure says nothing: no edge, or no noise to compare.
    """
    span = contrast_range(truth, mapping)
    edges = [
        np.asarray(canny(gray_of(mapping.to_unit(colours(each))), sigma=2.0 if sigma is None else sigma))
        for each in (result, truth)
    ]
    mine, true = (_plane(each) for each in (result, truth))
    off = np.abs(mine[hole] - true[hole])
    return {
        "psnr_db": min(PSNR_CEILING_DB, metrics.psnr(mine, true, hole, data_range=span)),
        "ssim": metrics.ssim(mine, true, hole, data_range=span),
        "l1": float(off.mean()),
        "rms": float(np.sqrt(np.mean(off**2))),
        "error_90": float(np.percentile(off, 90)),
        "edge_f1": _f1(metrics.edge_scores(edges[0], edges[1], hole, tolerance_px=1)),
        "rim_bias": float(np.abs(metrics.rim_bias(mine, true, hole)).mean()),
        "noise_level": metrics.noise_level(mine, hole),
    }


def _plane(image: NDArray[Any]) -> NDArray[np.float64]:
    pixels = colours(image).astype(np.float64)
    return pixels[..., 0] if image.ndim == 2 else pixels


def _f1(scores: metrics.EdgeScores) -> float:
    precision, recall = scores
    if np.isnan(recall):  # there is no edge to find: none found is right, and tells nothing
        return float("nan") if np.isnan(precision) else 0.0
    if np.isnan(precision) or precision + recall == 0:
        return 0.0
    return 2 * precision * recall / (precision + recall)
