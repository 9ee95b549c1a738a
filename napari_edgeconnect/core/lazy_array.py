"""Arrays whose pixels come from elsewhere, indexed as numpy's are.

One front for all of them: what an index asks for becomes a box, the box alone
is read, and numpy picks from it. So views of data that do not fit into memory
(``overlay``, ``patched``) know boxes only, and napari, dask and writers of
files may index them in any way.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

#: A part of an array: for each axis from where to where, with step 1.
Block = tuple[slice, ...]
#: Points that are scattered over a larger box than this are read piece by piece.
_SCATTERED_PX = 2**22
#: The pieces' side.
_PIECE_PX = 512


class LazyArray(ABC):
    """An array-like of which parts are read when they are asked for.

    Parameters
    ----------
    shape : tuple of int
    dtype : dtype
    """

    def __init__(self, shape: Sequence[int], dtype: DTypeLike) -> None:
        self.shape = tuple(int(size) for size in shape)
        self.dtype = np.dtype(dtype)

    @property
    def ndim(self) -> int:
        """How many axes there are."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """How many values there are."""
        return int(np.prod(self.shape, dtype=np.int64))

    @property
    def nbytes(self) -> int:
        """What all of it would take in memory."""
        return self.size * self.dtype.itemsize

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("len() of an array without axes")
        return self.shape[0]

    def __getitem__(self, key: Any) -> Any:
        """What numpy gives for this index; ``None`` (new axes) is refused.

        Raises
        ------
        IndexError
            For an index that numpy would refuse, or with new axes.
        """
        keys = expanded(key, self.shape)
        if all(isinstance(k, np.ndarray) for k in keys) and keys:
            found = self._scattered(keys)
            if found is not None:
                return found
        block, local = located(keys, self.shape)
        pixels = self._read(block)
        found = pixels[local]
        # What keeps a large block alive for a few of its pixels is copied.
        return found if np.size(found) == pixels.size or not isinstance(found, np.ndarray) else found.copy()

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:
        if copy is False:
            raise ValueError("An array that is read from elsewhere can't be given without a copy.")
        return np.asarray(self._read(tuple(slice(0, size) for size in self.shape)), dtype)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of shape {self.shape}, {self.dtype}>"

    @abstractmethod
    def _read(self, block: Block) -> NDArray[Any]:
        """A block's pixels, as an array of their own."""

    def _scattered(self, keys: tuple[NDArray[np.intp], ...]) -> NDArray[Any] | None:
        """The values at far-flung points; None where they lie close enough together to be read at once."""
        points = np.broadcast_arrays(*keys)
        if not points[0].size or _volume(points) <= _SCATTERED_PX:
            return None
        values = np.empty(points[0].size, self.dtype)
        for chosen, block, local in pieces(points):
            values[chosen] = self._read(block)[local]
        return values.reshape(points[0].shape)


def expanded(key: Any, shape: tuple[int, ...]) -> tuple[Any, ...]:
    """An index with one key for each axis: an int, a slice, or an array of integers; all of them checked.

    Raises
    ------
    IndexError
        As numpy does, and for new axes.
    """
    given = [_as_key(k, key) for k in (key if isinstance(key, tuple) else (key,))]
    if sum(k is Ellipsis for k in given) > 1:
        raise IndexError("an index can only have a single ellipsis ('...')")
    count = sum(k.ndim if _is_mask(k) else 1 for k in given if k is not Ellipsis)
    if count > len(shape):
        raise IndexError(f"too many indices: the array has {len(shape)} axes, but {count} were indexed")
    at = next((i for i, k in enumerate(given) if k is Ellipsis), len(given))
    given[at : at + 1] = [slice(None)] * (len(shape) - count)
    keys: list[Any] = []
    for k in given:
        axis = len(keys)
        if not _is_mask(k):
            keys.append(_checked(k, shape[axis], axis))
        elif k.shape == shape[axis : axis + k.ndim]:
            keys += k.nonzero()
        else:
            raise IndexError(f"boolean index did not match: it has shape {k.shape}, the array {shape}, at axis {axis}")
    return tuple(keys)


def located(keys: tuple[Any, ...], shape: tuple[int, ...]) -> tuple[Block, tuple[Any, ...]]:
    """The smallest block that holds all that an expanded index asks for, and what to index the block with."""
    parts = [_located(k, size) for k, size in zip(keys, shape, strict=True)]
    return tuple(block for block, _ in parts), tuple(local for _, local in parts)


def pieces(
    points: Sequence[NDArray[np.intp]],
) -> Iterator[tuple[NDArray[np.intp], Block, tuple[NDArray[np.intp], ...]]]:
    """Scattered points, in groups that lie close together: which they are, their block, and their places in it."""
    flat = np.stack([axis.ravel() for axis in points])
    _, group = np.unique(flat // _PIECE_PX, axis=1, return_inverse=True)
    order = np.argsort(group.ravel(), kind="stable")
    for chosen in np.split(order, np.flatnonzero(np.diff(group.ravel()[order])) + 1):
        low, high = flat[:, chosen].min(axis=1), flat[:, chosen].max(axis=1) + 1
        block = tuple(slice(int(a), int(b)) for a, b in zip(low, high, strict=True))
        yield chosen, block, tuple(flat[:, chosen] - low[:, None])


def is_scattered(keys: tuple[Any, ...]) -> bool:
    """True for an index of single points that are better looked up piece by piece."""
    if not keys or not all(isinstance(k, np.ndarray) for k in keys):
        return False
    points = np.broadcast_arrays(*keys)
    return bool(points[0].size) and _volume(points) > _SCATTERED_PX


def _volume(points: Sequence[NDArray[np.intp]]) -> int:
    return int(np.prod([int(axis.max()) - int(axis.min()) + 1 for axis in points], dtype=object))


def _is_mask(key: Any) -> bool:
    return isinstance(key, np.ndarray) and key.dtype == bool


def _as_key(k: Any, key: Any) -> Any:
    """One part of an index: an ellipsis, an int, a slice, or an array of integers or bool."""
    if k is Ellipsis or isinstance(k, slice):
        return k
    if isinstance(k, int | np.integer) and not isinstance(k, bool):
        return int(k)
    array = np.asarray(k)
    if array.dtype == bool and array.ndim:
        return array
    if array.dtype.kind in "ui" or (array.ndim and not array.size):
        return array.astype(np.intp)
    raise IndexError(f"{key!r} can't be served: index with integers, slices, and arrays of integers or bool.")


def _checked(key: Any, size: int, axis: int) -> Any:
    if isinstance(key, slice):
        return key
    if isinstance(key, np.ndarray):
        if key.size and not (-size <= key.min() and key.max() < size):
            raise IndexError(f"index out of bounds for axis {axis} with size {size}")
        return np.where(key < 0, key + size, key)
    if not -size <= key < size:
        raise IndexError(f"index {key} is out of bounds for axis {axis} with size {size}")
    return int(key) % size


def _located(key: Any, size: int) -> tuple[slice, Any]:
    if isinstance(key, slice):
        wanted = range(*key.indices(size))
        if not wanted:
            return slice(0, 0), slice(0, 0)
        low, high = min(wanted[0], wanted[-1]), max(wanted[0], wanted[-1])
        stop = wanted[-1] - low + (1 if wanted.step > 0 else -1)
        return slice(low, high + 1), slice(wanted[0] - low, None if stop < 0 else stop, wanted.step)
    if isinstance(key, np.ndarray):
        if not key.size:
            return slice(0, 0), key
        low = int(key.min())
        return slice(low, int(key.max()) + 1), key - low
    return slice(key, key + 1), 0
