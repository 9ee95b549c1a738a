"""Seconds for the biharmonic fill, ours against scikit-image's, on one core.

Run as ``python benchmarks/fill.py`` where the package is installed. Both solve the same system
in the same run, so that the ratio holds on any machine; the budget is for one core of a laptop.
"""

from __future__ import annotations

import os

# Read once, when NumPy and SciPy load their BLAS.
os.environ["OMP_NUM_THREADS"] = "1"
os.environ["OPENBLAS_NUM_THREADS"] = "1"
os.environ["MKL_NUM_THREADS"] = "1"
os.environ["VECLIB_MAXIMUM_THREADS"] = "1"

import time
from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.restoration import inpaint_biharmonic

from napari_edgeconnect.core.fill import biharmonic_fill

BUDGET_S = {10_000: 0.1, 100_000: 1.0}
MARGIN_PX = 20


def square(pixels: int) -> NDArray[np.bool_]:
    edge = round(pixels**0.5)
    return np.pad(np.ones((edge, edge), dtype=bool), MARGIN_PX)


def blobs(pixels: int) -> NDArray[np.bool_]:
    """Compact irregular holes, some at the border: the highest part of smooth noise."""
    edge = round((2.2 * pixels) ** 0.5)
    noise = ndimage.gaussian_filter(np.random.default_rng(0).standard_normal((edge, edge)), edge / 14)
    return noise >= np.partition(noise, -pixels, axis=None)[-pixels]


def strokes(pixels: int) -> NDArray[np.bool_]:
    """Wavy lines twelve pixels wide."""
    edge = round((4 * pixels) ** 0.5)
    y, x = np.mgrid[:edge, :edge]
    return (x + 10 * np.sin(y / 25)) % 48 < 12


def best_of(times: int, fill: Callable[[], NDArray[np.floating]]) -> tuple[float, NDArray[np.floating]]:
    seconds = []
    for _ in range(times):
        start = time.perf_counter()
        filled = fill()
        seconds.append(time.perf_counter() - start)
    return min(seconds), filled


def main() -> None:
    print("hole      pixels scikit-image     ours  ratio  budget  max difference")
    for make in (square, blobs, strokes):
        for pixels, budget in BUDGET_S.items():
            mask = make(pixels)
            image = ndimage.gaussian_filter(np.random.default_rng(1).random((*mask.shape, 3)), (3, 3, 0))
            image = (image - image.min()) / np.ptp(image)
            theirs, expected = best_of(2, partial(inpaint_biharmonic, image, mask, channel_axis=-1))
            ours, filled = best_of(5, partial(biharmonic_fill, image, mask))
            print(
                f"{make.__name__:<8} {np.count_nonzero(mask):>7} {theirs:>10.2f} s {ours:>6.3f} s"
                f" {theirs / ours:>5.1f}x {budget:>5.1f} s {abs(filled - expected).max():>15.1e}"
            )


if __name__ == "__main__":
    main()
