"""Layers' data that are not copied: results and masks of images that do not fit into memory.

The completed image of a large source is the source with changed chunks over it
(``core.overlay``), in as many levels as the source has. Nothing is read for it
until it is shown. No Qt.
"""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from ..core.axes import Readable
from ..core.cutouts import is_large
from ..core.holes import Box
from ..core.lazy_array import Block
from ..core.overlay import Changes, Constant, Overlay, ZarrChunks, chunks_for
from ..core.pyramid import write_through

if TYPE_CHECKING:
    from napari.layers import Image

    from .layer_plane import Plane

#: A result or a mask that would take more is not held in memory.
LAZY_BYTES = 512 * 2**20


def completed_data(plane: Plane) -> Any:
    """What the layer of a whole completed image holds before anything is completed.

    Returns
    -------
    array, Overlay or list of Overlay
        A copy of a small image; over a large one, a view with its levels.
    """
    if not (is_large(plane.whole_shape) or _size(plane.level.shape, plane.level.dtype) > LAZY_BYTES):
        return np.array(plane.level)
    return [_over(level) for level in plane.source] if plane.layer.multiscale else _over(plane.source)


def put_pixels(layer: Image, plane: Plane, pixels: NDArray[Any], altered: NDArray[np.bool_] | None = None) -> None:
    """Write a plane's pixels to a layer that holds its whole image; all levels follow.

    Parameters
    ----------
    layer : Image
    plane : Plane
    pixels : (H, W) or (H, W, channels)
    altered : (H, W) bool, optional
        Elsewhere they are the image's own, so that nothing needs to be read or written there, but what was before.
    """
    levels = list(layer.data) if layer.multiscale else [layer.data]
    full = levels[0]
    cut = [part if isinstance(part, slice) else slice(part, part + 1) for part in plane.cut()]
    cut += [slice(None)] * (len(full.shape) - len(cut))
    block = tuple(slice(*part.indices(size)[:2]) for part, size in zip(cut, full.shape, strict=True))
    values = plane.raised(pixels)
    if not isinstance(full, Overlay):
        full[block] = values
        return
    if altered is not None:
        inside = _narrowed(full, block, plane, altered)
        if inside is None:
            return
        values = values[tuple(slice(a.start - b.start, a.stop - b.start) for a, b in zip(inside, block, strict=True))]
        block = inside
    write_through(levels, block, values)


def _narrowed(full: Overlay, block: Block, plane: Plane, altered: NDArray[np.bool_]) -> Block | None:
    """What of a plane's block must be written: around all that is altered, and all that was; None where nothing is."""
    first, second = plane.axes
    boxes = [_box_around(altered, block[first].start, block[second].start)] if altered.any() else []
    for changed in full.changed():
        if all(a.start < b.stop and b.start < a.stop for a, b in zip(changed, block, strict=True)):
            (top, bottom), (left, right) = (
                (max(changed[axis].start, block[axis].start), min(changed[axis].stop, block[axis].stop))
                for axis in plane.axes
            )
            boxes.append(Box(top, bottom, left, right))
    if not boxes:
        return None
    rows, columns = reduce(Box.united, boxes).slices
    narrowed = {first: rows, second: columns}
    return tuple(narrowed.get(axis, part) for axis, part in enumerate(block))


def _box_around(marked: NDArray[np.bool_], top: int, left: int) -> Box:
    rows, columns = (np.flatnonzero(marked.any(axis=axis)) for axis in (1, 0))
    return Box(top + int(rows[0]), top + int(rows[-1]) + 1, left + int(columns[0]), left + int(columns[-1]) + 1)


def empty_labels(shape: tuple[int, ...]) -> Any:
    """Labels to paint on, uint8: an array, or a view that only keeps what is painted where that would be large."""
    if _size(shape, np.uint8) <= LAZY_BYTES:
        return np.zeros(shape, np.uint8)
    return _over(Constant(shape, np.uint8))


def _over(source: Readable) -> Overlay:
    chunks = chunks_for(source)
    return Overlay(source, chunks=chunks, changes=_kept(source, chunks))


def _kept(source: Readable, chunks: tuple[int, ...]) -> Changes | None:
    """A temporary zarr store; without zarr, memory."""
    from .preferences import results_folder  # which asks ``layers`` for the plugin's name

    try:
        return ZarrChunks(source.shape, source.dtype, chunks, within=results_folder())
    except ImportError:
        return None


def _size(shape: tuple[int, ...], dtype: DTypeLike) -> int:
    return int(np.prod(shape, dtype=np.int64)) * np.dtype(dtype).itemsize
