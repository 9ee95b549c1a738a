"""Layers' data that are not copied: results and masks of images that do not fit into memory.

The completed image of a large source is the source with changed chunks over it
(``core.overlay``), in as many levels as the source has. Nothing is read for it
until it is shown. No Qt.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from ..core.axes import Readable
from ..core.cutouts import is_large
from ..core.overlay import Changes, Constant, Overlay, ZarrChunks, chunks_for
from ..core.pyramid import write_through

if TYPE_CHECKING:
    from napari.layers import Image

    from .geometry import Plane

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


def put_pixels(layer: Image, plane: Plane, pixels: NDArray[Any]) -> None:
    """Write a plane's pixels, (H, W) or (H, W, channels), to a layer that holds its whole image; all levels follow."""
    full = layer.data[0] if layer.multiscale else layer.data
    cut = [part if isinstance(part, slice) else slice(part, part + 1) for part in plane.cut()]
    cut += [slice(None)] * (len(full.shape) - len(cut))
    block = tuple(slice(*part.indices(size)[:2]) for part, size in zip(cut, full.shape, strict=True))
    if layer.multiscale:
        write_through(list(layer.data), block, plane.raised(pixels))
    else:
        full[block] = plane.raised(pixels)


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
