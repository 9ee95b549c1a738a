"""Running through a stack: place after place, each with the calls that repair a single image.

Apart from ``stack``, which says what there is to repair, because places, and
the parts of planes larger than memory, may be done in any order and by several
workers.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import groupby, product
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from .axes import COLOUR, Axes, Place, Writable
from .cutouts import Cutout, numbered
from .edges import EdgeMap
from .holes import Box
from .job import Job
from .planes import nonfinite
from .record import record_of_plane
from .results import Repair, Step, result_of
from .settings import Settings
from .stack import Fill, Stack

if TYPE_CHECKING:
    from .edgeconnect import EdgeConnect

Result = TypeVar("Result")


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


class Finished(NamedTuple):
    """An errand that is done: a fill for each channel that was damaged in its place, or in its part of it."""

    place: Place
    fills: list[Fill]
    errand: Errand


def errands_of(stack: Stack) -> Iterator[Errand]:
    """All errands of a stack: its places, or the parts of these that have damage where planes are large."""
    for place in stack.axes.places():
        if stack.in_cutouts:
            yield from (Errand(place, part, number) for number, part in enumerate(_parts(stack, place)))
        else:
            yield Errand(place)


def errand_steps(model: EdgeConnect, stack: Stack, errand: Errand) -> Generator[Step, None, list[Fill]]:
    """Do an errand; see :func:`place_steps`."""
    if errand.part is None:
        return (yield from place_steps(model, stack, errand.place))
    return (yield from _part_steps(model, stack, errand.place, errand.part))


def place_steps(model: EdgeConnect, stack: Stack, place: Place) -> Generator[Step, None, list[Fill]]:
    """Repair the planes of one place: all channels that are damaged there.

    Returns
    -------
    list of Fill
        One per damaged channel, of a large plane one for each of its parts; none where nothing is marked.

    Raises
    ------
    TypeError, ValueError
        For a plane that can't be repaired; the sentence begins with its place.
    OutOfMemoryError
        When not even the smallest windows fit into memory.
    """
    parts = _parts(stack, place)
    fills = []
    for number, part in enumerate(parts, start=1):
        steps = _part_steps(model, stack, place, part)
        if part.box is not None:
            steps = _told(steps, f"Part {number} of {len(parts)}")
        fills += yield from steps
    return fills


def _parts(stack: Stack, place: Place) -> list[Part]:
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


def _part_steps(model: EdgeConnect, stack: Stack, place: Place, part: Part) -> Generator[Step, None, list[Fill]]:
    """Repair all channels of a part: a fill for each in which there is something to repair."""
    guide = _Guide(stack, place, part) if stack.guide is not None else None
    fills = []
    for channel, cutout in part.cutouts.items():
        label = stack.axes.label(place, channel)
        started = time.monotonic()
        pixels, marked = stack.pixels(place, channel, part.box), stack.marked(place, channel, part.box)
        if cutout and not (marked.any() or nonfinite(pixels).any()):
            continue
        settings = part.settings[channel]
        try:
            edges = stack.edges_given(place, channel, part.box)
            if edges is None and guide is not None:
                edges = yield from guide.edges(model, pixels, marked, settings)
            job = Job.prepare(pixels, marked, settings, cutout)
            repair = yield from model.job_steps(job, edges, started=started)
        except (TypeError, ValueError) as error:
            raise type(error)(f"{label}: {error}" if label else str(error)) from error
        where = {"axes": stack.axes.place_names, "place": list(place), "channel": channel, "edges_from": stack.guide}
        fills.append(_fill(repair, place, channel, where, part.box, keeps_edges=stack.keeps_edges))
    return fills


def _fill(
    repair: Repair, place: Place, channel: int, where: dict[str, Any], box: Box | None, *, keeps_edges: bool
) -> Fill:
    altered, image = repair.altered, repair.image
    fill = Fill(place, channel, altered, image[altered], {"plane": where, **repair.record}, box=box)
    if keeps_edges:
        return replace(fill, labels=repair.edges.labels, probability=repair.edges.probability)
    if box is None:
        return fill
    ((rows, columns),) = ndimage.find_objects(altered.astype(np.uint8))
    tight = Box(box.top + rows.start, box.top + rows.stop, box.left + columns.start, box.left + columns.stop)
    return replace(fill, altered=altered[rows, columns].copy(), box=tight)


def plane_records(fills: Sequence[Fill]) -> list[dict[str, Any]]:
    """The records of a place's fills: one for each plane, however many of its parts were repaired."""
    records = []
    for _, of_plane in groupby(sorted(fills, key=lambda fill: fill.channel), key=lambda fill: fill.channel):
        parts = list(of_plane)
        whole = parts[0].box is None
        records.append(parts[0].record if whole else record_of_plane([fill.record for fill in parts]))
    return records


def places_steps(
    model: EdgeConnect, stack: Stack, places: Sequence[Place | Errand]
) -> Generator[Step | Finished, None, None]:
    """Repair places, or do errands, one after the other, here.

    Yields
    ------
    Step or Finished
        What is finished, as soon as it is; raises what :func:`place_steps` does.
    """
    for done, errand in enumerate(as_errands(places)):
        steps = errand_steps(model, stack, errand)
        fills = yield from counted_as_one(steps, done, len(places), errand.label(stack.axes))
        yield Finished(errand.place, fills, errand)


def as_errands(places: Sequence[Place | Errand]) -> list[Errand]:
    """Places as errands."""
    return [place if isinstance(place, Errand) else Errand(place) for place in places]


def repair_stack_steps(
    model: EdgeConnect, stack: Stack, out: Writable, altered: Writable | None = None
) -> Generator[Step, None, list[dict[str, Any]]]:
    """Repair a stack, step by step; closing it stops within one window.

    Parameters
    ----------
    model : EdgeConnect
    stack : Stack
    out : array-like
        Of the image's shape and dtype, and not the image itself. Every plane of it is written.
    altered : array-like of bool, optional
        Of the image's axes without colours. Every plane of it is written.

    Returns
    -------
    list of dict
        The records of all repaired planes.

    Raises
    ------
    ValueError
        For outputs of another shape or dtype; and as :func:`place_steps`.
    """
    axes = stack.axes
    _check_output(out, axes.shape, np.dtype(stack.image.dtype), "out")
    flat = Axes(*_without_colours(axes), plane=axes.plane)
    if altered is not None:
        _check_output(altered, flat.shape, np.dtype(bool), "altered")
    places = list(axes.places())
    records = []
    for event in places_steps(model, stack, places):
        if isinstance(event, Step):
            yield event
            continue
        for channel, box in product(range(axes.channels), stack.tiles()):
            pixels, invented = stack.pixels(event.place, channel, box), np.zeros(box.shape, dtype=bool)
            fills = [fill for fill in event.fills if fill.channel == channel]
            pixels = pixels.copy() if fills else pixels
            for fill in fills:
                fill.put_into(pixels, box)
                fill.shown("altered", invented, box)
            axes.write(out, event.place, pixels, channel, box)
            if altered is not None:
                flat.write(altered, event.place, invented, channel, box)
        records += plane_records(event.fills)
    yield Step(len(places), len(places), "Done")
    return records


def repair_stack(
    model: EdgeConnect, stack: Stack, out: Writable, altered: Writable | None = None
) -> list[dict[str, Any]]:
    """:func:`repair_stack_steps`, all at once.

    Examples
    --------
    >>> from skimage import data
    >>> from napari_edgeconnect import EdgeConnect
    >>> frames = np.stack([data.camera()[:128, :128]] * 2)
    >>> dust = np.zeros(frames.shape[1:], dtype=bool)
    >>> dust[60:70, 60:70] = True
    >>> repaired = np.empty_like(frames)
    >>> stack = Stack.prepare(frames, dust, "TYX")
    >>> records = repair_stack(EdgeConnect.load(device="cpu"), stack, repaired)
    >>> len(records), bool((repaired == frames)[:, ~dust].all())
    (2, True)
    """
    return result_of(repair_stack_steps(model, stack, out, altered))


def counted_as_one(
    steps: Generator[Step, None, Result], done: int, total: int, label: str
) -> Generator[Step, None, Result]:
    """A place's steps, counted among all places."""
    while True:
        try:
            step = next(steps)
        except StopIteration as end:
            return end.value
        yield Step(done, total, f"{label}: {step.what}" if label else step.what)


def _told(steps: Generator[Step, None, Result], before: str) -> Generator[Step, None, Result]:
    """Steps that say which part of a plane they are of."""
    while True:
        try:
            step = next(steps)
        except StopIteration as end:
            return end.value
        yield step._replace(what=f"{before}: {step.what}")


class _Guide:
    """The edges of one channel, for all channels of its place."""

    def __init__(self, stack: Stack, place: Place, part: Part) -> None:
        assert stack.guide is not None
        self._pixels = stack.pixels(place, stack.guide, part.box)
        self._marked = stack.marked(place, stack.guide, part.box)
        self._settings = part.settings[stack.guide]
        self._found: EdgeMap | None = None

    def edges(
        self, model: EdgeConnect, pixels: NDArray[Any], marked: NDArray[np.bool_], settings: Settings
    ) -> Generator[Step, None, EdgeMap]:
        """What guides a channel with this plane and mask: hallucinated once, measured wherever that is seen."""
        if self._found is None:
            self._found = yield from model.hallucinate_edges_steps(self._pixels, self._marked, self._settings)
        ours = Job.prepare(self._pixels, self._marked, self._settings)
        theirs = Job.prepare(pixels, marked, settings)
        seen = set(ours.plan.windows)
        more = [window.box for window in theirs.plan.windows if window not in seen]
        if not more:
            return self._found
        measured = self._found.measured.copy()
        for box in more:
            measured[box.slices] |= ours.measured(box)
        return self._found.with_measured(measured)


def _without_colours(axes: Axes) -> tuple[str, tuple[int, ...]]:
    kept = [(name, size) for name, size in zip(axes.names, axes.shape, strict=True) if name != COLOUR]
    return "".join(name for name, _ in kept), tuple(size for _, size in kept)


def _check_output(out: Writable, shape: tuple[int, ...], dtype: np.dtype[Any], name: str) -> None:
    if tuple(out.shape) != shape or np.dtype(out.dtype) != dtype:
        raise ValueError(
            f"{name} has shape {tuple(out.shape)} and dtype {out.dtype}, but {shape} and {dtype} are wanted: "
            f"a result has the image's own."
        )
