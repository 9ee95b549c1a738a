"""Plots: each method over the size of the hole, and the gain per modality and bin. Needs matplotlib."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..core.settings import CLASSICAL_METHODS
from .figures import FIGURES
from .names import HALLUCINATED
from .summary import ALL, TRUTH, Mean

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Plot

_BY_BIN = ("psnr_db_hole", "ssim_hole", "features_hole", "noise_level")
_LABELS = {figure.name: figure.label for figure in FIGURES}
_DPI = 110
#: Software and date would make equal plots differ.
_METADATA = {"Software": None}


def is_available() -> bool:
    """Whether matplotlib is installed."""
    return find_spec("matplotlib") is not None


def write_by_bin(path: Path, means: Sequence[Mean]) -> None:
    """One panel a figure: bins along, a line with its interval for each method. A PNG, whatever the ending."""
    from matplotlib.figure import Figure as Plot

    names = [name for name in _BY_BIN if any(mean.figure == name for mean in means)]
    plot = Plot(figsize=(4.6 * len(names), 4.4), layout="constrained")
    for axes, name in zip(np.atleast_1d(plot.subplots(1, len(names))), names, strict=True):
        chosen = [m for m in means if m.figure == name and m.modality == ALL and m.bin != ALL and " - " not in m.method]
        bins = list(dict.fromkeys(m.bin for m in chosen))
        methods = list(dict.fromkeys(m.method for m in chosen))
        for number, method in enumerate(methods):
            line = [m for m in chosen if m.method == method]
            at = [bins.index(m.bin) + 0.06 * (number - len(methods) / 2) for m in line]
            spread = [
                [0 if m.low is None else max(0.0, m.mean - m.low) for m in line],
                [0 if m.high is None else max(0.0, m.high - m.mean) for m in line],
            ]
            style = "-" if method.startswith(HALLUCINATED) else ":" if method == TRUTH else "--"
            axes.errorbar(at, [m.mean for m in line], spread, label=method, linestyle=style, marker="o", markersize=3)
        axes.set_xticks(range(len(bins)), bins, rotation=30)
        axes.set_title(_LABELS[name])
    axes.legend(fontsize="x-small")
    _save(plot, path)


def has_gain(methods: Collection[str]) -> bool:
    """Whether EdgeConnect meets a classical method."""
    return HALLUCINATED in methods and any(name in CLASSICAL_METHODS for name in methods)


def write_gain(path: Path, means: Sequence[Mean]) -> None:
    """PSNR in the hole above the best classical method, one square a cell. A PNG, whatever the ending."""
    from matplotlib.figure import Figure as Plot

    table = {(m.modality, m.bin, m.method): m.mean for m in means if m.figure == "psnr_db_hole"}
    modalities, bins = (list(dict.fromkeys(key[place] for key in table)) for place in (0, 1))
    gain = np.full((len(modalities), len(bins)), np.nan)
    for row, modality in enumerate(modalities):
        for column, bin_ in enumerate(bins):
            classical = [table[modality, bin_, name] for name in CLASSICAL_METHODS if (modality, bin_, name) in table]
            if classical and (modality, bin_, HALLUCINATED) in table:
                gain[row, column] = table[modality, bin_, HALLUCINATED] - max(classical)
    plot = Plot(figsize=(1.2 + 0.9 * len(bins), 1.6 + 0.42 * len(modalities)), layout="constrained")
    axes = plot.subplots()
    limit = max(1.0, float(np.nanmax(np.abs(gain))))
    axes.imshow(gain, cmap="RdYlGn", vmin=-limit, vmax=limit, aspect="auto")
    for (row, column), value in np.ndenumerate(gain):
        if np.isfinite(value):
            axes.text(column, row, f"{value:+.2f}", ha="center", va="center", fontsize="small")
    axes.set_xticks(range(len(bins)), bins)
    axes.set_yticks(range(len(modalities)), modalities)
    axes.set_title("PSNR in the hole above the best classical (dB)", fontsize="medium")
    _save(plot, path)


def _save(plot: Plot, path: Path) -> None:
    plot.savefig(path, format="png", dpi=_DPI, metadata=_METADATA)
