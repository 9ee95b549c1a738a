"""What of a stack is repaired at once: places, and the parts of planes larger than memory.

Apart from ``stack_run``, which does it, because places and parts may be done in
any order and by several workers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from .axes import Axes, Place
from .cutouts import WHOLE_PLANE_PX, Cutout, numbered
from .holes import Box
from .settings import Settings
from .stack import Stack


@dataclass(frozen=True)
class Part:
    """What of a place is repaired at once: all of its damaged channels' planes, or a cutout of them.

    Attributes
    ----------
    box : Box or None
        None: the whole plane.
    settings : dict
        By channel: those to repair and the one that guides.
    cutouts : dict
        By channel to repair; None for whole planes.
    """

    box: Box | None
    settings: dict[int, Settings]
    cutouts: dict[int, Cutout | None]


@dataclass(frozen=True)
class Errand:
    """What is repaired at once, here or on a worker: a place, or a part of it where planes are large.

    Attributes
    ----------
    place : tuple of int
    part : Part or None
        None: all of the place.
    number : int
        Which of the place's parts, from 0.
    """

    place: Place
    part: Part | None = None
    number: int = 0

    def key(self, axes: Axes) -> int | str:
        """Another for each errand of a stack: the place's number, and the part's."""
        number = axes.number(self.place)
        return number if self.part is None else f"{number}-{self.number}"

    def label(self, axes: Axes) -> str:
        """For people; empty where there is only one."""
        parts = [axes.label(self.place), f"part {self.number + 1}" if self.part else ""]
        return ", ".join(part for part in parts if part)


def errands_of(stack: Stack) -> Iterator[Errand]:
    """All errands of a stack: its chosen places, or the parts of these that have damage where planes are large."""
    for place in stack.axes.places():
        if not stack.chosen(place):
            continue
        if stack.in_cutouts:
            yield from (Errand(place, part, number) for number, part in enumerate(parts_of(stack, place)))
        else:
            yield Errand(place)


def as_errands(places: Sequence[Place | Errand]) -> list[Errand]:
    """Places as errands."""
    return [place if isinstance(place, Errand) else Errand(place) for place in places]


def parts_of(stack: Stack, place: Place) -> list[Part]:
    """What is repaired of a place: all of it at once, or the parts of large planes; nothing without damage."""
    channels = stack.damaged(place)
    if not channels:
        return []
    looked = {*channels, *([] if stack.guide is None else [stack.guide])}
    if not stack.in_cutouts:
        settings = {channel: stack.settings_at(place, channel) for channel in looked}
        return [Part(None, settings, dict.fromkeys(channels))]
    found = stack.cutouts(place)
    settings = {channel: stack.settings_at(place, channel, found) for channel in looked}
    by_channel = dict.fromkeys(channels, found)
    if stack.settings.match_noise:
        for channel in channels:
            by_channel[channel] = numbered(found, partial(_hole, stack, place, channel), stack.settings)
    return [
        Part(cutout.box, settings, {channel: by_channel[channel][n] for channel in channels})
        for n, cutout in enumerate(found)
    ]


def _hole(stack: Stack, place: Place, channel: int, box: Box) -> NDArray[np.bool_]:
    return stack.pixels_and_hole(place, channel, box)[1]


def groups_of(stack: Stack, errands: Sequence[Errand], batch: int) -> Iterator[list[Errand]]:
    """Errands that are done together, so that windows of several planes make a batch: at most ``batch`` places.

    Planes that are repaired together are in memory together, and are no more pixels than one large plane.
    """
    height, width = stack.axes.plane_shape
    together = max(1, WHOLE_PLANE_PX // (height * width * stack.axes.channels))
    size = 1 if stack.in_cutouts else min(batch, together)
    for start in range(0, len(errands), size):
        yield list(errands[start : start + size])
