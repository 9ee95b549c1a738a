"""Running through a stack: place after place, each with the calls that repair a single image.

Apart from ``stack``, which says what there is to repair, because places may be
done in any order and by several workers.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from .axes import COLOUR, Axes, Place, Writable
from .edges import EdgeMap
from .job import Job
from .results import Step, result_of
from .settings import Settings
from .stack import Fill, Stack

if TYPE_CHECKING:
    from .edgeconnect import EdgeConnect

Result = TypeVar("Result")


class Finished(NamedTuple):
    """A place of which all channels are done: a fill for each that was damaged."""

    place: Place
    fills: list[Fill]


def place_steps(model: EdgeConnect, stack: Stack, place: Place) -> Generator[Step, None, list[Fill]]:
    """Repair the planes of one place: all channels that are damaged there.

    Returns
    -------
    list of Fill
        One per damaged channel, none where nothing is marked.

    Raises
    ------
    TypeError, ValueError
        For a plane that can't be repaired; the sentence begins with its place.
    OutOfMemoryError
        When not even the smallest windows fit into memory.
    """
    channels = stack.damaged(place)
    guide = _Guide(stack, place) if channels and stack.guide is not None else None
    fills = []
    for channel in channels:
        label = stack.axes.label(place, channel)
        pixels, marked = stack.pixels(place, channel), stack.marked(place, channel)
        settings = stack.settings_at(place, channel)
        try:
            edges = stack.edges_given(place, channel)
            if edges is None and guide is not None:
                edges = yield from guide.edges(model, pixels, marked, settings)
            if edges is None:
                repair = yield from model.inpaint_steps(pixels, marked, settings)
            else:
                repair = yield from model.complete_steps(pixels, marked, edges, settings)
        except (TypeError, ValueError) as error:
            raise type(error)(f"{label}: {error}" if label else str(error)) from error
        where = {"axes": stack.axes.place_names, "place": list(place), "channel": channel, "edges_from": stack.guide}
        fill = Fill(place, channel, repair.altered, repair.image[repair.altered], {"plane": where, **repair.record})
        if stack.keeps_edges:
            fill = replace(fill, labels=repair.edges.labels, probability=repair.edges.probability)
        fills.append(fill)
    return fills


def places_steps(model: EdgeConnect, stack: Stack, places: Sequence[Place]) -> Generator[Step | Finished, None, None]:
    """Repair places one after the other, here.

    Yields
    ------
    Step or Finished
        What is finished, as soon as it is; raises what :func:`place_steps` does.
    """
    for done, place in enumerate(places):
        steps = place_steps(model, stack, place)
        fills = yield from counted_as_one(steps, done, len(places), stack.axes.label(place))
        yield Finished(place, fills)


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
        by_channel = {fill.channel: fill for fill in event.fills}
        for channel in range(axes.channels):
            fill = by_channel.get(channel)
            pixels = stack.pixels(event.place, channel)
            axes.write(out, event.place, fill.into(pixels) if fill else pixels, channel)
            if altered is not None:
                nothing = np.zeros(axes.plane_shape, dtype=bool)
                flat.write(altered, event.place, fill.altered if fill else nothing, channel)
        records += [fill.record for fill in event.fills]
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


class _Guide:
    """The edges of one channel, for all channels of its place."""

    def __init__(self, stack: Stack, place: Place) -> None:
        assert stack.guide is not None
        self._pixels = stack.pixels(place, stack.guide)
        self._marked = stack.marked(place, stack.guide)
        self._settings = stack.settings_at(place, stack.guide)
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
