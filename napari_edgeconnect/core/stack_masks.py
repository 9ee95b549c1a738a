"""Damage of stacks: from the slices that a person has painted to those in between, or to all.

Apart from ``masking``, which knows one plane. Masks are (N, H, W) bool, True
where the image is damaged, the first axis being the one along which the damage
is spread.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

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
            share = (at - first) / (last - first)
            filled[at] = (1 - share) * before + share * after > 0
    return filled


def _signed_distance(mask: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Distance to the outline in pixels, positive inside; halves, so that it lies between pixels."""
    inside, outside = ndimage.distance_transform_edt(mask), ndimage.distance_transform_edt(~mask)
    return np.where(mask, inside - 0.5, 0.5 - outside)
