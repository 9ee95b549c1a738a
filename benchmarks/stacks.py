"""Peak memory and time of what does not fit, or is many: each case in a process of its own.

    python benchmarks/stacks.py [--quick] [--case plane|stack|photograph|published]

- plane: a 20,000 x 20,000 uint16 plane with 200 small holes, from zarr to zarr
- stack: 500 planes of 1024 x 1024 uint16 with one mask of camera dust, from zarr to zarr
- photograph: a 512 x 512 RGB picture with 12 holes, in memory
- published: the network as it was published, in one frame: no windows, width 64. Its weights are random, because
  time and memory do not depend on them. It runs on the photograph, and on a plane of the largest case whose
  frame fits into this machine's memory by what the photograph's took.

Peak memory is counted over what is loaded: packages and model. Files are written to a temporary folder, of about
1 GiB, and read from there. ``--quick`` takes a tenth: a plane of 2000 x 2000 with 20 holes, 50 planes.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from apart import MIB, add_discs, in_a_process, measured, whole_frame
from skimage import data

CASES = ("plane", "stack", "photograph")
FRAME_PX = 1024
DISC_PX = 12


def picture(number: int, side: int = FRAME_PX) -> np.ndarray:
    """A different side x side uint16 view of real pictures for each number."""
    tile = np.concatenate([data.camera(), data.brick(), data.gravel(), data.grass()], axis=1).astype(np.uint16) * 16
    rolled = np.roll(tile, (37 * number, 211 * number), axis=(0, 1))
    return np.tile(rolled, (-(-side // 512), 1))[:side, :side]


def photograph() -> tuple[np.ndarray, np.ndarray]:
    """The 512 x 512 RGB picture and its mask."""
    image = data.astronaut()
    mask = np.zeros(image.shape[:2], dtype=bool)
    add_discs(mask, 12, DISC_PX)
    return image, mask


def dust() -> np.ndarray:
    """A speck and a hair, as they lie on a camera: (H, W) bool."""
    mask = np.zeros((FRAME_PX, FRAME_PX), dtype=bool)
    add_discs(mask, 1, DISC_PX)
    (row, *_), (column, *_) = np.nonzero(mask)
    mask[row + 30 : row + 33, column : column + 50] = True
    return mask


def write_inputs(case: str, folder: Path, quick: bool) -> None:
    """Write a case's image and mask as zarr, chunk by chunk."""
    import zarr

    if case == "plane":
        side = 2000 if quick else 20_000
        image = zarr.create_array(folder / "image.zarr", shape=(side, side), dtype="u2", chunks=(FRAME_PX, FRAME_PX))
        for number, (top, left) in enumerate(np.ndindex(-(-side // FRAME_PX), -(-side // FRAME_PX))):
            rows, columns = (slice(at * FRAME_PX, min((at + 1) * FRAME_PX, side)) for at in (top, left))
            image[rows, columns] = picture(number)[: rows.stop - rows.start, : columns.stop - columns.start]
        mask = np.zeros((side, side), dtype=bool)
        add_discs(mask, 20 if quick else 200, DISC_PX)
    else:
        count = 50 if quick else 500
        shape = (count, FRAME_PX, FRAME_PX)
        image = zarr.create_array(folder / "image.zarr", shape=shape, dtype="u2", chunks=(1, *shape[1:]))
        for number in range(count):
            image[number] = picture(number)
        mask = dust()
    zarr.create_array(folder / "mask.zarr", data=mask, chunks=(FRAME_PX, FRAME_PX))


def repair_files(case: str, folder: Path, quick: bool) -> dict[str, Any]:
    """What ``napari-edgeconnect inpaint`` does, from zarr to zarr."""
    from napari_edgeconnect.cli.report import Report
    from napari_edgeconnect.cli.stack_run import repair_stack_file
    from napari_edgeconnect.cli.stack_task import StackTask
    from napari_edgeconnect.core import cutouts

    if quick:
        cutouts.WHOLE_PLANE_PX //= 100  # as much smaller as the plane
        cutouts.READ_PX //= 4
    files = {"image": folder / "image.zarr", "mask": folder / "mask.zarr", "output": folder / "out.zarr"}
    task = StackTask(command="inpaint", **files, device="cpu", axes="YX" if case == "plane" else "TYX", mask_axes="YX")
    model = loaded_model()
    with measured() as figures:
        repair_stack_file(task, Report(quiet=True), model)
    record = json.loads(task.record_path().read_text())
    windows = [window for plane in record["planes"] for window in plane["windows"]]
    return {**figures, "hole_px": record["hole_px"], "windows": len(windows), "planes": len(record["planes"])}


def loaded_model() -> Any:
    """The bundled model, and what is loaded lazily."""
    import zarr  # noqa: F401

    from napari_edgeconnect.core.edgeconnect import EdgeConnect

    model = EdgeConnect.load(device="cpu")
    image, mask = photograph()
    model.inpaint(image[:256, :256, 0], mask[:256, :256])
    return model


def repair_photograph() -> dict[str, Any]:
    """Both stages on the photograph, in windows."""
    image, mask = photograph()
    model = loaded_model()
    with measured() as figures:
        record = model.inpaint(image, mask, return_record=True).record
    return {**figures, "hole_px": record["hole_px"], "windows": len(record["windows"]), "planes": 1}


def run_published(side: int) -> dict[str, Any]:
    """The published networks on a whole frame: the photograph at 512, else a picture with dust."""
    import torch

    from napari_edgeconnect.core.edgeconnect import EdgeConnect
    from napari_edgeconnect.core.networks import EdgeGenerator, InpaintGenerator

    with tempfile.TemporaryDirectory() as folder:
        paths = Path(folder) / "edge.pth", Path(folder) / "inpaint.pth"
        for path, network in zip(paths, (EdgeGenerator(), InpaintGenerator()), strict=True):
            torch.save({"iteration": 0, "generator": network.state_dict()}, path)
        model = EdgeConnect.load(paths, device="cpu")
    if side == 512:
        image, mask = photograph()
    else:
        image, mask = picture(0, side), np.resize(dust(), (side, side))
    whole_frame(model, image[:64, :64], mask[:64, :64] & False, published=True)
    with measured() as figures:
        whole_frame(model, image, mask, published=True)
    return {**figures, "hole_px": int(mask.sum()), "windows": 1, "planes": 1}


def one(case: str, quick: bool, side: int) -> dict[str, Any]:
    """Measure a case: its inputs are written here, and all else is done in another process."""
    options = ["--case", case, "--inside", "--side", side, *(["--quick"] if quick else [])]
    if case not in ("plane", "stack"):
        return in_a_process(__file__, *options)
    with tempfile.TemporaryDirectory() as folder:
        write_inputs(case, Path(folder), quick)
        return in_a_process(__file__, *options, "--folder", folder)


def show(name: str, row: dict[str, Any]) -> None:
    """Print a line of the table."""
    hole = row["hole_px"] / 1e6
    print(
        f"{name:>22} {row['seconds']:9.1f} {row['cpu_seconds']:9.1f} {row['peak_mib']:9.0f} {row['windows']:8} "
        f"{hole:9.4f} {hole / row['seconds']:11.5f} {hole / row['cpu_seconds']:13.5f}",
        flush=True,
    )


def compare(what: str, theirs: dict[str, Any], ours: dict[str, Any]) -> None:
    """Print the ratios of one plane in one frame to the same in windows."""
    planes = ours["planes"]
    print(
        f"{what}: the published way takes {theirs['seconds'] / (ours['seconds'] / planes):.1f} times as long "
        f"(in CPU time {theirs['cpu_seconds'] / (ours['cpu_seconds'] / planes):.1f}) "
        f"and {theirs['peak_mib'] / ours['peak_mib']:.1f} times the memory."
    )


def main() -> None:
    """Print a line a case, and the ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a tenth of all sizes")
    parser.add_argument("--case", choices=[*CASES, "published"], help="one case alone")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--side", type=int, default=512, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.inside:
        if options.case == "published":
            row = run_published(options.side)
        elif options.case == "photograph":
            row = repair_photograph()
        else:
            row = repair_files(options.case, options.folder, options.quick)
        print(json.dumps(row))
        return
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}{', a tenth of all sizes' if options.quick else ''}")
    print(
        f"{'':>22} {'seconds':>9} {'CPU s':>9} {'peak MiB':>9} {'windows':>8} {'hole Mpx':>9} {'Mpx/s':>11} "
        f"{'Mpx/(s·core)':>13}"
    )
    rows: dict[str, dict[str, Any]] = {}
    for case in CASES if options.case is None else [options.case] if options.case in CASES else []:
        rows[case] = one(case, options.quick, 512)
        show(case, rows[case])
    if options.case not in (None, "published"):
        return
    frame = one("published", options.quick, 512)
    show("published, photograph", frame)
    side, per_px = 2000 if options.quick else 20_000, frame["peak_mib"] * MIB / 512**2
    free = psutil.virtual_memory().available
    print(
        f"A frame of {side} px² would take {per_px * side**2 / 2**30:.0f} GiB, one of {FRAME_PX} px² "
        f"{per_px * FRAME_PX**2 / 2**30:.1f} GiB; {free / 2**30:.0f} GiB are free."
    )
    largest = next((case for case, n in (("plane", side), ("stack", FRAME_PX)) if per_px * n**2 < 0.9 * free), None)
    if largest:
        rows["published"] = one("published", options.quick, side if largest == "plane" else FRAME_PX)
        show(f"published, {largest}", rows["published"])
    if "photograph" in rows:
        compare("The photograph", frame, rows["photograph"])
    if largest in rows:
        compare("The plane" if largest == "plane" else "A plane of the stack", rows["published"], rows[largest])


if __name__ == "__main__":
    main()
