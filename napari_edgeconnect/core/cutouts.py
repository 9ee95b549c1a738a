"""Planes larger than memory: cut into parts that know nothing of each other.

A cutout is a part of a plane, repaired as if the rest were there: all of its
holes are whole in it, the windows that repair them are planned in it as they
are in the plane, and no window of another cutout meets one of its own. So with
a given contrast it comes out as in a repair of the whole plane, bit for bit.
Cutouts follow from the mask alone, of which only one bit a block is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from math import ceil
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from .holes import EIGHT_NEIGHBOURS, ROUND_TO_PX, Box, Plan, plan_windows
from .planes import SAMPLE_PX, colours
from .settings import Settings

#: A larger plane is repaired cutout by cutout. As a whole, a pixel takes about 11 bytes beside image and mask.
WHOLE_PLANE_PX = 2**26
#: A mask is looked through in tiles of this side: chunks of all usual sizes are decoded once.
READ_PX = 2048
#: Of the mask, it is kept which blocks of this side have damage.
_BLOCK_PX = 32
#: Where cutouts show too little of a plane, so many squares of this side do, spread evenly.
_CONTRAST_SQUARES = 64
_CONTRAST_SQUARE_PX = 128

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Cutout:
    """A part of a plane.

    Attributes
    ----------
    box : Box
        Where it lies; what must be read to repair it.
    plane_shape : (H, W)
    numbers : tuple of int or None
        What its windows, in the order of its own plan, are in the plane's: see :func:`numbered`.
    """

    box: Box
    plane_shape: tuple[int, int]
    numbers: tuple[int, ...] | None = None


def is_large(plane_shape: tuple[int, int]) -> bool:
    """True where a plane is repaired cutout by cutout."""
    return plane_shape[0] * plane_shape[1] > WHOLE_PLANE_PX


def tiles(plane_shape: tuple[int, int], side_px: int | None = None) -> Iterator[Box]:
    """The plane in squares, of ``READ_PX`` if not said otherwise, row by row; those at its ends are smaller."""
    height, width = plane_shape
    side_px = side_px or READ_PX
    for strip in Box(0, height, 0, width).strips(side_px):
        for left in range(0, width, side_px):
            yield Box(strip.top, strip.bottom, left, min(left + side_px, width))


def cutouts_of(marked_in: Callable[[Box], Mask], plane_shape: tuple[int, int], settings: Settings) -> list[Cutout]:
    """Divide a plane.

    Parameters
    ----------
    marked_in : callable
        Takes a box of at most ``READ_PX`` a side, and gives (h, w) bool: what is damaged there, before growing.
    plane_shape : (H, W)
    settings : Settings
        Give the windows' sizes, Canny's reach, and by how much masks are grown.

    Returns
    -------
    list of Cutout
        Every damaged pixel is in exactly one of them, and none where there is no damage.
    """
    blocks = no_blocks(plane_shape)
    for box in tiles(plane_shape):
        mark_blocks(blocks, box, marked_in(box))
    return cutouts_from(blocks, plane_shape, settings)


def no_blocks(plane_shape: tuple[int, int]) -> Mask:
    """What is kept of a mask that marks nothing: one bit a block."""
    height, width = plane_shape
    return np.zeros((-(-height // _BLOCK_PX), -(-width // _BLOCK_PX)), dtype=bool)


def whole_blocks(box: Box, plane_shape: tuple[int, int]) -> Box:
    """The smallest box around another whose blocks are whole, so that they can be marked anew."""
    rows, columns = _blocks(box)
    return Box(
        rows.start * _BLOCK_PX,
        min(rows.stop * _BLOCK_PX, plane_shape[0]),
        columns.start * _BLOCK_PX,
        min(columns.stop * _BLOCK_PX, plane_shape[1]),
    )


def mark_blocks(blocks: Mask, box: Box, marked: Mask) -> None:
    """Note of a box of whole blocks which of them have damage, (h, w) bool."""
    blocks[_blocks(box)] = _any_in_blocks(marked)


def is_marked(blocks: Mask, box: Box, *, but: Iterable[Box] = ()) -> bool:
    """True where some block of a box has damage, blocks of other boxes aside."""
    left = blocks.copy()
    for other in but:
        left[_blocks(other)] = False
    return bool(left[_blocks(box)].any())


def cutouts_from(blocks: Mask, plane_shape: tuple[int, int], settings: Settings) -> list[Cutout]:
    """As :func:`cutouts_of`, from what is kept of a mask."""
    height, width = plane_shape
    labels, _ = ndimage.label(blocks, EIGHT_NEIGHBOURS)
    hulls = [
        Box(
            rows.start * _BLOCK_PX,
            min(rows.stop * _BLOCK_PX, height),
            columns.start * _BLOCK_PX,
            min(columns.stop * _BLOCK_PX, width),
        )
        for rows, columns in ndimage.find_objects(labels)
    ]
    reach = _Reach(settings, plane_shape)
    return [Cutout(reach.read(hull), plane_shape) for hull in _apart(hulls, reach, blocks.shape)]


def numbered(cutouts: Sequence[Cutout], hole_in: Callable[[Box], Mask], settings: Settings) -> list[Cutout]:
    """The cutouts with the numbers that their windows have in the plane's own plan, which seed noise.

    Parameters
    ----------
    cutouts : sequence of Cutout
        All of a plane.
    hole_in : callable
        Takes a cutout's box and gives (h, w) bool: the grown hole.
    settings : Settings
    """
    places = [_plan_places(plan_windows(hole_in(cutout.box), settings), cutout.box) for cutout in cutouts]
    number = {place: n for n, place in enumerate(sorted(p for of_one in places for p in of_one))}
    return [
        replace(cutout, numbers=tuple(number[place] for place in of_one))
        for cutout, of_one in zip(cutouts, places, strict=True)
    ]


def known_values(
    cutouts: Iterable[Cutout],
    read: Callable[[Box], tuple[NDArray[Any], Mask]],
    plane_shape: tuple[int, int],
    most_px: int = SAMPLE_PX,
) -> NDArray[Any]:
    """Known pixels of a large plane, which its contrast is taken from.

    Those of the cutouts, which are read anyway; where these are fewer than ``most_px``, those of
    squares spread evenly over the plane, too.

    Parameters
    ----------
    cutouts : iterable of Cutout
    read : callable
        Takes a box and gives its pixels and its hole, (h, w) bool.
    plane_shape : (H, W)
    most_px : int
        About so many are given.

    Returns
    -------
    values : (n,) or (n, 3); n is 0 where nothing that was looked at is known
    """
    boxes = [box for cutout in cutouts for box in _within(cutout.box)]
    area = sum(box.shape[0] * box.shape[1] for box in boxes)
    if area < most_px:
        boxes += _squares(plane_shape)
        area = sum(box.shape[0] * box.shape[1] for box in boxes)
    stride = max(1, int(np.ceil(np.sqrt(area / most_px))))
    found = []
    for box in boxes:
        pixels, hole = read(box)
        found.append(colours(pixels)[::stride, ::stride][~hole[::stride, ::stride]])
    return np.concatenate(found) if found else np.zeros((0, 1))


class _Reach:
    """How far from damage windows can lie, and how far these see.

    A window is a hole with its margin, moved apart to be as large and as round
    a number as is wanted: evenly on both sides, unless the plane's border is in
    the way. Then all that is wanting is added on the other side.
    """

    def __init__(self, settings: Settings, plane_shape: tuple[int, int]) -> None:
        margin, smallest = settings.margin_px, settings.smallest_window_px
        self._grown = ceil(settings.grow_px)
        self._inside = margin + ceil(max(ROUND_TO_PX - 1, smallest - 2 * margin - 1) / 2)
        self._at_border = max(margin + ROUND_TO_PX - 1, smallest - 1)
        self._seen = settings.canny_reach_px
        self._shape = plane_shape

    def windows(self, hull: Box) -> Box:
        """What all windows of the damage in a hull lie in, with at least what Canny sees around it."""
        return self._widened(hull, lambda reach: self._grown + max(reach, self._seen))

    def read(self, hull: Box) -> Box:
        """What its windows lie in, and what Canny sees around them."""
        return self._widened(hull, lambda reach: self._grown + reach + self._seen)

    def _widened(self, hull: Box, by: Callable[[int], int]) -> Box:
        (top, bottom), (left, right) = (
            self._ends(start, stop, size, by)
            for start, stop, size in (
                (hull.top, hull.bottom, self._shape[0]),
                (hull.left, hull.right, self._shape[1]),
            )
        )
        return Box(top, bottom, left, right)

    def _ends(self, start: int, stop: int, size: int, by: Callable[[int], int]) -> tuple[int, int]:
        near = self._grown + self._inside
        reach = by(self._inside if near <= start and stop + near <= size else self._at_border)
        return max(0, start - reach), min(size, stop + reach)


def _apart(hulls: list[Box], reach: _Reach, grid_shape: tuple[int, int]) -> list[Box]:
    """Unite hulls until no two could have windows that meet, nor see each other's damage."""
    while True:
        grid = np.zeros(grid_shape, dtype=bool)
        for hull in hulls:
            grid[_blocks(reach.windows(hull))] = True
        labels, _ = ndimage.label(grid, EIGHT_NEIGHBOURS)
        united: dict[int, Box] = {}
        for hull in hulls:
            label = int(labels[hull.top // _BLOCK_PX, hull.left // _BLOCK_PX])
            united[label] = united[label].united(hull) if label in united else hull
        if len(united) == len(hulls):
            return hulls
        hulls = list(united.values())


def _plan_places(plan: Plan, box: Box) -> list[tuple[int, int, int, int]]:
    """What orders a plan's windows among those of the plane.

    ``plan_windows`` labels holes row by row; a window stands where the last of its holes put it,
    and the tiles of large holes follow all others.
    """
    first: dict[int, tuple[int, int]] = {}
    for label, (rows, columns) in enumerate(ndimage.find_objects(plan.labels), start=1):
        at = int((plan.labels[rows.start, columns] == label).argmax())
        first[label] = (box.top + rows.start, box.left + columns.start + at)
    return [
        (int(window.core is not None), *first[max(window.holes)], number if window.core is not None else 0)
        for number, window in enumerate(plan.windows)
    ]


def _within(box: Box) -> Iterator[Box]:
    """A box in tiles."""
    for tile in tiles(box.shape):
        yield Box(tile.top + box.top, tile.bottom + box.top, tile.left + box.left, tile.right + box.left)


def _squares(plane_shape: tuple[int, int]) -> list[Box]:
    """A regular grid of squares."""
    count = int(np.sqrt(_CONTRAST_SQUARES))
    ends = []
    for size in plane_shape:
        side = min(_CONTRAST_SQUARE_PX, size)
        starts = np.unique(np.linspace(0, size - side, count).astype(int))
        ends.append([(int(start), int(start) + side) for start in starts])
    return [Box(*rows, *columns) for rows in ends[0] for columns in ends[1]]


def _blocks(box: Box) -> tuple[slice, slice]:
    """The blocks that hold a box, whole or in part."""
    return (
        slice(box.top // _BLOCK_PX, -(-box.bottom // _BLOCK_PX)),
        slice(box.left // _BLOCK_PX, -(-box.right // _BLOCK_PX)),
    )


def _any_in_blocks(marked: Mask) -> Mask:
    """(h, w) bool to one value a block."""
    rows = np.logical_or.reduceat(marked, np.arange(0, marked.shape[0], _BLOCK_PX), axis=0)
    return np.logical_or.reduceat(rows, np.arange(0, marked.shape[1], _BLOCK_PX), axis=1)
