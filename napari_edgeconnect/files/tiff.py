"""TIFF, by tifffile: the output is the same kind of file as the input, tag by tag.

Tags are carried over as raw bytes, so that free text, ImageJ, OME, GeoTIFF and
microscope vendors' metadata come through unread. Left out are tags which
describe the layout of the old file, point to places in it, or hold the picture
a second time.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from tifffile import TiffFile, TiffPage, TiffTag, TiffWriter

from .carried import Carried, Tags
from .embedded import TIFF_TAG, Records, records_in, tiff_tag, with_annotation
from .errors import DECODER_ERRORS, FileError

PHOTOMETRIC = {0: "miniswhite", 1: "minisblack", 2: "rgb", 3: "palette"}
PALETTE = 3
_DEFLATE = {8: "zlib", 32946: "zlib"}
_DESCRIPTION, _ORIENTATION, _ICC, _COLORMAP = 270, 274, 34675, 320
#: Layout of the old file's pixels; the writer makes its own.
_LAYOUT = {256, 257, 258, 259, 262, 266, 273, 277, 278, 279, 284, 317, 322, 323, 324, 325, 338, 339, 32997, 32998}
_LAYOUT |= {254, 255, 292, 293, 347, 512, 513, 514, 515, 517, 518, 519, 520, 521, 529, 530, 531, 532}
#: Written through arguments of their own.
_RESOLUTION = {282, 283, 296}
#: Hold offsets into the old file (EXIF, GPS, MetaMorph, Zeiss LSM, …), or the unrepaired picture as layers.
_OFFSETS = {288, 289, 330, 400, 34665, 34853, 40965, 33628, 33629, 33630, 33631, 34412, 37724, *range(65420, 65460)}
_IFD_TYPES = {13, 18}
_INCHES = {2: 1.0, 3: 2.54}
#: NewSubfileType's bit of transparency masks.
MASK = 4


def read(path: Path) -> tuple[NDArray[Any], Carried, list[str]]:
    """Read a one-page TIFF of gray, RGB or RGB with alpha."""
    with TiffFile(path) as file:
        page, notes = _only_page(file, path)
        _check_page(page, file, path)
        pixels = _decode(page, path)
        if page.samplesperpixel > 1 and page.axes.startswith("S"):
            pixels = np.moveaxis(pixels, 0, -1)
        carried, dropped = carried_from(file, page)
    if dropped:
        notes.append("not carried over to the output, because they point into the old file: " + ", ".join(dropped))
    if int(page.photometric) == 0:
        notes.append("0 is white in the file; its values are kept as stored, so a PNG made from it looks inverted")
    if carried.orientation != 1:
        notes.append(
            f"the file asks viewers to turn it (orientation {carried.orientation}); its pixels are used as they are "
            f"stored, so the mask must not be turned either"
        )
    return np.ascontiguousarray(pixels, dtype=pixels.dtype.newbyteorder("=")), carried, notes


def write(path: Path, pixels: NDArray[Any], carried: Carried, altered: NDArray[np.bool_] | None = None) -> None:
    """Write a one-page TIFF with what ``carried`` says about it, and a mask of altered pixels in its SubIFD."""
    options = dict(carried.tiff_options) or _plain_options(carried)
    options["extratags"] = with_records(options.get("extratags", []), carried)
    container = {name: options.pop(name) for name in ("bigtiff", "byteorder") if name in options}
    # Past 4 GB the old format has no room for offsets; tifffile counts for itself when not told.
    container = {name: value for name, value in container.items() if value or name == "byteorder"}
    data = np.ascontiguousarray(pixels)
    if pixels.dtype == bool:  # tifffile packs single bits, but does not compress them
        options.update(compression=None, predictor=None, tile=None)
    samples = pixels.shape[2] if pixels.ndim == 3 else 1
    if samples == 1:
        options["planarconfig"] = options["extrasamples"] = None
        options.setdefault("photometric", "minisblack")
    else:
        options.setdefault("photometric", "rgb")
        options.setdefault("planarconfig", "contig")
        if options["planarconfig"] == "separate":
            data = np.ascontiguousarray(np.moveaxis(data, -1, 0))
    with TiffWriter(path, ome=False, imagej=False, shaped=False, **container) as file:
        file.write(data, metadata=None, software=False, subifds=None if altered is None else 1, **options)
        if altered is not None:
            mask = np.ascontiguousarray(altered, dtype=bool)
            file.write(mask, metadata=None, software=False, photometric="mask", subfiletype=MASK)


def with_records(tags: Tags, carried: Carried) -> Tags:
    """A page's tags with its records: a tag of our own, and in OME-XML the newest as an annotation."""
    tags = [tag for tag in tags if tag[0] != TIFF_TAG]
    if carried.is_ome and carried.records:
        tags = [_annotated(tag, carried.records[-1]) if tag[0] == _DESCRIPTION else tag for tag in tags]
    return [*tags, *tiff_tag(carried.records)]


def _annotated(tag: tuple[int, int, int, bytes, bool], record: Mapping[str, Any]) -> tuple[int, int, int, bytes, bool]:
    code, kind, _, value, once = tag
    value = with_annotation(value, record)
    return code, kind, len(value), value, once


def records_of_tiff(path: Path) -> Records:
    """The records in a TIFF's first page, the oldest first."""
    try:
        with TiffFile(path) as file:
            return records_of_page(file.pages.first)
    except DECODER_ERRORS as error:
        raise FileError(f"{path} can't be read: it is damaged, truncated or unusual ({error}).") from error


def records_of_page(page: Any) -> Records:
    """Those in a tag of ours."""
    return records_in(str(page.tags.valueof(TIFF_TAG, "")))


def _only_page(file: TiffFile, path: Path) -> tuple[TiffPage, list[str]]:
    full: TiffPage | None = None
    smaller = 0
    seen = set()
    for page in file.pages:
        if page.offset in seen:  # in a damaged file the pages may go round in a circle
            break
        seen.add(page.offset)
        if getattr(page, "is_reduced", False):
            smaller += 1
        elif full is None:
            full = page.aspage()
        else:
            raise _is_stack(path)
    if full is None:
        raise FileError(f"{path} holds no image at full size.")
    # ImageJ stores stacks above 4 GB as one page and a number in the description.
    metadata = file.imagej_metadata if file.is_imagej else None
    if int((metadata or {}).get("images", 1)) > 1:
        raise _is_stack(path)
    smaller += sum(not _is_mask(file, offset) for offset in full.subifds or ())
    notes = [f"{smaller} smaller copies of the image in the file (a pyramid) are not written"] if smaller else []
    return full, notes


def _is_mask(file: TiffFile, offset: int) -> bool:
    """True for a SubIFD that says which pixels were invented, or are transparent."""
    file.filehandle.seek(offset)
    page = TiffPage(file, index=(0,))
    return bool(int(page.subfiletype) & MASK)


class SeveralPagesError(FileError):
    """A TIFF that holds more than one plane, where one is wanted."""


def has_several_pages(path: Path) -> bool:
    """True for a stack; what else may be wrong with a TIFF, reading it will say."""
    try:
        with TiffFile(path) as file:
            _only_page(file, path)
    except SeveralPagesError:
        return True
    except DECODER_ERRORS:
        return False
    return False


def _is_stack(path: Path) -> FileError:
    return SeveralPagesError(
        f"{path} holds several pages; one plane is wanted here. inpaint, edges, complete and batch take stacks."
    )


def _check_page(page: TiffPage, file: TiffFile, path: Path) -> None:
    photometric = int(page.photometric)
    if photometric == PALETTE and not file.is_imagej:
        # ImageJ's palettes are lookup tables on intensities; all others give colours to arbitrary numbers.
        raise FileError(f"{path} is a palette TIFF, whose pixel values are no intensities: convert it to gray or RGB.")
    if photometric not in PHOTOMETRIC:
        name = getattr(page.photometric, "name", photometric)
        raise FileError(f"{path} has the colour space {name}; gray or RGB is wanted: convert it.")
    samples = page.samplesperpixel
    if samples not in ((3, 4) if photometric == 2 else (1,)) or page.imagedepth != 1:
        raise FileError(
            f"{path} has {samples} samples per pixel and the colour space {PHOTOMETRIC[photometric]}, depth "
            f"{page.imagedepth}; one gray plane, RGB or RGB with alpha is wanted."
        )
    if page.dtype is None or page.dtype.kind not in "buif":
        raise FileError(f"{path} holds pixels of {page.dtype or 'mixed types'}; bool, integers or floats are wanted.")
    segments = list(zip(page.dataoffsets, page.databytecounts, strict=True))
    stored = sum(page.databytecounts)
    missing = any(offset + size > file.filehandle.size or size == 0 for offset, size in segments)
    if not segments or missing or (int(page.compression) == 1 and 8 * stored < page.size * page.bitspersample):
        raise FileError(f"{path} is truncated: some of its pixels are missing.")


def _decode(page: TiffPage, path: Path) -> NDArray[Any]:
    try:
        return page.asarray()
    except (ValueError, NotImplementedError) as error:
        if "imagecodecs" not in str(error):
            raise
        pixels = _decode_by_pillow(page, path)
        if pixels is None:
            name = getattr(page.compression, "name", page.compression)
            raise FileError(
                f"{path} can't be decoded here (compression {name}, {page.bitspersample} bits, predictor "
                f"{page.predictor}: {error}). Install imagecodecs, or save it uncompressed."
            ) from error
        return pixels


def _decode_by_pillow(page: TiffPage, path: Path) -> NDArray[Any] | None:
    """What tifffile needs imagecodecs for (LZW above all), where Pillow keeps every bit; else None."""
    if page.samplesperpixel == 1:
        dtypes: tuple[str, ...] = ("uint8", "uint16", "int16", "int32", "float32")
    else:
        dtypes = ("uint8",)
    plain_alpha = tuple(int(e) for e in page.extrasamples) in ((), (2,))
    # Pillow inverts where 0 is white, and turns the pixels as the orientation asks.
    upright = int(page.tags.valueof(_ORIENTATION, 1)) == 1
    if int(page.photometric) not in (1, 2) or str(page.dtype) not in dtypes or not (plain_alpha and upright):
        return None
    with Image.open(path, formats=["TIFF"]) as image:
        pixels = np.asarray(image)
    if page.axes.startswith("S"):
        pixels = np.moveaxis(pixels, -1, 0)
    return pixels.astype(page.dtype, casting="unsafe") if pixels.dtype.kind in "uif" else None


def carried_from(file: TiffFile, page: TiffPage) -> tuple[Carried, list[str]]:
    """What a page says besides its pixels, and the names of tags that can't be carried over."""
    tags, dropped = _raw_tags(file, page)
    resolution = [page.tags.valueof(code) for code in (282, 283)]
    unit = int(page.tags.valueof(296, 2))
    known = all(r and r[0] and r[1] for r in resolution)
    compression = int(page.compression)
    palette = int(page.photometric) == PALETTE
    options: dict[str, Any] = {
        "bigtiff": file.is_bigtiff,
        "byteorder": file.byteorder,
        "photometric": PHOTOMETRIC[int(page.photometric)],
        "planarconfig": "separate" if page.axes.startswith("S") else "contig",
        "extrasamples": tuple(int(e) for e in page.extrasamples) or None,
        "compression": None if compression == 1 else _DEFLATE.get(compression, "zlib"),
        "predictor": 2 if int(page.predictor) == 2 and compression in _DEFLATE else None,
        "tile": _tile(page),
        "resolution": tuple(resolution) if known else None,
        "resolutionunit": unit if known else None,
        "colormap": page.colormap if palette else None,
        "extratags": tags,
    }
    carried = Carried(
        dpi=_dpi(resolution, unit) if known else None,
        icc=page.tags.valueof(_ICC),
        orientation=int(page.tags.valueof(_ORIENTATION, 1)),
        tiff_options=options,
        is_ome=file.is_ome,
        records=records_of_page(page),
    )
    return carried, dropped


def _raw_tags(file: TiffFile, page: TiffPage) -> tuple[Tags, list[str]]:
    tags: Tags = []
    dropped = []
    left_out = _LAYOUT | _RESOLUTION | ({_COLORMAP} if int(page.photometric) == PALETTE else set())
    for tag in page.tags:
        if tag.code in _OFFSETS or int(tag.dtype) in _IFD_TYPES:
            dropped.append(tag.name)
        elif tag.code not in left_out:
            value = _raw_value(file, tag)
            if tag.code == _DESCRIPTION and file.is_ome:
                value = without_file_names(value)
            tags.append((tag.code, int(tag.dtype), tag.count, value, True))
    return tags, dropped


def _raw_value(file: TiffFile, tag: TiffTag) -> bytes:
    file.filehandle.seek(tag.valueoffset)
    return file.filehandle.read(tag.valuebytecount)


def without_file_names(ome_xml: bytes) -> bytes:
    """Take out what names the old file: readers of the new one would open that, unrepaired."""
    return re.sub(rb"<UUID\b[^>]*?(/>|>.*?</UUID>)", b"", ome_xml, flags=re.DOTALL)


def _tile(page: TiffPage) -> tuple[int, int] | None:
    if not page.is_tiled or page.tilelength % 16 or page.tilewidth % 16:
        return None
    return page.tilelength, page.tilewidth


def _dpi(resolution: list[tuple[int, int]], unit: int) -> tuple[float, float] | None:
    if unit not in _INCHES:
        return None
    x, y = (numerator / denominator * _INCHES[unit] for numerator, denominator in resolution)
    return x, y


def _plain_options(carried: Carried) -> dict[str, Any]:
    """For an image that was no TIFF before."""
    options: dict[str, Any] = {"iccprofile": carried.icc, "extratags": []}
    if carried.dpi:
        options.update(resolution=carried.dpi, resolutionunit="inch")
    if carried.orientation != 1:
        options["extratags"] = [(_ORIENTATION, 3, 1, carried.orientation, True)]
    return options
