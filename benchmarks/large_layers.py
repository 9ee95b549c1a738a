"""Peak memory and bytes read in the widget, for a layer that does not fit: lazily, and as if it fitted.

    python benchmarks/large_layers.py [--quick] [--side PX]

A multiscale zarr layer of 20,000 x 20,000 uint16 with 20 small holes is opened in a viewer (without a window), its
mask is painted, and "Inpaint in one go" is pressed: for all parts, and, in a process of its own, with every plane
taken for one that fits into memory, which is what the widget did before it knew parts. Peak memory is counted over
what is loaded when the button is pressed: packages, model, layers and mask. Bytes are those of stored (compressed)
chunks, each as often as it is read, napari's own reading included: of all levels, and of the full resolution alone.
``--quick`` takes 4000 x 4000 px and 4 holes.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from apart import MIB, add_discs, in_a_process, measured
from skimage import data

CHUNK_PX, LEVELS, HOLES, DISC_PX = 512, 4, 20, 8


def write_slide(path: Path, side: int) -> None:
    """Real pictures side by side, and smaller levels of every second pixel, chunk by chunk."""
    import zarr

    tile = np.concatenate([data.camera(), data.brick(), data.gravel(), data.grass()], axis=1).astype(np.uint16) * 16
    group = zarr.create_group(path)
    for number in range(LEVELS):
        size, step = side // 2**number, 2**number
        level = group.create_array(str(number), shape=(size, size), dtype="u2", chunks=(CHUNK_PX, CHUNK_PX))
        for top in range(0, size, CHUNK_PX):
            rows = np.arange(top, min(top + CHUNK_PX, size)) * step
            level[top : top + len(rows)] = tile[np.ix_(rows % 512, (np.arange(size) * step + rows[0] // 7) % 2048)]


def opened(path: Path) -> tuple[list[Any], dict[str, int]]:
    """The levels, for reading only, and what has been read of their store: updated as it is."""
    import zarr
    from zarr.storage import LocalStore

    read = {"bytes_read": 0, "bytes_of_full": 0, "chunks_of_full": 0}

    class Counted(LocalStore):
        async def get(self, key: str, *arguments: Any, **options: Any) -> Any:
            found = await super().get(key, *arguments, **options)
            if found is not None and not key.endswith(".json"):
                read["bytes_read"] += len(found)
                if key.startswith("0/"):
                    read["bytes_of_full"] += len(found)
                    read["chunks_of_full"] += 1
            return found

    group = zarr.open_group(Counted(path, read_only=True), mode="r")
    return [group[str(number)] for number in range(LEVELS)], read


def repair_in_the_widget(path: Path, side: int, *, lazily: bool, quick: bool) -> dict[str, Any]:
    """Open, paint, press the button, and wait."""
    from napari.components import ViewerModel
    from qtpy.QtWidgets import QApplication

    from napari_edgeconnect.core import cutouts
    from napari_edgeconnect.plugin import lazy_results
    from napari_edgeconnect.plugin.panel import ALL_PARTS
    from napari_edgeconnect.plugin.widget import EdgeConnectWidget

    if not lazily:
        cutouts.WHOLE_PLANE_PX = lazy_results.LAZY_BYTES = 2**62
    elif quick:
        cutouts.WHOLE_PLANE_PX //= 25  # as much smaller as the plane
    app = QApplication([])
    viewer = ViewerModel()
    widget = EdgeConnectWidget(viewer)
    wait_until(app, lambda: widget.panel.device.count() > 1)
    widget.panel.device.setCurrentText("cpu")
    model = widget.session.models.get(widget.session.model.name, "cpu")
    model.inpaint(data.camera()[:256, :256], np.pad(np.ones((9, 9), bool), (100, 147)))
    levels, read = opened(path)
    viewer.add_image(levels, name="slide", multiscale=True, contrast_limits=(0, 4096))
    wait_until(app, widget.panel.new_mask.isEnabled)
    widget.panel.new_mask.click()
    mask = np.zeros((side, side), bool)
    add_discs(mask, HOLES // 5 if quick else HOLES, DISC_PX)
    viewer.layers["slide [damage]"].data_setitem(np.nonzero(mask), 1)
    del mask
    wait_until(app, lambda: widget.panel.inpaint.isEnabled() and bool(widget.panel.status.text()))
    if lazily:
        widget.panel.slices.setCurrentText(ALL_PARTS)
    read.update(bytes_read=0, bytes_of_full=0, chunks_of_full=0)
    with measured() as figures:
        widget.panel.inpaint.click()
        wait_until(app, lambda: not widget.is_busy)
    completed = viewer.layers["slide [reconstructed]"]
    return {**figures, **read, "said": widget.panel.status.text(), "kind": type(completed.data).__name__}


def wait_until(app: Any, done: Any) -> None:
    """Let the interface live until then."""
    while not done():
        app.processEvents()
        time.sleep(0.005)


def main() -> None:
    """Print a line for each way, and the ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="4000 x 4000 px")
    parser.add_argument("--side", type=int, help="of the layer, in pixels")
    parser.add_argument("--inside", choices=["lazy", "eager"], help=argparse.SUPPRESS)
    parser.add_argument("--path", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    side = options.side or (4000 if options.quick else 20_000)
    if options.inside:
        row = repair_in_the_widget(options.path, side, lazily=options.inside == "lazy", quick=options.quick)
        print(json.dumps(row))
        return
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    holes = HOLES // 5 if options.quick else HOLES
    print(f"{side} x {side} px, {holes} holes; {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    print(f"{'':>6} {'seconds':>9} {'peak MiB':>9} {'MiB read':>9} {'of full':>9} {'chunks':>7}")
    rows = {}
    with tempfile.TemporaryDirectory() as folder:
        write_slide(Path(folder) / "slide.zarr", side)
        for way in ("lazy", "eager"):
            rest = ["--side", side, *(["--quick"] if options.quick else [])]
            row = rows[way] = in_a_process(__file__, "--inside", way, "--path", Path(folder) / "slide.zarr", *rest)
            print(
                f"{way:>6} {row['seconds']:9.1f} {row['peak_mib']:9.0f} {row['bytes_read'] / MIB:9.1f} "
                f"{row['bytes_of_full'] / MIB:9.1f} {row['chunks_of_full']:7}   {row['said']}",
                flush=True,
            )
    lazy, eager = rows["lazy"], rows["eager"]
    print(
        f"The eager way takes {eager['peak_mib'] / lazy['peak_mib']:.1f} times the memory, reads "
        f"{eager['bytes_read'] / lazy['bytes_read']:.1f} times the bytes "
        f"({eager['bytes_of_full'] / lazy['bytes_of_full']:.1f} of the full resolution), and takes "
        f"{eager['seconds'] / lazy['seconds']:.1f} times as long."
    )


if __name__ == "__main__":
    main()
