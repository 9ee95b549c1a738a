"""Masks -> holes -> windows: where the networks must look.

Cost grows with the damage and not with the image: a window is a hole's box
with known context around it, cut at the image's border. Instance norm couples
a whole window, so windows are whole; only a hole too large for one is cut
into tiles, which ``coarse`` prepares a guess for.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage

from .settings import Settings

EIGHT_NEIGHBOURS = np.ones((3, 3), dtype=bool)
#: A tile's window: large enough for context on all sides, small enough for any laptop.
TILE_PX = 512
#: Windows' sides are rounded up to this where the image allows, so that like ones share a batch.
ROUND_TO_PX = 32
_BLOCK_PX = 1024

Slices = tuple[slice, slice]


@dataclass(frozen=True)
class Box:
    """Rows ``top`` to ``bottom`` and columns ``left`` to ``right``, ends excluded."""

    top: int
    bottom: int
    left: int
    right: int

    @property
    def shape(self) -> tuple[int, int]:
        """(H, W)."""
        return self.bottom - self.top, self.right - self.left

    @property
    def slices(self) -> Slices:
        """To index a plane with."""
        return slice(self.top, self.bottom), slice(self.left, self.right)

    def within(self, outer: Box) -> Slices:
        """To index an array that shows ``outer`` alone."""
        return (
            slice(self.top - outer.top, self.bottom - outer.top),
            slice(self.left - outer.left, self.right - outer.left),
        )

    def strips(self, height_px: int) -> Iterator[Box]:
        """The box in strips of at most this height, from the top."""
        for top in range(self.top, self.bottom, height_px):
            yield Box(top, min(top + height_px, self.bottom), self.left, self.right)

    def overlaps(self, other: Box) -> bool:
        """True where both hold the same pixel."""
        return (
            self.top < other.bottom and other.top < self.bottom and self.left < other.right and other.left < self.right
        )

    def shared(self, other: Box) -> Box:
        """What both hold, of two that overlap."""
        return Box(
            max(self.top, other.top),
            min(self.bottom, other.bottom),
            max(self.left, other.left),
            min(self.right, other.right),
        )

    def united(self, other: Box) -> Box:
        """The smallest box around both."""
        return Box(
            min(self.top, other.top),
            max(self.bottom, other.bottom),
            min(self.left, other.left),
            max(self.right, other.right),
        )

    def widened(self, by_px: int, shape: tuple[int, int]) -> Box:
        """The box with ``by_px`` more on each side, cut at the border of a plane of ``shape``."""
        return Box(
            max(0, self.top - by_px),
            min(shape[0], self.bottom + by_px),
            max(0, self.left - by_px),
            min(shape[1], self.right + by_px),
        )


@dataclass(frozen=True)
class Window:
    """What the networks see at once, and which pixels they repair there.

    Attributes
    ----------
    box : Box
        What is seen.
    holes : tuple of int
        Labels of the holes repaired here, in ``Plan.labels``.
    core : Box or None
        For a tile of a hole too large for one window: only the hole's pixels
        in here are repaired, the rest of the hole is taken from what is there
        already: finished tiles or the coarse guess.
    region : Box or None
        For a tile: the whole large hole with its context.
    """

    box: Box
    holes: tuple[int, ...]
    core: Box | None = None
    region: Box | None = None


@dataclass(frozen=True)
class Plan:
    """All windows of one plane, and the labelled holes (H, W) that they share out."""

    labels: NDArray[np.int32]
    windows: tuple[Window, ...]

    def target(self, window: Window) -> NDArray[np.bool_]:
        """(h, w) bool of a window's box: the pixels that are repaired here."""
        target = np.isin(self.labels[window.box.slices], window.holes)
        if window.core is not None:
            inside = np.zeros_like(target)
            inside[window.core.within(window.box)] = True
            target &= inside
        return target

    def repaired_before(self, window: Window) -> NDArray[np.bool_]:
        """(h, w) bool of a window's box: hole pixels that windows before it in the plan repair."""
        repaired = np.zeros(window.box.shape, dtype=bool)
        for earlier in takewhile(lambda other: other != window, self.windows):
            if earlier.box.overlaps(window.box):
                shared = earlier.box.shared(window.box)
                repaired[shared.within(window.box)] |= self.target(earlier)[shared.within(earlier.box)]
        return repaired

    def untiled(self) -> Plan:
        """The same holes with a large one in a single window, for methods that take any size."""
        whole = (w if w.region is None else Window(w.region, w.holes) for w in self.windows)
        return Plan(self.labels, tuple(dict.fromkeys(whole)))


def read_mask(mask: ArrayLike, plane_shape: tuple[int, int]) -> NDArray[np.bool_]:
    """Read a mask in any of its usual forms.

    Parameters
    ----------
    mask : (H, W)
        bool; integer labels, where anything but 0 is hole; or float, where
        more than 0.5 is hole.
    plane_shape : (H, W)
        The image's.

    Returns
    -------
    hole : (H, W) bool, a new array, True inside the hole

    Raises
    ------
    TypeError, ValueError
        For another dtype or shape.
    """
    array = np.asarray(mask)
    if array.shape != plane_shape:
        raise ValueError(f"The mask has shape {array.shape}, but the image's plane is {plane_shape}.")
    if array.dtype.kind == "f":
        return array > 0.5
    if array.dtype.kind not in "bui":
        raise TypeError(f"The mask has dtype {array.dtype}: give bool, integer labels or floats.")
    return array != 0


def grown(hole: NDArray[np.bool_], by_px: float) -> NDArray[np.bool_]:
    """The hole with every pixel at most ``by_px`` (Euclidean) away from it."""
    result = hole.copy()
    if by_px == 0:
        return result
    height, width = hole.shape
    # Block by block: a distance transform of a whole large plane takes many times its memory.
    for top in range(0, height, _BLOCK_PX):
        for left in range(0, width, _BLOCK_PX):
            block = Box(top, min(top + _BLOCK_PX, height), left, min(left + _BLOCK_PX, width))
            seen = block.widened(int(np.ceil(by_px)), hole.shape)
            if hole[seen.slices].any():
                near = ndimage.distance_transform_edt(~hole[seen.slices]) <= by_px
                result[block.slices] = near[block.within(seen)]
    return result


def plan_windows(hole: NDArray[np.bool_], settings: Settings) -> Plan:
    """Share out a plane's holes to windows.

    Holes whose windows overlap share one, unless that would be larger than
    ``settings.largest_window_px``. A hole that is too large alone is tiled.

    Parameters
    ----------
    hole : (H, W) bool, True inside the hole
    settings : Settings
        Gives the window sizes.
    """
    labels = ndimage.label(hole, EIGHT_NEIGHBOURS)[0].astype(np.int32, copy=False)
    small: list[tuple[Box, tuple[int, ...]]] = []
    tiles: list[Window] = []
    for label, slices in enumerate(ndimage.find_objects(labels), start=1):
        region = _box(slices).widened(settings.margin_px, hole.shape)
        if max(region.shape) > settings.largest_window_px:
            tiles += _tiles(_box(slices), region, label, labels, settings)
        else:
            small.append((region, (label,)))
    windows = [
        Window(_at_least(box, settings, hole.shape), holes) for box, holes in _shared(small, settings.largest_window_px)
    ]
    return Plan(labels, (*windows, *tiles))


def _shared(items: list[tuple[Box, tuple[int, ...]]], largest_px: int) -> list[tuple[Box, tuple[int, ...]]]:
    """Unite overlapping boxes until nothing more fits together.

    Each box is compared with those already placed as one array operation, so
    thousands of specks stay cheap.
    """
    placed: list[tuple[Box, tuple[int, ...]]] = []
    for box, holes in items:
        while placed:
            partner = _first_partner(box, [b for b, _ in placed], largest_px)
            if partner is None:
                break
            other, more = placed.pop(partner)
            box, holes = box.united(other), more + holes
        placed.append((box, holes))
    return placed


def _first_partner(box: Box, others: list[Box], largest_px: int) -> int | None:
    tops, bottoms, lefts, rights = np.array([(o.top, o.bottom, o.left, o.right) for o in others]).T
    fits = (box.top < bottoms) & (tops < box.bottom) & (box.left < rights) & (lefts < box.right)
    fits &= np.maximum(bottoms, box.bottom) - np.minimum(tops, box.top) <= largest_px
    fits &= np.maximum(rights, box.right) - np.minimum(lefts, box.left) <= largest_px
    return int(fits.argmax()) if fits.any() else None


def _tiles(hole_box: Box, region: Box, label: int, labels: NDArray[np.int32], settings: Settings) -> list[Window]:
    """Cut a large hole into tiles; those with the least unknown around them come first."""
    tiles: list[tuple[float, Window]] = []
    side = min(max(TILE_PX, 4 * settings.margin_px), settings.largest_window_px)  # the core is at least half of it
    for core in _cores(hole_box, label, labels, side - 2 * settings.margin_px):
        box = _at_least(core.widened(settings.margin_px, labels.shape), settings, labels.shape)
        unknown = float((labels[box.slices] > 0).mean())
        tiles.append((unknown, Window(box, (label,), core, region)))
    return [window for _, window in sorted(tiles, key=lambda tile: tile[0])]


def _cores(hole_box: Box, label: int, labels: NDArray[np.int32], core_px: int) -> Iterator[Box]:
    """Cover a large hole with boxes of at most ``core_px``, band by band from the left.

    Bands are an eighth lower than boxes are wide, so that a diagonal scratch
    passes through one box of each band and not through two.
    """
    for band in hole_box.strips(core_px - core_px // 8):
        columns = band.left + (labels[band.slices] == label).any(axis=0).nonzero()[0]
        while columns.size:
            here = columns[columns < columns[0] + core_px]
            yield Box(band.top, band.bottom, int(here[0]), int(here[-1]) + 1)
            columns = columns[here.size :]


def _at_least(box: Box, settings: Settings, shape: tuple[int, int]) -> Box:
    """Widen a window to the smallest side, rounded up, by moving its ends as far as the image allows."""
    top, bottom = _stretched(box.top, box.bottom, settings.smallest_window_px, shape[0])
    left, right = _stretched(box.left, box.right, settings.smallest_window_px, shape[1])
    return Box(top, bottom, left, right)


def _stretched(start: int, stop: int, smallest: int, size: int) -> tuple[int, int]:
    wanted = max(smallest, -(-(stop - start) // ROUND_TO_PX) * ROUND_TO_PX)
    if wanted >= size:
        return 0, size
    start = min(max(0, start - (wanted - (stop - start)) // 2), size - wanted)
    return start, start + wanted


def _box(slices: Any) -> Box:
    rows, columns = slices
    return Box(rows.start, rows.stop, columns.start, columns.stop)
