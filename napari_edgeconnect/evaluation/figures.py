"""The figures of one result, by name; and what each name means."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ..core import metrics
from ..core.edges import EdgeMap
from .cases import Loaded

#: A hole that is repaired without any error would make a mean infinite.
PSNR_CEILING_DB = 80.0
#: At which EdgeConnect's paper calls a probability an edge.
PUBLISHED_THRESHOLD = 0.5


@dataclass(frozen=True)
class Figure:
    """One column.

    Attributes
    ----------
    name : str
        Of the column.
    label : str
        For tables and plots.
    better : "higher", "lower" or "one"
    meaning : str
    """

    name: str
    label: str
    better: Literal["higher", "lower", "one"]
    meaning: str
    decimals: int = 3


def _both(name: str, label: str, better: Any, meaning: str, decimals: int) -> tuple[Figure, Figure]:
    """A figure inside the hole and the same on the whole image."""
    return (
        Figure(f"{name}_hole", f"{label}, hole", better, f"{meaning}; inside the hole.", decimals),
        Figure(f"{name}_whole", f"{label}, whole", better, f"{meaning}; whole image, known pixels included.", decimals),
    )


IMAGE_FIGURES = (
    *_both("psnr_db", "PSNR (dB)", "higher", f"peak signal-to-noise ratio, at most {PSNR_CEILING_DB:g} dB", 2),
    *_both("l1_percent", "L1 (%)", "lower", "mean absolute difference in per cent of the 8-bit range", 2),
    *_both("ssim", "SSIM", "higher", "structural similarity, Gaussian window, sigma 1.5, all colours", 3),
    *_both("ssim_gray_51", "SSIM gray 51", "higher", "structural similarity on grayscale, flat windows of 51 px", 3),
    Figure("rim_bias_percent", "rim bias (%)", "lower", "size of the mean colour difference on the inner rim.", 2),
    Figure("noise_level", "noise level", "one", "local standard deviation in the hole to that around it.", 2),
)
PERCEPTUAL_FIGURES = _both(
    "features", "feature distance", "lower", "distance of EfficientNet-Lite0 features (not LPIPS)", 3
)
#: Fréchet distances are of many images, so no case has one.
FRECHET_FIGURES = _both(
    "frechet", "Fréchet distance", "lower", "between sets of EfficientNet-Lite0 features (not FID)", 3
)
FIGURES = (*IMAGE_FIGURES, *PERCEPTUAL_FIGURES)


def edge_figures(threshold: float) -> tuple[Figure, ...]:
    """The figures of hallucinated edges, at the threshold a user has and the published one."""
    return tuple(
        Figure(
            f"edge_{what}_at_{at:g}{suffix}",
            f"{what} at {at:g}, {reach}",
            "higher",
            f"{what} of hallucinated edges of probability {at:g} inside the hole, {reach}.",
        )
        for at in sorted({threshold, PUBLISHED_THRESHOLD})
        for suffix, reach in (("", "pixel-exact"), ("_1px", "within 1 px"))
        for what in ("precision", "recall")
    )


def image_figures(result: NDArray[np.uint8], case: Loaded) -> dict[str, float]:
    """The values of ``IMAGE_FIGURES`` for one result."""
    values: dict[str, float] = {}
    for where, hole in (("hole", case.hole), ("whole", None)):
        at = (result, case.truth, hole)
        values[f"psnr_db_{where}"] = min(PSNR_CEILING_DB, metrics.psnr(*at, data_range=255))
        values[f"l1_percent_{where}"] = metrics.l1_percent(*at, data_range=255)
        values[f"ssim_{where}"] = metrics.ssim(*at, data_range=255)
        values[f"ssim_gray_51_{where}"] = metrics.ssim_published(*at, data_range=255)
    values["rim_bias_percent"] = float(np.abs(metrics.rim_bias(result, case.truth, case.hole)).mean() / 2.55)
    values["noise_level"] = metrics.noise_level(result, case.hole)
    return {figure.name: values[figure.name] for figure in IMAGE_FIGURES}


def edge_values(edges: EdgeMap, true: NDArray[np.bool_], threshold: float) -> dict[str, float]:
    """The values of ``edge_figures`` for one edge map."""
    values: dict[str, float] = {}
    for at in (threshold, PUBLISHED_THRESHOLD):
        found = edges.hole & (edges.probability >= at)
        for suffix, tolerance in (("", 0), ("_1px", 1)):
            scores = metrics.edge_scores(found, true, edges.hole, tolerance_px=tolerance)
            values[f"edge_precision_at_{at:g}{suffix}"] = scores.precision
            values[f"edge_recall_at_{at:g}{suffix}"] = scores.recall
    return {figure.name: values[figure.name] for figure in edge_figures(threshold)}


def rounded(value: float) -> float | None:
    """A value as it is kept: seven digits, so that the last bits of a sum are no difference; None for NaN."""
    return None if math.isnan(value) else float(f"{value:.7g}")
