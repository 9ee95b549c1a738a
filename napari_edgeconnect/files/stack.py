"""Stacks in files: read plane by plane, and written as the same kind of file.

A stack is never read as a whole. What is written is a copy of the source, with
all that it says about itself, in which only what was repaired is replaced; the
source itself is only ever opened for reading.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import tiff_stack, zarr_stack
from .errors import DECODER_ERRORS, FileError
from .stack_file import Index, Pixels, StackFile, StackFormat

_SUFFIXES: dict[str, StackFormat] = {".tif": "tiff", ".tiff": "tiff", ".npy": "npy", ".zarr": "zarr"}
_ENDINGS = {"tiff": ".tif", "npy": ".npy", "zarr": ".zarr"}


def open_stack(path: Path) -> StackFile:
    """Open a stack: TIFF, OME-TIFF, BigTIFF or ImageJ's; NPY; OME-Zarr 0.4 or 0.5, or a plain zarr array.

    Raises
    ------
    FileError
        If there is none, or it is broken, or holds something that is no stack of gray or colour planes.
    """
    from .image import format_of

    if path.is_dir():
        readers: Callable[[Path], StackFile] = zarr_stack.open_zarr
    else:
        kind = format_of(path)
        if kind not in ("tiff", "npy"):
            raise FileError(f"{path} is a {kind.upper()}; stacks are TIFF, NPY or zarr.")
        readers = tiff_stack.open_tiff if kind == "tiff" else _open_npy
    try:
        return readers(path)
    except (FileError, ImportError):
        raise
    except DECODER_ERRORS as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise FileError(f"{path} can't be read: it is damaged, truncated or unusual ({reason}).") from error


def holds_stack(path: Path) -> bool:
    """True for a file that holds more than one plane, and for any folder.

    Raises
    ------
    FileError
        If there is none, or it is no image; what else may be wrong with it, reading it will say.
    """
    from .image import format_of
    from .tiff import has_several_pages

    if path.is_dir():
        return True
    kind = format_of(path)
    if kind == "tiff":
        return has_several_pages(path)
    if kind != "npy":
        return False
    try:
        shape = np.load(path, mmap_mode="r", allow_pickle=False).shape
    except DECODER_ERRORS:
        return False
    return len(shape) > 3 or (len(shape) == 3 and shape[-1] not in (3, 4))


def write_stack(
    path: Path,
    source: StackFile,
    pixels: Pixels,
    changed: Iterable[Index],
    *,
    record: Mapping[str, Any] | None = None,
    altered: Iterable[tuple[Index, NDArray[np.bool_]]] | None = None,
) -> None:
    """Write a repaired stack: the source's copy, with other pixels at some indices.

    Parameters
    ----------
    path : Path
        Written directly, whatever its name; see :class:`~napari_edgeconnect.files.Staging` for whole files only.
    source : StackFile
        Decides the format, and gives everything but the changed pixels.
    pixels : array-like
        Of the source's shape and dtype: the repaired stack. It is asked for ``changed`` indices, and for whole pages.
    changed : iterable of tuples
        Where it differs from the source.
    record : dict, optional
        Of the repair; goes into a TIFF or a zarr store, after those that are in the source already.
    altered : iterable of index and (h, w) bool, optional
        Which pixels were invented, at indices like ``changed``; goes into an OME-Zarr image as its label image.
        See :func:`check_stack_mask_place`.
    """
    if source.format == "zarr":
        zarr_stack.write_zarr(path, source, pixels, changed, record, altered)
    elif source.format == "tiff":
        tiff_stack.write_tiff(path, source, pixels, changed, record)
    else:
        shutil.copyfile(source.path, path)
        written = np.load(path, mmap_mode="r+")
        for index in changed:
            written[index] = pixels[index]
        written.flush()


def check_stack_format(path: Path, source: StackFile) -> None:
    """Refuse a name that belongs to another format than the source's.

    Raises
    ------
    FileError
    """
    if _SUFFIXES.get(path.suffix.lower()) != source.format:
        raise FileError(
            f"{path}: a stack is written as the kind of file that it was read from, so that nothing it says is lost; "
            f"give a name that ends in {_ENDINGS[source.format]}."
        )


def check_stack_mask_place(path: Path, source: StackFile) -> None:
    """Say why a mask of altered pixels has no place in the stack that will be written.

    Raises
    ------
    FileError
        For all but OME-Zarr images with named axes.
    """
    if not has_stack_mask_place(source):
        raise FileError(
            f"{path}: among stacks only an OME-Zarr image (0.4 or 0.5) has a place for a mask; it is written beside "
            f"the image."
        )


def has_stack_mask_place(source: StackFile) -> bool:
    """True for what :func:`check_stack_mask_place` does not refuse."""
    return source.format == "zarr" and zarr_stack.has_place_for_labels(source.path)


def _open_npy(path: Path) -> StackFile:
    pixels = np.load(path, mmap_mode="r", allow_pickle=False)
    if pixels.dtype.kind not in "buif":
        raise FileError(f"{path} holds {pixels.dtype} values; bool, integers or floats are wanted.")
    return StackFile(path, "npy", pixels, None)
