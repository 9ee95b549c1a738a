"""PNG and JPEG, by Pillow; a PNG's ancillary chunks are carried over byte for byte."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .carried import Carried
from .embedded import Records, png_chunk, records_in_png_chunk
from .errors import FileError

_ORIENTATION = 0x0112
#: Colours and physical scales stay true, although PNG calls these unsafe to copy when pixels change.
_STILL_TRUE = (b"iCCP", b"sRGB", b"gAMA", b"cHRM", b"cICP", b"pCAL", b"sCAL")
_SIGNATURE_AND_IHDR = 8 + 25


def read_png(path: Path) -> tuple[NDArray[Any], Carried, list[str]]:
    """Read a PNG: bool, uint8 or uint16 gray, uint8 RGB or RGBA; palettes are resolved."""
    encoded = path.read_bytes()
    depth, colour_type = encoded[24], encoded[25]
    if depth == 16 and colour_type != 0:
        raise FileError(
            f"{path} is a 16-bit colour PNG, which can't be read here without losing 8 of its 16 bits: "
            f"convert it to TIFF."
        )
    with Image.open(BytesIO(encoded), formats=["PNG"]) as file:
        if getattr(file, "n_frames", 1) > 1:
            raise FileError(f"{path} is an animated PNG; one image is wanted.")
        file.load()
        image: Image.Image = file
        if colour_type == 3:
            image = image.convert("RGBA" if "transparency" in image.info else "RGB")
        elif image.mode == "LA" or ("transparency" in image.info and depth < 16):
            image = image.convert("RGBA")
        pixels = _pixels(image, path, ("1", "L", "RGB", "RGBA", "I;16", "I;16B"))
        carried, notes = _carried(image)
    return pixels, _with_chunks(carried, encoded, keep_transparency=depth == 16), notes


def read_jpeg(path: Path) -> tuple[NDArray[Any], Carried, list[str]]:
    """Read a gray or RGB JPEG; pixels are not turned by its orientation tag."""
    with Image.open(path, formats=["JPEG"]) as image:
        if image.mode not in ("L", "RGB"):
            raise FileError(f"{path} is a {image.mode} JPEG; gray or RGB is wanted.")
        image.load()
        pixels = _pixels(image, path, ("L", "RGB"))
        carried, notes = _carried(image)
    return pixels, carried, notes


def write_png(path: Path, pixels: NDArray[Any], carried: Carried) -> None:
    """Write a PNG of bool, uint8 or uint16 gray, or uint8 RGB(A)."""
    native = np.ascontiguousarray(pixels, dtype=pixels.dtype.newbyteorder("="))
    extras: dict[str, Any] = {}
    if not carried.png_chunks:
        present = {"dpi": carried.dpi, "icc_profile": carried.icc, "exif": carried.exif}
        extras = {name: value for name, value in present.items() if value}
    buffer = BytesIO()
    Image.fromarray(native).save(buffer, "PNG", **extras)
    encoded = buffer.getvalue()
    chunks = carried.png_chunks + png_chunk(carried.records)
    path.write_bytes(encoded[:_SIGNATURE_AND_IHDR] + chunks + encoded[_SIGNATURE_AND_IHDR:])


def records_of_png(path: Path) -> Records:
    """The records in a PNG, the oldest first."""
    found = (records_in_png_chunk(name, chunk[8:-4]) for name, chunk in _chunks(path.read_bytes()))
    return next((records for records in found if records is not None), ())


def _pixels(image: Image.Image, path: Path, modes: tuple[str, ...]) -> NDArray[Any]:
    if image.mode not in modes:
        raise FileError(f"{path} holds pixels of kind {image.mode!r}, which are not read here: convert it to TIFF.")
    if image.mode == "1":
        # Pillow's own bools hold the byte 255, which numpy does not expect.
        return np.asarray(image.convert("L")) > 0
    pixels = np.asarray(image)
    return np.ascontiguousarray(pixels, dtype=pixels.dtype.newbyteorder("="))


def _carried(image: Image.Image) -> tuple[Carried, list[str]]:
    dpi = image.info.get("dpi")
    orientation = int(image.getexif().get(_ORIENTATION, 1))
    notes = []
    if orientation != 1:
        notes.append(
            f"the file asks viewers to turn it (EXIF orientation {orientation}); its pixels are used as they are "
            f"stored, so the mask must not be turned either"
        )
    carried = Carried(
        dpi=(float(dpi[0]), float(dpi[1])) if dpi and all(dpi) else None,
        icc=image.info.get("icc_profile"),
        orientation=orientation,
        exif=image.info.get("exif"),
    )
    return carried, notes


def _with_chunks(carried: Carried, encoded: bytes, *, keep_transparency: bool) -> Carried:
    """Add the ancillary chunks that stay true when pixels change; PNG marks them by a lower-case fourth letter."""
    kept = []
    records: Records = ()
    for name, chunk in _chunks(encoded):
        ancillary, safe = name[0:1].islower(), name[3:4].islower()
        wanted = (ancillary and safe) or name in _STILL_TRUE or (name == b"tRNS" and keep_transparency)
        ours = records_in_png_chunk(name, chunk[8:-4])
        if ours is not None:
            records = ours
        elif wanted:
            kept.append(chunk)
    return replace(carried, png_chunks=b"".join(kept), records=records)


def _chunks(encoded: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The name and all bytes of each chunk after the header."""
    position = _SIGNATURE_AND_IHDR
    while position + 12 <= len(encoded):
        length = int.from_bytes(encoded[position : position + 4], "big")
        yield encoded[position + 4 : position + 8], encoded[position : position + 12 + length]
        position += 12 + length
