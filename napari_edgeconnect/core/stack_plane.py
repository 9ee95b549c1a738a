"""One plane of a stack on its way: read, with what guides it, what its neighbours say, and what was invented in it.

Apart from ``stack_run``, because planes are repaired one by one or several
together, and both must do the same to each.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from .axes import Place
from .digests import array_sha256
from .edges import EdgeMap
from .holes import Box
from .job import Job
from .neighbours import Help, help_of
from .planes import nonfinite
from .results import ClassicalRepair, Repair, Step
from .settings import Settings
from .stack import Stack
from .stack_fill import Fill
from .stack_parts import Part


class Repairer(Protocol):
    """What goes through a stack's planes: an ``EdgeConnect``, its stage 1 alone, or a classical method."""

    def job_steps(
        self, job: Job, edges: Any = None, *, started: float | None = None
    ) -> Generator[Step, None, Repair | ClassicalRepair]:
        """Repair a prepared job, from edges where they are given."""


@runtime_checkable
class Proposer(Protocol):
    """A repairer that has a stage 1."""

    def job_edges_steps(self, job: Job) -> Generator[Step, None, EdgeMap]:
        """Propose a prepared job's edges."""


def proposer(model: Repairer) -> Proposer:
    """The same, where it has a stage 1.

    Raises
    ------
    ValueError
        For a classical method.
    """
    if not isinstance(model, Proposer):
        raise ValueError("Edges of other channels or planes need a model that proposes edges: this method has none.")
    return model


@dataclass(frozen=True, eq=False)
class Plane:
    """One plane of a stack, or a part of it, ready to be repaired.

    Attributes
    ----------
    place : tuple of int
    channel : int
    box : Box or None
        None: the whole plane.
    job : Job
    edges : EdgeMap, (H, W) array or None
        To complete from; None where stage 1 has yet to propose.
    help : Help
        What its neighbours say.
    started : float
        What ``time.monotonic()`` said before it was read.
    """

    place: Place
    channel: int
    box: Box | None
    job: Job
    edges: EdgeMap | NDArray[Any] | None
    help: Help
    started: float

    @property
    def needs_edges(self) -> bool:
        """Whether stage 1 must be run apart from stage 2, so that neighbours can add to it."""
        return self.edges is None and self.help.kind == "edges"


def plane_steps(
    model: Repairer, stack: Stack, place: Place, part: Part, channel: int, guide: Guide | None
) -> Generator[Step, None, Plane | None]:
    """Read a plane, and decide all that can be before its own networks run; None where nothing is to be repaired."""
    started = time.monotonic()
    pixels, marked = stack.pixels(place, channel, part.box), stack.marked(place, channel, part.box)
    cutout = part.cutouts[channel]
    if cutout and not (marked.any() or nonfinite(pixels).any()):
        return None
    settings = part.settings[channel]
    edges = stack.edges_given(place, channel, part.box)
    if edges is None and guide is not None:
        edges = yield from guide.edges(model, pixels, marked, settings)
    job = Job.prepare(pixels, marked, settings, cutout)
    kind = stack.choices.neighbours
    if kind == "start" and not getattr(model, "starts_from_fill", False):
        raise ValueError(
            "neighbours='start' is for models that correct a fill, which this one does not: give 'contents'."
        )
    needed = kind != "off" and (kind != "edges" or edges is None)
    beside = help_of(job, stack.neighbours(place, channel, part.box) if needed else [], kind)
    return Plane(place, channel, part.box, beside.started(job), edges, beside, started)


def fill_of(stack: Stack, plane: Plane, repair: Repair | ClassicalRepair) -> Fill:
    """What was invented in a plane, with the plane's place in its record."""
    plane.help.put_contents(plane.job, repair.image)
    where = {
        "axes": stack.axes.place_names,
        "place": list(plane.place),
        "channel": plane.channel,
        "edges_from": stack.guide,
    }
    record = {"plane": where, **repair.record}
    if plane.help.kind != "off":
        record["neighbours"] = plane.help.record()
        record["pixels"] = {**record["pixels"], "result": array_sha256(repair.image[repair.altered])}
    altered, box = repair.altered, plane.box
    fill = Fill(plane.place, plane.channel, altered, repair.image[altered], record, box=box)
    if stack.keeps_edges and isinstance(repair, Repair):
        return replace(fill, labels=repair.edges.labels, probability=repair.edges.probability)
    if box is None:
        return fill
    ((rows, columns),) = ndimage.find_objects(altered.astype(np.uint8))
    tight = Box(box.top + rows.start, box.top + rows.stop, box.left + columns.start, box.left + columns.stop)
    return replace(fill, altered=altered[rows, columns].copy(), box=tight)


@contextmanager
def named(stack: Stack, place: Place, channel: int) -> Iterator[None]:
    """Errors about a plane begin with its place."""
    try:
        yield
    except (TypeError, ValueError) as error:
        label = stack.axes.label(place, channel)
        raise type(error)(f"{label}: {error}" if label else str(error)) from error


class Guide:
    """The edges of one channel, for all channels of its place."""

    def __init__(self, stack: Stack, place: Place, part: Part) -> None:
        assert stack.guide is not None
        self._pixels = stack.pixels(place, stack.guide, part.box)
        self._marked = stack.marked(place, stack.guide, part.box)
        self._settings = part.settings[stack.guide]
        self._read_neighbours = partial(stack.neighbours, place, stack.guide, part.box)
        self._adds_neighbours = stack.choices.neighbours == "edges"
        self._found: EdgeMap | None = None

    def edges(
        self, model: Repairer, pixels: NDArray[Any], marked: NDArray[np.bool_], settings: Settings
    ) -> Generator[Step, None, EdgeMap]:
        """What guides a channel with this plane and mask: hallucinated once, measured wherever that is seen."""
        ours = Job.prepare(self._pixels, self._marked, self._settings)
        if self._found is None:
            self._found = yield from proposer(model).job_edges_steps(ours)
            if self._adds_neighbours:
                self._found = help_of(ours, self._read_neighbours(), "edges").added_to(self._found)
        theirs = Job.prepare(pixels, marked, settings)
        seen = set(ours.plan.windows)
        more = [window.box for window in theirs.plan.windows if window not in seen]
        if not more:
            return self._found
        measured = self._found.measured.copy()
        for box in more:
            measured[box.slices] |= ours.measured(box)
        return self._found.with_measured(measured)
