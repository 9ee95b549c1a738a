"""Pictures for people: edges in colours, things side by side. Nothing here is a result."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from napari_edgeconnect.core.edges import EdgeMap

#: How much of the mask's colour shows where the hole is.
_HOLE_TINT = 0.35


def edge_picture(edges: EdgeMap) -> NDArray[np.uint8]:
    """Edges as (H, W, 3) in the colours that they have in napari, on black, the hole tinted."""
    from napari_edgeconnect.plugin.layers import EDGE_COLOURS, MASK_COLOUR

    picture = np.zeros((*edges.shape, 3), np.uint8)
    picture[edges.hole] = np.rint(_HOLE_TINT * np.array(_rgb(MASK_COLOUR)))
    for source, colour in EDGE_COLOURS.items():
        picture[edges.labels == source] = _rgb(colour)
    return picture


def side_by_side(pictures: Sequence[NDArray[np.uint8]], *, gap_px: int) -> NDArray[np.uint8]:
    """Gray or RGB pictures of one height in a row, with white gaps."""
    gap = np.full((pictures[0].shape[0], gap_px, 3), 255, np.uint8)
    row = []
    for picture in pictures:
        colour = picture if picture.ndim == 3 else np.stack([picture] * 3, axis=-1)
        row += [colour, gap]
    return np.concatenate(row[:-1], axis=1)


def _rgb(colour: str) -> tuple[int, ...]:
    return tuple(bytes.fromhex(colour.removeprefix("#")))
