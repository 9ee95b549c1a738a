"""The smaller levels of a multiscale image, patched where its full resolution was changed.

Apart from ``overlay``, which knows one array, because here two resolutions have
to agree: a smaller level's pixels that show changed ones are made anew, by the
downsampling that made their neighbours.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .lazy_array import Block
from .overlay import Overlay

#: So much around a change is looked at to see how a level was made.
SURROUNDINGS_PX = 32
#: From float64 values and, for each axis, where the pixels to be made begin, to one value for each.
Shrink = Callable[[NDArray[np.float64], list[NDArray[np.intp]]], NDArray[np.float64]]


def write_through(levels: Sequence[Overlay], block: Block, values: NDArray[Any]) -> None:
    """Write a block of the full resolution, and all smaller pixels that show what has changed.

    Parameters
    ----------
    levels : sequence of Overlay
        Of one image, the largest first.
    block : tuple of slices
        With step 1, one for each axis.
    values : array
        Of the block's shape. Where they are the source's own, the smaller levels will be theirs, too.
    """
    levels[0][block] = values
    for finer, coarser in pairwise(levels):
        block = _patch(coarser, finer, block)


def _patch(coarser: Overlay, finer: Overlay, block: Block) -> Block:
    """Bring what a level shows of a block of the next larger one up to date; returns where that is."""
    shown, read, starts = _shown(_with_surroundings(block, finer.shape, coarser.shape), finer.shape, coarser.shape)
    was = np.asarray(finer.source[read]).astype(np.float64)
    now = np.asarray(finer[read]).astype(np.float64)
    own = np.asarray(coarser.source[shown])
    shrink = _as_it_was_made(was, own, starts)
    before, after = (_cast(shrink(values, starts), coarser.dtype) for values in (was, now))
    same = (before == after) | ((before != before) & (after != after))
    coarser[shown] = np.where(same, own, after)
    return shown


def _with_surroundings(block: Block, whole: tuple[int, ...], small: tuple[int, ...]) -> Block:
    """A small block with what lies around it along the axes that are shrunk: damage itself may be all alike."""
    return tuple(
        part
        if size == fewer or part.stop - part.start > 4 * SURROUNDINGS_PX
        else slice(max(0, part.start - SURROUNDINGS_PX), min(size, part.stop + SURROUNDINGS_PX))
        for part, size, fewer in zip(block, whole, small, strict=True)
    )


def _shown(block: Block, whole: tuple[int, ...], small: tuple[int, ...]) -> tuple[Block, Block, list[NDArray[np.intp]]]:
    """Which pixels of a smaller level show a block, what of the larger one they show, and where in it each begins."""
    shown, read, starts = [], [], []
    for part, size, fewer in zip(block, whole, small, strict=True):
        ratio = size / fewer
        first = min(int(part.start / ratio), fewer - 1)
        last = max(first + 1, min(int(np.ceil(part.stop / ratio)), fewer))
        begins = np.array([int(at * ratio) for at in range(first, last)])
        shown.append(slice(first, last))
        read.append(slice(int(begins[0]), min(size, int(np.ceil(last * ratio)))))
        starts.append(begins - begins[0])
    return tuple(shown), tuple(read), starts


def _as_it_was_made(was: NDArray[np.float64], own: NDArray[Any], starts: list[NDArray[np.intp]]) -> Shrink:
    """Of averaging and picking, which comes nearer to what a level shows; averaging where both do."""

    def error(shrink: Shrink) -> float:
        return float(np.nan_to_num(np.abs(_cast(shrink(was, starts), own.dtype).astype(np.float64) - own)).sum())

    return min(_averaged, _picked, key=error)


def _averaged(values: NDArray[np.float64], starts: list[NDArray[np.intp]]) -> NDArray[np.float64]:
    for axis, begins in enumerate(starts):
        counts = np.diff([*begins, values.shape[axis]])
        values = np.add.reduceat(values, begins, axis=axis)
        values = values / counts.reshape([-1 if a == axis else 1 for a in range(values.ndim)])
    return values


def _picked(values: NDArray[np.float64], starts: list[NDArray[np.intp]]) -> NDArray[np.float64]:
    return values[np.ix_(*starts)]


def _cast(values: NDArray[np.float64], dtype: np.dtype[Any]) -> NDArray[Any]:
    if dtype.kind == "b":
        return values >= 0.5
    return (np.rint(values) if dtype.kind in "ui" else values).astype(dtype)
