"""Precision and recall of the damage finders, on synthetic damage in real images.

    python benchmarks/find_damage.py [--data FOLDER] [--images 40] [--sensitivity 0.5] [--what scratches,marks]

Without ``--data`` the images are those in scikit-image's wheel. Pixels count within 2 px, by which masks are grown
before a repair. What an image shows by itself that looks like damage counts against precision, so the images' own
share ("clean") is told apart: how much of the undamaged image a finder marks.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from scipy import ndimage
from skimage import data

from napari_edgeconnect.core.damage import scratches
from napari_edgeconnect.core.find import FINDERS
from napari_edgeconnect.core.metrics import edge_scores

TOLERANCE_PX = 2
LONGEST_PX = 512
SHIPPED = (
    *("astronaut", "brick", "camera", "cell", "chelsea", "coffee", "coins", "grass", "gravel", "hubble_deep_field"),
    *("immunohistochemistry", "moon", "retina", "rocket", "clock"),
)

Damaged = tuple[np.ndarray, np.ndarray]
Gray = np.ndarray


def shipped() -> Iterator[tuple[str, Gray]]:
    for name in SHIPPED:
        yield name, _gray(getattr(data, name)())


def in_folder(folder: Path, most: int) -> Iterator[tuple[str, Gray]]:
    """The same number of images of each sub-folder, at most so many in all."""
    groups = [sorted(p for p in g.iterdir() if p.is_file()) for g in sorted(folder.iterdir()) if g.is_dir()]
    groups = [group for group in groups if group]
    each = max(1, most // len(groups))
    for group in groups:
        for number in np.linspace(0, len(group) - 1, min(each, len(group))).round().astype(int):
            yield f"{group[number].parent.name}/{group[number].name}", _gray(np.asarray(Image.open(group[number])))


def _gray(pixels: np.ndarray) -> Gray:
    """(H, W) uint8: green of a colour image, cut to 512 px a side."""
    plane = pixels if pixels.ndim == 2 else pixels[..., 1]
    return np.ascontiguousarray(plane[:LONGEST_PX, :LONGEST_PX])


def _painted(image: Gray, mask: np.ndarray, by: float) -> np.ndarray:
    """The image with ``by`` gray values added inside the mask, softened as an optical system does."""
    alpha = ndimage.gaussian_filter(mask.astype(np.float64), 0.7)
    return np.rint(np.clip(image + by * alpha, 0, 255)).astype(np.uint8)


def _either(rng: np.random.Generator, low: float, high: float) -> float:
    return float(rng.uniform(low, high) * rng.choice([-1, 1]))


def hot(image: Gray, rng: np.random.Generator) -> Damaged:
    mask = np.zeros(image.shape, bool)
    mask.flat[rng.choice(image.size, 100, replace=False)] = True
    jumps = np.where(image > 127, -1, 1) * rng.uniform(60, 120, image.shape)
    return np.where(mask, image + jumps, image).clip(0, 255).astype(np.uint8), mask


def rows(image: Gray, rng: np.random.Generator) -> Damaged:
    mask, damaged = np.zeros(image.shape, bool), image.astype(np.float64)
    for _ in range(3):
        row, width = int(rng.integers(4, image.shape[0] - 5)), int(rng.integers(1, 3))
        mask[row : row + width] = True
        damaged[row : row + width] = rng.choice([0.0, 255.0]) if rng.random() < 0.5 else (
            damaged[row : row + width] + _either(rng, 25, 50)
        )  # fmt: skip
    return damaged.clip(0, 255).astype(np.uint8), mask


def columns(image: Gray, rng: np.random.Generator) -> Damaged:
    damaged, mask = rows(image.T, rng)
    return damaged.T, mask.T


def scratched(image: Gray, rng: np.random.Generator) -> Damaged:
    whole, damaged = np.zeros(image.shape, bool), image
    for _ in range(3):
        mask = np.zeros(image.shape, bool)
        while mask.sum() < 60:
            scratches(mask, rng)
        damaged, whole = _painted(damaged, mask, _either(rng, 50, 110)), whole | mask
    return damaged, whole


def _spots(image: Gray, rng: np.random.Generator, value: float) -> Damaged:
    mask = np.zeros(image.shape, bool)
    for _ in range(10):
        radius = rng.uniform(3, 9)
        row, column = (rng.uniform(12, side - 12) for side in image.shape)
        mask |= np.hypot(*np.ogrid[-row : image.shape[0] - row, -column : image.shape[1] - column]) <= radius
    alpha = ndimage.gaussian_filter(mask.astype(np.float64), 0.7)
    return np.rint(image * (1 - alpha) + value * alpha).astype(np.uint8), mask


def dark(image: Gray, rng: np.random.Generator) -> Damaged:
    return _spots(image, rng, 0.0)


def bright(image: Gray, rng: np.random.Generator) -> Damaged:
    return _spots(image, rng, 255.0)


def marked(image: Gray, rng: np.random.Generator) -> Damaged:
    canvas = Image.new("L", image.shape[::-1])
    pen, height, width = ImageDraw.Draw(canvas), *image.shape
    left, top, length = (
        width - int(rng.integers(110, 160)),
        height - int(rng.integers(30, 60)),
        int(rng.integers(60, 100)),
    )
    pen.rectangle((left, top, left + length, top + int(rng.integers(3, 7))), fill=255)
    size = int(rng.integers(14, 24))
    pen.text((left + 5, top - size - 4), f"{rng.integers(1, 50)}00 nm", fill=255, font=ImageFont.load_default(size))
    alpha = np.asarray(canvas) / 255
    value = 255 if np.median(image[alpha > 0]) < 128 else 0  # so that it can be read
    return np.rint(image * (1 - alpha) + value * alpha).astype(np.uint8), alpha > 0.25


def dusty(image: Gray, rng: np.random.Generator) -> Damaged:
    """Thirty frames of a specimen that moves, behind dust that does not."""
    mask, light = np.zeros(image.shape, bool), np.ones(image.shape)
    for _ in range(6):
        radius = rng.uniform(4, 12)
        row, column = (rng.uniform(12, side - 12) for side in image.shape)
        away = np.hypot(*np.ogrid[-row : image.shape[0] - row, -column : image.shape[1] - column])
        mask |= away <= radius
        light *= 1 - rng.uniform(0.1, 0.3) * np.clip((radius + 2 - away) / 4, 0, 1)
    frames = [np.roll(image, rng.integers(0, 400, 2), (0, 1)) for _ in range(30)]
    noisy = [frame * light + rng.normal(0, 2, image.shape) for frame in frames]
    return np.rint(np.clip(noisy, 0, 255)).astype(np.uint8), mask


def clipped(image: Gray, rng: np.random.Generator) -> Damaged:
    mask = np.zeros(image.shape, bool)
    mask[40:60, 50:90] = True
    return np.where(mask, 65535, image.astype(np.uint16) * 200 + 1).astype(np.uint16), mask


def zeroed(image: Gray, rng: np.random.Generator) -> Damaged:
    damaged, mask = clipped(image, rng)
    return np.where(mask, 0, damaged).astype(np.uint16), mask


def undefined(image: Gray, rng: np.random.Generator) -> Damaged:
    damaged, mask = clipped(image, rng)
    return np.where(mask, np.nan, damaged), mask


DAMAGE: dict[str, Callable[[Gray, np.random.Generator], Damaged]] = {
    "not-finite": undefined,
    "saturated": clipped,
    "dead": zeroed,
    "hot-pixels": hot,
    "dead-rows": rows,
    "dead-columns": columns,
    "scratches": scratched,
    "dark-spots": dark,
    "bright-spots": bright,
    "marks": marked,
    "dust-shadows": dusty,
}


def main() -> None:
    """Print one line a finder."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--images", type=int, default=40)
    parser.add_argument("--sensitivity", type=float, default=0.5)
    parser.add_argument("--what", help="comma-separated; default: all")
    parser.add_argument("--each", action="store_true", help="one line an image, too")
    options = parser.parse_args()
    images = list(in_folder(options.data, options.images) if options.data else shipped())
    print(f"{len(images)} images, sensitivity {options.sensitivity:g}, within {TOLERANCE_PX} px")
    print(f"{'finder':>14} {'precision':>9} {'recall':>7} {'pooled precision':>17} {'clean %':>8} {'seconds':>8}")
    for name in options.what.split(",") if options.what else FINDERS:
        finder, rng, scores, counts, took = FINDERS[name], np.random.default_rng(0), [], [], 0.0
        clean = []
        for title, image in images:
            damaged, mask = DAMAGE[name](image, rng)
            started = time.perf_counter()
            found = finder.find(damaged, options.sensitivity)
            took += time.perf_counter() - started
            score = edge_scores(found, mask, np.ones_like(mask), tolerance_px=TOLERANCE_PX)
            scores.append(score)
            counts.append((score.precision * found.sum() if found.any() else 0, found.sum()))
            clean.append(np.nan if finder.of_stack else 100 * finder.find(image, options.sensitivity).mean())
            if options.each:
                print(f"    {title:60} {score.precision:6.3f} {score.recall:6.3f} {clean[-1]:7.3f}")
        precision, recall = np.nanmean(np.array(scores), axis=0)
        pooled = np.sum(counts, axis=0)
        print(
            f"{name:>14} {precision:9.3f} {recall:7.3f} {pooled[0] / max(1, pooled[1]):17.3f} "
            f"{np.mean(clean):8.3f} {took / len(images):8.2f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
