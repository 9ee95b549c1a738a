"""Which file it is: by its bytes for a record, by size and time where that must be quick.

A folder, such as a zarr store, is all of its files.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path


def sha256(path: Path) -> str:
    """The SHA-256 of a file's bytes, as hex digits; of a folder, over the names and digests of its files."""
    if path.is_dir():
        lines = (f"{file.relative_to(path).as_posix()} {sha256(file)}\n" for file in _files(path))
        return hashlib.sha256("".join(lines).encode()).hexdigest()
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def stamp(path: Path) -> str:
    """What changes when a file is written to: its size and its time, without a look at its bytes."""
    files = _files(path) if path.is_dir() else iter([path])
    lines = (f"{file.relative_to(path).as_posix()} {(s := file.stat()).st_size} {s.st_mtime_ns}\n" for file in files)
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def _files(folder: Path) -> Iterator[Path]:
    return iter(sorted(file for file in folder.rglob("*") if file.is_file()))
