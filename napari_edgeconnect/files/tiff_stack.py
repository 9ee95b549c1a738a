"""Stacks in TIFF: memory-mapped where pixels lie as they are, decoded page by page elsewhere.

An uncompressed file is written by copying it and replacing pixels in the copy,
so every tag, OME and ImageJ's metadata included, stays where it was. Others
are written page by page, with each page's own tags and compression.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from dataclasses import replace
from math import prod
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray
from tifffile import TiffFile, TiffPageSeries, TiffWriter

from .embedded import tiff_tag, with_annotation
from .errors import FileError
from .stack_file import Index, Pixels, StackFile
from .tiff import PALETTE, PHOTOMETRIC, carried_from, records_of_page, with_records, without_file_names
from .tiff_append import add_ascii_tag

_RGB = 2
#: What tifffile calls an axis of which the file does not say what it is.
_UNKNOWN = set("QI")
#: Beyond this a TIFF has no room for offsets, tags included.
_CLASSIC_BYTES = 2**32 - 2**25


def open_tiff(path: Path) -> StackFile:
    """Open a TIFF's only series of pages at full size."""
    file = TiffFile(path)
    try:
        series, notes = _only_series(file, path)
        _check(series, file, path)
        pixels: Pixels
        if _is_mapped(series):
            pixels = tifffile.memmap(path, series=0, mode="r")
            pixels = pixels if pixels.shape == series.shape else pixels.reshape(series.shape)
        else:
            pixels = PagedTiff(series, path)
    except BaseException:
        file.close()
        raise
    return StackFile(path, "tiff", pixels, _axes(series), tuple(notes), file.close)


def write_tiff(
    path: Path, source: StackFile, pixels: Pixels, changed: Iterable[Index], record: Mapping[str, Any] | None = None
) -> None:
    """Write a TIFF like the source, with other pixels, and a record in its first page."""
    with TiffFile(source.path) as file:
        series = file.series[0]
        # Copying would keep the unrepaired picture in a pyramid's smaller copies.
        if _is_mapped(series) and len(file.series) == 1 and not file.pages.first.subifds:
            _write_copy(path, source, pixels, changed, file, record)
        else:
            _write_pages(path, pixels, file, series, record)


def write_planes(
    path: Path,
    planes: Iterable[NDArray[Any]],
    shape: tuple[int, ...],
    dtype: np.dtype[Any],
    axes: str,
    tile_px: int | None = None,
) -> None:
    """Write a stack that was no file before, compressed.

    Parameters
    ----------
    path : Path
    planes : iterable of (H, W) arrays
        The last of the counting axes fastest.
    shape : tuple of int
        Of them all.
    dtype : dtype
    axes : str
        A letter for each; :func:`open_tiff` reads them again.
    tile_px : int, optional
        Each plane comes in squares of this side, row by row, smaller ones at its ends: none is ever whole in memory.
    """
    big = prod(shape) * dtype.itemsize > _CLASSIC_BYTES
    options: dict[str, Any] = {"photometric": "minisblack", "compression": "zlib", "metadata": {"axes": axes}}
    if tile_px:
        options["tile"] = (tile_px, tile_px)
    tifffile.imwrite(path, iter(planes), shape=shape, dtype=dtype, bigtiff=big, software=False, **options)


class PagedTiff:
    """A series of pages as an array: each is decoded when it is asked for.

    Parameters
    ----------
    series : TiffPageSeries
        Of an open file; its leading axes count pages.
    path : Path
        For messages.
    """

    def __init__(self, series: TiffPageSeries, path: Path) -> None:
        self.shape: tuple[int, ...] = tuple(series.shape)
        self.dtype = np.dtype(series.dtype)
        self._pages = series.pages
        self._path = path
        self._counted = _counting_axes(series)
        self._lock = Lock()

    def __getitem__(self, key: Any) -> NDArray[Any]:
        """Like a numpy array's, for integers and slices."""
        keys = key if isinstance(key, tuple) else (key,)
        keys = (*keys, *[slice(None)] * (len(self.shape) - len(keys)))
        of_pages, inside = keys[: self._counted], keys[self._counted :]
        numbers = np.arange(len(self._pages)).reshape(self.shape[: self._counted])[of_pages]
        planes = [self._decoded(int(number))[inside] for number in np.ravel(numbers)]
        return np.stack(planes).reshape(*np.shape(numbers), *planes[0].shape)

    def _decoded(self, number: int) -> NDArray[Any]:
        page: Any = self._pages[number]
        try:
            with self._lock:
                plane = page.asarray()
        except (ValueError, NotImplementedError) as error:
            if "imagecodecs" not in str(error):
                raise
            raise FileError(
                f"{self._path} can't be decoded here ({error}). Install imagecodecs, or save it uncompressed."
            ) from error
        return plane.reshape(self.shape[self._counted :])


def _only_series(file: TiffFile, path: Path) -> tuple[TiffPageSeries, list[str]]:
    full = [series for series in file.series if not getattr(series.keyframe, "is_reduced", False)]
    if len(full) != 1 or full[0] is not file.series[0]:
        raise FileError(f"{path} holds {len(full)} images of different kinds; one stack is wanted.")
    series = full[0]
    if series.is_multifile:
        raise FileError(f"{path} is one of several files that hold a stack together; save the stack in one file.")
    smaller = len(series.levels) - 1 + len(file.series) - 1
    return series, [f"{smaller} smaller copies of the stack in the file (a pyramid) are not written"] if smaller else []


def _check(series: TiffPageSeries, file: TiffFile, path: Path) -> None:
    page = series.keyframe
    photometric = int(page.photometric)
    if photometric not in PHOTOMETRIC or (photometric == PALETTE and not file.is_imagej):
        name = getattr(page.photometric, "name", photometric)
        raise FileError(f"{path} has the colour space {name}; gray or RGB is wanted: convert it.")
    dtype: Any = series.dtype
    if dtype is None or dtype.kind not in "buif":
        raise FileError(f"{path} holds pixels of {dtype or 'mixed types'}; bool, integers or floats are wanted.")
    pages: list[Any] = list(series.pages)
    if not pages or any(page is None for page in pages):
        raise FileError(f"{path} is incomplete: its metadata speak of pages that are not there.")
    last = pages[-1]
    stored = max(o + n for o, n in zip(last.dataoffsets, last.databytecounts, strict=True))
    if series.dataoffset is not None:
        stored = max(stored, series.dataoffset + prod(series.shape) * series.dtype.itemsize)
    if stored > file.filehandle.size:
        raise FileError(f"{path} is truncated: some of its pixels are missing.")
    if not _is_mapped(series) and _counting_axes(series) is None:
        raise FileError(f"{path} holds {len(series.pages)} pages, which do not make up its shape {series.shape}.")


def _counting_axes(series: TiffPageSeries) -> Any:
    """How many of a series' leading axes count its pages; None where no number of them does."""
    for count in range(len(series.shape) + 1):
        if prod(series.shape[:count]) == len(series.pages) and prod(series.shape[count:]) == series.keyframe.size:
            return count
    return None


def _axes(series: TiffPageSeries) -> str | None:
    axes = series.axes
    samples_are_colours = "S" not in axes or int(series.keyframe.photometric) == _RGB
    return axes if not set(axes) & _UNKNOWN and samples_are_colours else None


def _is_mapped(series: TiffPageSeries) -> bool:
    """True where all pixels lie one after the other in the file, as they are in memory."""
    return series.dataoffset is not None and series.keyframe.is_memmappable


def _write_copy(
    path: Path,
    source: StackFile,
    pixels: Pixels,
    changed: Iterable[Index],
    file: TiffFile,
    record: Mapping[str, Any] | None,
) -> None:
    shutil.copyfile(source.path, path)
    first = file.pages.first
    description = first.tags.get(270)
    if file.is_ome and description is not None:
        # Readers follow file names in OME-XML, and would open the unrepaired one.
        xml = str(description.value).encode()
        ours = without_file_names(xml)
        ours = with_annotation(ours, record) if record else ours
        if ours != xml:
            tifffile.tiffcomment(path, ours)
    if record:
        ((code, _, _, value, _),) = tiff_tag([*records_of_page(first), record])
        add_ascii_tag(path, code, value)
    mapped = tifffile.memmap(path, series=0, mode="r+")
    written = mapped.reshape(source.pixels.shape)
    for index in changed:
        written[index] = pixels[index]
    mapped.flush()


def _write_pages(
    path: Path, pixels: Pixels, file: TiffFile, series: TiffPageSeries, record: Mapping[str, Any] | None
) -> None:
    counted = _counting_axes(series)
    big = file.is_bigtiff or series.nbytes > _CLASSIC_BYTES
    with TiffWriter(path, bigtiff=big, byteorder=file.byteorder, ome=False, imagej=False, shaped=False) as writer:
        indices = list(np.ndindex(*series.shape[:counted]))
        # In the file's own order: OME-XML may say that it is another one than the stack's.
        pages: list[Any] = list(series.pages)
        in_file = sorted(range(len(indices)), key=lambda n: pages[n].index)
        for number in in_file:
            page = pages[number].aspage()
            carried, _ = carried_from(file, page)
            if record and number == in_file[0]:
                carried = replace(carried, records=(*carried.records, record))
            options = {k: v for k, v in carried.tiff_options.items() if k not in ("bigtiff", "byteorder")}
            options["extratags"] = with_records(options["extratags"], carried)
            if page.samplesperpixel == 1:
                options["planarconfig"] = options["extrasamples"] = None
            if page.dtype.kind == "b":  # tifffile packs single bits, but does not compress them
                options.update(compression=None, predictor=None, tile=None)
            data = np.ascontiguousarray(pixels[indices[number]]).reshape(page.shape)
            writer.write(data, metadata=None, software=False, contiguous=False, **options)
