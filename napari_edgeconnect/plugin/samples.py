"""Damaged pictures to try the plugin on: images that come with scikit-image, damage drawn by code.

Neither napari nor Qt is needed to make them. The damage is burnt into the
picture, and the mask covers it as a careful hand would.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage import data

Mask = NDArray[np.bool_]
Corner = tuple[float, float]


@dataclass(frozen=True)
class Sample:
    """A damaged picture.

    Attributes
    ----------
    display_name : str
    source : str
        Where the picture comes from and under which terms.
    make : callable
        Returns the damaged image and its mask, (H, W) bool.
    scale : float
        Size of a pixel in ``unit``.
    unit : str
    """

    display_name: str
    source: str
    make: Callable[[], tuple[NDArray[Any], Mask]]
    scale: float = 1.0
    unit: str = "pixel"


def sample_arrays(key: str) -> tuple[NDArray[Any], Mask]:
    """The damaged image and its mask, always the same ones.

    Parameters
    ----------
    key : str
        One of ``SAMPLES``.

    Returns
    -------
    image : (H, W) or (H, W, 3) uint8, at most 512 px on a side
    mask : (H, W) bool, True inside the hole
    """
    return SAMPLES[key].make()


def sample_layers(key: str) -> list[tuple[Any, dict[str, Any], str]]:
    """The image and its mask as layers for napari."""
    from .layers import MASK_OPACITY, mask_colormap

    sample = SAMPLES[key]
    image, mask = sample_arrays(key)
    place = {"scale": [sample.scale] * 2, "units": [sample.unit] * 2}
    metadata = {"source": sample.source}
    labels = {"name": f"{key} [damage]", "opacity": MASK_OPACITY, "colormap": mask_colormap(), "metadata": metadata}
    return [
        (image, {"name": key, "rgb": image.ndim == 3, "metadata": metadata, **place}, "image"),
        (mask.astype(np.uint8), labels | place, "labels"),
    ]


def photograph() -> list[tuple[Any, dict[str, Any], str]]:
    """Layers of the scratched photograph."""
    return sample_layers("photograph")


def cell() -> list[tuple[Any, dict[str, Any], str]]:
    """Layers of the cell under dust and a scratch."""
    return sample_layers("cell")


def histology() -> list[tuple[Any, dict[str, Any], str]]:
    """Layers of the scratched histology slide."""
    return sample_layers("histology")


def retina() -> list[tuple[Any, dict[str, Any], str]]:
    """Layers of the scratched retina."""
    return sample_layers("retina")


def deep_field() -> list[tuple[Any, dict[str, Any], str]]:
    """Layers of the deep field with a satellite trail."""
    return sample_layers("deep_field")


def _photograph() -> tuple[NDArray[Any], Mask]:
    image = data.astronaut()
    shape = image.shape[:2]
    creases = _scratch(shape, [(0, 118), (210, 168), (511, 60)], width=5, seed=1)
    creases |= _scratch(shape, [(330, 0), (296, 250), (352, 511)], width=4, seed=2)
    specks = _specks(shape, count=24, radii=(2, 5), seed=3)
    return _burnt(image, creases | specks, value=245)


def _cell() -> tuple[NDArray[Any], Mask]:
    image = data.cell()[212:532, 222:542]
    shape = image.shape
    scratch = _scratch(shape, [(20, 108), (150, 196), (319, 226)], width=6, seed=4)
    dust = _specks(shape, count=9, radii=(3, 8), seed=5) | _disc(shape, (112, 246), 11)
    damaged, first = _burnt(image, scratch, value=250)
    damaged, second = _burnt(damaged, dust, value=12)
    return damaged, first | second


def _retina() -> tuple[NDArray[Any], Mask]:
    image = data.retina()[470:870, 130:530]
    shape = image.shape[:2]
    scratch = _scratch(shape, [(0, 300), (180, 250), (399, 330)], width=7, seed=6)
    scratch |= _scratch(shape, [(290, 0), (236, 220), (262, 399)], width=4, seed=7)
    damaged, first = _burnt(image, scratch, value=235)
    damaged, second = _burnt(damaged, _specks(shape, count=10, radii=(3, 7), seed=8), value=20)
    return damaged, first | second


def _histology() -> tuple[NDArray[Any], Mask]:
    image = data.immunohistochemistry()[40:440, 60:460]
    shape = image.shape[:2]
    scratch = _scratch(shape, [(0, 96), (170, 168), (399, 110)], width=6, seed=12)
    scratch |= _scratch(shape, [(120, 399), (226, 250), (330, 210)], width=4, seed=13)
    damaged, first = _burnt(image, scratch, value=250)
    dust = _specks(shape, count=12, radii=(4, 9), seed=14)
    damaged, second = _burnt(damaged, dust, value=25)
    return damaged, first | second


def _deep_field() -> tuple[NDArray[Any], Mask]:
    image = data.hubble_deep_field()[80:480, 320:720]
    shape = image.shape[:2]
    trail = _scratch(shape, [(330, 0), (60, 399)], width=5, seed=9, waviness=0)
    rng = np.random.default_rng(10)
    hits = np.zeros(shape, dtype=bool)
    for start, length, angle in zip(
        rng.uniform(20, 380, (14, 2)), rng.uniform(6, 26, 14), rng.uniform(0, np.pi, 14), strict=True
    ):
        end = start + length * np.array([np.sin(angle), np.cos(angle)])
        hits |= _scratch(shape, [tuple(start), tuple(end)], width=2, seed=11, waviness=0)
    return _burnt(image, trail | hits, value=250)


SAMPLES: dict[str, Sample] = {
    "photograph": Sample(
        "Scratched photograph",
        "Eileen Collins, NASA Great Images database, public domain; skimage.data.astronaut",
        _photograph,
    ),
    "cell": Sample(
        "Cell under dust and a scratch",
        "Quantitative phase image of a cell, Müller et al. 2018, doi:10.1364/OE.26.010729, CC0; skimage.data.cell",
        _cell,
        scale=0.107,
        unit="micrometer",
    ),
    "histology": Sample(
        "Scratched histology slide",
        "Colonic glands, CMMI, no known copyright restrictions; skimage.data.immunohistochemistry",
        _histology,
    ),
    "retina": Sample(
        "Retina with scratched vessels",
        "Fundus photograph, Häggström 2014, doi:10.15347/wjm/2014.008, CC0; skimage.data.retina",
        _retina,
    ),
    "deep_field": Sample(
        "Deep field with a satellite trail",
        "Hubble eXtreme Deep Field, NASA/ESA, public domain; skimage.data.hubble_deep_field",
        _deep_field,
    ),
}


def _burnt(image: NDArray[Any], damage: Mask, *, value: float) -> tuple[NDArray[Any], Mask]:
    """Paint damage into an image with soft rims, and the mask that covers all of it."""
    weight = ndimage.gaussian_filter(damage.astype(float), 0.7)
    weight = weight[..., None] if image.ndim == 3 else weight
    damaged = np.rint(image + weight * (value - image.astype(float))).astype(image.dtype)
    return damaged, ndimage.binary_dilation(damage, iterations=2)


def _scratch(
    shape: tuple[int, int], corners: Sequence[Corner], *, width: float, seed: int, waviness: float = 2.0
) -> Mask:
    """A line through ``corners``, of uneven width and not quite straight."""
    rng = np.random.default_rng(seed)
    steps = int(np.hypot(*np.diff(corners, axis=0).T).sum())
    at = np.linspace(0, len(corners) - 1, steps)
    path = np.stack([np.interp(at, range(len(corners)), axis) for axis in np.transpose(corners)], axis=1)
    wobble = ndimage.gaussian_filter1d(rng.standard_normal((steps, 3)), 12, axis=0, mode="nearest") * 5
    path += waviness * wobble[:, :2]
    half_widths = width / 2 * np.clip(1 + (waviness > 0) * 0.3 * wobble[:, 2], 0.5, 1.5)
    line = np.zeros(shape, dtype=bool)
    for half_width in np.unique(np.rint(2 * half_widths)) / 2:
        along = np.rint(path[np.rint(2 * half_widths) == 2 * half_width]).astype(int)
        inside = ((along >= 0) & (along < shape)).all(axis=1)
        centre = np.ones(shape, dtype=bool)
        centre[tuple(along[inside].T)] = False
        if inside.any():
            line |= ndimage.distance_transform_edt(centre) <= half_width
    return line


def _specks(shape: tuple[int, int], *, count: int, radii: tuple[float, float], seed: int) -> Mask:
    """Dust: small blots of uneven outline."""
    rng = np.random.default_rng(seed)
    rows, columns = np.indices(shape)
    specks = np.zeros(shape, dtype=bool)
    for _ in range(count):
        row, column = rng.uniform(0, shape)
        angle = np.arctan2(rows - row, columns - column)
        outline = 1 + 0.18 * np.sin(2 * angle + rng.uniform(0, 6)) + 0.08 * np.sin(5 * angle + rng.uniform(0, 6))
        specks |= np.hypot(rows - row, columns - column) <= rng.uniform(*radii) * outline
    return specks


def _disc(shape: tuple[int, int], centre: Corner, radius: float) -> Mask:
    rows, columns = np.indices(shape)
    return np.hypot(rows - centre[0], columns - centre[1]) <= radius
