"""Copies of an image's own holes, placed where it is intact and looks alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.filters import sobel
from skimage.transform import resize

from ..core.finders.contrast import Floats, in_gray
from ..core.holes import Box

Mask = NDArray[np.bool_]

_EIGHT = np.ones((3, 3), dtype=bool)
#: Holes closer than this are one piece of damage, such as the pieces of a broken scratch.
_TOGETHER_PX = 4
#: What lies so close to a piece is copied along with it.
_NEIGHBOURHOOD_PX = 12
#: The known surroundings by which places are compared.
_RING_PX = 12
#: Damage that fits nowhere is made smaller by these.
_SCALES = (1.0, 0.7, 0.5, 0.35, 0.25)
#: So much of a copy must lie on known pixels: the border and old damage may cut a little off.
_LEAST_LEFT = 0.8
#: So much of two copies may share pixels.
_MOST_SHARED = 0.3
_CANDIDATES = 96


@dataclass(frozen=True)
class Placed:
    """One copy of a piece of damage.

    Attributes
    ----------
    hole : (H, W) bool
        The copy, in the plane; nowhere on damage.
    box : Box
        The copy's.
    quarter_turns : int
        0 to 3, after mirroring.
    mirrored : bool
    scale : float
        Below 1 where the damage was made smaller to fit.
    unlike : float
        How different the surroundings are from the damage's own; 0: alike.
    """

    hole: Mask
    box: Box
    quarter_turns: int
    mirrored: bool
    scale: float
    unlike: float

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for a record."""
        return {
            "top": self.box.top,
            "left": self.box.left,
            "pixels": int(np.count_nonzero(self.hole)),
            "quarter_turns": self.quarter_turns,
            "mirrored": self.mirrored,
            "scale": self.scale,
            "unlike": round(self.unlike, 4),
        }


def place_copies(image: NDArray[Any], hole: Mask, number: int, seed: int = 0) -> list[Placed]:
    """Copy pieces of the damage to where the truth is known.

    Larger pieces are copied more often, by their share of damaged pixels. A copy is mirrored, turned by 90° and moved
    at random, and of many such places the one is taken whose surroundings are most like the damage's own in
    brightness, contrast and slope.

    Parameters
    ----------
    image : (H, W), (H, W, 3) or (H, W, 4)
    hole : (H, W) bool, True where nothing is known
    number : int
        How many copies are wanted.
    seed : int
        The same places for the same seed.

    Returns
    -------
    list of Placed
        Fewer than wanted where no more fit.

    Raises
    ------
    ValueError
        Where there is no damage, or none of it fits anywhere.
    """
    if not hole.any():
        raise ValueError("The mask is empty: there is no damage of which copies could be placed.")
    rng = np.random.default_rng(seed)
    ground = _Ground(image, hole)
    pieces = _pieces(hole)
    share = np.array([piece.count for piece in pieces], dtype=np.float64)
    placed: list[Placed] = []
    for chosen in rng.choice(len(pieces), size=number, p=share / share.sum()):
        copy = ground.place(pieces[chosen], placed, rng)
        if copy is not None:
            placed.append(copy)
    if not placed:
        raise ValueError(
            "No copy of the damage fits where the image is intact, not even at a quarter of its size: too little is "
            "known for a self-test."
        )
    return placed


@dataclass(frozen=True)
class _Piece:
    """A piece of damage.

    Attributes
    ----------
    stamp : (h, w) bool
        With what is close to it.
    count : int
        Its own pixels.
    ring : (h', w') bool
        What is known around it.
    box : Box
        The ring's.
    """

    stamp: Mask
    count: int
    ring: Mask
    box: Box


def _pieces(hole: Mask) -> list[_Piece]:
    near = ndimage.binary_dilation(hole, _EIGHT, iterations=_TOGETHER_PX // 2)
    labels, _ = ndimage.label(near, _EIGHT)
    pieces = []
    for number, (rows, columns) in enumerate(ndimage.find_objects(labels), start=1):
        box = Box(rows.start, rows.stop, columns.start, columns.stop).widened(_NEIGHBOURHOOD_PX, hole.shape)
        own = hole[box.slices] & (labels[box.slices] == number)
        ring = _ring(own) & ~hole[box.slices]
        pieces.append(_Piece(_trimmed(hole[box.slices]), int(np.count_nonzero(own)), ring, box))
    return pieces


class _Ground:
    """The plane on which copies are placed."""

    def __init__(self, image: NDArray[Any], hole: Mask) -> None:
        self._hole = hole
        # A pixel beside damage may be damaged a little, too.
        self._usable = ~ndimage.binary_dilation(hole, _EIGHT)
        gray = in_gray(np.where(hole if image.ndim == 2 else hole[..., None], image[~hole][0], image))
        gray[hole] = np.median(gray[~hole])
        self._gray, self._slope = gray, np.asarray(sobel(gray))

    def place(self, piece: _Piece, placed: Sequence[Placed], rng: np.random.Generator) -> Placed | None:
        """The best of many random places of one piece, or None where there is none."""
        wanted = self._look(piece.ring, piece.box)
        for scale in _SCALES:
            stamp = _scaled(piece.stamp, scale)
            copies = [self._copy(stamp, scale, wanted, rng) for _ in range(_CANDIDATES)]
            for copy in sorted((c for c in copies if c is not None), key=lambda c: c.unlike):
                if not any(_shared(copy, other) > _MOST_SHARED for other in placed):
                    return copy
        return None

    def _copy(self, stamp: Mask, scale: float, wanted: Floats, rng: np.random.Generator) -> Placed | None:
        turns, mirrored = int(rng.integers(4)), bool(rng.integers(2))
        stamp = np.rot90(stamp[:, ::-1] if mirrored else stamp, turns)
        height, width = self._hole.shape
        slack = [max(side - within, 0) + int((1 - _LEAST_LEFT) * side) for side, within in
                 zip(stamp.shape, self._hole.shape, strict=True)]  # fmt: skip
        top = int(rng.integers(-slack[0], max(1, height - stamp.shape[0] + slack[0] + 1)))
        left = int(rng.integers(-slack[1], max(1, width - stamp.shape[1] + slack[1] + 1)))
        box = Box(max(0, top), min(height, top + stamp.shape[0]), max(0, left), min(width, left + stamp.shape[1]))
        if min(box.shape) < 1:
            return None
        cut = stamp[box.top - top : box.bottom - top, box.left - left : box.right - left] & self._usable[box.slices]
        if np.count_nonzero(cut) < _LEAST_LEFT * np.count_nonzero(stamp):
            return None
        seen = box.widened(_RING_PX, self._hole.shape)
        own = np.zeros(seen.shape, dtype=bool)
        own[box.within(seen)] = cut
        ring = _ring(own) & ~self._hole[seen.slices]
        if not ring.any():
            return None
        unlike = float(np.abs(self._look(ring, seen) - wanted).sum())
        hole = np.zeros_like(self._hole)
        hole[box.slices] = cut
        return Placed(hole, box, turns, mirrored, scale, unlike)

    def _look(self, ring: Mask, box: Box) -> Floats:
        """Brightness, and the logarithms of contrast and slope, of the pixels in a ring."""
        gray, slope = self._gray[box.slices][ring], self._slope[box.slices][ring]
        if not gray.size:
            gray, slope = self._gray[~self._hole], self._slope[~self._hole]
        return np.array([2 * gray.mean(), np.log(gray.std() + 0.02), np.log(slope.mean() + 0.01)])


def _ring(hole: Mask) -> Mask:
    """The pixels around a hole, within its array."""
    near = ndimage.maximum_filter(hole, size=2 * _RING_PX + 1, mode="constant")
    return np.asarray(near & ~hole)


def _trimmed(mask: Mask) -> Mask:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _scaled(stamp: Mask, scale: float) -> Mask:
    if scale == 1:
        return stamp
    shape = tuple(max(1, round(scale * side)) for side in stamp.shape)
    smaller = resize(stamp.astype(np.float64), shape, order=1, anti_aliasing=True) > 0.3  # thin lines stay whole
    return _trimmed(smaller) if smaller.any() else np.ones((1, 1), dtype=bool)


def _shared(one: Placed, other: Placed) -> float:
    """Share of the smaller copy that lies on the other."""
    if not one.box.overlaps(other.box):
        return 0.0
    both = np.count_nonzero(one.hole & other.hole)
    return both / min(np.count_nonzero(one.hole), np.count_nonzero(other.hole))
