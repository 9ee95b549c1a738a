"""What repairs cost, against what they depend on: each measurement in a process of its own.

    python benchmarks/stacks.py [--quick] [--only size,area,planes,workers,plane,stack,photo]

- size: one hole in larger and larger planes (should stay flat)
- area: more and more holes of one size, and one hole that grows (should go with the area)
- planes: stacks of more and more planes with one hole each (should go with their number)
- workers: the same stack by one and by two worker processes of one thread
- plane: a 20,000 x 20,000 uint16 plane with 200 small holes, from zarr to zarr
- stack: 500 planes of 1024 x 1024 uint16 with one mask of camera dust, from zarr to zarr
- photo: a 512 x 512 RGB picture with 12 holes, in memory

Beside the last three: the network as it was published, in one frame: no windows, width 64. Its weights are random,
because time and memory do not depend on them. It runs on the photograph, and on a plane of the largest of the three
whose frame fits into this machine's memory by what the photograph's took.

Peak memory is counted over what is loaded: packages and model. Files are written to a temporary folder, of about
1 GiB, and read from there. How long planes take is told on stderr on the way. ``--quick`` takes a tenth: a plane of
2000 x 2000 with 20 holes, 50 planes.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from apart import MIB, add_discs, in_a_process, measured, whole_frame
from skimage import data

PARTS = ("size", "area", "planes", "workers", "plane", "stack", "photo")
FRAME_PX = 1024
DISC_PX = 12


def picture(number: int, side: int = FRAME_PX) -> np.ndarray:
    """A different side x side uint16 view of real pictures for each number."""
    tile = np.concatenate([data.camera(), data.brick(), data.gravel(), data.grass()], axis=1).astype(np.uint16) * 16
    rolled = np.roll(tile, (37 * number, 211 * number), axis=(0, 1))
    return np.tile(rolled, (-(-side // rolled.shape[0]), -(-side // rolled.shape[1])))[:side, :side]


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
        repair_stack_file(task, progress(Report), model)
    record = json.loads(task.record_path().read_text())
    windows = [window for plane in record["planes"] for window in plane["windows"]]
    return {**figures, "hole_px": record["hole_px"], "windows": len(windows), "planes": len(record["planes"])}


def progress(report: type[Any]) -> Any:
    """A report that says on stderr how long planes take, every twentieth of the way."""

    class Progress(report):  # type: ignore[misc]
        def follow(self, steps: Any) -> Any:
            def told() -> Any:
                started, said = time.perf_counter(), 0
                try:
                    while True:
                        step = next(steps)
                        if step.done - said >= max(1, step.total // 20):
                            said = step.done
                            seconds = (time.perf_counter() - started) / said
                            print(f"  {said} of {step.total}: {seconds:.2f} s each", file=sys.stderr, flush=True)
                        yield step
                except StopIteration as end:
                    return end.value

            return super().follow(told())

    return Progress(quiet=True)


def loaded_model() -> Any:
    """The bundled model, and what is loaded lazily."""
    import zarr  # noqa: F401

    from napari_edgeconnect.core.edgeconnect import EdgeConnect

    model = EdgeConnect.load(device="cpu")
    image, mask = photograph()
    model.inpaint(image[:256, :256, 0], mask[:256, :256])
    return model


def repair_array(image: np.ndarray, mask: np.ndarray) -> dict[str, Any]:
    """Both stages on a plane in memory, in windows."""
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


def apart_discs(side: int, count: int) -> np.ndarray:
    """Discs on a grid, each farther from the next than a window is wide, in a corner of (side, side) bool."""
    mask = np.zeros((side, side), dtype=bool)
    rows, columns = np.mgrid[-DISC_PX : DISC_PX + 1, -DISC_PX : DISC_PX + 1]
    disc = np.hypot(rows, columns) <= DISC_PX
    across = int(np.ceil(np.sqrt(count)))
    for number in range(count):
        row, column = (128 + 320 * at for at in divmod(number, across))
        mask[row - DISC_PX : row + DISC_PX + 1, column - DISC_PX : column + DISC_PX + 1] |= disc
    return mask


def repair_planes(count: int) -> dict[str, Any]:
    """A stack of so many planes of 512 x 512 with one disc, in memory."""
    from napari_edgeconnect.core.stack import Stack
    from napari_edgeconnect.core.stack_run import repair_stack

    stack, model = Stack.prepare(*small_stack(count), "TYX"), loaded_model()
    with measured() as figures:
        records = repair_stack(model, stack, np.empty(stack.axes.shape, np.uint16))
    return {**figures, **sums(records)}


def small_stack(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Planes of 512 x 512 uint16, and one disc for all."""
    return np.stack([picture(number, 512) for number in range(count)]), apart_discs(512, 1)


def sums(records: list[dict[str, Any]]) -> dict[str, int]:
    """What planes' records add up to."""
    windows = sum(len(record["windows"]) for record in records)
    return {"hole_px": sum(record["hole_px"] for record in records), "windows": windows, "planes": len(records)}


def repair_by_workers(count: int, folder: Path) -> dict[str, Any]:
    """The same planes from a file, by so many processes of one thread each; started and warm before the clock is."""
    from distributed import LocalCluster

    from napari_edgeconnect.cli.stack_task import StackTask, open_on_worker
    from napari_edgeconnect.core.results import Step
    from napari_edgeconnect.core.settings import StackSettings
    from napari_edgeconnect.core.stack import Stack
    from napari_edgeconnect.core.workers import connected, places_on_workers

    image, mask = (np.load(folder / name) for name in ("image.npy", "mask.npy"))
    files = {"image": folder / "image.npy", "mask": folder / "mask.npy", "output": folder / "out.npy"}
    task = StackTask(command="inpaint", **files, axes="TYX", device="cpu")
    stack = Stack.prepare(image, mask, "TYX")
    opener = partial(open_on_worker, task, StackSettings(), stack.contrasts, stack.guide)
    places = list(stack.axes.places())
    with (
        LocalCluster(n_workers=count, threads_per_worker=1, processes=True, dashboard_address=":0") as cluster,
        connected(cluster.scheduler_address) as client,
    ):
        list(places_on_workers(client, opener, stack.axes, places[: 2 * count]))
        with measured() as figures:
            events = list(places_on_workers(client, opener, stack.axes, places))
    records = [fill.record for event in events if not isinstance(event, Step) for fill in event.fills]
    # Memory and CPU time are the workers' own, and not seen from here.
    return {**figures, **sums(records), "cpu_seconds": None, "peak_mib": None}


def inside(options: argparse.Namespace) -> dict[str, Any]:
    """One measurement, in a process of its own."""
    case, number, folder = options.case, options.number, options.folder
    if case == "size":
        return repair_array(picture(0, number), apart_discs(number, 1))
    if case == "area":
        return repair_array(picture(0, 2048), apart_discs(2048, number))
    if case == "large hole":
        mask = np.zeros((2048, 2048), dtype=bool)
        mask[400 : 400 + number, 400 : 400 + number] = True
        return repair_array(picture(0, 2048), mask)
    if case == "planes":
        return repair_planes(number)
    if case == "workers":
        return repair_by_workers(number, folder)
    if case == "photo":
        return repair_array(*photograph())
    if case == "published":
        return run_published(number)
    return repair_files(case, folder, options.quick)


def one(case: str, quick: bool, number: int = 0) -> dict[str, Any]:
    """Measure a case: its inputs are written here, and all else is done in another process."""
    options = ["--case", case, "--number", number, *(["--quick"] if quick else [])]
    with tempfile.TemporaryDirectory() as folder:
        if case in ("plane", "stack"):
            write_inputs(case, Path(folder), quick)
        elif case == "workers":
            for name, array in zip(("image", "mask"), small_stack(6 if quick else 32), strict=True):
                np.save(Path(folder) / f"{name}.npy", array)
        return in_a_process(__file__, *options, "--folder", folder)


def show(name: str, row: dict[str, Any]) -> None:
    """Print a line of the table."""
    hole, seconds, cpu = row["hole_px"] / 1e6, row["seconds"], row["cpu_seconds"]
    cells = [f"{cpu:9.1f}", f"{row['peak_mib']:9.0f}"] if cpu is not None else [f"{'':9}", f"{'':9}"]
    by_core = f"{hole / cpu:13.5f}" if cpu else ""
    print(
        f"{name:>26} {seconds:9.2f} {' '.join(cells)} {row['windows']:8} {hole:9.4f} {hole / seconds:11.5f} {by_core}",
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


def growth(case: str, numbers: Sequence[int], name: str, quick: bool) -> None:
    """Print a line for each of several sizes."""
    for number in numbers:
        show(name.format(number), one(case, quick, number))


def published_beside(rows: dict[str, dict[str, Any]], quick: bool) -> None:
    """Run the network as it was published on the photograph, and on a plane of the largest case that fits."""
    frame = one("published", quick, 512)
    show("published, photo", frame)
    side, per_px = 2000 if quick else 20_000, frame["peak_mib"] * MIB / 512**2
    free = psutil.virtual_memory().available
    print(
        f"A frame of {side} px² would take {per_px * side**2 / 2**30:.0f} GiB, one of {FRAME_PX} px² "
        f"{per_px * FRAME_PX**2 / 2**30:.1f} GiB; {free / 2**30:.0f} GiB are free."
    )
    frames = {"plane": side, "stack": FRAME_PX}
    largest = next((case for case in frames if case in rows and per_px * frames[case] ** 2 < 0.9 * free), None)
    if "photo" in rows:
        compare("The photograph", frame, rows["photo"])
    if largest:
        theirs = one("published", quick, frames[largest])
        show(f"published, {largest}", theirs)
        compare("The plane" if largest == "plane" else "A plane of the stack", theirs, rows[largest])


def main() -> None:
    """Print a line a measurement, and the ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a tenth of all sizes, for a smoke run")
    parser.add_argument("--only", default=",".join(PARTS), help=f"some of {','.join(PARTS)}")
    parser.add_argument("--case", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--number", type=int, default=0, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.case:
        print(json.dumps(inside(options)))
        return
    parts, quick = options.only.split(","), options.quick
    unknown = set(parts) - set(PARTS)
    if unknown:
        parser.error(f"--only knows {', '.join(PARTS)}, not {', '.join(sorted(unknown))}.")
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}{', a tenth of all sizes' if quick else ''}")
    print(
        f"{'':>26} {'seconds':>9} {'CPU s':>9} {'peak MiB':>9} {'windows':>8} {'hole Mpx':>9} {'Mpx/s':>11} "
        f"{'Mpx/(s·core)':>13}"
    )
    if "size" in parts:
        growth("size", (512, 1024) if quick else (512, 1024, 2048, 4096, 8192), "one hole in {0} px²", quick)
    if "area" in parts:
        growth("area", (1, 2) if quick else (1, 2, 4, 8, 16, 32), "{0} like holes", quick)
        growth("large hole", (64,) if quick else (64, 128, 256, 512, 1024), "a hole of {0} px²", quick)
    if "planes" in parts:
        growth("planes", (2, 4) if quick else (8, 16, 32, 64), "{0} planes", quick)
    if "workers" in parts:
        growth("workers", (1, 2), "processes: {0}", quick)
    rows = {}
    for case in ("plane", "stack", "photo"):
        if case in parts:
            rows[case] = one(case, quick)
            show(case, rows[case])
    if rows:
        published_beside(rows, quick)


if __name__ == "__main__":
    main()
