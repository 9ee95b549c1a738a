"""Stacks in zarr: OME-Zarr 0.4 and 0.5, and arrays without it.

A store is written by copying it (without reading a chunk; on file systems that
can, blocks are shared) and replacing what was repaired: in the full resolution,
and in each smaller one of its pyramid the pixels that show repaired ones.
"""

from __future__ import annotations

import json
import os
import shutil
import warnings
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .embedded import ZARR_KEY, Records, records_in_attributes, with_records
from .errors import FileError
from .stack_file import Index, Pixels, StackFile
from .zarr_labels import can_hold_labels, shrink_into, write_labels

if TYPE_CHECKING:
    import zarr

INSTALL = 'pip install "napari-edgeconnect[zarr]"'
_TYPES = {"channel": "C", "time": "T"}


def is_zarr(path: Path) -> bool:
    """True for the folder of a zarr store, an array or a group."""
    return path.is_dir() and any((path / name).is_file() for name in ("zarr.json", ".zgroup", ".zarray"))


def open_zarr(path: Path) -> StackFile:
    """Open a zarr store's array, or the full resolution of its OME-Zarr image."""
    node = _opened(path, "r")
    levels, axes = _levels(node, path)
    pixels = levels[0]
    if np.dtype(pixels.dtype).kind not in "buif":
        raise FileError(f"{path} holds {pixels.dtype} values; bool, integers or floats are wanted.")
    return StackFile(path, "zarr", pixels, axes)


def write_zarr(
    path: Path,
    source: StackFile,
    pixels: Pixels,
    changed: Iterable[Index],
    record: Mapping[str, Any] | None = None,
    altered: Iterable[tuple[Index, NDArray[np.bool_]]] | None = None,
) -> None:
    """Write a store like the source, with other pixels at some indices, a record, and a label image of these pixels."""
    _copy_store(source.path, path)
    full, *smaller = _levels(_opened(path, "r+"), path)[0]
    for index in changed:
        before, after = np.asarray(source.pixels[index]), np.asarray(pixels[index])
        ranges = _altered_ranges(index, before, after)
        if ranges is None:
            continue
        full[index] = after
        for level in smaller:
            shrink_into(level, full, ranges)
    node = _opened(path, "r+")
    if record:
        node.attrs[ZARR_KEY] = with_records(node.attrs.asdict(), record)
    if altered is not None:
        write_labels(node, altered)
    if (record or altered is not None) and _is_consolidated(path):
        import zarr

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that it is no part of the specification: the source had it already
            zarr.consolidate_metadata(str(path), zarr_format=node.metadata.zarr_format)


def records_of_zarr(path: Path) -> Records:
    """The records in a store's attributes, the oldest first."""
    return records_in_attributes(_opened(path, "r").attrs.asdict())


def has_place_for_labels(path: Path) -> bool:
    """True for an OME-Zarr image that says what its axes are."""
    return can_hold_labels(_opened(path, "r"))


def _is_consolidated(path: Path) -> bool:
    """True where readers look for all metadata in one place, and would miss what is new."""
    if (path / ".zmetadata").is_file():
        return True
    node = path / "zarr.json"
    return node.is_file() and bool(json.loads(node.read_text(encoding="utf-8")).get("consolidated_metadata"))


def _opened(path: Path, mode: Any) -> Any:
    try:
        import zarr
    except ImportError as error:
        raise ImportError(f"{path} is a folder, which may be zarr: reading it needs zarr: {INSTALL}.") from error
    try:
        return zarr.open(str(path), mode=mode)
    except FileNotFoundError:
        raise FileError(f"{path} is a folder, but no zarr store.") from None


def _levels(node: Any, path: Path) -> tuple[list[zarr.Array[Any]], str | None]:
    """The arrays of an image, the largest first, and what its axes are."""
    import zarr

    if isinstance(node, zarr.Array):
        return [node], _letters([(name or "", None) for name in _dimension_names(node)])
    attributes = node.attrs.asdict()
    images = attributes.get("ome", attributes).get("multiscales")
    if not images:
        arrays = ", ".join(sorted(name for name, _ in node.arrays())) or "none"
        raise FileError(f"{path} is a zarr group without OME metadata: name one array in it (there are: {arrays}).")
    if len(images) > 1:
        raise FileError(f"{path} holds {len(images)} OME-Zarr images; one is wanted.")
    levels = [node[dataset["path"]] for dataset in images[0]["datasets"]]
    return levels, _letters([_named(axis) for axis in images[0].get("axes", ())])


def _dimension_names(array: zarr.Array[Any]) -> Iterable[str | None]:
    """Of zarr 3, or of xarray's convention for zarr 2."""
    names: Any = getattr(array.metadata, "dimension_names", None) or array.attrs.asdict().get("_ARRAY_DIMENSIONS")
    return tuple(names or ())


def _named(axis: str | Mapping[str, str]) -> tuple[str, str | None]:
    return (axis, None) if isinstance(axis, str) else (axis["name"], axis.get("type"))


def _letters(axes: list[tuple[str, str | None]]) -> str | None:
    """A letter for each axis; None where a name is no letter and its type says nothing, or one comes twice."""
    letters = [_TYPES.get(kind or "", name.upper()) for name, kind in axes]
    usable = letters and all(len(letter) == 1 and letter.isalpha() for letter in letters)
    return "".join(letters) if usable and len(set(letters)) == len(letters) else None


def _copy_store(source: Path, target: Path) -> None:
    """Copy all files of a store into folders of our own, writable whatever the source's are."""
    for folder, _, names in os.walk(source):
        here = target / Path(folder).relative_to(source)
        here.mkdir()
        for name in names:
            _copy_file(Path(folder) / name, here / name)


def _copy_file(source: Path, target: Path) -> None:
    """Copy a file, sharing its blocks where the file system can."""
    if hasattr(os, "copy_file_range"):
        try:
            with source.open("rb") as old, target.open("wb") as new:
                while os.copy_file_range(old.fileno(), new.fileno(), 2**30):
                    pass
            return
        except OSError:  # between file systems, or not on this one
            pass
    shutil.copyfile(source, target)


def _altered_ranges(index: Index, before: NDArray[Any], after: NDArray[Any]) -> list[tuple[int, int]] | None:
    """The smallest box around all differences at an index: start and stop for each axis; None without any."""
    different = before != after
    if before.dtype.kind == "f":
        different &= ~(np.isnan(before) & np.isnan(after))
    if not different.any():
        return None
    sliced = iter([(int(at.min()), int(at.max()) + 1) for at in np.nonzero(different)])
    ranges = []
    for key in index:
        if isinstance(key, slice):
            start, stop = next(sliced)
            ranges.append(((key.start or 0) + start, (key.start or 0) + stop))
        else:
            ranges.append((int(key), int(key) + 1))
    return ranges
