"""The self-test's advice against the truth: how often the advised method is the best, or within 0.2 dB of it.

    python benchmarks/advice.py FOLDER [--images 30] [--size 320] [--trials 8] [--model NAME] [--cases cases.jsonl]

Each image is damaged where it is intact, the self-test sees the damaged image alone, and then every method repairs
the damage itself and is compared with the image. Images are taken evenly from the sub-folders. With ``--cases`` each
case is a line of JSON; cases that are there already are not run again.
"""

from __future__ import annotations

import argparse
import json
import time
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from napari_edgeconnect import EdgeConnect, Settings
from napari_edgeconnect.core.damage import random_damage
from napari_edgeconnect.core.metrics import psnr
from napari_edgeconnect.core.models import DEFAULT_MODEL
from napari_edgeconnect.evaluation.cases import Loaded
from napari_edgeconnect.evaluation.methods import repaired
from napari_edgeconnect.selftest.advice import FLOOR, advise
from napari_edgeconnect.selftest.run import self_test

ALIKE_DB = 0.2
LARGEST_SHARE = 0.08


def chosen(folder: Path, most: int) -> list[Path]:
    """The same number of files of each sub-folder."""
    groups = [sorted(p for p in group.iterdir() if p.is_file()) for group in sorted(folder.iterdir()) if group.is_dir()]
    groups = [group for group in groups if group] or [sorted(p for p in folder.iterdir() if p.is_file())]
    each = max(1, most // len(groups))
    return [g[n] for g in groups for n in np.linspace(0, len(g) - 1, min(each, len(g))).round().astype(int)]


def kept_cases(
    kept: Path | None, paths: Iterable[Path], make: Callable[[Path], dict[str, Any]]
) -> list[dict[str, Any]]:
    """A case for each image: those that are kept in a file of JSON lines, and new ones, which are kept, too."""
    cases = [json.loads(line) for line in kept.read_text().splitlines()] if kept and kept.exists() else []
    known = {case["image"] for case in cases}
    for path in paths:
        if path.name not in known:
            cases.append(make(path))
            if kept:
                with kept.open("a") as file:
                    file.write(json.dumps(cases[-1]) + "\n")
    return cases


def case(path: Path, size: int, trials: int, model: EdgeConnect) -> dict[str, Any]:
    image = np.asarray(Image.open(path))
    top, left = (max(0, (side - size) // 2) for side in image.shape[:2])
    image = np.ascontiguousarray(image[top : top + size, left : left + size])
    hole = random_damage(
        image.shape[:2], np.random.default_rng(zlib.crc32(path.name.encode())), "science", largest=LARGEST_SHARE
    )
    damaged = np.where(hole if image.ndim == 2 else hole[..., None], 0, image).astype(image.dtype)
    started = time.perf_counter()
    try:
        test = self_test(damaged, hole, model, trials=trials)
    except ValueError as error:
        return {"image": path.name, "refused": str(error)}
    seconds = time.perf_counter() - started
    results = repaired(Loaded(image, hole, damaged, 0, 0), test.methods, model, Settings()).results
    off = results[test.advice.method][hole].astype(float) - image[hole]
    return {
        "image": path.name,
        "modality": path.parent.name,
        "seconds": seconds,
        "hole_share": float(hole.mean()),
        "record": test.record,
        "true_psnr_db": {name: psnr(result, image, hole, data_range=255) for name, result in results.items()},
        "true_rms": float(np.sqrt(np.mean(off**2))),
        "true_contrast": float(np.sqrt(np.mean((image[hole] - image[hole].mean(axis=0)) ** 2))),
    }


def summary(cases: list[dict[str, Any]]) -> None:
    """Print how good the advice was, and how good a fixed choice would have been."""
    judged = [c for c in cases if "refused" not in c]
    names = [name for name in judged[0]["true_psnr_db"] if name != FLOOR]
    truth = np.array([[c["true_psnr_db"][name] for name in names] for c in judged])
    behind = truth.max(axis=1, keepdims=True) - truth
    advised = np.array([b[names.index(c["record"]["advice"]["method"])] for b, c in zip(behind, judged, strict=True)])
    print(
        f"{len(judged)} images, {len(cases) - len(judged)} refused; "
        f"{np.mean([c['seconds'] for c in judged]):.0f} s each"
    )
    print(f"{'choice':>24} {'best':>6} {f'within {ALIKE_DB} dB':>14} {'mean loss (dB)':>15} {'worst':>6}")
    for name, loss in (("advised", advised), *zip(names, behind.T, strict=True)):
        shares = f"{np.mean(loss == 0):6.2f} {np.mean(loss <= ALIKE_DB):14.2f}"
        print(f"{name:>24} {shares} {loss.mean():15.3f} {loss.max():6.2f}")
    sure = np.array([c["record"]["advice"]["sure"] for c in judged])
    if sure.any():
        print(f"Of {sure.sum()} that were sure: within {ALIKE_DB} dB in {np.mean(advised[sure] <= ALIKE_DB):.2f}.")
    ratio = np.array([c["true_rms"] / max(1e-9, c["record"]["advice"]["rms"]) for c in judged])
    print(
        f"True RMS error over the expected one: median {np.median(ratio):.2f}, "
        f"10 to 90 %: {np.percentile(ratio, 10):.2f} to {np.percentile(ratio, 90):.2f}."
    )
    warned = [c for c in judged if not c["record"]["advice"]["good_enough"]]
    explained = [1 - (c["true_rms"] / max(1e-9, c["true_contrast"])) ** 2 for c in warned]
    print(f"{len(warned)} called not good enough; of the contrast in the true hole there was explained: "
          + ", ".join(f"{e:.2f}" for e in explained))  # fmt: skip


def main() -> None:
    """Run the cases that are not there yet, and print the summary."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--images", type=int, default=30)
    parser.add_argument("--size", type=int, default=320)
    parser.add_argument("--trials", type=int, default=8)
    parser.add_argument("--model", default=DEFAULT_MODEL)
    parser.add_argument("--cases", type=Path)
    options = parser.parse_args()
    model = EdgeConnect.load(options.model, device="cpu")
    cases = kept_cases(
        options.cases,
        chosen(options.folder, options.images),
        lambda path: case(path, options.size, options.trials, model),
    )
    for c in cases:  # by the rule as it is now
        if "refused" not in c:
            advice, trials = c["record"]["advice"], [trial["figures"] for trial in c["record"]["trials"]]
            now = advise(trials, 0.0, 0.0)
            advice["method"], advice["sure"] = now.method, now.sure
    summary(cases)


if __name__ == "__main__":
    main()
