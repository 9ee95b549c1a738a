"""What the planes beside one are worth for its holes, on stacks of yours.

    python benchmarks/neighbours.py --data STACK [--data STACK …] [--holes 40] [--axis Z] [--reach 1] [--quick]

A STACK is a folder of images, one a plane, in the order of their names; or a TIFF, NPY or zarr of three axes, of
which the first counts planes (for others say --axes). Each case is one hole, a disc or a scratch, in one plane with
planes on both sides, in which what the hole hides is set to 0. Peak signal-to-noise ratios are of the hole's pixels,
over the range of the plane's 0.5 and 99.5 percentiles.

- biharmonic: the smooth fill alone
- plain: both networks, without a look at other planes
- edges, start, contents: with the neighbours' edges, from their contents, their contents as they are
- copy: the previous plane's pixels as they are, unmoved
"used" is in how many holes neighbours were good enough to be taken. Intervals are bootstrapped over the holes, those
of differences from plain over pairs.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats

from napari_edgeconnect import EdgeConnect, Settings
from napari_edgeconnect.core import classical
from napari_edgeconnect.core.metrics import psnr
from napari_edgeconnect.core.results import result_of
from napari_edgeconnect.core.settings import StackSettings
from napari_edgeconnect.core.stack import Stack
from napari_edgeconnect.core.stack_run import place_steps
from napari_edgeconnect.files import open_stack, read_image

KINDS = ("edges", "start", "contents")
METHODS = ("biharmonic", "plain", *KINDS, "copy")


def read(path: Path, axes: str | None) -> np.ndarray:
    """A stack as (planes, H, W) or (planes, H, W, colours)."""
    if path.is_dir() and not path.name.endswith(".zarr"):
        planes = [read_image(file).pixels for file in sorted(path.iterdir())]
        return np.stack(planes)
    with open_stack(path) as file:
        pixels, names = np.asarray(file.pixels[...]), axes or file.axes or "ZYX"
        if pixels.ndim != len(names):
            raise SystemExit(f"{path} has {pixels.ndim} axes, not {names}: say which they are with --axes.")
        while pixels.ndim > 3 and names[0] not in "YX":  # the first place of all axes but the last that counts planes
            if sum(name not in "YXS" for name in names) == 1:
                break
            pixels, names = pixels[0], names[1:]
        return pixels


def hole(number: int, shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """A disc of 4 to 14 px radius, or, every other one, a scratch of 3 to 7 px: (H, W) bool."""
    mask = np.zeros(shape, dtype=bool)
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    if number % 2:
        length, half, angle = rng.uniform(30, 80), rng.uniform(1.5, 3.5), rng.uniform(0, np.pi)
        away = [min(size / 2 - 1, 24 + length / 2) for size in shape]
    else:
        length, half, angle = 0.0, rng.uniform(4, 14), 0.0
        away = [min(size / 2 - 1, 24 + half) for size in shape]
    row, column = (rng.uniform(edge, size - edge) for edge, size in zip(away, shape, strict=True))
    along = (columns - column) * np.cos(angle) + (rows - row) * np.sin(angle)
    across = (rows - row) * np.cos(angle) - (columns - column) * np.sin(angle)
    beyond = np.maximum(np.abs(along) - length / 2, 0)
    mask |= np.hypot(beyond, across) <= half
    return mask


def case(model: EdgeConnect, planes: np.ndarray, at: int, mask: np.ndarray, reach: int) -> dict[str, Any]:
    """One hole, repaired in all ways: its figures, and which neighbours were taken."""
    truth = planes[at]
    low, high = (float(value) for value in np.percentile(truth, (0.5, 99.5)))
    damaged = planes[at - reach : at + reach + 1].copy()
    damaged[reach][mask] = 0
    masks = np.zeros(damaged.shape[:3], dtype=bool)
    masks[reach] = mask
    names = "ZYX" if planes.ndim == 3 else "ZYXS"
    row: dict[str, Any] = {}

    def keep(method: str, image: np.ndarray) -> None:
        scaled = [(pixels.astype(float) - low) / max(high - low, 1e-9) for pixels in (image, truth)]
        row[method] = min(psnr(*scaled, mask), 80.0)

    keep("biharmonic", classical.inpaint(damaged[reach], mask, "biharmonic"))
    keep("copy", planes[at - 1])
    for kind in ("off", *KINDS):
        choices = StackSettings(neighbours=kind, neighbour_reach=reach)
        stack = Stack.prepare(damaged, masks, names, settings=Settings(), choices=choices)
        (fill,) = result_of(place_steps(model, stack, (reach,)))
        keep("plain" if kind == "off" else kind, fill.into(damaged[reach]))
        if kind != "off":
            row[f"used {kind}"] = fill.record["neighbours"]["proposed_px"] > 0
    return row


def interval(values: np.ndarray) -> str:
    """A mean with its 95 % interval."""
    if len(values) < 3 or np.ptp(values) == 0:
        return f"{values.mean():6.2f}"
    found = stats.bootstrap((values,), np.mean, n_resamples=2000, rng=np.random.default_rng(0), method="percentile")
    return f"{values.mean():6.2f} [{found.confidence_interval.low:6.2f}, {found.confidence_interval.high:6.2f}]"


def show(name: str, rows: list[dict[str, Any]]) -> None:
    """Print a stack's table."""
    print(f"\n{name}, {len(rows)} holes")
    print(f"{'':>11}  {'PSNR in the hole, dB':<24} {'more than plain, dB':<24} used")
    figures = {method: np.array([row[method] for row in rows]) for method in METHODS}
    for method in METHODS:
        more = "" if method == "plain" else interval(figures[method] - figures["plain"])
        used = f"{sum(row[f'used {method}'] for row in rows)}" if method in KINDS else ""
        print(f"{method:>11}  {interval(figures[method]):<24} {more:<24} {used}", flush=True)


def main() -> None:
    """Print a table for each stack, and one for all holes together."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, action="append", required=True, metavar="STACK")
    parser.add_argument("--axes", help="what the axes of a file are, such as TZYX")
    parser.add_argument("--holes", type=int, default=40)
    parser.add_argument("--reach", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--model", default=None)
    parser.add_argument("--quick", action="store_true", help="6 holes a stack")
    options = parser.parse_args()
    model = EdgeConnect.load(options.model, device="cpu") if options.model else EdgeConnect.load(device="cpu")
    every = []
    for path in options.data:
        planes, rng = read(path, options.axes), np.random.default_rng(options.seed)
        inside = range(options.reach, len(planes) - options.reach)
        if not inside:
            raise SystemExit(f"{path} has {len(planes)} planes: at least {2 * options.reach + 1} are needed.")
        rows = [
            case(model, planes, int(rng.choice(inside)), hole(number, planes.shape[1:3], rng), options.reach)
            for number in range(6 if options.quick else options.holes)
        ]
        show(path.name, rows)
        every += rows
    if len(options.data) > 1:
        show("All", every)


if __name__ == "__main__":
    main()
