"""When not to repair: reasons that an image and its mask give before any network has run.

A reason is no error: a person may know better. What can't be repaired at all is refused elsewhere, by an exception.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage

from .holes import Box, grown, read_mask
from .job import Job, gray_of
from .masking import about
from .noise_level import white_noise
from .planes import checked_image, colours, nonfinite
from .settings import Settings

#: Fewer known pixels around a hole, a square of 32 px, are no surroundings.
FEWEST_KNOWN_PX = 1024
#: So few gray values are no picture, however they are stretched.
FEWEST_LEVELS = 8
_SMOOTH_PX = 2.0
#: White noise of deviation 1 that is smoothed so has 0.14; below twice that there is nothing but noise.
_LEAST_SIGNAL = 0.28


@dataclass(frozen=True)
class Reason:
    """One reason not to trust a repair.

    Attributes
    ----------
    name : str
        "all-missing", "much-missing", "deep", "little-known", "few-levels", "only-noise" or "no-edges".
    sentence : str
        For a person.
    """

    name: str
    sentence: str


def reasons_against(
    image: ArrayLike, mask: ArrayLike, settings: Settings | None = None, **changes: Any
) -> tuple[Reason, ...]:
    """Why a repair of this damage in this image should not be trusted.

    Parameters
    ----------
    image : (H, W), (H, W, 3) or (H, W, 4) bool, integer or float
    mask : (H, W) bool, integer (not 0 = hole) or float (above 0.5 = hole)
    settings : Settings, optional
        As the repair would have them: growth, sigma and windows.
    **changes
        Any field of :class:`Settings` by its name.

    Returns
    -------
    tuple of Reason
        Empty where nothing speaks against it, and for an empty mask.

    Raises
    ------
    TypeError, ValueError
        For what is no image, or no mask of its size.

    Examples
    --------
    >>> mask = np.zeros((64, 64), dtype=bool)
    >>> mask[:, :40] = True
    >>> flat = np.full(mask.shape, 7, dtype=np.uint8)
    >>> [reason.name for reason in reasons_against(flat, mask)]
    ['much-missing', 'few-levels']
    """
    settings = replace(settings or Settings(), **changes)
    array = checked_image(image)
    hole = grown(read_mask(mask, array.shape[:2]), settings.grow_px) | nonfinite(array)
    if not hole.any():
        return ()
    reasons = dict(about(hole).reasons)
    if not hole.all():
        job = Job.prepare(array, hole, replace(settings, grow_px=0.0))
        reasons |= _little_known(job) | _no_contrast(job)
    return tuple(Reason(name, sentence) for name, sentence in reasons.items())


def _little_known(job: Job) -> dict[str, str]:
    known = min(int(np.count_nonzero(~job.hole[box.slices])) for box in _surroundings(job))
    if known >= FEWEST_KNOWN_PX:
        return {}
    return {"little-known": f"Only {known} known pixels lie around a hole: too few to say what belongs into it."}


def _no_contrast(job: Job) -> dict[str, str]:
    """At most one reason: each is a stronger form of the next."""
    if job.image.dtype.kind in "ui":
        levels = len(np.unique(colours(job.image)[~job.hole]))
        if levels < FEWEST_LEVELS:
            values = f"{levels} different gray value{'' if levels == 1 else 's'}"
            return {"few-levels": f"The known pixels have {values}: there is no contrast to repair from."}
    boxes = _surroundings(job)
    flat = sum(_is_noise(gray_of(job.unit(box)), job.hole[box.slices]) for box in boxes)
    where = "the damage" if len(boxes) == 1 else f"{flat} of {len(boxes)} places of damage"
    if flat:
        return {"only-noise": f"Around {where} the image shows nothing above its noise: any structure is invented."}
    if job.settings.sigma is not None:
        edgeless = sum(not job.measured(box).any() for box in boxes)
        where = "the damage" if len(boxes) == 1 else f"{edgeless} of {len(boxes)} places of damage"
        if edgeless:
            return {
                "no-edges": f"Around {where} no edge is known: there is nothing that EdgeConnect could go on with, "
                f"and a classical method does as well."
            }
    return {}


def _surroundings(job: Job) -> list[Box]:
    """What is seen of each window's holes; a large hole that is cut into tiles counts once."""
    return list(dict.fromkeys(window.region or window.box for window in job.plan.windows))


def _is_noise(gray: NDArray[np.float64], hole: NDArray[np.bool_]) -> bool:
    """Whether smoothing leaves no more of the known pixels than it leaves of white noise."""
    known = ~hole
    noise = white_noise(gray, known)
    if noise is None:
        return False
    # Normalised, so that the hole weighs nothing.
    weight = ndimage.gaussian_filter(known.astype(np.float64), _SMOOTH_PX)
    smooth = ndimage.gaussian_filter(np.where(known, gray, 0), _SMOOTH_PX) / np.maximum(weight, 1e-9)
    return bool(smooth[known].std() <= _LEAST_SIGNAL * noise)
