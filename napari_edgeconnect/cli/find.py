"""``find``: a mask of the damage that an image shows by itself."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer
from numpy.typing import NDArray

from napari_edgeconnect.files import FileError, Staging, as_black_and_white, check_format, read_image, write_image

from . import options
from .report import Report, reporting

if TYPE_CHECKING:
    from napari_edgeconnect.core.find import Finder

Images = Annotated[
    list[Path],
    typer.Argument(
        metavar="IMAGE...",
        help="PNG, JPEG, TIFF or NPY, one plane each. For dust-shadows: the frames of a stack, at least 5 gray images "
        "of one size. For anything else of several images: what is found in any of them.",
    ),
]
Output = Annotated[
    Path, typer.Option("--output", "-o", help="The mask: .png, .tif or .npy, 255 where there is damage.")
]
What = Annotated[
    str,
    typer.Option(
        help="Comma-separated: not-finite, saturated, dead, hot-pixels, dead-rows, dead-columns, scratches, "
        "dark-spots, bright-spots, marks, dust-shadows.",
    ),
]
Sensitivity = Annotated[
    float, typer.Option(min=0, max=1, help="0: only what is beyond doubt. 1: whatever might be damage.")
]


def find(
    images: Images,
    output: Output,
    what: What,
    sensitivity: Sensitivity = 0.5,
    overwrite: options.Overwrite = False,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Find damage and write it as a mask. Look at it before you repair with it: real structures can look alike."""
    with reporting(as_json=as_json, quiet=quiet) as report:
        from napari_edgeconnect.core.find import FINDERS, find_damage

        staging = Staging(images, overwrite=overwrite)
        staging.plan(output)
        check_format(output, (1, 1), np.dtype(np.uint8))
        names = [name.strip() for name in what.split(",") if name.strip()]
        pixels = _read(images, report)
        counts = {}
        mask = np.zeros(pixels[0].shape[:2], dtype=bool)
        for name in dict.fromkeys(names or [""]):  # an empty list is answered with the names there are
            found = _found(FINDERS[name], pixels, sensitivity) if name in FINDERS else find_damage(pixels[0], name)
            counts[name] = int(np.count_nonzero(found))
            mask |= found
        staging.commit({output: partial(write_image, pixels=as_black_and_white(mask), suffix=output.suffix)})
        report.written(output)
        share = 100 * float(mask.mean())
        said = ", ".join(f"{name} {count}" for name, count in counts.items())
        report.result(
            f"Found {np.count_nonzero(mask)} pixels ({share:.2g} % of the image): {said}.",
            {
                "command": "find",
                "output": str(output),
                "sensitivity": sensitivity,
                "found_px": int(np.count_nonzero(mask)),
                "by_finder": counts,
            },
        )


def _read(paths: list[Path], report: Report) -> list[NDArray[Any]]:
    """The images, all of one size."""
    pixels = []
    for path in paths:
        source = read_image(path)
        for note in source.notes:
            report.note(note)
        pixels.append(source.pixels)
        if source.pixels.shape != pixels[0].shape:
            ours, first = (f"{shape[1]} x {shape[0]}" for shape in (source.pixels.shape, pixels[0].shape))
            raise FileError(
                f"{path} is {ours} pixels (width x height), but {paths[0]} is {first}, or one is gray and the other "
                f"not: all must be alike."
            )
    return pixels


def _found(finder: Finder, pixels: list[NDArray[Any]], sensitivity: float) -> NDArray[np.bool_]:
    if finder.of_stack:
        return finder.find(np.stack(pixels), sensitivity)
    return np.logical_or.reduce([finder.find(image, sensitivity) for image in pixels])
