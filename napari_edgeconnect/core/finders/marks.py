"""What a program drew into the image: scale bars, letters and digits."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage
from skimage.measure import label, regionprops

from ..planes import checked_image, colours, nonfinite
from .contrast import Mask, between, in_gray

_EIGHT = np.ones((3, 3), dtype=bool)
#: A bar is a filled rectangle so many times as long as it is wide.
_BAR_ASPECT = 3.0
_FILLED = 0.92
#: So much of a border is sharp.
_STEPPED = 0.75
#: How far from the extreme a value may be, of the contrast.
_EXACT, _SOFT = 0.03, 0.3
#: So much of a piece has the value exactly.
_CORE = 0.25
#: Letters are no lower than this, nor higher than this share of the image.
_LOWEST_LETTER_PX, _HIGHEST_LETTER = 5, 0.12


class _Piece(NamedTuple):
    """A connected region of one colour."""

    label: int
    top: int
    left: int
    height: int
    width: int
    area: int


def burnt_in_marks(image: ArrayLike, sensitivity: float = 0.5) -> Mask:
    """Scale bars and text that were drawn into the pixels.

    What a program draws has one value, the image's brightest or darkest or
    one pure colour, and sharp borders. Of the regions of such a value a bar
    is a filled rectangle at least three times as long as it is wide, and
    letters are two or more in a row, alike in height.

    Parameters
    ----------
    image : (H, W), (H, W, 3) or (H, W, 4) bool, integer or float
    sensitivity : float in [0, 1]
        How sharp the borders are: the mean step across them from 0.6 (at 0) over 0.27 to 0.12 (at 1) of the contrast.

    Returns
    -------
    mask : (H, W) bool
        Letters and bars with their softened borders (1 px).

    Raises
    ------
    TypeError, ValueError
        For what is no image of one plane, or another sensitivity.
    """
    step = between(0.6, 0.12, sensitivity)
    gray = in_gray(image)
    mask = np.zeros(gray.shape, dtype=bool)
    for exact, soft in _drawn_values(image, gray):
        labels: NDArray[np.integer] = label(soft, connectivity=2)
        core = np.bincount(labels[exact], minlength=labels.max() + 1)
        sharp = _sharp(labels, gray, step)
        pieces = [_piece(region) for region in regionprops(labels)]
        pieces = [piece for piece in pieces if sharp[piece.label] and core[piece.label] >= _CORE * piece.area]
        marks = [piece.label for piece in pieces if _is_bar(piece)] + _letters(pieces, gray.shape[0])
        mask |= np.isin(labels, marks)
    return np.asarray(ndimage.binary_dilation(mask, _EIGHT)) if mask.any() else mask


def _drawn_values(image: ArrayLike, gray: NDArray[np.float64]) -> Iterator[tuple[Mask, Mask]]:
    """Where the image has a value that a program would draw with: exactly, and softened.

    The brightest and the darkest gray: exact is within 3 %, because compression rounds, softened within as much and
    within 30 %. In colour images also the six pure colours, exact and softened alike.
    """
    array = checked_image(image)
    finite = ~nonfinite(array)
    if not finite.any():
        return
    low, high = float(gray[finite].min()), float(gray[finite].max())
    for away in (high - gray, gray - low):
        exact = finite & (away <= _EXACT * (high - low))
        yield exact, exact
        yield exact, finite & (away <= _SOFT * (high - low))
    if array.ndim == 3:
        for colour in _pure_colours(colours(array), finite):
            yield colour, colour


def _pure_colours(pixels: NDArray[Any], finite: Mask) -> Iterator[Mask]:
    lowest, highest = float(pixels[finite].min()), float(pixels[finite].max())
    near = 0.12 * (highest - lowest)  # JPEG blurs colours
    full, empty = pixels >= highest - near, pixels <= lowest + near
    for code in range(1, 7):  # 0 and 7 are black and white
        wanted = [bool(code >> channel & 1) for channel in range(3)]
        yield finite & np.where(wanted, full, empty).all(axis=2)


def _sharp(labels: NDArray[np.integer], gray: NDArray[np.float64], step: float) -> NDArray[np.bool_]:
    """By label: whether what lies 2 px outside differs by a step on average, and by half of one nearly everywhere.

    The pixel in between may be softened.
    """
    count = int(labels.max()) + 1
    once = _grown(labels)
    twice = _grown(once)
    ring = twice * (once == 0)
    own = np.bincount(labels.ravel(), gray.ravel(), count) / np.maximum(1, np.bincount(labels.ravel(), minlength=count))
    jump = np.abs(gray - own[ring])
    pixels = np.maximum(1, np.bincount(ring.ravel(), minlength=count))
    mean = np.bincount(ring.ravel(), jump.ravel(), count) / pixels
    stepped = np.bincount(ring.ravel(), (jump >= step / 2).ravel(), count) / pixels
    return np.asarray((mean >= step) & (stepped >= _STEPPED))


def _grown(labels: NDArray[np.integer]) -> NDArray[np.integer]:
    return np.where(labels > 0, labels, ndimage.maximum_filter(labels, footprint=_EIGHT))


def _piece(region: Any) -> _Piece:
    top, left, bottom, right = region.bbox
    return _Piece(region.label, top, left, bottom - top, right - left, int(region.area))


def _is_bar(piece: _Piece) -> bool:
    long, short = max(piece.height, piece.width), min(piece.height, piece.width)
    filled = piece.area >= _FILLED * piece.height * piece.width
    return filled and short >= 2 and long >= _BAR_ASPECT * short and long >= 12


def _letters(pieces: list[_Piece], image_height: int) -> list[int]:
    """The labels of pieces that stand in a row of at least two, alike in height and close to each other."""
    fitting = [
        p
        for p in pieces
        if _LOWEST_LETTER_PX <= p.height <= max(_LOWEST_LETTER_PX, _HIGHEST_LETTER * image_height)
        and p.width <= 2 * p.height
        and p.area >= 0.12 * p.height * p.width
    ]
    in_row = set()
    for one in fitting:
        for other in fitting:
            if one.label != other.label and _neighbours(one, other):
                in_row |= {one.label, other.label}
    return sorted(in_row)


def _neighbours(one: _Piece, other: _Piece) -> bool:
    tall = max(one.height, other.height)
    same_line = abs(one.top + one.height - other.top - other.height) <= 0.25 * tall
    gap = max(one.left, other.left) - min(one.left + one.width, other.left + other.width)
    return same_line and min(one.height, other.height) >= 0.6 * tall and -1 <= gap <= 1.0 * tall
