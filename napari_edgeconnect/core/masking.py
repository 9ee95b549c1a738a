"""Damage: masks from what an image says about itself, and what a mask asks of a model.

Apart from ``holes``, which turns a finished mask into work, because these are
the steps before it: a person tries one, looks at it and changes it. Masks are
(H, W) bool, True where the image is damaged.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage

from .holes import read_mask
from .planes import checked_image, colours, nonfinite

Mask = NDArray[np.bool_]

#: How far from an output pixel of a network its farthest input pixel lies.
#:
#: Each layer of ``networks.Generator`` adds (kernel - 1) x dilation x the step between its input's pixels:
#: 7x7, 6 x 1; two 4x4 of stride 2, 3 x 1 and 3 x 2; eight blocks of a dilated and a plain 3x3 at a quarter of the
#: resolution, 8 x (4 x 4 + 2 x 4); two transposed 4x4, of which an output pixel sees two inputs, 1 x 4 and 1 x 2;
#: 7x7, 6 x 1. With the pixel itself that is 1 + 6 + 9 + 192 + 6 + 6 = 220, half of it to each side.
HALF_FIELD_PX = 110
#: So many float pixels share an extreme by saturation, and not by chance.
FEWEST_SATURATED_PX = 20
_MUCH = 0.5
_EIGHT_NEIGHBOURS = np.ones((3, 3), dtype=bool)


@dataclass(frozen=True)
class MaskFacts:
    """What a mask asks of a model.

    Attributes
    ----------
    pixels : int
        How many are damaged.
    share : float
        The same as a part of the plane, 0 to 1.
    deepest_px : float
        The greatest distance from a damaged pixel to the nearest known one; infinite where none is known.
        What lies beyond the image's border is not known.
    """

    pixels: int
    share: float
    deepest_px: float

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a person should know before a repair, in sentences."""
        return tuple(self.reasons.values())

    @property
    def reasons(self) -> dict[str, str]:
        """The warnings by name: "all-missing", "much-missing", "deep"."""
        if self.share == 1:
            sentence = "Everything is damage: nothing is known to repair the image from. Is the mask inverted?"
            return {"all-missing": sentence}
        sentences = {}
        if self.share > _MUCH:
            sentence = "More than half of the image is damage: expect invention, or check the mask's polarity."
            sentences["much-missing"] = sentence
        if self.deepest_px > HALF_FIELD_PX:
            sentences["deep"] = (
                f"A point of the damage is {self.deepest_px:.0f} px from anything known; "
                f"the model cannot know this far: expect invention."
            )
        return sentences


def from_label(labels: ArrayLike, label: int) -> Mask:
    """The pixels of one label.

    Parameters
    ----------
    labels : (H, W) integers
    label : int
        0, the background, is a label like any other.
    """
    marked: Mask = np.asarray(labels) == label
    return marked


def from_nan(image: ArrayLike) -> Mask:
    """The pixels of which any colour is NaN or infinite.

    Parameters
    ----------
    image : (H, W), (H, W, 3) or (H, W, 4) bool, integer or float
        The fourth channel is alpha, and not looked at.

    Raises
    ------
    TypeError, ValueError
        For what is no image of one plane.
    """
    return nonfinite(checked_image(image))


def from_saturation(image: ArrayLike, *, low: bool = False, high: bool = True) -> Mask:
    """The pixels that are as dark or as bright as can be, in all of their colours.

    Integers saturate at the ends of their dtype. Floats have no such ends: the
    image's own extremes count, where at least 20 pixels share one exactly.
    bool has no values between its ends and never saturates.

    Parameters
    ----------
    image : (H, W), (H, W, 3) or (H, W, 4) bool, integer or float
        The fourth channel is alpha, and not looked at.
    low, high : bool
        Which ends to take.

    Raises
    ------
    TypeError, ValueError
        For what is no image of one plane.
    """
    values = colours(checked_image(image))
    saturated = np.zeros(values.shape[:2], dtype=bool)
    if values.dtype.kind == "b":
        return saturated
    for end, wanted in zip(_ends(values), (low, high), strict=True):
        at_end = (values == end).all(axis=2)
        if wanted and (values.dtype.kind != "f" or np.count_nonzero(at_end) >= FEWEST_SATURATED_PX):
            saturated |= at_end
    return saturated


def inverted(mask: ArrayLike) -> Mask:
    """The mask with damaged and known exchanged; any form of mask that ``holes.read_mask`` reads."""
    array = np.asarray(mask)
    return ~read_mask(array, array.shape)


def about(mask: Mask) -> MaskFacts:
    """What a mask asks of a model.

    Parameters
    ----------
    mask : (H, W) bool, True where the image is damaged
    """
    return MaskFacts(
        pixels=int(np.count_nonzero(mask)),
        share=float(mask.mean()),
        deepest_px=_deepest(mask),
    )


def _ends(values: NDArray[Any]) -> tuple[Any, Any]:
    """The lowest and the highest value that pixels can have, or that finite ones do have."""
    if values.dtype.kind != "f":
        limits = np.iinfo(values.dtype)
        return limits.min, limits.max
    finite = values[np.isfinite(values)]
    return (finite.min(), finite.max()) if finite.size else (np.nan, np.nan)


def _deepest(mask: Mask) -> float:
    """The greatest distance to a known pixel, hole by hole: the nearest one touches the hole's own box."""
    if mask.all():
        return math.inf
    # Scattered pixels are many: no transform for a hole whose every pixel touches a known one.
    inner = ndimage.binary_erosion(mask, _EIGHT_NEIGHBOURS, border_value=1)
    if not inner.any():
        only_at_corners = ndimage.binary_erosion(mask, border_value=1)
        return math.sqrt(2) if only_at_corners.any() else float(mask.any())
    labels = ndimage.label(mask)[0]
    boxes = ndimage.find_objects(labels)
    return max(_depth(mask, labels, label, boxes[label - 1]) for label in np.unique(labels[inner]).tolist())


def _depth(mask: Mask, labels: NDArray[np.integer], label: int, box: tuple[slice, ...]) -> float:
    """The same of one hole."""
    seen = tuple(slice(max(0, side.start - 1), side.stop + 1) for side in box)
    distance = ndimage.distance_transform_edt(mask[seen])
    return float(distance[labels[seen] == label].max())
