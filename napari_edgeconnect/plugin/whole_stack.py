"""What the slices of a stack share when all of them are repaired: one mapping, and one channel's edges.

Both are ``core.stack``'s: here a napari image and the masks of its slices become
such a stack. Slices whose edges a person has corrected are completed from
these, with the shared mapping. Nothing here touches a layer or a widget.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from string import ascii_uppercase
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..core.axes import CHANNEL, COLOUR, Place
from ..core.cutouts import Cutout
from ..core.edges import EdgeMap
from ..core.holes import Box
from ..core.lazy_array import Block, LazyArray
from ..core.results import Repair, Step
from ..core.settings import StackSettings
from ..core.stack import Stack
from ..core.stack_fill import Fill
from ..core.stack_parts import Errand, Part
from ..core.stack_run import errand_steps
from .layer_plane import Plane, read_plane
from .worker import Failure, LoadedModels, Outcome, Request, as_slice, request_steps

if TYPE_CHECKING:
    from ..core.edgeconnect import EdgeConnect


_NOTHING = StackSettings()


@dataclass(frozen=True)
class Shared:
    """What is shared.

    Attributes
    ----------
    choices : StackSettings
    channel_axis : int or None
        Of the image layer's axes, the one along which its channels lie.
    """

    choices: StackSettings = _NOTHING
    channel_axis: int | None = None

    @property
    def is_nothing(self) -> bool:
        """True where each slice is repaired as if it were alone."""
        return self.choices == _NOTHING


def axes_of(plane: Plane, channel_axis: int | None) -> str:
    """A letter for each axis of the plane's array, as ``core.axes`` has them."""
    given = {plane.axes[0]: "Y", plane.axes[1]: "X"}
    if channel_axis is not None:
        given[channel_axis] = CHANNEL
    free = iter([letter for letter in ascii_uppercase if letter not in ("Y", "X", CHANNEL, COLOUR)])
    names = [given.get(axis) or next(free) for axis in range(len(plane.index))]
    return "".join(names) + (COLOUR if plane.layer.rgb else "")


class MarkedPlanes(LazyArray):
    """The masks of an image's planes, or of parts of them, as one array that holds nothing else.

    Parameters
    ----------
    shape : tuple of int
        Of the image, without colours.
    masks : sequence of (Plane, (H, W) bool)
    """

    def __init__(self, shape: Sequence[int], masks: Sequence[tuple[Plane, NDArray[np.bool_]]]) -> None:
        super().__init__(shape, bool)
        self._axes = masks[0][0].axes
        self._packed = [(plane.index, *_cropped(plane, mask)) for plane, mask in masks]

    def _read(self, block: Block) -> NDArray[np.bool_]:
        marked = np.zeros([part.stop - part.start for part in block], bool)
        rows, columns = (block[axis] for axis in self._axes)
        box = Box(rows.start, rows.stop, columns.start, columns.stop)
        for index, at, mask in self._packed:
            here = [i not in self._axes and not block[i].start <= n < block[i].stop for i, n in enumerate(index)]
            if any(here) or not at.overlaps(box):
                continue
            shared = at.shared(box)
            inside = dict(zip(self._axes, shared.within(box), strict=True))
            marked[tuple(inside.get(i, n - block[i].start) for i, n in enumerate(index))] |= mask[shared.within(at)]
        return marked


def whole_stack_steps(
    slices: Sequence[Request], shared: Shared, models: LoadedModels
) -> Generator[Step | Outcome, None, int | Failure]:
    """Repair slices with what they share.

    Yields
    ------
    Step or Outcome
        An outcome as soon as its slice is done: what is finished stays when the run is given up.

    Returns
    -------
    int or Failure
        How many slices were repaired, or what ended the run.
    """
    request: Request | None = None
    try:
        yield Step(0, 0, "Looking at all slices…")
        run = _Run(slices, shared)
        done = 0
        for group in run.groups:
            for request in [r for r in group if run.stands_alone(r)]:
                steps = request_steps(run.with_contrast(request), models)
                yield (yield from as_slice(steps, done, len(slices), request.plane.where))
                done += 1
            guided = [r for r in group if not run.stands_alone(r)]
            if guided:
                request = guided[0]
                model = models.get(request.model, request.device)
                where = request.plane.where
                yield from (yield from as_slice(run.guided_steps(model, guided), done, len(slices), where))
                done += len(guided)
    except Exception as error:  # noqa: BLE001 - whatever it is, it goes to the user
        return Failure(request, error)
    return len(slices)


@dataclass(frozen=True, eq=False)
class _Run:
    """The slices as one stack."""

    slices: Sequence[Request]
    shared: Shared

    @cached_property
    def stack(self) -> Stack:
        first = self.slices[0]
        level = first.plane.level
        names = axes_of(first.plane, self.shared.channel_axis)
        mask = MarkedPlanes(level.shape[: len(first.plane.index)], [(r.plane, r.mask) for r in self.slices])
        stack = Stack.prepare(
            level,
            mask,
            names,
            mask_axes=names.replace(COLOUR, ""),
            settings=replace(first.settings, contrast=None),
            choices=self.shared.choices,
        )
        return replace(stack, keeps_edges=True)

    @cached_property
    def groups(self) -> list[list[Request]]:
        """The slices of one place, or of one part of it, together: all of its channels."""
        groups: dict[Any, list[Request]] = {}
        for request in self.slices:
            groups.setdefault((self.place(request), request.plane.box), []).append(request)
        return list(groups.values())

    def place(self, request: Request) -> Place:
        plane, channel = request.plane, self.shared.channel_axis
        return tuple(plane.index[axis] for axis in plane.across if axis != channel)

    def channel(self, request: Request) -> int:
        axis = self.shared.channel_axis
        return 0 if axis is None else request.plane.index[axis]

    def stands_alone(self, request: Request) -> bool:
        """True for a slice with edges of its own, and where no channel guides the others."""
        return self.stack.guide is None or request.edges is not None

    def with_contrast(self, request: Request) -> Request:
        contrast = self.stack.contrasts[self.channel(request)]
        if contrast is None:
            return request
        return replace(request, settings=replace(request.settings, contrast=contrast), contrast=None)

    def guided_steps(self, model: EdgeConnect, guided: Sequence[Request]) -> Generator[Step, None, list[Outcome]]:
        """Repair channels of one place from the edges of the channel that guides."""
        stack, first = self.stack, guided[0]
        assert stack.guide is not None
        place, box = self.place(first), first.plane.box
        boxes = {other.plane.box for other in self.slices if self.place(other) == place}
        cutouts = [Cutout(other, first.plane.whole_shape) for other in boxes if other is not None]
        by_channel = {self.channel(request): request for request in guided}
        part = Part(
            box,
            {channel: stack.settings_at(place, channel, cutouts) for channel in {*by_channel, stack.guide}},
            {channel: Cutout(box, first.plane.whole_shape) if box else None for channel in by_channel},
        )
        fills = yield from errand_steps(model, stack, Errand(place, part))
        return [_outcome(by_channel[fill.channel], fill) for fill in fills]


def _outcome(request: Request, fill: Fill) -> Outcome:
    assert fill.labels is not None
    assert fill.probability is not None
    image = read_plane(request.plane)
    image[fill.altered] = fill.values
    edges = EdgeMap(fill.labels, fill.probability, fill.altered, request.settings.threshold)
    return Outcome(request, fill.record, edges, Repair(image, edges, fill.altered, fill.record))


def _cropped(plane: Plane, mask: NDArray[np.bool_]) -> tuple[Box, NDArray[np.bool_]]:
    """What is marked of a plane's mask, and where in the plane that is."""
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    top, left = (plane.box.top, plane.box.left) if plane.box else (0, 0)
    if not rows.size:
        return Box(0, 0, 0, 0), mask[:0, :0].copy()
    cut = slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)
    return Box(top + cut[0].start, top + cut[0].stop, left + cut[1].start, left + cut[1].stop), mask[cut].copy()
