"""What the planes beside one say about its holes: where they are intact, and only as far as they fit.

Apart from ``stack_run`` because a plane and its neighbours are all that is
needed here, and from ``neighbour_fit``, which measures. Neighbours are read from
the source, never from what was repaired, so a plane comes out the same in
whatever order planes are done, and whoever does them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from .edges import EdgeMap, known_edges
from .holes import EIGHT_NEIGHBOURS, Box, Window
from .job import Job, gray_of
from .neighbour_fit import (
    LARGEST_SHIFT_PX,
    LEAST_EDGE_AGREEMENT,
    LEAST_GAIN_DB,
    NEAR_PX,
    agreement,
    contents_of,
    edge_agreement,
    scale_of,
    shift_of,
)
from .planes import ContrastMapping, colours
from .settings import Neighbours

Plane = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Neighbour:
    """A plane beside one that is repaired, or a part of it.

    Attributes
    ----------
    offset : int
        How many planes after it; negative before it.
    pixels : (h, w), (h, w, 3) or (h, w, 4)
        As they are in the source.
    hole : (h, w) bool
        What is damaged here, too.
    top, left : int
        Where this begins, counted from where the plane, or the part of it that is repaired, begins.
    """

    offset: int
    pixels: NDArray[Any]
    hole: Mask
    top: int = 0
    left: int = 0

    def seen(self, box: Box, shift: tuple[int, int], mapping: ContrastMapping) -> tuple[Plane, Mask]:
        """What it shows in a box when it is moved: (h, w, C) contrast-mapped, and (h, w) bool: what is known of it."""
        pixels = colours(self.pixels)
        ours = Box(0, self.hole.shape[0], 0, self.hole.shape[1])
        rows, columns = self.top + shift[0], self.left + shift[1]
        wanted = Box(box.top - rows, box.bottom - rows, box.left - columns, box.right - columns)
        unit, known = np.zeros((*box.shape, pixels.shape[2])), np.zeros(box.shape, dtype=bool)
        if ours.overlaps(wanted):
            shared = ours.shared(wanted)
            here = known[shared.within(wanted)]
            here[:] = ~self.hole[shared.slices]
            unit[shared.within(wanted)][here] = mapping.to_unit(pixels[shared.slices][here])
        return unit, known


class _Fitted(NamedTuple):
    """A neighbour as it lies on a window."""

    neighbour: Neighbour
    shift: tuple[int, int]
    agreement: float
    unit: Plane
    known: Mask


@dataclass(frozen=True, eq=False)
class Proposal:
    """What neighbours say about holes in a box.

    Attributes
    ----------
    box : Box
    where : (h, w) bool
        The pixels of those holes.
    values : (h, w) float64 in [0, 1] or (h, w, C) float64
        How probable an edge is; or contrast-mapped contents.
    """

    box: Box
    where: Mask
    values: Plane


@dataclass(frozen=True, eq=False)
class Help:
    """What a plane's neighbours say about it.

    Attributes
    ----------
    kind : str
        Of ``StackSettings.neighbours``.
    proposals : list of Proposal
        For the holes that they are good for; none for all others, which are repaired as without neighbours.
    windows : list of dict
        What was measured, for the record: plain values.
    """

    kind: Neighbours
    proposals: list[Proposal]
    windows: list[dict[str, Any]]

    def added_to(self, edges: EdgeMap) -> EdgeMap:
        """Stage 1's edges with the neighbours': an edge is there if either is right, and each may be independently."""
        if self.kind != "edges" or not self.proposals:
            return edges
        probability = edges.probability.copy()
        for proposal in self.proposals:
            here = probability[proposal.box.slices]
            either = 1 - (1 - here) * (1 - proposal.values)
            here[proposal.where] = either[proposal.where]
        return edges.again(replace(edges, probability=probability))

    def started(self, job: Job) -> Job:
        """The job, whose holes start from the neighbours' contents where that was asked for."""
        return replace(job, start=self.at) if self.kind == "start" and self.proposals else job

    def put_contents(self, job: Job, result: NDArray[Any]) -> None:
        """Write the neighbours' contents into a repaired image where they themselves were asked for."""
        if self.kind == "contents":
            for proposal in self.proposals:
                unknown = job.hole[proposal.box.slices]
                limits = job.limits(job.unit(proposal.box), unknown)
                job.put(result, proposal.box, proposal.where, proposal.values, limits)

    def at(self, box: Box) -> tuple[Plane, Mask]:
        """The contents in a box, (h, w, C), and where there are some, (h, w) bool."""
        where = np.zeros(box.shape, dtype=bool)
        pixels = np.zeros((*box.shape, self.proposals[0].values.shape[2]))
        for proposal in self.proposals:
            if proposal.box.overlaps(box):
                shared = box.shared(proposal.box)
                there = proposal.where[shared.within(proposal.box)]
                where[shared.within(box)] |= there
                pixels[shared.within(box)][there] = proposal.values[shared.within(proposal.box)][there]
        return pixels, where

    def record(self) -> dict[str, Any]:
        """What to write down about a plane: each neighbour's shift and agreement, and what was made of it."""
        proposed = sum(int(np.count_nonzero(proposal.where)) for proposal in self.proposals)
        return {"kind": self.kind, "proposed_px": proposed, "windows": self.windows}


def reach_px(canny_reach_px: int) -> int:
    """So many pixels around a window are looked at in its neighbours."""
    return LARGEST_SHIFT_PX + canny_reach_px


def help_of(job: Job, neighbours: Sequence[Neighbour], kind: Neighbours) -> Help:
    """Ask a plane's neighbours about its holes.

    Parameters
    ----------
    job : Job
    neighbours : sequence of Neighbour
        Each shows all windows with ``reach_px`` around them, as far as there are pixels.
    kind : "edges", "start" or "contents"

    Returns
    -------
    Help
    """
    proposals: list[Proposal] = []
    windows: list[dict[str, Any]] = []
    for window in job.plan.untiled().windows if neighbours else ():
        fitted = [_fitted(job, window, neighbour) for neighbour in neighbours]
        holes = []
        for intact, hole in _groups(job, window, fitted):
            say = _edges if kind == "edges" else _contents
            proposal, found = say(job, window, hole, intact)
            holes.append({"hole_px": int(np.count_nonzero(hole)), "used": proposal is not None, **found})
            proposals += [proposal] if proposal else []
        windows.append({**_place(job, window), "planes": [_told(one) for one in fitted], "holes": holes})
    return Help(kind, proposals, windows)


def _fitted(job: Job, window: Window, neighbour: Neighbour) -> _Fitted:
    """Move a neighbour onto a window, if its detail then fits better."""
    target, known = job.plan.target(window), ~job.hole[window.box.slices]
    own, scale = gray_of(job.unit(window.box)), scale_of(target)
    near = ndimage.distance_transform_edt(~target) <= NEAR_PX
    unit, theirs = neighbour.seen(window.box, (0, 0), job.mapping)
    choices = dict.fromkeys([(0, 0), shift_of(own, known, gray_of(unit), theirs, 2 * scale)])
    found = []
    for shift in choices:
        unit, theirs = neighbour.seen(window.box, shift, job.mapping)
        fit = agreement(own, gray_of(unit), near, known, theirs, scale)
        found.append(_Fitted(neighbour, shift, fit, unit, theirs))
    return max(found, key=lambda one: one.agreement)


def _groups(job: Job, window: Window, fitted: Sequence[_Fitted]) -> Iterator[tuple[list[_Fitted], Mask]]:
    """The window's holes by the neighbours that are intact there, with a pixel around each; none without any."""
    labels = job.plan.labels[window.box.slices]
    intact = []
    for one in fitted:
        damaged = ndimage.binary_dilation(~one.known, EIGHT_NEIGHBOURS)
        intact.append(np.atleast_1d(ndimage.maximum(damaged, labels, window.holes) == 0))
    by_hole = sorted(zip(map(tuple, np.transpose(intact).tolist()), window.holes, strict=True))
    for which, holes in groupby(by_hole, key=lambda item: item[0]):
        if any(which):
            chosen = [one for one, whole in zip(fitted, which, strict=True) if whole]
            yield chosen, np.isin(labels, [label for _, label in holes])


def _edges(job: Job, window: Window, hole: Mask, intact: Sequence[_Fitted]) -> tuple[Proposal | None, dict[str, Any]]:
    """Edges in a hole: each as probable as its neighbour's edges beside the hole are the plane's, beyond chance."""
    box, measured = window.box, job.measured(window.box)
    near = ~job.hole[box.slices] & (ndimage.distance_transform_edt(~hole) <= NEAR_PX)
    none = np.ones(box.shape)
    fits = []
    for one in intact:
        seen = box.widened(job.settings.canny_reach_px, job.hole.shape)
        unit, known = one.neighbour.seen(seen, one.shift, job.mapping)
        theirs = known_edges(gray_of(unit), ~known, job.settings.sigma)[box.within(seen)]
        fit = edge_agreement(measured, theirs, near)
        fits.append(fit)
        if fit >= LEAST_EDGE_AGREEMENT:
            none *= 1 - fit * theirs
    proposed = hole & (none < 1)
    proposal = Proposal(box, proposed, 1 - none) if proposed.any() else None
    return proposal, {"offsets": _offsets(intact), "edge_agreement": _rounded(fits)}


def _contents(
    job: Job, window: Window, hole: Mask, intact: Sequence[_Fitted]
) -> tuple[Proposal | None, dict[str, Any]]:
    """Contents of a hole, where they would have been better than the smooth fill beside it."""
    unit, unknown = job.unit(window.box), job.hole[window.box.slices]
    found = contents_of(unit, unknown, hole, [(one.unit, one.known) for one in intact])
    proposal = Proposal(window.box, hole, found.pixels) if found.gain_db >= LEAST_GAIN_DB else None
    gain = round(found.gain_db, 2) if np.isfinite(found.gain_db) else None
    return proposal, {
        "offsets": _offsets(intact),
        "weights": _rounded(found.weights),
        "gain_db": gain,
        "trials": found.trials,
        "smoothing_px": found.smoothing_px,
    }


def _place(job: Job, window: Window) -> dict[str, Any]:
    top, left = (job.cutout.box.top, job.cutout.box.left) if job.cutout else (0, 0)
    height, width = window.box.shape
    return {"top": window.box.top + top, "left": window.box.left + left, "height": height, "width": width}


def _told(one: _Fitted) -> dict[str, Any]:
    return {"offset": one.neighbour.offset, "shift": list(one.shift), "agreement": round(one.agreement, 3)}


def _offsets(intact: Sequence[_Fitted]) -> list[int]:
    return [one.neighbour.offset for one in intact]


def _rounded(values: Sequence[float]) -> list[float]:
    return [round(value, 3) for value in values]
