"""Windows against the whole frame: time and peak memory of one repair, each side in a process of its own.

    python benchmarks/windows.py [--size 4096] [--whole-size 2048]

The picture is a uint16 image with a 3-px scratch from corner to corner and
twenty 15-px spots. Peak memory is counted over the loaded arrays and model.
The whole frame is run at ``--whole-size`` beside windows of the same size,
because at 4096 it needs more memory than a laptop has.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time

import numpy as np
import psutil
from skimage import data

MIB = 2**20


def damaged(size: int) -> tuple[np.ndarray, np.ndarray]:
    """A size x size uint16 image and its mask."""
    tile = data.camera().astype(np.uint16) * 16
    image = np.tile(tile, (-(-size // 512),) * 2)[:size, :size].copy()
    mask = np.zeros(image.shape, dtype=bool)
    for row in range(size):
        mask[row, max(0, row - 1) : row + 2] = True
    rng = np.random.default_rng(0)
    for top, left in rng.integers(0, size - 15, (20, 2)):
        rows, columns = np.mgrid[:15, :15]
        mask[top : top + 15, left : left + 15] |= np.hypot(rows - 7, columns - 7) <= 7.5
    return image, mask


def measure(side: str, size: int) -> dict[str, float]:
    """Run one side in this process."""
    from napari_edgeconnect.core.edgeconnect import EdgeConnect
    from napari_edgeconnect.core.fill import biharmonic_fill
    from napari_edgeconnect.core.holes import Box
    from napari_edgeconnect.core.job import Job, View
    from napari_edgeconnect.core.settings import Settings

    image, mask = damaged(size)
    model = EdgeConnect.load(device="cpu")
    model.inpaint(image[:256, :256], mask[:256, :256])  # load what is loaded lazily
    loaded = psutil.Process().memory_info().rss
    started = time.perf_counter()
    if side == "windows":
        record = model.inpaint(image, mask, return_record=True).record
        looked = sum(w["height"] * w["width"] for w in record["windows"])
    else:
        job = Job.prepare(image, mask, Settings())
        whole = Box(0, size, 0, size)
        unit = job.unit(whole)
        view = View(unit, mask, biharmonic_fill(unit, mask), job.measured(whole).astype(np.float32))
        (edges,) = model.stages.edge_probability([view])
        model.stages.completed([View(unit, mask, view.fill, np.where(mask, edges, view.edges))])
        looked = size * size
    seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return {"seconds": seconds, "peak_mib": (peak - loaded) / MIB, "looked_at": looked / size**2}


def in_a_process(side: str, size: int) -> dict[str, float]:
    """Measure a side in a fresh process, so that no peak is inherited."""
    command = [sys.executable, __file__, "--side", side, "--size", str(size)]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()[-1])


def main() -> None:
    """Print one line a side and the ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=4096)
    parser.add_argument("--whole-size", type=int, default=2048)
    parser.add_argument("--side", choices=["windows", "whole"], help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.side:
        print(json.dumps(measure(options.side, options.size)))
        return
    print(f"{'':>24} {'seconds':>9} {'peak MiB':>9} {'pixels seen':>12}")
    rows = {}
    sides = [("windows", options.size), ("windows", options.whole_size), ("whole", options.whole_size)]
    for side, size in dict.fromkeys(sides):
        rows[side, size] = row = in_a_process(side, size)
        print(f"{side:>12} {size:>6} px² {row['seconds']:9.1f} {row['peak_mib']:9.0f} {row['looked_at']:11.0%}")
    ours, theirs = rows["windows", options.whole_size], rows["whole", options.whole_size]
    print(
        f"At {options.whole_size} px² the whole frame takes {theirs['seconds'] / ours['seconds']:.1f} times as long "
        f"and {theirs['peak_mib'] / ours['peak_mib']:.1f} times the memory."
    )


if __name__ == "__main__":
    main()
