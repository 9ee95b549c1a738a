"""How often the truth lies in the stated interval, on a folder of images.

    python benchmarks/coverage.py FOLDER [--images 20] [--size 256] [--trials 6] [--level 0.9] [--cases cases.jsonl]

Images and damage are those of benchmarks/advice.py. The interval is calibrated on copies of the damage in the
damaged image, as a user's is, and then compared with what the damage hides.
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
from napari_edgeconnect.selftest.calibration import errors, uncertainty_steps


def case(path: Path, model: EdgeConnect, options: argparse.Namespace) -> dict[str, Any]:
    image = np.asarray(Image.open(path))
    top, left = (max(0, (side - options.size) // 2) for side in image.shape[:2])
    image = np.ascontiguousarray(image[top : top + options.size, left : left + options.size])
    rng = np.random.default_rng(zlib.crc32(path.name.encode()))
    hole = random_damage(image.shape[:2], rng, "science", largest=LARGEST_SHARE)
    damaged = np.where(hole if image.ndim == 2 else hole[..., None], 0, image).astype(image.dtype)
    steps = uncertainty_steps(damaged, hole, model, trials=options.trials, level=options.level)
    try:
        found = result_of(steps)
    except ValueError as error:
        return {"image": path.name, "refused": str(error)}
    off, width, spread = errors(found.spread.repaired, image, hole), found.half_width[hole], found.spread.spread[hole]
    return {
        "image": path.name,
        "modality": path.parent.name,
        "inside": float(np.mean(off <= width)),
        "half_width": float(width.mean()),
        "rms": float(np.sqrt(np.mean(off**2))),
        "rank_correlation": float(stats.spearmanr(spread, off).statistic) if spread.any() and off.any() else None,
        "calibration": found.calibration.as_dict(),
    }


def main() -> None:
    """Run the cases that are not there yet, and print the coverage."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--images", type=int, default=20)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--trials", type=int, default=6)
    parser.add_argument("--level", type=float, default=0.9)
    parser.add_argument("--model", default=DEFAULT_MODEL)
    parser.add_argument("--cases", type=Path)
    options = parser.parse_args()
    model = EdgeConnect.load(options.model, device="cpu")
    paths = chosen(options.folder, options.images)
    cases = kept_cases(options.cases, paths, lambda path: case(path, model, options))
    judged = [c for c in cases if "refused" not in c]
    inside = np.array([c["inside"] for c in judged])
    ranks = [c["rank_correlation"] for c in judged if c["rank_correlation"] is not None]
    print(f"{len(judged)} images, {len(cases) - len(judged)} refused; stated: {100 * options.level:.0f} %")
    print(
        f"inside: {100 * inside.mean():.1f} % on average; by image median {100 * np.median(inside):.1f} %, "
        f"10 to 90 %: {100 * np.percentile(inside, 10):.1f} to {100 * np.percentile(inside, 90):.1f} %"
    )
    print(f"rank correlation of spread and error within an image: median {np.median(ranks):.2f}")
    print(f"half width over RMS error: median {np.median([c['half_width'] / max(1e-9, c['rms']) for c in judged]):.2f}")


if __name__ == "__main__":
    main()
