"""A stack as it will be: its own planes with fills put in, without a copy of it.

Apart from ``stack``, because a run keeps fills, and only what writes a file
wants planes: in its own order, and of those that changed alone where it can.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import product
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from .axes import CHANNEL, COLOUR, Place
from .holes import Box
from .lazy_array import Block, LazyArray
from .stack import Stack
from .stack_fill import Fill


class Patched(LazyArray):
    """An array-like of a stack's shape and dtype, in which its fills show.

    Parameters
    ----------
    stack : Stack
    fills : callable
        Gives a place's fills; asked whenever one of its planes is.
    """

    def __init__(self, stack: Stack, fills: Callable[[Place], Sequence[Fill]]) -> None:
        super().__init__(stack.axes.shape, stack.image.dtype)
        self._stack = stack
        self._fills = fills

    def _read(self, block: Block) -> NDArray[Any]:
        axes = self._stack.axes
        of = dict(zip(axes.names, block, strict=True))
        whole = {COLOUR: slice(0, axes.size(COLOUR))}  # a fill has all colours
        pixels = self._source_pixels([whole.get(name, of[name]) for name in axes.names])
        box = Box(of[axes.plane[0]].start, of[axes.plane[0]].stop, of[axes.plane[1]].start, of[axes.plane[1]].stop)
        channels = of.get(CHANNEL, slice(0, 1))
        for place in product(*(range(of[name].start, of[name].stop) for name in axes.place_names)):
            for fill in self._fills(place):
                if channels.start <= fill.channel < channels.stop:
                    fill.put_into(self._plane_of(pixels, of, axes.where(place, fill.channel)), box)
        return pixels[tuple(of[name] if name == COLOUR else slice(None) for name in axes.names)]

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

    def _source_pixels(self, block: Sequence[slice]) -> NDArray[Any]:
        """A copy of a block of the stack; single planes are asked for by number, whole axes as such."""
        shape = tuple(part.stop - part.start for part in block)
        counted = (*self._stack.axes.place_names, CHANNEL)
        key = tuple(
            part.start if size == 1 and name in counted else slice(None) if size == whole else part
            for name, part, size, whole in zip(self._stack.axes.names, block, shape, self.shape, strict=True)
        )
        return np.array(self._stack.image[key]).reshape(shape)

    def _plane_of(self, pixels: NDArray[Any], of: Mapping[str, slice], where: Mapping[str, int]) -> NDArray[Any]:
        """A view of one plane in a block, (h, w) or (h, w, colours)."""
        axes = self._stack.axes
        view = pixels[tuple(where[name] - of[name].start if name in where else slice(None) for name in axes.names)]
        left = [name for name in axes.names if name not in where]
        return view.transpose([left.index(name) for name in (*axes.plane, COLOUR) if name in left])
