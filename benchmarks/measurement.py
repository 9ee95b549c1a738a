"""Whether the truth of a measurement lies where ``measurement`` says, on a folder of images.

    python benchmarks/measurement.py FOLDER [--images 20] [--size 256] [--trials 6] [--samples 100]
        [--cases cases.jsonl]

Images and damage are those of benchmarks/advice.py. Objects are what Otsu's threshold of the known pixels parts; their
true totals are those of the undamaged image by the same threshold. What is compared: leaving the damage out, filling
it, and the intervals, over the sampled repairs and over the variants.
"""

from __future__ import annotations

import argparse
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from advice import LARGEST_SHARE, chosen, kept_cases
from PIL import Image

from napari_edgeconnect import EdgeConnect
from napari_edgeconnect.core.damage import random_damage
from napari_edgeconnect.core.models import DEFAULT_MODEL
from napari_edgeconnect.core.results import result_of
from napari_edgeconnect.measurement.effect import effect_on_measurements
from napari_edgeconnect.measurement.objects import TOTALS, measured
from napari_edgeconnect.measurement.segmentation import above_otsu, gray_of, labels_of
from napari_edgeconnect.selftest.calibration import uncertainty_steps

LEVELS = (0.5, 0.8, 0.9, 0.95)


def case(path: Path, model: EdgeConnect, options: argparse.Namespace) -> dict[str, Any]:
    image = np.asarray(Image.open(path))
    top, left = (max(0, (side - options.size) // 2) for side in image.shape[:2])
    image = np.ascontiguousarray(image[top : top + options.size, left : left + options.size])
    rng = np.random.default_rng(zlib.crc32(path.name.encode()))
    hole = random_damage(image.shape[:2], rng, "science", largest=LARGEST_SHARE)
    damaged = np.where(hole if image.ndim == 2 else hole[..., None], 0, image).astype(image.dtype)
    try:
        found = result_of(uncertainty_steps(damaged, hole, model, trials=options.trials))
        objects, _ = above_otsu(damaged, hole)
    except ValueError as error:
        return {"image": path.name, "refused": str(error)}
    true = measured(labels_of(objects, image), gray_of(image)).totals()
    effects = {level: effect_on_measurements(found.at(level), objects, samples=options.samples) for level in LEVELS}
    values = {level: effect.totals for level, effect in effects.items()}
    first = values[LEVELS[0]]
    return {
        "image": path.name,
        "modality": path.parent.name,
        "hole_share": float(hole.mean()),
        "totals": {
            name: {
                "true": true[name],
                "without_pixels": first[name].without_pixels,
                "with_fill": first[name].with_fill,
                "variants": [first[name].lowest, first[name].highest],
                "intervals": {f"{level:g}": [values[level][name].low, values[level][name].high] for level in LEVELS},
            }
            for name in TOTALS
        },
    }


def summary(cases: list[dict[str, Any]]) -> None:
    """Print how often the truth lay inside, and how far fill and exclusion were off."""
    judged = [c for c in cases if "refused" not in c]
    print(f"{len(judged)} images, {len(cases) - len(judged)} refused")
    head = " ".join(f"{f'in {100 * level:g} %':>9}" for level in LEVELS)
    print(f"{'':>22} {head} {'in variants':>12} {'off, filled':>12} {'off, left out':>14} {'fill is nearer':>15}")
    for name in TOTALS:
        rows = [c["totals"][name] for c in judged if c["totals"][name]["with_fill"] is not None]
        inside = " ".join(f"{100 * np.mean([_within(r, r['intervals'][f'{level:g}']) for r in rows]):7.0f} %"
                          for level in LEVELS)  # fmt: skip
        off = {key: np.array([abs((r[key] or 0) / r["true"] - 1) if r["true"] else 0.0 for r in rows])
               for key in ("with_fill", "without_pixels")}  # fmt: skip
        nearer = np.mean(off["with_fill"] <= off["without_pixels"])
        print(f"{name:>22} {inside} {100 * np.mean([_within(r, r['variants']) for r in rows]):10.0f} % "
              f"{100 * np.median(off['with_fill']):10.2f} % {100 * np.median(off['without_pixels']):12.2f} % "
              f"{100 * nearer:13.0f} %")  # fmt: skip


def _within(row: dict[str, Any], ends: list[float | None]) -> bool:
    low, high = ends
    slack = 1e-9 * abs(row["true"])
    return low is not None and high is not None and low - slack <= row["true"] <= high + slack


def main() -> None:
    """Run the cases that are not there yet, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--images", type=int, default=20)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--trials", type=int, default=6)
    parser.add_argument("--samples", type=int, default=100)
    parser.add_argument("--model", default=DEFAULT_MODEL)
    parser.add_argument("--cases", type=Path)
    options = parser.parse_args()
    model = EdgeConnect.load(options.model, device="cpu")
    paths = chosen(options.folder, options.images)
    summary(kept_cases(options.cases, paths, lambda path: case(path, model, options)))


if __name__ == "__main__":
    main()
