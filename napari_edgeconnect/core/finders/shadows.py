"""Shadows of dust: at one place in all frames of a stack, whatever these show."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage

from .contrast import Floats, Mask, between

#: Fewer frames can't tell what stays from what moves.
FEWEST_FRAMES = 5
#: Mean correlation of frames from which on the specimen itself stays where it is.
_STANDS_STILL = 0.9
#: Shadows are smaller than the lighting's own gradients.
_LIGHTING_PX = 24.0
_SMOOTH_PX = 1.5
_SMALLEST_PX = 12
#: In this reach a frame's structures say how little it tells of a shadow.
_AROUND_PX = 8.0
#: Of a logarithm: noise that is always there.
_LEAST_DETAIL = 0.01


def dust_shadows(stack: ArrayLike, sensitivity: float = 0.5) -> Mask:
    """What darkens or brightens the same place in every frame.

    Dust on a window or the camera takes the same share of the light from all
    frames. Each frame's logarithm is freed of its lighting (a Gaussian of 24
    px); the mean over the frames, in which those count most that show least
    around a place, is what stays, and their deviation says how sure that is.

    Parameters
    ----------
    stack : (N, H, W) integer or float
        At least 5 frames of a specimen that moves. Pixels that are not finite count in no frame.
    sensitivity : float in [0, 1]
        The share of the light that is missing from 20 % (at 0) over 6 % to 2 % (at 1), and how sure, from 8 over 5
        to 3 deviations.

    Returns
    -------
    mask : (H, W) bool

    Raises
    ------
    ValueError
        For another shape or fewer frames, and where the frames are too alike to tell dust from specimen.
    """
    share, sure = between(0.2, 0.02, sensitivity), between(8, 3, sensitivity)
    detail = np.stack([_detail(frame) for frame in _frames(stack)])
    _refuse_if_still(detail)
    # Where a frame shows little, its shadows are seen best.
    variance = np.stack([ndimage.gaussian_filter(frame**2, _AROUND_PX, mode="nearest") for frame in detail])
    weight = 1 / (variance + _LEAST_DETAIL**2)
    total = weight.sum(axis=0)
    stays = (weight * detail).sum(axis=0) / total
    scatter = (weight * (detail - stays) ** 2).sum(axis=0) / (len(detail) - 1)  # 1 where the variances are right
    doubt = np.sqrt(np.maximum(1, scatter) / total)
    found = np.abs(stays) > np.maximum(-np.log1p(-share), sure * doubt)
    found = ndimage.binary_opening(found, np.ones((2, 2), dtype=bool))
    labels, _ = ndimage.label(ndimage.binary_fill_holes(found))
    large = np.bincount(labels.ravel()) >= _SMALLEST_PX
    large[0] = False
    return np.asarray(large[labels])


def _frames(stack: ArrayLike) -> Floats:
    array: NDArray[np.generic] = np.asarray(stack)
    if array.ndim != 3 or array.dtype.kind not in "uif" or len(array) < FEWEST_FRAMES or 0 in array.shape:
        raise ValueError(
            f"The stack has shape {array.shape} and dtype {array.dtype}: give at least {FEWEST_FRAMES} gray frames, "
            f"(N, H, W), of integers or floats."
        )
    return array.astype(np.float64)


def _detail(frame: Floats) -> Floats:
    """The logarithm of a frame without its lighting: -0.1 is a tenth darker than around."""
    finite = np.isfinite(frame)
    if not finite.any():
        return np.zeros(frame.shape)
    frame = np.where(finite, frame, np.median(frame[finite]))
    # Dark counts say little: a tenth of the mean above the darkest is where shadows begin to be seen.
    low = min(0.0, float(frame.min()))
    offset = 0.1 * float(frame.mean() - low) or 1.0
    logarithm = ndimage.gaussian_filter(np.log(frame - low + offset), _SMOOTH_PX, mode="nearest")
    return np.asarray(logarithm - ndimage.gaussian_filter(logarithm, _LIGHTING_PX, mode="nearest"))


def _refuse_if_still(detail: Floats) -> None:
    flat = detail.reshape(len(detail), -1)
    flat = flat - flat.mean(axis=1, keepdims=True)
    lengths = np.linalg.norm(flat, axis=1)
    if not lengths.all():
        return
    flat = flat / lengths[:, None]
    likeness = (np.square(flat.sum(axis=0)).sum() - len(flat)) / (len(flat) * (len(flat) - 1))
    if likeness > _STANDS_STILL:
        raise ValueError(
            f"The frames are alike (mean correlation {likeness:.2f}): what stays in place can't be told from the "
            f"specimen. Take frames in which it moves."
        )
