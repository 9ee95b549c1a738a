"""Records in files: what a command adds to one and writes beside its output, and how it is read again."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from napari_edgeconnect.files import FileError, read_embedded, sha256


def read_record(path: Path) -> dict[str, Any]:
    """Read a record: of a JSON file, or the newest that is inside a PNG, a TIFF or a zarr store.

    Raises
    ------
    FileError, ValueError
        In one sentence: no such file, no record, or one that can't be used.
    """
    from napari_edgeconnect.core import record_reading

    if not path.is_dir() and path.suffix.lower() == ".json":
        return record_reading.read_record(path)
    found = read_embedded(path)
    if not found:
        raise FileError(f"There is no record in {path}: give the JSON file that was written with it.")
    return record_reading.checked_record(found[-1], f"The record in {path}")


def named_inputs(inputs: Mapping[str, Path], record_path: Path) -> dict[str, dict[str, str]]:
    """The files that were read, for a record: paths from its own folder, so that both can be moved together."""
    return {role: {"file": from_folder_of(record_path, path), "sha256": sha256(path)} for role, path in inputs.items()}


def from_folder_of(record_path: Path, path: Path) -> str:
    """A path as a record names it."""
    try:
        return Path(os.path.relpath(path.absolute(), record_path.absolute().parent)).as_posix()
    except ValueError:  # another drive of Windows
        return path.absolute().as_posix()


def found_input(record_path: Path, named: Mapping[str, str]) -> Path:
    """The file that a record names: seen from the record's folder, from here, or beside the record.

    Raises
    ------
    FileError
        If there is none, or only other ones of that name.
    """
    name = Path(named["file"])
    candidates = [record_path.parent / name, name, record_path.parent / name.name]
    there = [path for path in candidates if path.exists()]
    for path in there:
        if sha256(path) == named["sha256"]:
            return path
    if there:
        raise FileError(f"{there[0]} is not the file that was read then: its SHA-256 is another one.")
    raise FileError(f"There is no file {candidates[0]}, which the record names: say where it is.")
