"""What a stack in a file is to all that reads and writes it.

Apart from ``stack``, which needs every format's room, because each of these needs it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

StackFormat = Literal["tiff", "npy", "zarr"]
#: An integer for each axis that counts planes, and for each of a plane's a slice: a whole one, or with start and stop.
Index = tuple[Any, ...]


class Pixels(Protocol):
    """An array of which parts are read."""

    @property
    def shape(self) -> tuple[int, ...]: ...
    @property
    def dtype(self) -> Any: ...
    def __getitem__(self, key: Any, /) -> Any: ...


@dataclass(frozen=True, eq=False)
class StackFile:
    """A stack that is open for reading.

    Attributes
    ----------
    path : Path
        A file, or the folder of a zarr store.
    format : "tiff", "npy" or "zarr"
    pixels : array-like of any axes
        In the file's own dtype and range; planes are read when they are indexed.
    axes : str or None
        A letter for each axis, where the file says what they are: "C" for
        channels, "S" for colours. None where it does not.
    notes : tuple of str
        What a person should know about how the file was read.
    """

    path: Path
    format: StackFormat
    pixels: Pixels
    axes: str | None
    notes: tuple[str, ...] = ()
    _close: Callable[[], None] = field(default=lambda: None, repr=False)

    def __enter__(self) -> StackFile:
        return self

    def __exit__(self, *_: object) -> None:
        self._close()
