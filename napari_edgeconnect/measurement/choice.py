"""What the objects of a measurement are: a segmentation, and the same in words, for its record.

Apart from ``segmentation``, which knows arrays alone: the command and the widget choose here, so that the same choice
has the same words.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .segmentation import Segmentation, above, above_otsu, by_name, given


class Chosen(NamedTuple):
    """A segmentation, and in words what it takes for objects."""

    segmentation: Segmentation
    said: str


def brighter_than(threshold: float) -> Chosen:
    """What is brighter than a threshold, in the image's units."""
    return Chosen(above(threshold), f"what is connected and brighter than {threshold:g}")


def brighter_than_otsu(image: NDArray[Any], hole: NDArray[np.bool_]) -> Chosen:
    """What is brighter than Otsu's threshold of the known pixels; errors as for ``segmentation.above_otsu``."""
    objects, threshold = above_otsu(image, hole)
    return Chosen(objects, f"what is connected and brighter than {threshold:g}, Otsu's threshold of the known pixels")


def labelled(labels: ArrayLike, name: str) -> Chosen:
    """Given labels; ``name`` says whose."""
    return Chosen(given(labels), f"the labels of {name}, the same whatever the fill")


def by_function(name: str) -> Chosen:
    """A user's function; errors as for ``segmentation.by_name``."""
    return Chosen(by_name(name), f"by {name}")
