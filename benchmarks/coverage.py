"""How often the truth lies in the stated interval, at every level, on a folder of images.

    python benchmarks/coverage.py FOLDER [--images 20] [--size 256] [--trials 6] [--cases cases.jsonl]
        [--plot calibration.png]

Images and damage are those of benchmarks/advice.py. The interval is calibrated on copies of the damage in the
damaged image, as a user's is, and then compared with what the damage hides. All levels are of the same repairs.
"""

from __future__ import annotations

import argparse
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from advice import LARGEST_SHARE, chosen, kept_cases
from PIL import Image
from scipy import stats

from napari_edgeconnect import EdgeConnect
from napari_edgeconnect.core.damage import random_damage
from napari_edgeconnect.core.models import DEFAULT_MODEL
from napari_edgeconnect.core.results import result_of
from napari_edgeconnect.selftest.calibration import LEVEL, errors, uncertainty_steps

#: In the table; the plot has all of ``LEVELS``.
STATED = (0.5, 0.8, 0.9, 0.95)
LEVELS = (*(round(0.05 * n, 2) for n in range(1, 20)), 0.98)


def case(path: Path, model: EdgeConnect, options: argparse.Namespace) -> dict[str, Any]:
    image = np.asarray(Image.open(path))
    top, left = (max(0, (side - options.size) // 2) for side in image.shape[:2])
    image = np.ascontiguousarray(image[top : top + options.size, left : left + options.size])
    rng = np.random.default_rng(zlib.crc32(path.name.encode()))
    hole = random_damage(image.shape[:2], rng, "science", largest=LARGEST_SHARE)
    damaged = np.where(hole if image.ndim == 2 else hole[..., None], 0, image).astype(image.dtype)
    steps = uncertainty_steps(damaged, hole, model, trials=options.trials, level=LEVEL)
    try:
        found = result_of(steps)
    except ValueError as error:
        return {"image": path.name, "refused": str(error)}
    off, width, spread = errors(found.spread.repaired, image, hole), found.half_width[hole], found.spread.spread[hole]
    return {
        "image": path.name,
        "modality": path.parent.name,
        "inside": {f"{level:g}": float(np.mean(off <= found.at(level).half_width[hole])) for level in LEVELS},
        "half_width": float(width.mean()),
        "rms": float(np.sqrt(np.mean(off**2))),
        "rank_correlation": float(stats.spearmanr(spread, off).statistic) if spread.any() and off.any() else None,
        "calibration": found.calibration.as_dict(),
    }


def table(judged: list[dict[str, Any]]) -> None:
    """Print the observed shares at the stated levels, by image and by kind of image."""
    print(f"{'stated':>8} {'observed':>9} {'median':>7} {'10 to 90 % of images':>22} {'worst':>7}")
    for level in STATED:
        inside = 100 * np.array([c["inside"][f"{level:g}"] for c in judged])
        low, high = np.percentile(inside, (10, 90))
        print(f"{100 * level:6.0f} % {inside.mean():7.1f} % {np.median(inside):5.1f} % "
              f"{f'{low:.1f} to {high:.1f} %':>22} {inside.min():5.1f} %")  # fmt: skip
    for modality in sorted({c["modality"] for c in judged}):
        own = [c["inside"] for c in judged if c["modality"] == modality]
        shares = ", ".join(f"{100 * np.mean([c[f'{level:g}'] for c in own]):.0f} %" for level in STATED)
        print(f"{modality:>18} ({len(own)}): {shares}")


def plot(judged: list[dict[str, Any]], path: Path) -> None:
    """Draw the observed share against the stated one: each image, and their mean."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    stated = 100 * np.array(LEVELS)
    observed = 100 * np.array([[c["inside"][f"{level:g}"] for level in LEVELS] for c in judged])
    figure = Figure(figsize=(5, 5), layout="constrained")
    axes = figure.subplots()
    axes.fill_between([0, 100], [-5, 95], [5, 105], color="0.9", label="± 5 points")
    axes.plot(stated, observed.T, color="#a8c4dd", linewidth=0.7)
    axes.plot([], [], color="#a8c4dd", linewidth=0.7, label="single images")
    axes.plot([0, 100], [0, 100], color="0.4", linestyle=":", label="as stated")
    axes.plot(stated, observed.mean(axis=0), color="#0b4f8a", marker="o", markersize=4,
              label=f"mean of {len(judged)} images")  # fmt: skip
    axes.set(xlim=(0, 100), ylim=(0, 100), aspect="equal", xlabel="stated level (%)",
             ylabel="true values inside the interval (%)")  # fmt: skip
    axes.legend(loc="upper left", frameon=False)
    FigureCanvasAgg(figure).print_png(path)
    print(f"Written: {path}")


def main() -> None:
    """Run the cases that are not there yet, and print the coverage."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--images", type=int, default=20)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--trials", type=int, default=6)
    parser.add_argument("--model", default=DEFAULT_MODEL)
    parser.add_argument("--cases", type=Path)
    parser.add_argument("--plot", type=Path, help="a PNG file; needs the extra 'evaluate'")
    options = parser.parse_args()
    model = EdgeConnect.load(options.model, device="cpu")
    paths = chosen(options.folder, options.images)
    cases = kept_cases(options.cases, paths, lambda path: case(path, model, options))
    judged = [c for c in cases if "refused" not in c]
    print(f"{len(judged)} images, {len(cases) - len(judged)} refused")
    table(judged)
    ranks = [c["rank_correlation"] for c in judged if c["rank_correlation"] is not None]
    print(f"rank correlation of spread and error within an image: median {np.median(ranks):.2f}")
    ratios = [c["half_width"] / max(1e-9, c["rms"]) for c in judged]
    print(f"half width of the {100 * LEVEL:.0f} % interval over RMS error: median {np.median(ratios):.2f}")
    if options.plot:
        plot(judged, options.plot)


if __name__ == "__main__":
    main()
