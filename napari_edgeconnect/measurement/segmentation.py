"""From an image to its objects: Otsu's threshold, another one, given labels, or a user's own function."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from skimage.filters import threshold_otsu
from skimage.measure import label

from ..core.metrics import luma
from ..core.planes import colours

#: Takes an image as it was repaired, gives (H, W) labels (0: background) or a (H, W) bool mask of objects.
Segmentation = Callable[[NDArray[Any]], ArrayLike]


def gray_of(image: NDArray[Any]) -> NDArray[np.float64]:
    """(H, W) float64 in the image's own units: what is thresholded and measured."""
    return luma(image if image.ndim == 2 else colours(image))


def above(threshold: float) -> Segmentation:
    """Objects are what is connected (at corners, too) and brighter than a threshold, in the image's units."""

    def segmentation(image: NDArray[Any]) -> NDArray[Any]:
        return np.asarray(label(gray_of(image) > threshold))

    return segmentation


def above_otsu(image: NDArray[Any], hole: NDArray[np.bool_]) -> tuple[Segmentation, float]:
    """The same by Otsu's threshold, which the known pixels alone decide: what was invented has no say in it.

    Returns
    -------
    segmentation : Segmentation
    threshold : float

    Raises
    ------
    ValueError
        Where nothing is known, or all that is known is of one value.
    """
    known = gray_of(image)[~hole]
    if not known.size or known.min() == known.max():
        raise ValueError("The known pixels have one value: Otsu's threshold parts nothing; give a threshold or labels.")
    threshold = float(threshold_otsu(known))
    return above(threshold), threshold


def given(labels: ArrayLike) -> Segmentation:
    """The same objects whatever the fill: only their intensities can change."""
    fixed = np.asarray(labels)
    return lambda image: fixed


def by_name(name: str) -> Segmentation:
    """A user's function, by ``module:function``; modules in the working folder are found, too.

    Raises
    ------
    ValueError
        Where there is no such function, or its module can't be imported.
    """
    module_name, _, function_name = name.partition(":")
    if not (module_name and function_name):
        raise ValueError(f"The segmentation is {name!r}: give module:function, such as my_analysis:nuclei.")
    here = str(Path.cwd())
    sys.path.insert(0, here)
    try:
        module = import_module(module_name)
    except ImportError as error:
        raise ValueError(f"The module {module_name!r} of the segmentation can't be imported: {error}.") from error
    finally:
        sys.path.remove(here)
    function = getattr(module, function_name, None)
    if not callable(function):
        raise ValueError(f"The module {module_name!r} has no function {function_name!r}.")
    return function


def labels_of(segmentation: Segmentation, image: NDArray[Any]) -> NDArray[np.int64]:
    """What a segmentation finds in an image, as labels.

    Raises
    ------
    ValueError
        For what are no labels of the image's size.
    """
    found = np.asarray(segmentation(image))
    if found.shape != image.shape[:2] or found.dtype.kind not in "bui":
        raise ValueError(
            f"The segmentation gave {found.dtype} of shape {found.shape}: whole numbers or bool of shape "
            f"{image.shape[:2]} are wanted."
        )
    if found.dtype.kind == "b":
        return np.asarray(label(found), dtype=np.int64)
    if found.size and found.min() < 0:
        raise ValueError("The segmentation gave negative labels: 0 is background, objects have numbers from 1.")
    return found.astype(np.int64)
