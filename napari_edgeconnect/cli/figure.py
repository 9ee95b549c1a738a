"""``figure``: a repaired image as a picture that shows and says what in it is reconstructed."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from numpy.typing import NDArray

from napari_edgeconnect.files import FileError, Staging, read_as_mask, read_image, write_image

from . import options
from .records import read_record
from .report import reporting

Record = Annotated[
    Path | None,
    typer.Option(metavar="RECORD.json", help="Of the repair. Default: the one inside the image."),
]
Output = Annotated[Path, typer.Option("--output", "-o", help="The figure: an 8-bit colour .png or .tif.")]
Altered = Annotated[
    Path | None,
    typer.Option(help="The mask of altered pixels. Default: the one that the record names, or that lies beside it."),
]
Contrast = Annotated[
    str | None,
    typer.Option(
        metavar="LOW,HIGH",
        help="Grey values that become black and white. Default: 0 and 255 for 8-bit colour, else the 0.5 and 99.5 "
        "percentiles.",
    ),
]
Outline = Annotated[bool, typer.Option("--outline/--no-outline", help="Draw a line around what is reconstructed.")]
Caption = Annotated[bool, typer.Option("--caption/--no-caption", help="Say below what the outlined regions are.")]


def figure(
    image: options.Image,
    output: Output,
    record: Record = None,
    altered: Altered = None,
    contrast: Contrast = None,
    outline: Outline = True,
    caption: Caption = True,
    overwrite: options.Overwrite = False,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Make a figure of a repaired image, its reconstructed regions outlined, with a line below that says so."""
    limits = _limits(contrast)
    with reporting(as_json=as_json, quiet=quiet) as report:
        from napari_edgeconnect.core.figure import caption_of, figure_of

        staging = Staging([path for path in (image, record, altered) if path], overwrite=overwrite)
        staging.plan(output)
        if output.suffix.lower() not in (".png", ".tif", ".tiff"):
            raise FileError(f"{output}: a figure is written as .png or .tif.")
        source = read_image(image)
        said = read_record(record or image)
        where = _where(altered or _altered_path(record or image, said), source.pixels.shape[:2], said)
        picture = figure_of(source.pixels, where, said, outline=outline, caption=caption, contrast=limits)
        staging.commit({output: partial(write_image, pixels=picture, suffix=output.suffix)})
        report.written(output)
        sentence = caption_of(said, where)
        report.result(sentence, {"command": "figure", "output": str(output), "caption": sentence})


def _limits(contrast: str | None) -> tuple[float, float] | None:
    if contrast is None:
        return None
    try:
        low, high = (float(part) for part in contrast.split(","))
    except ValueError:
        raise typer.BadParameter(
            f"{contrast!r} is not two numbers, such as 100,4000.", param_hint="--contrast"
        ) from None
    return low, high


def _altered_path(record_path: Path, record: dict[str, Any]) -> Path:
    """The mask that was written with the record, or as it would be named beside the image."""
    named = (record.get("outputs") or {}).get("altered")
    candidates = [record_path.parent / named, record_path.parent / Path(named).name] if named else []
    candidates.append(record_path.with_name(f"{record_path.stem}_altered.png"))
    for path in candidates:
        if path.exists():
            return path
    raise FileError(f"There is no mask of altered pixels beside {record_path}: say with --altered where it is.")


def _where(path: Path, shape: tuple[int, ...], record: dict[str, Any]) -> NDArray[np.bool_]:
    """The altered pixels, if they are those of the record."""
    from napari_edgeconnect.core.digests import array_sha256

    where, _ = read_as_mask(path)
    if where.shape != shape:
        raise FileError(f"{path} has {where.shape[1]} x {where.shape[0]} pixels, and the image another size.")
    recorded = record.get("pixels", {}).get("altered")
    if recorded is not None and array_sha256(where) != recorded:
        raise FileError(f"{path} is not the mask of altered pixels that the record is about.")
    return where
