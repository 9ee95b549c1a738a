"""Copy-on-write: an array that can be written to, over a source that never is.

Only chunks that differ from the source are kept, in memory or in a zarr store
that lives as long as the array; everything else is read through. Apart from
``patched``, which shows a run's fills out of the run's own files and keeps
nothing, because here anybody may write: a repair, a brush, an undo.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, MutableMapping
from itertools import product
from pathlib import Path
from threading import RLock
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from .axes import Readable
from .lazy_array import Block, LazyArray, expanded, is_scattered, located, pieces

#: A chunk that is kept has at most so many values: what is read and written for one changed pixel.
MOST_CHUNK_PX = 2**20
#: Of a source that does not say how it is chunked.
_CHUNK_PX = 512
_INSTALL = 'pip install "napari-edgeconnect[zarr]"'

Number = tuple[int, ...]
Changes = MutableMapping[Number, NDArray[Any]]


class Overlay(LazyArray):
    """A source with changes over it.

    Parameters
    ----------
    source : array-like
        numpy, a memory map, zarr, dask, another lazy array. It is only ever read.
    chunks : tuple of int, optional
        What is kept of a changed pixel's surroundings. By default the source's own chunks, where they are small enough.
    changes : mapping, optional
        Where changed chunks are kept, by number: a dict in memory by default, or :class:`ZarrChunks`.

    Examples
    --------
    >>> source = np.zeros((600, 600), np.uint8)
    >>> view = Overlay(source, chunks=(100, 100))
    >>> view[150:160, 20] = 7
    >>> int(view[155, 20]), int(source.max()), list(view.changed())
    (7, 0, [(slice(100, 200, None), slice(0, 100, None))])
    """

    def __init__(
        self, source: Readable, *, chunks: tuple[int, ...] | None = None, changes: Changes | None = None
    ) -> None:
        super().__init__(source.shape, source.dtype)
        self.source = source
        self.chunks = chunks or chunks_for(source)
        self._changes: Changes = {} if changes is None else changes
        self._lock = RLock()

    def changed(self) -> Iterator[Block]:
        """The chunks that were written to."""
        return (self._extent(number) for number in sorted(self._changes))

    def __setitem__(self, key: Any, value: Any) -> None:
        """As numpy does it; chunks in which nothing differs then are not kept."""
        keys = expanded(key, self.shape)
        if is_scattered(keys):
            points = np.broadcast_arrays(*keys)
            values = np.broadcast_to(np.asarray(value, self.dtype), points[0].shape).ravel()
            for chosen, block, local in pieces(points):
                self._put(block, local, values[chosen])
        else:
            self._put(*located(keys, self.shape), value)

    def _put(self, block: Block, local: tuple[Any, ...], value: Any) -> None:
        with self._lock:
            before = self._read(block)
            after = before.copy()
            after[local] = value
            starts = np.array([part.start for part in block])
            differing = np.argwhere(_bits(before) != _bits(after)) + starts
            for number in np.unique(differing // np.array(self.chunks), axis=0) if len(differing) else ():
                self._replace(tuple(int(n) for n in number), block, after)

    def _replace(self, number: Number, block: Block, after: NDArray[Any]) -> None:
        """Keep a chunk, with what a block of new pixels shows of it."""
        extent = self._extent(number)
        chunk = self._read(extent)
        shared = _shared(extent, block)
        assert shared is not None
        chunk[_within(shared, extent)] = after[_within(shared, block)]
        self._changes[number] = chunk

    def _read(self, block: Block) -> NDArray[Any]:
        with self._lock:
            kept = [number for number in self._touched(block) if number in self._changes]
            if kept and self._covers(block, len(kept)):
                pixels = np.empty([part.stop - part.start for part in block], self.dtype)
            else:
                pixels = np.array(self.source[block])
            for number in kept:
                extent = self._extent(number)
                shared = _shared(extent, block)
                if shared is not None:
                    pixels[_within(shared, block)] = self._changes[number][_within(shared, extent)]
            return pixels

    def _touched(self, block: Block) -> list[Number]:
        """The chunks that a block meets; of a block of very many, those that are kept."""
        ranges = self._numbers(block)
        if int(np.prod([len(r) for r in ranges], dtype=object)) > len(self._changes):
            return [number for number in self._changes if all(n in r for n, r in zip(number, ranges, strict=True))]
        return list(product(*ranges))

    def _covers(self, block: Block, kept: int) -> bool:
        return kept == int(np.prod([len(r) for r in self._numbers(block)], dtype=object))

    def _numbers(self, block: Block) -> list[range]:
        return [
            range(part.start // size, -(-part.stop // size)) if part.stop > part.start else range(0)
            for part, size in zip(block, self.chunks, strict=True)
        ]

    def _extent(self, number: Number) -> Block:
        return tuple(
            slice(n * size, min((n + 1) * size, whole))
            for n, size, whole in zip(number, self.chunks, self.shape, strict=True)
        )


class Constant(LazyArray):
    """An array of one value everywhere: what an empty mask of any size is painted over."""

    def __init__(self, shape: tuple[int, ...], dtype: DTypeLike, value: Any = 0) -> None:
        super().__init__(shape, dtype)
        self._value = value

    def _read(self, block: Block) -> NDArray[Any]:
        return np.full([part.stop - part.start for part in block], self._value, self.dtype)


class ZarrChunks(MutableMapping[Number, NDArray[Any]]):
    """Changed chunks in a zarr array, of which only these exist on the disk.

    Parameters
    ----------
    shape : tuple of int
    dtype : dtype
    chunks : tuple of int
    folder : str or Path, optional
        An empty or new folder that stays. By default a temporary one, which goes when nothing refers to this any more,
        at the latest when the program ends.
    within : str or Path, optional
        Where the temporary folder is made; by default where the system has such.

    Raises
    ------
    ImportError
        Without zarr.
    """

    def __init__(
        self,
        shape: tuple[int, ...],
        dtype: DTypeLike,
        chunks: tuple[int, ...],
        *,
        folder: str | Path | None = None,
        within: str | Path | None = None,
    ) -> None:
        try:
            import zarr
        except ImportError as error:
            raise ImportError(f"Changed chunks are kept in a zarr store, which needs zarr: {_INSTALL}.") from error
        self._temporary = None if folder else tempfile.TemporaryDirectory(prefix="napari-edgeconnect-", dir=within)
        self.folder = Path(folder or self._temporary.name)  # type: ignore[union-attr]
        self._array = zarr.create_array(self.folder / "changes.zarr", shape=shape, dtype=np.dtype(dtype), chunks=chunks)
        self._numbers: set[Number] = set()

    def __getitem__(self, number: Number) -> NDArray[Any]:
        if number not in self._numbers:
            raise KeyError(number)
        return np.asarray(self._array[self._extent(number)])

    def __setitem__(self, number: Number, chunk: NDArray[Any]) -> None:
        self._array[self._extent(number)] = chunk
        self._numbers.add(number)

    def __delitem__(self, number: Number) -> None:
        self._numbers.remove(number)

    def __iter__(self) -> Iterator[Number]:
        return iter(self._numbers)

    def __len__(self) -> int:
        return len(self._numbers)

    def __contains__(self, number: object) -> bool:
        return number in self._numbers

    def _extent(self, number: Number) -> Block:
        return tuple(
            slice(n * size, min((n + 1) * size, whole))
            for n, size, whole in zip(number, self._array.chunks, self._array.shape, strict=True)
        )


def chunks_for(source: Readable) -> tuple[int, ...]:
    """How a source is chunked, in chunks small enough to be rewritten for one pixel.

    Those of zarr and of dask (its largest) are halved along their longest axis until they are; where a source has none,
    they are squares of its last two axes, or of the two before its colours.
    """
    given = getattr(source, "chunksize", None) or getattr(source, "chunks", None)
    shape = tuple(int(size) for size in source.shape)
    if given and all(isinstance(size, (int, np.integer)) for size in given):
        chunks = [max(1, min(int(size), whole)) for size, whole in zip(given, shape, strict=True)]
    else:
        colours = 1 if len(shape) > 2 and shape[-1] in (3, 4) else 0
        plane = len(shape) - colours - 2
        chunks = [
            min(size, _CHUNK_PX) if axis >= plane else 1 for axis, size in enumerate(shape[: len(shape) - colours])
        ] + list(shape[len(shape) - colours :])
    while np.prod(chunks, dtype=np.int64) > MOST_CHUNK_PX:
        longest = int(np.argmax(chunks))
        chunks[longest] = -(-chunks[longest] // 2)
    return tuple(chunks)


def _shared(first: Block, second: Block) -> Block | None:
    shared = tuple(slice(max(a.start, b.start), min(a.stop, b.stop)) for a, b in zip(first, second, strict=True))
    return shared if all(part.start < part.stop for part in shared) else None


def _within(block: Block, outer: Block) -> Block:
    return tuple(slice(a.start - b.start, a.stop - b.start) for a, b in zip(block, outer, strict=True))


def _bits(values: NDArray[Any]) -> NDArray[Any]:
    """Values as unsigned integers, so that NaN equals NaN and 0.0 is not -0.0."""
    return np.ascontiguousarray(values).view(f"u{values.dtype.itemsize}")
