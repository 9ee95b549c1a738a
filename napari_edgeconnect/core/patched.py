"""A stack as it will be: its own planes with fills put in, without a copy of it.

Apart from ``stack``, because a run keeps fills, and only what writes a file
wants planes: in its own order, and of those that changed alone where it can.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import product
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from .axes import CHANNEL, Place
from .stack import Fill, Stack


class Patched:
    """An array-like of a stack's shape and dtype, in which its fills show.

    Parameters
    ----------
    stack : Stack
    fills : callable
        Gives a place's fills; asked whenever one of its planes is.

    Attributes
    ----------
    shape : tuple of int
    dtype : dtype
    """

    def __init__(self, stack: Stack, fills: Callable[[Place], Sequence[Fill]]) -> None:
        self.shape = stack.axes.shape
        self.dtype = np.dtype(stack.image.dtype)
        self._stack = stack
        self._fills = fills

    def __getitem__(self, key: Any) -> NDArray[Any]:
        """Whole planes: integers or whole slices for axes of places and channels, whole slices for all others.

        Raises
        ------
        IndexError
            For anything else.
        """
        axes = self._stack.axes
        keys = key if isinstance(key, tuple) else (key,)
        keys = (*keys, *[slice(None)] * (len(self.shape) - len(keys)))
        counted = (*axes.place_names, CHANNEL)
        for name, one in zip(axes.names, keys, strict=True):
            if one != slice(None) and not (name in counted and isinstance(one, (int, np.integer))):
                raise IndexError(f"{key!r} cuts a plane of {axes.names!r}: give whole planes.")
        block = np.array(self._stack.image[keys])
        chosen = dict(zip(axes.names, keys, strict=True))
        ranges = [[chosen[n]] if chosen[n] != slice(None) else range(axes.size(n)) for n in axes.place_names]
        for place in product(*ranges):
            for fill in self._fills(place):
                if chosen.get(CHANNEL, slice(None)) in (slice(None), fill.channel):
                    plane = self._plane_of(block, chosen, place, fill.channel)
                    plane[fill.altered] = fill.values
        return block

    def changed(self) -> Iterator[tuple[Any, ...]]:
        """The indices of all planes that differ from the stack's own, place by place."""
        axes = self._stack.axes
        for place in axes.places():
            for fill in self._fills(place):
                where = axes.where(place, fill.channel)
                yield tuple(where.get(name, slice(None)) for name in axes.names)

    def each(self, name: Literal["altered", "labels", "probability"]) -> Iterator[NDArray[Any]]:
        """For each place and each of its channels in turn: (H, W), a fill's array; zeros where there is no fill."""
        axes = self._stack.axes
        dtype = {"altered": bool, "labels": np.uint8, "probability": np.float32}[name]
        for place in axes.places():
            by_channel = {fill.channel: getattr(fill, name) for fill in self._fills(place)}
            for channel in range(axes.channels):
                yield by_channel.get(channel, np.zeros(axes.plane_shape, dtype))

    def _plane_of(self, block: NDArray[Any], chosen: dict[str, Any], place: Place, channel: int) -> NDArray[Any]:
        """A view of one plane in a block, (H, W) or (H, W, colours)."""
        axes = self._stack.axes
        where = axes.where(place, channel)
        left = [name for name in axes.names if chosen[name] == slice(None)]
        view = block[tuple(where.get(name, slice(None)) for name in left)]
        order = [name for name in left if name not in where]
        wanted = [name for name in (*axes.plane, "S") if name in order]
        return view.transpose([order.index(name) for name in wanted])
