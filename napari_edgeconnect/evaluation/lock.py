"""One run at a time in an output folder: a second one would mix its cases in.

The operating system lets go of the lock when its process ends, however it ends,
so a killed run leaves nothing to clean.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from ..files import FileError

#: In the output folder, as long as a run is on. A killed run leaves the file, without a lock on it.
LOCK = ".lock"


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Keep other runs out of a folder.

    Parameters
    ----------
    folder : Path
        Exists.

    Raises
    ------
    FileError
        While another run is in the folder. Nothing in it is changed.
    """
    path = folder / LOCK
    lock = FileLock(path, timeout=0)
    try:
        lock.acquire()
    except Timeout:
        raise FileError(
            f"Another evaluation is running in {folder}: wait until it ends, or give another output folder."
        ) from None
    try:
        yield
    finally:
        # Before the lock is let go, so that nobody's lock but ours is removed; Windows does it with the release.
        with suppress(OSError):
            path.unlink()
        lock.release()
