"""Running through a stack: place after place, each with the calls that repair a single image.

Apart from ``stack``, which says what there is to repair, and ``stack_plane``,
which says what happens to each plane. On a device that computes several windows
at once, several places are done together.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Sequence
from itertools import groupby, product
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar, cast

import numpy as np

from .axes import COLOUR, Axes, Place, Writable
from .edges import as_edge_map
from .record import record_of_plane
from .results import Step, result_of
from .stack import Stack
from .stack_fill import Fill
from .stack_parts import Errand, Part, as_errands, groups_of, parts_of
from .stack_plane import Guide, Plane, Repairer, fill_of, named, plane_steps, proposer

if TYPE_CHECKING:
    from .edgeconnect import EdgeConnect

Result = TypeVar("Result")


class Finished(NamedTuple):
    """An errand that is done: a fill for each channel that was damaged in its place, or in its part of it."""

    place: Place
    fills: list[Fill]
    errand: Errand


def errand_steps(model: Repairer, stack: Stack, errand: Errand) -> Generator[Step, None, list[Fill]]:
    """Do an errand; see :func:`place_steps`."""
    if errand.part is None:
        return (yield from place_steps(model, stack, errand.place))
    return (yield from _part_steps(model, stack, errand.place, errand.part))


def place_steps(model: Repairer, stack: Stack, place: Place) -> Generator[Step, None, list[Fill]]:
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
    parts = parts_of(stack, place)
    fills = []
    for number, part in enumerate(parts, start=1):
        steps = _part_steps(model, stack, place, part)
        if part.box is not None:
            steps = _told(steps, f"Part {number} of {len(parts)}")
        fills += yield from steps
    return fills


def _part_steps(model: Repairer, stack: Stack, place: Place, part: Part) -> Generator[Step, None, list[Fill]]:
    """Repair all channels of a part: a fill for each in which there is something to repair."""
    guide = Guide(stack, place, part) if stack.guide is not None else None
    fills = []
    for channel in part.cutouts:
        with named(stack, place, channel):
            plane = yield from plane_steps(model, stack, place, part, channel, guide)
            if plane is None:
                continue
            edges = plane.edges
            if plane.needs_edges:
                edges = plane.help.added_to((yield from proposer(model).job_edges_steps(plane.job)))
            repair = yield from model.job_steps(plane.job, edges, started=plane.started)
        fills.append(fill_of(stack, plane, repair))
    return fills


def group_steps(model: EdgeConnect, stack: Stack, errands: Sequence[Errand]) -> Generator[Step, None, list[list[Fill]]]:
    """Repair several places together: windows of like size go through the networks at once, of whichever plane.

    Returns
    -------
    list of list of Fill
        For each errand, as :func:`place_steps` gives them. On a device whose results depend on how many windows it
        computes at once, they differ from these as one batch differs from another.
    """
    from . import several

    started = time.monotonic()
    planes: list[Plane] = []
    for errand in errands:
        for part in parts_of(stack, errand.place):
            guide = Guide(stack, errand.place, part) if stack.guide is not None else None
            for channel in part.cutouts:
                with named(stack, errand.place, channel):
                    plane = yield from plane_steps(model, stack, errand.place, part, channel, guide)
                planes += [plane] if plane else []
    pending = [plane for plane in planes if plane.edges is None]
    proposed = iter((yield from several.edges_steps(model, [plane.job for plane in pending])))
    edges = []
    for plane in planes:
        job = plane.job
        if plane.edges is None:
            edges.append(plane.help.added_to(next(proposed)))
            continue
        with named(stack, plane.place, plane.channel):
            edges.append(as_edge_map(plane.edges, job.hole, job.measured_edges, job.settings.threshold))
    given = [plane.edges is not None or plane.needs_edges for plane in planes]
    repairs = yield from several.repair_steps(model, [plane.job for plane in planes], edges, given, started=started)
    fills = [fill_of(stack, plane, repair) for plane, repair in zip(planes, repairs, strict=True)]
    return [[fill for fill in fills if fill.place == errand.place] for errand in errands]


def plane_records(fills: Sequence[Fill]) -> list[dict[str, Any]]:
    """The records of a place's fills: one for each plane, however many of its parts were repaired."""
    records = []
    for _, of_plane in groupby(sorted(fills, key=lambda fill: fill.channel), key=lambda fill: fill.channel):
        parts = list(of_plane)
        whole = parts[0].box is None
        records.append(parts[0].record if whole else record_of_plane([fill.record for fill in parts]))
    return records


def places_steps(
    model: Repairer, stack: Stack, places: Sequence[Place | Errand]
) -> Generator[Step | Finished, None, None]:
    """Repair places, or do errands, one after the other, here; several together where the device gains by it.

    Yields
    ------
    Step or Finished
        What is finished, as soon as it is; raises what :func:`place_steps` does.
    """
    done = 0
    for group in groups_of(stack, as_errands(places), getattr(model, "batch", 1)):
        label = group[0].label(stack.axes)
        if len(group) == 1:
            fills = [(yield from counted_as_one(errand_steps(model, stack, group[0]), done, len(places), label))]
        else:
            steps = group_steps(cast("EdgeConnect", model), stack, group)
            label = f"{label} to {group[-1].label(stack.axes)}"
            fills = yield from counted_as_one(steps, done, len(places), label)
        for errand, of_errand in zip(group, fills, strict=True):
            yield Finished(errand.place, of_errand, errand)
        done += len(group)


def repair_stack_steps(
    model: Repairer, stack: Stack, out: Writable, altered: Writable | None = None
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


def repair_stack(model: Repairer, stack: Stack, out: Writable, altered: Writable | None = None) -> list[dict[str, Any]]:
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


def _without_colours(axes: Axes) -> tuple[str, tuple[int, ...]]:
    kept = [(name, size) for name, size in zip(axes.names, axes.shape, strict=True) if name != COLOUR]
    return "".join(name for name, _ in kept), tuple(size for _, size in kept)


def _check_output(out: Writable, shape: tuple[int, ...], dtype: np.dtype[Any], name: str) -> None:
    if tuple(out.shape) != shape or np.dtype(out.dtype) != dtype:
        raise ValueError(
            f"{name} has shape {tuple(out.shape)} and dtype {out.dtype}, but {shape} and {dtype} are wanted: "
            f"a result has the image's own."
        )
