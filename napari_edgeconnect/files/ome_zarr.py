"""OME-Zarr 0.5 written from arrays that may be larger than memory, chunk by chunk.

Apart from ``zarr_stack``, which writes a repaired store as a copy of the store
that it came from, because here there is no such store: only levels, axes and
pixel sizes, such as a viewer has them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import FileError
from .stack_file import Pixels
from .staging import Staging
from .zarr_labels import write_labels
from .zarr_stack import INSTALL

_CHUNK_PX = 512
_TYPES = {"t": "time", "time": "time", "c": "channel", "channel": "channel", "z": "space", "y": "space", "x": "space"}

Block = tuple[slice, ...]


@dataclass(frozen=True)
class OmeImage:
    """What an OME-Zarr image is made of.

    Attributes
    ----------
    levels : sequence of array-like
        The largest first; parts of them are read when it is their turn.
    axes : sequence of str
        Their names, such as "t", "c", "z", "y", "x".
    units : sequence of str or None
        Such as "micrometer"; None where there is none.
    scale, translation : sequence of float
        Of the full resolution, in these units.
    name : str
    attributes : mapping
        What else the store says, as JSON can hold it.
    altered : iterable of (block, array of bool)
        Which pixels of the full resolution were invented; nothing is said where there are none.
    """

    levels: Sequence[Pixels]
    axes: Sequence[str]
    units: Sequence[str | None]
    scale: Sequence[float]
    translation: Sequence[float]
    name: str = ""
    attributes: Mapping[str, Any] = field(default_factory=dict)
    altered: Iterable[tuple[Block, NDArray[np.bool_]]] = ()


def write_ome_zarr(path: Path, image: OmeImage) -> None:
    """Write an image to a folder that does not exist yet, whole or not at all.

    Raises
    ------
    FileError
        If there is something of that name, or no folder to write it into.
    ImportError
        Without zarr.
    """
    try:
        import zarr
    except ImportError as error:
        raise ImportError(f"Writing OME-Zarr needs zarr: {INSTALL}.") from error

    def write(part: Path) -> None:
        group = zarr.create_group(part, zarr_format=3)
        for number, level in enumerate(image.levels):
            _write_level(group, str(number), level, image.axes)
        group.attrs.update({**image.attributes, "ome": {"version": "0.5", "multiscales": [_multiscale(image)]}})
        _write_altered(group, image)

    staging = Staging([], overwrite=False)
    staging.commit({staging.plan(path, as_folder=True): write})


def _write_level(group: Any, name: str, level: Pixels, axes: Sequence[str]) -> None:
    chunks = tuple(min(size, _CHUNK_PX) if axis >= len(axes) - 2 else 1 for axis, size in enumerate(level.shape))
    written = group.create_array(
        name, shape=tuple(level.shape), dtype=np.dtype(level.dtype), chunks=chunks, dimension_names=list(axes)
    )
    for block in _blocks(level.shape, chunks):
        written[block] = np.asarray(level[block])


def _write_altered(group: Any, image: OmeImage) -> None:
    """Which pixels were invented, as a label image; there is none where none was."""
    shared = tuple(axis for axis, name in enumerate(image.axes) if _TYPES.get(name.lower()) == "channel")
    places = iter(image.altered)
    for first in places:
        write_labels(
            group, ((block, np.asarray(altered.any(axis=shared))) for block, altered in chain([first], places))
        )


def _multiscale(image: OmeImage) -> dict[str, Any]:
    full = image.levels[0].shape
    datasets = [
        {"path": str(number), "coordinateTransformations": _transformations(image, full, level.shape)}
        for number, level in enumerate(image.levels)
    ]
    return {"name": image.name, "axes": list(_described(image)), "datasets": datasets}


def _described(image: OmeImage) -> Iterator[dict[str, str]]:
    for name, unit in zip(image.axes, image.units, strict=True):
        kind = _TYPES.get(name.lower())
        yield {"name": name} | ({"type": kind} if kind else {}) | ({"unit": unit} if unit else {})


def _transformations(image: OmeImage, full: Sequence[int], shape: Sequence[int]) -> list[dict[str, Any]]:
    scale = [float(own) * whole / size for own, whole, size in zip(image.scale, full, shape, strict=True)]
    moved = [{"type": "translation", "translation": [float(at) for at in image.translation]}]
    return [{"type": "scale", "scale": scale}, *(moved if any(image.translation) else [])]


def _blocks(shape: Sequence[int], chunks: Sequence[int]) -> Iterator[Block]:
    ranges = [range(0, size, step) for size, step in zip(shape, chunks, strict=True)]
    for starts in product(*ranges):
        yield tuple(slice(at, min(at + step, size)) for at, step, size in zip(starts, chunks, shape, strict=True))


def check_names(axes: Sequence[str]) -> None:
    """Refuse axes that OME-Zarr can't have.

    Raises
    ------
    FileError
        For two of one name, or more than five.
    """
    if len(set(axes)) < len(axes) or not 2 <= len(axes) <= 5:
        raise FileError(f"The axes are {', '.join(axes)}: OME-Zarr has two to five, each with a name of its own.")
