"""The edges that a person brings in files, as core takes them.

Apart from ``task``, because a replay brings them as well.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_edgeconnect.files import FileError, ImageFile, read_as_edges

from .report import Report

if TYPE_CHECKING:
    from napari_edgeconnect.core.edges import EdgeMap
    from napari_edgeconnect.core.settings import Settings

MEANINGS = {
    "labels": "edge labels of the whole plane (1 measured, 2 proposed, 3 drawn)",
    "drawing": "a drawing of the edges inside the hole (white is edge)",
    "probabilities": "edge probabilities inside the hole",
}


def given_edges(
    path: Path,
    probability_path: Path | None,
    source: ImageFile,
    mask: NDArray[np.bool_],
    settings: Settings,
    report: Report,
) -> EdgeMap | NDArray[Any]:
    """The edges that a person brings, as core takes them."""
    from napari_edgeconnect.core.edges import EdgeMap
    from napari_edgeconnect.core.holes import grown
    from napari_edgeconnect.core.planes import nonfinite

    edges, meaning, notes = read_as_edges(path)
    for note in notes:
        report.note(note)
    report.note(f"{path.name} is read as {MEANINGS[meaning]}")
    check_size(path, edges, source)
    hole = grown(mask, settings.grow_px) | nonfinite(source.pixels)
    if probability_path is None:
        if meaning == "labels" and (edges[hole] == 2).any():
            report.note("without --probability the proposed edges count as if they were drawn")
        # Stage 1 says something about the known region, too; edges there are measured.
        return edges if meaning == "labels" else np.where(hole, edges, np.zeros((), edges.dtype))
    if meaning != "labels":
        raise FileError(f"{path} is read as {MEANINGS[meaning]}; --probability goes with labels only.")
    probability, kind, notes = read_as_edges(probability_path)
    if kind != "probabilities":
        raise FileError(f"{probability_path} holds {kind}; the floats of `edges --save-probability` are wanted.")
    check_size(probability_path, probability, source)
    return EdgeMap(edges, probability, hole, settings.threshold)


def check_size(path: Path, plane: NDArray[Any], source: ImageFile) -> None:
    """Refuse a mask or edges of another size than the image's."""
    if plane.shape != source.pixels.shape[:2]:
        ours, wanted = (f"{shape[1]} x {shape[0]}" for shape in (plane.shape, source.pixels.shape))
        raise FileError(
            f"{path} is {ours} pixels (width x height), but {source.path} is {wanted}: both must be of one size."
        )
