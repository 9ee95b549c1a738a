"""All outputs of one run, or none: written under temporary names, renamed when every one is whole."""

from __future__ import annotations

import os
import secrets
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

    def plan(self, path: Path) -> Path:
        """Announce an output before any work is done for it.

        Raises
        ------
        FileError
            If the path is an input, is planned twice, exists and may not be replaced, or can't be made.
        """
        if any(_same(path, other) for other in self._inputs):
            raise FileError(f"{path} is an input of this run and is never written to: give another output name.")
        if any(_same(path, other) for other in self._planned):
            raise FileError(f"{path} would be written twice in this run: give each output its own name.")
        if path.is_dir():
            raise FileError(f"{path} is a folder: give the name of a file.")
        if path.exists() and not self._overwrite:
            raise FileError(f"{path} exists: give another name, or allow it with --overwrite.")
        if not path.parent.is_dir():
            raise FileError(f"There is no folder {path.parent} to write {path.name} into.")
        if not os.access(path.parent, os.W_OK):
            raise FileError(f"The folder {path.parent} can't be written to.")
        self._planned.append(path)
        return path

    def commit(self, writers: dict[Path, Writer]) -> None:
        """Write every file under a temporary name beside its place, then rename them all in order.

        Parameters
        ----------
        writers : dict
            For each planned path, what writes it. The main output comes last: where it is, the rest is too.
        """
        temporary = {path: path.with_name(f".{path.stem}.{secrets.token_hex(4)}.part") for path in writers}
        try:
            for path, write in writers.items():
                write(temporary[path])
            for path, part in temporary.items():
                os.replace(part, path)
        finally:
            for part in temporary.values():
                part.unlink(missing_ok=True)


def _same(one: Path, other: Path) -> bool:
    if one.exists() and other.exists():
        return one.samefile(other)
    return one.resolve() == other.resolve()
