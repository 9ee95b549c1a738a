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
from .holes import Box
from .stack import Stack
from .stack_fill import Fill


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
        """Whole planes, or a box of one.

        Parameters
        ----------
        key : tuple
            Integers or whole slices for axes of places and channels, whole slices for all others; of a single plane
            also slices of its rows and its columns.

        Raises
        ------
        IndexError
            For anything else.
        """
        axes = self._stack.axes
        keys = key if isinstance(key, tuple) else (key,)
        keys = (*keys, *[slice(None)] * (len(self.shape) - len(keys)))
        chosen = dict(zip(axes.names, keys, strict=True))
        box = self._box_of(chosen)
        if box is None:
            raise IndexError(f"{key!r} cuts a plane of {axes.names!r}: give whole planes.")
        block = np.array(self._stack.image[keys])
        ranges = [[chosen[n]] if chosen[n] != slice(None) else range(axes.size(n)) for n in axes.place_names]
        for place in product(*ranges):
            for fill in self._fills(place):
                if chosen.get(CHANNEL, slice(None)) in (slice(None), fill.channel):
                    fill.put_into(self._plane_of(block, chosen, place, fill.channel), box)
        return block

    def changed(self) -> Iterator[tuple[Any, ...]]:
        """The indices of all planes, or parts of large ones, that differ from the stack's own, place by place."""
        axes = self._stack.axes
        for place in axes.places():
            for fill in self._fills(place):
                yield axes.index(axes.where(place, fill.channel), fill.box)

    def altered(self) -> Iterator[tuple[tuple[Any, ...], NDArray[np.bool_]]]:
        """The indices of :meth:`changed`, and (h, w) bool at each of them, in the order of the stack's own axes."""
        axes = self._stack.axes
        turned = axes.names.index(axes.plane[0]) > axes.names.index(axes.plane[1])
        for place in axes.places():
            for fill in self._fills(place):
                where = axes.index(axes.where(place, fill.channel), fill.box)
                yield where, fill.altered.T if turned else fill.altered

    def each(
        self, name: Literal["altered", "labels", "probability"], boxes: Sequence[Box] | None = None
    ) -> Iterator[NDArray[Any]]:
        """For each place and each of its channels in turn: (H, W), a fill's array; zeros where there is no fill.

        Parameters
        ----------
        name : str
        boxes : sequence of Box, optional
            Each plane in these parts, one after the other.
        """
        axes = self._stack.axes
        dtype = {"altered": bool, "labels": np.uint8, "probability": np.float32}[name]
        boxes = boxes or [Box(0, axes.plane_shape[0], 0, axes.plane_shape[1])]
        for place in axes.places():
            for channel, box in product(range(axes.channels), boxes):
                shown = np.zeros(box.shape, dtype)
                for fill in self._fills(place):
                    if fill.channel == channel:
                        fill.shown(name, shown, box)
                yield shown

    def _box_of(self, chosen: dict[str, Any]) -> Box | None:
        """What an index shows of its planes; None where it is none that can be served."""
        axes = self._stack.axes
        counted = [name for name in axes.names if name in (*axes.place_names, CHANNEL)]
        one = all(isinstance(chosen[name], (int, np.integer)) for name in counted)
        for name, key in chosen.items():
            if name in counted and isinstance(key, (int, np.integer)):
                continue
            if key != slice(None) and not (
                one and name in axes.plane and isinstance(key, slice) and key.step in (None, 1)
            ):
                return None
        ends = [chosen[name].indices(size) for name, size in zip(axes.plane, axes.plane_shape, strict=True)]
        return Box(ends[0][0], max(ends[0][:2]), ends[1][0], max(ends[1][:2]))

    def _plane_of(self, block: NDArray[Any], chosen: dict[str, Any], place: Place, channel: int) -> NDArray[Any]:
        """A view of one plane in a block, (H, W) or (H, W, colours)."""
        axes = self._stack.axes
        where = axes.where(place, channel)
        left = [name for name in axes.names if isinstance(chosen[name], slice)]
        view = block[tuple(where.get(name, slice(None)) for name in left)]
        order = [name for name in left if name not in where]
        wanted = [name for name in (*axes.plane, "S") if name in order]
        return view.transpose([order.index(name) for name in wanted])
