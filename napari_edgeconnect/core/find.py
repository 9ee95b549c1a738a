"""What can be looked for, by name: one list for the Find menu, the command line and Python.

Each entry is one function of ``core.finders`` or ``core.masking`` with its title and what it takes for damage.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import masking
from .finders.contrast import checked_sensitivity
from .finders.lines import dead_columns, dead_rows
from .finders.marks import burnt_in_marks
from .finders.pixels import hot_pixels
from .finders.scratches import scratches
from .finders.shadows import dust_shadows
from .finders.spots import bright_spots, dark_spots
from .planes import checked_image

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Finder:
    """One kind of damage.

    Attributes
    ----------
    name : str
        For the command line and records.
    title : str
        For a menu: "Find …".
    explanation : str
        What is taken for damage, in a sentence or two.
    find : callable
        ``find(image, sensitivity)``: (H, W), (H, W, 3) or (H, W, 4), or (N, H, W) where ``of_stack``, to (H, W) bool.
    graded : bool
        Whether the sensitivity makes a difference.
    of_stack : bool
        Whether all frames of a stack are looked at together.
    """

    name: str
    title: str
    explanation: str
    find: Callable[[Any, float], Mask]
    graded: bool = True
    of_stack: bool = False


def _exact(find: Callable[[ArrayLike], Mask]) -> Callable[[Any, float], Mask]:
    """A finder that needs no sensitivity, behind the call of those that do."""

    def found(image: ArrayLike, sensitivity: float) -> Mask:
        checked_sensitivity(sensitivity)
        return find(image)

    return found


_ALL = (
    Finder(
        "not-finite",
        "pixels that are not finite",
        "NaN and infinite pixels are repaired in any case; this shows which they are.",
        _exact(masking.from_nan),
        graded=False,
    ),
    Finder(
        "saturated",
        "saturated pixels",
        "As bright as the image's type can be; of floats, the brightest value if at least 20 pixels share it.",
        _exact(masking.from_saturation),
        graded=False,
    ),
    Finder(
        "dead",
        "dead pixels",
        "As dark as the image's type can be; of floats, the darkest value if at least 20 pixels share it.",
        _exact(lambda image: masking.from_saturation(image, low=True, high=False)),
        graded=False,
    ),
    Finder(
        "hot-pixels",
        "hot and cold pixels",
        "Single pixels, or two side by side, far brighter or darker than their neighbours.",
        hot_pixels,
    ),
    Finder("dead-rows", "dead rows", "Rows that are brighter or darker than those around them all along.", dead_rows),
    Finder("dead-columns", "dead columns", "The same for columns.", dead_columns),
    Finder(
        "scratches",
        "scratches and hairs",
        "Thin, long, nearly straight lines that stand out of the image's own structures.",
        scratches,
    ),
    Finder(
        "dark-spots",
        "dark spots",
        "Round, dark, sharp spots of 2 to 12 px radius, such as gold beads in electron microscopy.",
        dark_spots,
    ),
    Finder(
        "bright-spots",
        "bright spots",
        "Round, bright, sharp spots of 2 to 12 px radius. Stars and stained spots are such spots, too.",
        bright_spots,
    ),
    Finder(
        "marks",
        "scale bars and text",
        "Bars and letters that a program drew: one value, sharp borders.",
        burnt_in_marks,
    ),
    Finder(
        "dust-shadows",
        "dust shadows",
        "What darkens or brightens the same place in all frames of a stack whose specimen moves.",
        dust_shadows,
        of_stack=True,
    ),
)
#: By name, in the menu's order.
FINDERS = {finder.name: finder for finder in _ALL}


def find_damage(image: ArrayLike, what: str | Sequence[str], sensitivity: float = 0.5) -> Mask:
    """Find damage of one or several kinds.

    Parameters
    ----------
    image : (H, W), (H, W, 3) or (H, W, 4) bool, integer or float; or a stack (N, H, W)
        Of a stack every finder but those ``of_stack`` looks at each frame, and what is found in any is found. (H, W,
        3) and (H, W, 4) are colours unless "dust-shadows" alone is asked for.
    what : str or sequence of str
        Names from ``FINDERS``.
    sensitivity : float in [0, 1]
        0: only what is beyond doubt; 1: whatever might be.

    Returns
    -------
    mask : (H, W) bool, True where the image is damaged

    Raises
    ------
    TypeError, ValueError
        For an unknown name, for dust shadows of one frame, and for what is no image.

    Examples
    --------
    >>> from skimage import data
    >>> image = data.camera()[:64, :64].copy()
    >>> image[10, 20] = 255
    >>> np.argwhere(find_damage(image, "hot-pixels")).tolist()
    [[10, 20]]
    """
    names = [what] if isinstance(what, str) else list(what)
    unknown = [name for name in names if name not in FINDERS]
    if unknown or not names:
        said = f"There is no finder {unknown[0]!r}" if unknown else "Nothing to look for was named"
        raise ValueError(f"{said}: known are {', '.join(FINDERS)}.")
    array = np.asarray(image)
    masks = [_found(array, FINDERS[name], sensitivity) for name in names]
    return np.logical_or.reduce(masks)


def _found(array: NDArray[Any], finder: Finder, sensitivity: float) -> Mask:
    if finder.of_stack:
        return finder.find(array, sensitivity)
    if array.ndim == 3 and array.shape[2] not in (3, 4) and array.size:
        return np.logical_or.reduce([finder.find(frame, sensitivity) for frame in array])
    return finder.find(checked_image(array), sensitivity)
