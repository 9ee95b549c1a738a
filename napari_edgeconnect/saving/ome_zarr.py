"""File > Save as OME-Zarr: an image layer of any size, with what is known about its invented pixels.

napari's own writers hold a layer's pixels in memory, and none of them writes
levels.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.lazy_array import Block, LazyArray
from ..plugin.layers import EVERY_SLICE, KEY


def write_image(path: str, data: Any, attributes: dict[str, Any]) -> list[str]:
    """Write one image layer as OME-Zarr 0.5, level by level and chunk by chunk.

    Parameters
    ----------
    path : str
        Of a folder that does not exist yet.
    data : array-like, or several for a multiscale layer
    attributes : dict
        The layer's, as ``Layer.as_layer_data_tuple`` gives them.

    Returns
    -------
    list of str
        The path.

    Raises
    ------
    ValueError
        For a layer that is rotated or sheared, which the format can't say; for axes that it can't have; and where
        something of that name exists.
    """
    from ..files.ome_zarr import OmeImage, check_names, write_ome_zarr

    _check_upright(attributes)
    levels = list(data) if attributes.get("multiscale") else [data]
    is_colour, name = bool(attributes.get("rgb")), str(attributes.get("name", ""))
    ndim = len(levels[0].shape) - is_colour
    axes = _names(attributes.get("axis_labels"), ndim)
    check_names([*(["c"] if is_colour else []), *axes])
    scale, translate = (_numbers(attributes.get(key), ndim, default) for key, default in _PLACES)
    units = [_unit(unit) for unit in attributes.get("units") or [None] * ndim]
    if is_colour:  # channels come before space
        levels = [_ColoursFirst(level) for level in levels]
        axes, scale, translate, units = ["c", *axes], [1.0, *scale], [0.0, *translate], [None, *units]
    own = attributes.get("metadata", {}).get(KEY, {})
    records = [details["record"] for details in _details(own) if "record" in details]
    write_ome_zarr(
        Path(path),
        OmeImage(
            levels,
            axes,
            units,
            scale,
            translate,
            name=name,
            attributes={KEY: {"records": records}} if records else {},
            altered=_altered(own, levels[0].shape, is_colour),
        ),
    )
    return [path]


_PLACES = (("scale", 1.0), ("translate", 0.0))


class _ColoursFirst(LazyArray):
    """An RGB array with its colours as the first axis."""

    def __init__(self, array: Any) -> None:
        super().__init__((array.shape[-1], *array.shape[:-1]), array.dtype)
        self._array = array

    def _read(self, block: Block) -> NDArray[Any]:
        return np.array(np.moveaxis(np.asarray(self._array[(*block[1:], block[0])]), -1, 0))


def _check_upright(attributes: Mapping[str, Any]) -> None:
    rotate, shear, affine = (attributes.get(name) for name in ("rotate", "shear", "affine"))
    turned = rotate is not None and np.ndim(rotate) == 2 and not np.allclose(rotate, np.eye(len(rotate)))
    sheared = shear is not None and not np.allclose(shear, np.eye(len(shear)) if np.ndim(shear) == 2 else 0)
    moved = affine is not None and not np.allclose(affine, np.eye(len(np.asarray(affine))))
    if turned or sheared or moved:
        raise ValueError(
            "The layer is rotated, sheared or moved by an affine transform, which OME-Zarr 0.5 can't say: "
            "save it with scale and translation alone."
        )


def _names(labels: Sequence[str] | None, ndim: int) -> list[str]:
    """The axes' names: the layer's own; "y" and "x" for the last two that have none; others by number."""
    standing_in = [*(f"axis{axis}" for axis in range(ndim - 2)), "y", "x"]
    given = [str(label) for label in labels or [f"-{ndim - axis}" for axis in range(ndim)]]
    return [other if own.startswith("-") else own for own, other in zip(given, standing_in, strict=True)]


def _numbers(values: Any, ndim: int, default: float) -> list[float]:
    return [float(value) for value in values] if values is not None else [default] * ndim


def _unit(unit: Any) -> str | None:
    name = str(unit) if unit is not None else ""
    return None if name in ("", "pixel", "dimensionless") else name


def _details(own: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """What is known about each repaired plane or part of a layer of ours."""
    return list(own["records"].values()) if own.get("of", {}).get("index") == EVERY_SLICE else [own]


def _altered(own: Mapping[str, Any], shape: tuple[int, ...], is_colour: bool) -> Iterator[tuple[Block, NDArray[Any]]]:
    """Which pixels of a layer of ours were invented, plane by plane."""
    if not own:
        return
    axes, whole = own["of"]["axes"], own["of"]["index"] == EVERY_SLICE
    places = list(own["records"].items()) if whole else [(own["of"]["index"], own)]
    for place, details in places:
        if "altered" not in details:
            continue
        index, box = place if whole and place and isinstance(place[0], tuple) else (place, None)
        rows, columns = box.slices if box else (slice(0, s) for s in details["altered"].shape)
        inside = {axes[0]: rows, axes[1]: columns}
        block = [
            inside.get(axis) or slice(at, at + 1) if whole else inside.get(axis, slice(0, 1))
            for axis, at in enumerate(index)
        ]
        across = tuple(axis for axis in range(len(index)) if axis not in axes)
        altered = np.expand_dims(details["altered"], across)
        if is_colour:
            block, altered = [slice(0, shape[0]), *block], np.broadcast_to(altered, (shape[0], *altered.shape))
        yield tuple(block), altered
