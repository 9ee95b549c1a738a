"""What a long run has finished so far, on disk: one file a part, there whole or not at all.

A part's file appears under its name by one move, after all of it has reached
the disk. So its name is the mark that it is finished, and a run that was killed
at any moment goes on with the parts that are missing.
"""

from __future__ import annotations

import json
import os
import shutil
import zipfile
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from filelock import FileLock, Timeout
from numpy.typing import NDArray

from .errors import FileError

_ASKED = "asked.json"
_LOCK = ".lock"


class Parts:
    """The finished parts of one run, in a folder of their own; a context manager.

    Parameters
    ----------
    folder : Path
        Made if need be.
    asked : dict
        All that the parts follow from, as plain values.
    start_anew : bool
        Whether parts of a run that was asked for something else may be dropped.

    Attributes
    ----------
    found : int
        How many parts were there already.

    Raises
    ------
    FileError
        While another run is in the folder, or where it holds another run's parts.
    """

    def __init__(self, folder: Path, asked: Mapping[str, Any], *, start_anew: bool = False) -> None:
        self._folder = folder
        folder.mkdir(exist_ok=True)
        # The system lets go of it when the process ends, however it ends.
        self._lock = FileLock(folder / _LOCK, timeout=0)
        try:
            self._lock.acquire()
        except Timeout:
            raise FileError(
                f"Another run is working on the same output ({folder}): wait until it ends, or give another output."
            ) from None
        try:
            self._begin(_as_text(asked), start_anew)
        except BaseException:
            self._lock.release()
            raise
        self.found = len(list(folder.glob("*.npz")))

    @staticmethod
    def of_same_run(folder: Path, asked: Mapping[str, Any]) -> bool:
        """True where a folder holds what was finished of the same."""
        path = folder / _ASKED
        return path.exists() and path.read_text(encoding="utf-8") == _as_text(asked)

    def __enter__(self) -> Parts:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._lock.release()
        if self._folder.exists() and not any(self._folder.glob("*.npz")):
            shutil.rmtree(self._folder)

    def __contains__(self, name: int | str) -> bool:
        return self._path(name).exists()

    def put(self, name: int | str, arrays: Mapping[str, NDArray[Any]], record: Any) -> None:
        """Keep a part: its arrays by name, and plain values that say how it came about."""
        part = self._folder / f"{name}.part"
        text = np.frombuffer(json.dumps(record).encode(), np.uint8)
        with part.open("wb") as file:
            named: dict[str, Any] = {"record": text, **arrays}
            np.savez_compressed(file, **named)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, self._path(name))

    def get(self, name: int | str) -> tuple[dict[str, NDArray[Any]], Any]:
        """A part's arrays and its record.

        Raises
        ------
        FileError
            Where the file was damaged since; the part is then no longer there.
        """
        path = self._path(name)
        try:
            with np.load(path, allow_pickle=False) as kept:
                arrays = {name: kept[name] for name in kept.files}
            return arrays, json.loads(arrays.pop("record").tobytes())
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            path.unlink(missing_ok=True)
            raise FileError(
                f"{path}, a finished part of an earlier run, is damaged: run again to make it anew."
            ) from error

    def remove(self) -> None:
        """Take the folder away, once all parts have become the output."""
        self._lock.release()  # Windows keeps files that are open
        shutil.rmtree(self._folder)

    def _path(self, name: int | str) -> Path:
        return self._folder / f"{name}.npz"

    def _begin(self, asked: str, start_anew: bool) -> None:
        path = self._folder / _ASKED
        if path.exists() and path.read_text(encoding="utf-8") != asked:
            if not start_anew:
                raise FileError(
                    f"{self._folder} holds an unfinished run on other input or with other settings: finish that one, "
                    f"give another output, or start anew with --overwrite."
                )
            for old in self._folder.glob("*.npz"):
                old.unlink()
        # Parts without a word of what they follow from can't be: this is written first, and whole.
        part = path.with_suffix(".part")
        part.write_text(asked, encoding="utf-8")
        os.replace(part, path)


def _as_text(asked: Mapping[str, Any]) -> str:
    return json.dumps(asked, indent=2, sort_keys=True)
