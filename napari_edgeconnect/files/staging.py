"""All outputs of one run, or none: written under temporary names, renamed when every one is whole."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

from .errors import FileError

Writer = Callable[[Path], None]


class Staging:
    """The outputs of one run.

    Parameters
    ----------
    inputs : iterable of Path
        Files that must never be written to.
    overwrite : bool
        Whether outputs that exist may be replaced.
    """

    def __init__(self, inputs: Iterable[Path], *, overwrite: bool) -> None:
        self._inputs = list(inputs)
        self._overwrite = overwrite
        self._planned: list[Path] = []

    def plan(self, path: Path, *, as_folder: bool = False, may_exist: bool = False) -> Path:
        """Announce an output before any work is done for it.

        Parameters
        ----------
        path : Path
        as_folder : bool
            A zarr store: where it may be replaced, the folder that is there will be, with all that is in it.
        may_exist : bool
            It is of this same run, which was stopped after it was written.

        Raises
        ------
        FileError
            If the path is an input, is planned twice, exists and may not be replaced, or can't be made.
        """
        if any(_same(path, other) for other in self._inputs):
            raise FileError(f"{path} is an input of this run and is never written to: give another output name.")
        if any(_same(path, other) for other in self._planned):
            raise FileError(f"{path} would be written twice in this run: give each output its own name.")
        if any(_holds(other, path) or (as_folder and _holds(path, other)) for other in self._inputs):
            raise FileError(f"{path} and an input of this run lie within each other: give another output name.")
        if as_folder and path.is_file():
            raise FileError(f"{path} is a file: give the name of a folder.")
        if path.is_dir() and not as_folder:
            raise FileError(f"{path} is a folder: give the name of a file.")
        if path.exists() and not (self._overwrite or may_exist):
            raise FileError(f"{path} exists: give another name, or allow it with --overwrite.")
        if not path.parent.is_dir():
            raise FileError(f"There is no folder {path.parent} to write {path.name} into.")
        if not os.access(path.parent, os.W_OK):
            raise FileError(f"The folder {path.parent} can't be written to.")
        self._planned.append(path)
        return path

    def commit(self, writers: dict[Path, Writer], *, within: Path | None = None) -> None:
        """Write every file under a temporary name, then rename them all in order.

        Parameters
        ----------
        writers : dict
            For each planned path, what writes it. The main output comes last: where it is, the rest is too.
        within : Path, optional
            A folder on the same file system for what is not whole yet; beside each output by default. What a
            killed run left there is replaced.
        """
        temporary = {path: _temporary(path, within) for path in writers}
        try:
            for path, write in writers.items():
                _remove(temporary[path])
                write(temporary[path])
            for path, part in temporary.items():
                _move(part, path)
        finally:
            for part in temporary.values():
                _remove(part)


def _temporary(path: Path, within: Path | None) -> Path:
    return within / f"{path.name}.part" if within else path.with_name(f".{path.stem}.{secrets.token_hex(4)}.part")


def _move(part: Path, path: Path) -> None:
    """Put a file or a folder in its place; a folder that was there goes only after it is out of the way."""
    if not path.is_dir():
        os.replace(part, path)
        return
    old = path.with_name(f".{path.name}.{secrets.token_hex(4)}.old")
    os.replace(path, old)
    os.replace(part, path)
    shutil.rmtree(old)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _holds(folder: Path, path: Path) -> bool:
    """True for anything inside a folder that is there."""
    return folder.is_dir() and folder.resolve() in path.resolve().parents


def _same(one: Path, other: Path) -> bool:
    if one.exists() and other.exists():
        return one.samefile(other)
    return one.resolve() == other.resolve()
