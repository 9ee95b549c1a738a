"""Damage of stacks: from the slices that a person has painted to those in between, or to all.

Apart from ``masking``, which knows one plane. Masks are (N, H, W) bool, True
where the image is damaged, the first axis being the one along which the damage
is spread.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from functools import lru_cache
from itertools import pairwise
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from .axes import Axes, Readable
from .holes import read_mask

Masks = NDArray[np.bool_]


def everywhere(masks: Masks, at: int) -> Masks:
    """The damage of one slice in all slices, beside what is there: dust on a camera.

    Parameters
    ----------
    masks : (N, H, W) bool
    at : int
        Which slice.

    Returns
    -------
    masks : (N, H, W) bool
    """
    return masks | masks[at]


def in_between(masks: Masks) -> Masks:
    """Fill the empty slices between two painted ones: the damage changes evenly from one into the other.

    Shapes are interpolated by their signed distance to the outline (Raya and
    Udupa, IEEE Trans. Med. Imaging 9, 1990), so a disc that shrinks shrinks
    evenly. What moves farther than it is wide vanishes on the way: paint a
    slice in the middle. Slices before the first painted one and after the last
    stay empty, and painted ones stay as they are.

    Parameters
    ----------
    masks : (N, H, W) bool

    Returns
    -------
    masks : (N, H, W) bool
    """
    filled = masks.copy()
    painted = np.flatnonzero(masks.any(axis=(1, 2)))
    for first, last in pairwise(painted):
        if last - first < 2:
            continue
        before, after = _signed_distance(masks[first]), _signed_distance(masks[last])
        for at in range(first + 1, last):
            filled[at] = _mixed(before, after, (at - first) / (last - first))
    return filled


class SpreadMask:
    """A mask of any axes that is spread along one of them, plane by plane as planes are asked for.

    Parameters
    ----------
    mask : array-like
        As for :meth:`Stack.prepare`.
    axes : Axes
        The mask's.
    along : str
        An axis that counts planes.
    how : "between" or "everywhere"
        See :func:`in_between`; or every plane gets what :func:`everywhere` would give it of each.

    Attributes
    ----------
    shape : tuple of int
    dtype : dtype
        bool.
    """

    def __init__(self, mask: Readable, axes: Axes, along: str, how: Literal["between", "everywhere"]) -> None:
        self.shape, self.dtype = axes.shape, np.dtype(bool)
        self._mask, self._at, self._how = mask, axes.names.index(along), how
        # A plane is asked for several times in a row, and its neighbours lie between the same painted ones.
        self._painted = lru_cache(maxsize=64)(self._find_painted)
        self._distance = lru_cache(maxsize=4)(self._measured_distance)
        self._union = lru_cache(maxsize=4)(self._united)

    def __getitem__(self, key: tuple[Any, ...]) -> NDArray[np.bool_]:
        """A plane or a box of one: integers for all axes but the plane's two, which have slices."""
        box = tuple(part for part in key if isinstance(part, slice))
        place = [None if isinstance(part, slice) else int(part) for part in key]
        number, place[self._at] = int(key[self._at]), 0
        line = tuple(place)
        if self._how == "everywhere":
            return self._union(line)[box]
        painted = self._painted(line)
        before, after = bisect_right(painted, number), bisect_left(painted, number)
        if before > after or before == 0 or after == len(painted):
            return self._plane(line, number)[box]
        first, last = painted[before - 1], painted[after]
        distances = (self._distance(line, first), self._distance(line, last))
        return _mixed(*distances, (number - first) / (last - first))[box]

    def _plane(self, line: tuple[int | None, ...], number: int) -> NDArray[np.bool_]:
        key = tuple(slice(None) if at is None else at for at in line)
        plane = np.asarray(self._mask[(*key[: self._at], number, *key[self._at + 1 :])])
        return read_mask(plane, (plane.shape[0], plane.shape[1]))

    def _find_painted(self, line: tuple[int | None, ...]) -> list[int]:
        return [number for number in range(self.shape[self._at]) if self._plane(line, number).any()]

    def _measured_distance(self, line: tuple[int | None, ...], number: int) -> NDArray[np.float64]:
        return _signed_distance(self._plane(line, number))

    def _united(self, line: tuple[int | None, ...]) -> NDArray[np.bool_]:
        union = self._plane(line, 0)
        for number in range(1, self.shape[self._at]):
            union |= self._plane(line, number)
        return union


def _mixed(before: NDArray[np.float64], after: NDArray[np.float64], share: float) -> NDArray[np.bool_]:
    """What lies between two outlines, this share of the way from the one to the other."""
    return (1 - share) * before + share * after > 0


def _signed_distance(mask: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Distance to the outline in pixels, positive inside; halves, so that it lies between pixels."""
    inside, outside = ndimage.distance_transform_edt(mask), ndimage.distance_transform_edt(~mask)
    return np.where(mask, inside - 0.5, 0.5 - outside)
