"""The label image of an OME-Zarr image: which pixels were invented, at every resolution; and how levels are shrunk.

Apart from ``zarr_stack``, which copies stores. NGFF's label images are what viewers show over an image: a group
``labels/reconstructed`` of integers, with the axes and the levels of the image, but one for all its channels.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .stack_file import Index

if TYPE_CHECKING:
    import zarr

NAME = "reconstructed"
_RGBA = [230, 159, 0, 160]


def can_hold_labels(node: Any) -> bool:
    """True for the group of an OME-Zarr image whose axes are named with their types, as since version 0.4."""
    attributes = node.attrs.asdict()
    images = attributes.get("ome", attributes).get("multiscales") or [{}]
    axes = images[0].get("axes") or ()
    return hasattr(node, "create_group") and bool(axes) and all(isinstance(axis, Mapping) for axis in axes)


def _is_shared(axis: Mapping[str, Any]) -> bool:
    """True for channels and colours: a label image holds for all of them together."""
    return axis.get("type") == "channel" or str(axis.get("name")).upper() in ("C", "S")


def write_labels(image: Any, altered: Iterable[tuple[Index, NDArray[np.bool_]]]) -> None:
    """Add altered pixels to an image's label image, which is made where there is none.

    Parameters
    ----------
    image : zarr group
        Open for writing.
    altered : iterable of index and (h, w) bool
        Into the image's array of full size.
    """
    attributes = image.attrs.asdict()
    multiscale = attributes.get("ome", attributes)["multiscales"][0]
    kept = [n for n, axis in enumerate(multiscale["axes"]) if not _is_shared(axis)]
    levels = _levels(image, multiscale, kept, in_ome="ome" in attributes)
    full, *smaller = levels
    for index, where in altered:
        ours = tuple(index[n] for n in kept)
        full[ours] = np.maximum(full[ours], where)
        ranges = [
            key.indices(size)[:2] if isinstance(key, slice) else (int(key), int(key) + 1)
            for key, size in zip(ours, full.shape, strict=True)
        ]
        for level in smaller:
            shrink_into(level, full, ranges, largest=True)


def _levels(image: Any, multiscale: Mapping[str, Any], kept: list[int], *, in_ome: bool) -> list[zarr.Array[Any]]:
    labels = image.require_group("labels")
    said = labels.attrs.asdict()
    known = (said.get("ome", {}) if in_ome else said).get("labels", [])
    named = {"labels": [*known, *([] if NAME in known else [NAME])]}
    labels.attrs.update({"ome": {**said.get("ome", {}), "version": _version(image), **named}} if in_ome else named)
    paths = [dataset["path"] for dataset in multiscale["datasets"]]
    if NAME in labels:
        return [labels[NAME][path] for path in paths]
    group = labels.create_group(NAME)
    ours = _of_axes(multiscale, kept)
    look: dict[str, Any] = {"colors": [{"label-value": 1, "rgba": _RGBA}], "source": {"image": "../../"}}
    if in_ome:
        group.attrs["ome"] = {"version": _version(image), "multiscales": [ours], "image-label": look}
    else:
        group.attrs.update({"multiscales": [ours], "image-label": {"version": ours.get("version", "0.4"), **look}})
    return [_like(group, path, image[path], [axis["name"] for axis in ours["axes"]], kept) for path in paths]


def _version(image: Any) -> str:
    return str(image.attrs["ome"].get("version", "0.5"))


def _of_axes(multiscale: Mapping[str, Any], kept: list[int]) -> dict[str, Any]:
    """A multiscale's metadata with some of its axes."""

    def fewer(transformations: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
        return [
            {
                name: [value[n] for n in kept]
                if name in ("scale", "translation") and isinstance(value, list)
                else value
                for name, value in one.items()
            }
            for one in transformations
        ]

    ours: dict[str, Any] = {"name": NAME, "axes": [multiscale["axes"][n] for n in kept]}
    if "version" in multiscale:
        ours["version"] = multiscale["version"]
    if "coordinateTransformations" in multiscale:
        ours["coordinateTransformations"] = fewer(multiscale["coordinateTransformations"])
    ours["datasets"] = [
        {"path": one["path"], "coordinateTransformations": fewer(one.get("coordinateTransformations", ()))}
        for one in multiscale["datasets"]
    ]
    return ours


def _like(group: Any, path: str, array: zarr.Array[Any], names: list[str], kept: list[int]) -> zarr.Array[Any]:
    """An empty array of labels beside an image's: its size, chunks and way to name chunks, without some axes."""
    third = array.metadata.zarr_format == 3
    separator = getattr(array.metadata, "dimension_separator", "/")
    return group.create_array(
        path,
        shape=tuple(array.shape[n] for n in kept),
        chunks=tuple(array.chunks[n] for n in kept),
        dtype="uint8",
        fill_value=0,
        dimension_names=names if third else None,
        chunk_key_encoding=None if third else {"name": "v2", "separator": separator},
    )


def shrink_into(
    level: zarr.Array[Any], full: zarr.Array[Any], ranges: list[tuple[int, int]], *, largest: bool = False
) -> None:
    """Replace the pixels of a smaller level that show a box of the full one, by the mean of what they show.

    Labels take the largest instead: a line of one pixel is seen at every size.
    """
    shown, borders = [], []
    for (start, stop), whole, small in zip(ranges, full.shape, level.shape, strict=True):
        ratio = whole / small
        first, last = min(int(start / ratio), small - 1), min(int(np.ceil(stop / ratio)), small)
        shown.append(slice(first, last))
        borders.append([int(at * ratio) for at in range(first, last)] + [int(np.ceil(last * ratio))])
    block = np.asarray(full[tuple(slice(b[0], b[-1]) for b in borders)])
    block = block if largest else block.astype(np.float64)
    for axis, border in enumerate(borders):
        starts = [at - border[0] for at in border[:-1]]
        sizes = np.diff([*starts, block.shape[axis]])
        if largest:
            block = np.maximum.reduceat(block, starts, axis=axis)
            continue
        block = np.add.reduceat(block, starts, axis=axis)
        block /= sizes.reshape([-1 if a == axis else 1 for a in range(block.ndim)])
    dtype = np.dtype(level.dtype)
    values = np.rint(block) if dtype.kind in "ui" else block >= 0.5 if dtype.kind == "b" else block
    level[tuple(shown)] = values.astype(dtype)
