"""When not to repair: reasons that an image, its mask and a model's training images give before any network has run.

A reason is no error: a person may know better. What can't be repaired at all is refused elsewhere, by an exception.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage

from .familiarity import Familiarity, Nearest, statistics_of
from .holes import Box, grown, read_mask
from .job import Job, gray_of
from .masking import about
from .models import ModelInfo
from .noise_level import white_noise
from .planes import checked_image, colours, nonfinite
from .settings import Settings

if TYPE_CHECKING:
    from .edgeconnect import EdgeConnect

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
        "all-missing", "much-missing", "deep", "little-known", "few-levels", "only-noise", "no-edges" or
        "unfamiliar".
    sentence : str
        For a person.
    """

    name: str
    sentence: str


def reasons_against(
    image: ArrayLike,
    mask: ArrayLike,
    settings: Settings | None = None,
    *,
    model: EdgeConnect | ModelInfo | None = None,
    **changes: Any,
) -> tuple[Reason, ...]:
    """Why a repair of this damage in this image should not be trusted.

    Parameters
    ----------
    image : (H, W), (H, W, 3) or (H, W, 4) bool, integer or float
    mask : (H, W) bool, integer (not 0 = hole) or float (above 0.5 = hole)
    settings : Settings, optional
        As the repair would have them: growth, sigma and windows.
    model : EdgeConnect or ModelInfo, optional
        Which shall repair: with it, "unfamiliar" may be among the reasons, if its folder says what it was trained on.
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
    CheckpointError
        Where the model's ``familiarity.safetensors`` can't be used.

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
        reasons |= _little_known(job) | _no_contrast(job) | _unfamiliar(job, model)
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


def nearest_training_images(
    image: ArrayLike,
    mask: ArrayLike,
    familiarity: Familiarity,
    settings: Settings | None = None,
    **changes: Any,
) -> list[Nearest]:
    """Which training images are most like the known surroundings of each place of damage.

    Parameters
    ----------
    image, mask, settings, **changes
        As for :func:`reasons_against`; something is known, and something is not.
    familiarity : Familiarity
        Of a model: ``model.info.familiarity``.

    Returns
    -------
    list of Nearest
        One for each place that can be judged: of at least 4096 known pixels.
    """
    return _nearest(Job.prepare(image, mask, replace(settings or Settings(), **changes)), familiarity)


def _nearest(job: Job, familiarity: Familiarity) -> list[Nearest]:
    found = []
    for box in _surroundings(job):
        known = ~job.hole[box.slices]
        statistics = statistics_of(job.unit(box), known)
        if statistics is not None:
            found.append(familiarity.nearest(statistics, int(np.count_nonzero(known))))
    return found


def _unfamiliar(job: Job, model: EdgeConnect | ModelInfo | None) -> dict[str, str]:
    info = model if model is None or isinstance(model, ModelInfo) else model.info
    familiarity = None if info is None else info.familiarity
    if info is None or familiarity is None:
        return {}
    found = _nearest(job, familiarity)
    far = [nearest for nearest in found if nearest.is_far]
    if not far:
        return {}
    farthest = max(far, key=lambda nearest: nearest.distance / nearest.limit)
    where = "the damage" if len(found) == 1 else f"{len(far)} of {len(found)} places of damage"
    kind = f" of {farthest.kind}" if farthest.kind else ""
    return {
        "unfamiliar": f"Around {where} the image is unlike the images that {info.name} was trained on: the nearest, "
        f"those{kind}, are at a distance of {farthest.distance:.1f}, where {100 * familiarity.share:g} % of them are "
        f"within {farthest.limit:.1f}."
    }


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
