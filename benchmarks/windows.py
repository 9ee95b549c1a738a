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

import numpy as np
from apart import add_discs, in_a_process, measured, whole_frame
from skimage import data


def damaged(size: int) -> tuple[np.ndarray, np.ndarray]:
    """A size x size uint16 image and its mask."""
    tile = data.camera().astype(np.uint16) * 16
    image = np.tile(tile, (-(-size // 512),) * 2)[:size, :size].copy()
    mask = np.zeros(image.shape, dtype=bool)
    for row in range(size):
        mask[row, max(0, row - 1) : row + 2] = True
    add_discs(mask, 20, 7.5)
    return image, mask


def measure(side: str, size: int) -> dict[str, float]:
    """Run one side in this process."""
    from napari_edgeconnect.core.edgeconnect import EdgeConnect

    image, mask = damaged(size)
    model = EdgeConnect.load(device="cpu")
    model.inpaint(image[:256, :256], mask[:256, :256])  # load what is loaded lazily
    with measured() as figures:
        if side == "windows":
            record = model.inpaint(image, mask, return_record=True).record
            looked = sum(w["height"] * w["width"] for w in record["windows"])
        else:
            whole_frame(model, image, mask)
            looked = size * size
    return {**figures, "looked_at": looked / size**2}


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
        rows[side, size] = row = in_a_process(__file__, "--side", side, "--size", size)
        print(f"{side:>12} {size:>6} px² {row['seconds']:9.1f} {row['peak_mib']:9.0f} {row['looked_at']:11.0%}")
    ours, theirs = rows["windows", options.whole_size], rows["whole", options.whole_size]
    print(
        f"At {options.whole_size} px² the whole frame takes {theirs['seconds'] / ours['seconds']:.1f} times as long "
        f"and {theirs['peak_mib'] / ours['peak_mib']:.1f} times the memory."
    )


if __name__ == "__main__":
    main()
