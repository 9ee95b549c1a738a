"""Records inside image files: a picture that is passed on without its JSON file still says what in it was invented.

PNG: an iTXt chunk. TIFF: a private tag, which other readers leave alone, and in OME-TIFF an XMLAnnotation as well.
Zarr: the attributes of the group or array, under a key of our own. All but the annotation hold a list, the oldest
first: a picture that is repaired again keeps what was said about it before.
"""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from .errors import FileError

Records = tuple[Mapping[str, Any], ...]

#: The keyword of the PNG chunk, and the key of zarr's attributes.
PNG_KEYWORD = "napari-edgeconnect"
ZARR_KEY = "napari-edgeconnect"
#: In the range that the TIFF specification leaves to anybody; no one else's in tifffile's list.
TIFF_TAG = 65123
_ASCII = 2
_ANNOTATION = "Annotation:napari-edgeconnect"
#: Pillow and others refuse longer texts.
_MOST_CHARACTERS = 1_000_000
#: In these versions of OME's schema annotations of all kinds may stand in any order, beside the images.
_OME = re.compile(rb"http://www\.openmicroscopy\.org/Schemas/OME/20(15-01|16-06)\b")


def text_of(records: Iterable[Mapping[str, Any]]) -> str:
    """Records as one line of ASCII; where that would be too long for readers, without the list of windows."""
    kept = list(records)
    text = _dumped(kept)
    return text if len(text) <= _MOST_CHARACTERS else _dumped([_shortened(record) for record in kept])


def records_in(text: str | bytes) -> Records:
    """The records in an embedded text; none where it is something else."""
    try:
        found = json.loads(text)
    except ValueError:
        return ()
    return tuple(one for one in found if isinstance(one, dict)) if isinstance(found, list) else ()


def png_chunk(records: Sequence[Mapping[str, Any]]) -> bytes:
    """An iTXt chunk with records; nothing without any."""
    if not records:
        return b""
    body = b"iTXt" + PNG_KEYWORD.encode() + b"\0" + b"\0\0" + b"\0" + b"\0" + text_of(records).encode()
    return (len(body) - 4).to_bytes(4, "big") + body + zlib.crc32(body).to_bytes(4, "big")


def records_in_png_chunk(name: bytes, data: bytes) -> Records | None:
    """The records of a chunk of ours; None for another one."""
    keyword, _, rest = data.partition(b"\0")
    if name != b"iTXt" or keyword != PNG_KEYWORD.encode() or rest[:1] != b"\0":
        return None
    return records_in(rest[2:].split(b"\0", 2)[-1])


def tiff_tag(records: Sequence[Mapping[str, Any]]) -> list[tuple[int, int, int, bytes, bool]]:
    """The private tag with records, as tifffile's ``extratags`` take it; nothing without any."""
    if not records:
        return []
    value = text_of(records).encode("ascii") + b"\0"
    return [(TIFF_TAG, _ASCII, len(value), value, True)]


def with_annotation(ome_xml: bytes, record: Mapping[str, Any]) -> bytes:
    """OME-XML with a record as an XMLAnnotation that all its images refer to; every other byte stays as it is.

    Where that can't be done (an older schema, or no OME-XML at all) it comes back unchanged.
    """
    text, padding = ome_xml.rstrip(b"\0"), ome_xml[len(ome_xml.rstrip(b"\0")) :]
    ends = list(re.finditer(rb"</((?:[\w.-]+:)?)Image\s*>", text))
    if not ends or not _OME.search(text):
        return ome_xml
    prefix = ends[0][1]
    earlier = re.findall(rb"\bID\s*=\s*[\"']%s-(\d+)" % re.escape(_ANNOTATION.encode()), text)
    name = f"{_ANNOTATION}-{max(map(int, earlier), default=0) + 1}".encode()
    value = escape(text_of([record])).encode()
    annotation = (
        b"<%(p)sXMLAnnotation ID=\"%(id)s\" Namespace=\"napari-edgeconnect/record\"><%(p)sValue>"
        b"<records xmlns=\"napari-edgeconnect/record\">%(value)s</records></%(p)sValue></%(p)sXMLAnnotation>"
    ) % {b"p": prefix, b"id": name, b"value": value}  # fmt: skip
    reference = b'<%sAnnotationRef ID="%s"/>' % (prefix, name)
    changed = re.sub(rb"</(?:[\w.-]+:)?Image\s*>", lambda end: reference + end[0], text)
    changed = _with_structured(changed, annotation, prefix)
    return changed + padding if _is_well_formed(changed) else ome_xml


def _with_structured(xml: bytes, annotation: bytes, prefix: bytes) -> bytes:
    """Put an annotation into the StructuredAnnotations, which are made where there are none."""
    empty = re.search(rb"<(?:[\w.-]+:)?StructuredAnnotations\b[^>]*/>", xml)
    opened = re.search(rb"<(?:[\w.-]+:)?StructuredAnnotations\b[^>]*[^/]>|<(?:[\w.-]+:)?StructuredAnnotations>", xml)
    whole = b"<%sStructuredAnnotations>%s</%sStructuredAnnotations>" % (prefix, annotation, prefix)
    if empty:
        return xml[: empty.start()] + whole + xml[empty.end() :]
    if opened:
        return xml[: opened.end()] + annotation + xml[opened.end() :]
    last = list(re.finditer(rb"</(?:[\w.-]+:)?Image\s*>", xml))[-1].end()
    return xml[:last] + whole + xml[last:]


def _is_well_formed(xml: bytes) -> bool:
    try:
        ElementTree.fromstring(xml)
    except ElementTree.ParseError:
        return False
    return True


def with_records(attributes: Mapping[str, Any], record: Mapping[str, Any]) -> dict[str, Any]:
    """What zarr's attributes say under our key when a record comes to them."""
    return {**attributes.get(ZARR_KEY, {}), "records": [*records_in_attributes(attributes), dict(record)]}


def records_in_attributes(attributes: Mapping[str, Any]) -> Records:
    """The records in zarr's attributes."""
    ours = attributes.get(ZARR_KEY)
    found = ours.get("records") if isinstance(ours, Mapping) else None
    return tuple(found) if isinstance(found, list) else ()


def read_embedded(path: Path) -> Records:
    """The records inside an image file, the oldest first.

    Raises
    ------
    FileError
        If there is no such file, or it can't be read; without any record in it there is none to return.
    """
    from .image import format_of
    from .raster import records_of_png
    from .tiff import records_of_tiff
    from .zarr_stack import records_of_zarr

    if path.is_dir():
        return records_of_zarr(path)
    kind = format_of(path)
    if kind == "png":
        return records_of_png(path)
    if kind == "tiff":
        return records_of_tiff(path)
    raise FileError(f"{path} is a {kind.upper()}, which has no place for a record: give its JSON file.")


def _dumped(records: Sequence[Mapping[str, Any]]) -> str:
    return json.dumps(records, separators=(",", ":"))


def _shortened(record: Mapping[str, Any]) -> dict[str, Any]:
    short = {name: value for name, value in record.items() if name != "windows"}
    if "planes" in short:
        short["planes"] = [_shortened(plane) for plane in short["planes"]]
    return short
