"""What goes from the file that was read into the file that is written, besides the pixels."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .embedded import Records

#: Raw TIFF tags: code, type, count, value, and whether it is written once or with every page.
Tags = list[tuple[int, int, int, bytes, bool]]


@dataclass(frozen=True)
class Carried:
    """What a file says about its image besides the pixels.

    Attributes
    ----------
    dpi : (x, y) or None
        Pixels per inch, where the file has a physical unit.
    icc : bytes or None
        Colour profile.
    orientation : int
        EXIF/TIFF orientation. Pixels are never rotated; the tag is kept.
    exif : bytes or None
    png_chunks : bytes
        Ancillary chunks, verbatim, to go back into a PNG.
    tiff_options : dict
        Arguments of ``tifffile.TiffWriter`` and its ``write`` that make the same kind of TIFF.
    is_ome : bool
        A TIFF with OME-XML, of which the SubIFDs are a pyramid.
    records : tuple of dict
        Of earlier repairs, the oldest first.
    """

    dpi: tuple[float, float] | None = None
    icc: bytes | None = None
    orientation: int = 1
    exif: bytes | None = None
    png_chunks: bytes = b""
    tiff_options: dict[str, Any] = field(default_factory=dict)
    is_ome: bool = False
    records: Records = ()
