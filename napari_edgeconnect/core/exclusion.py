"""Not filling: damage is marked as missing, so that nothing invented can be measured.

The contract is a repair's: the input's shape and dtype, bit-identical outside the hole, and a record. Apart from
``classical``, whose methods estimate what is missing; here nothing is.
"""

from __future__ import annotations

import time
from math import isfinite  # numpy's knows no whole numbers above 64 bits
from typing import Any, Literal, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .holes import grown, read_mask
from .planes import checked_image, colours, nonfinite
from .record import exclusion_record
from .results import ClassicalRepair
from .settings import Settings


@overload
def exclude(
    image: ArrayLike, mask: ArrayLike, value: float = ..., *, grow_px: float = ..., return_record: Literal[True],
) -> ClassicalRepair: ...  # fmt: skip
@overload
def exclude(
    image: ArrayLike, mask: ArrayLike, value: float = ..., *, grow_px: float = ..., return_record: Literal[False] = ...,
) -> NDArray[Any]: ...  # fmt: skip
def exclude(
    image: ArrayLike,
    mask: ArrayLike,
    value: float = np.nan,
    *,
    grow_px: float = 0.0,
    return_record: bool = False,
) -> NDArray[Any] | ClassicalRepair:
    """Mark the damage as missing instead of filling it.

    Parameters
    ----------
    image : (H, W), (H, W, 3) or (H, W, 4) bool, integer or float
        Never modified. Pixels that are NaN or infinite count as hole.
    mask : (H, W) bool, integer (not 0 = hole) or float (above 0.5 = hole)
    value : float
        What the hole gets, in all colours; alpha is kept. NaN, by default, needs an image of floats.
    grow_px : float
        The mask is widened by this many pixels first.
    return_record : bool

    Returns
    -------
    array or ClassicalRepair
        Of the input's shape and dtype and bit-identical to it outside the hole; with ``return_record`` a
        :class:`ClassicalRepair` around it.

    Raises
    ------
    TypeError, ValueError
        For bad input, and for a value that the dtype can't hold exactly.

    Examples
    --------
    >>> image = np.arange(6, dtype=np.float32).reshape(2, 3)
    >>> exclude(image, image > 3)
    array([[ 0.,  1.,  2.],
           [ 3., nan, nan]], dtype=float32)
    >>> exclude(image.astype(np.uint8), image > 3)
    Traceback (most recent call last):
    ValueError: The image has dtype uint8, which can't hold nan: give a whole number from 0 to 255, or convert the \
image to floats.
    """
    started = time.monotonic()
    pixels = checked_image(image)
    marked = read_mask(mask, pixels.shape[:2])
    missing = nonfinite(pixels)
    hole = grown(marked, Settings(grow_px=grow_px).grow_px) | missing
    held = held_by(pixels.dtype, value)
    result = pixels.copy()
    colours(result)[hole] = held
    if not return_record:
        return result
    record = exclusion_record(
        pixels,
        marked,
        hole,
        result=result,
        value=value,
        grow_px=grow_px,
        nonfinite_px=int(np.count_nonzero(missing & ~marked)),
        seconds=time.monotonic() - started,
        notes=exclusion_notes(pixels, hole, held),
    )
    return ClassicalRepair(result, hole, record)


def value_in(text: str) -> float:
    """What a text says, as a value to mark damage with; whole numbers of any size stay exact.

    Raises
    ------
    ValueError
        Where it is no number.
    """
    try:
        return int(text)
    except ValueError:
        try:
            return float(text)
        except ValueError:
            raise ValueError(f"{text!r} is neither nan nor a number.") from None


def held_by(dtype: np.dtype[Any], value: float) -> np.generic:
    """The value as one of a dtype, exactly; of floats, rounded to their precision.

    Raises
    ------
    ValueError
        Where the dtype can't hold it.
    """
    if dtype.kind == "f":
        with np.errstate(over="ignore"):
            held: np.generic = dtype.type(value)
        if np.isinf(held) and isfinite(value):
            raise ValueError(
                f"The image has dtype {dtype}, which can't hold {value:g}: give a value up to "
                f"{float(np.finfo(dtype).max):g}, or nan."
            )
        return held
    low, high = _limits(dtype)
    if not (isfinite(value) and value == int(value) and low <= int(value) <= high):
        raise ValueError(
            f"The image has dtype {dtype}, which can't hold {value:g}: give a whole number from {low} to {high}, or "
            f"convert the image to floats."
        )
    return dtype.type(int(value))


def unused_value(image: NDArray[Any], hole: NDArray[np.bool_]) -> float | None:
    """A value to mark the hole with that no known pixel has in all its colours.

    Returns
    -------
    float, int or None
        NaN for floats. Of whole numbers 0, or the highest or the lowest that the dtype holds, or else the lowest that
        is free; None where every one of them is taken.
    """
    if image.dtype.kind == "f":
        return np.nan
    low, high = _limits(image.dtype)
    for value in (0, high, low):
        if not _alike(image, hole, image.dtype.type(value)):
            return value
    known = colours(image)[~hole]
    taken = np.unique(known[(known == known[:, :1]).all(axis=1), 0])
    (before_gap,) = np.nonzero(taken[:-1].astype(object) + 1 != taken[1:])  # as Python's numbers, which know no end
    return int(taken[before_gap[0]]) + 1 if before_gap.size else None


def exclusion_notes(image: NDArray[Any], hole: NDArray[np.bool_], held: np.generic) -> list[str]:
    """What a person should know about an image whose hole holds a value: that nothing does, or what else does."""
    if not hole.any():
        return ["The mask is empty: nothing was excluded."]
    taken = _alike(image, hole, held)
    if not taken:
        return []
    return [f"{taken} known pixels have the value {held} too: tell them from the excluded ones by the mask."]


def _alike(image: NDArray[Any], hole: NDArray[np.bool_], held: np.generic) -> int:
    """How many known pixels have a value in all their colours."""
    return int(np.count_nonzero((colours(image)[~hole] == held).all(axis=-1)))


def _limits(dtype: np.dtype[Any]) -> tuple[int, int]:
    return (0, 1) if dtype.kind == "b" else (int(np.iinfo(dtype).min), int(np.iinfo(dtype).max))
