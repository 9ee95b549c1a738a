"""Contact sheets: damage, edges, what each method made of it, and the truth, side by side.

A strip is written while its case is in memory; the strips of a modality are
put together in the end.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from ..core.edges import EdgeSource
from .cases import Case, Loaded
from .methods import Repaired

_GAP_PX = 4
_HEADER_PX = 16
_ROW_LABEL_PX = 52
_MASK_COLOUR = (220, 40, 160)
_PROPOSED_COLOUR = (255, 170, 40)
_MEASURED_COLOUR = (150, 150, 150)


def panel_names(methods: Sequence[str], *, with_edges: bool) -> list[str]:
    """The columns of a sheet."""
    return ["damaged", *(["edges"] if with_edges else []), "true edges", *methods, "truth"]


def save_strip(folder: Path, case: Case, loaded: Loaded, repair: Repaired) -> None:
    """Keep one case's pictures in a row."""
    damaged = _rgb(loaded.damaged).copy()
    damaged[loaded.hole] = _MASK_COLOUR
    panels = [damaged]
    if repair.edges is not None:
        picture = np.zeros_like(damaged)
        inside = repair.edges.probability[..., None] * np.array(_PROPOSED_COLOUR)
        picture[loaded.hole] = inside[loaded.hole]
        picture[repair.edges.labels == EdgeSource.MEASURED] = _MEASURED_COLOUR
        panels.append(picture)
    true = np.zeros_like(damaged)
    true[repair.true_edges] = _MEASURED_COLOUR
    true[repair.true_edges & loaded.hole] = _PROPOSED_COLOUR
    panels += [true, *(_rgb(result) for result in repair.results.values()), _rgb(loaded.truth)]
    gap = np.full((damaged.shape[0], _GAP_PX, 3), 255, np.uint8)
    row = np.concatenate([part for panel in panels for part in (panel, gap)][:-1], axis=1)
    Image.fromarray(row).save(strip_path(folder, case.modality, case.bin), "PNG")


def strip_path(folder: Path, modality: str, bin_: str) -> Path:
    """Where the strip of a cell is kept."""
    return folder / f"strip_{modality}_{bin_.rstrip('%')}.png"


def write_sheet(path: Path, strips: dict[str, Path], columns: Sequence[str]) -> None:
    """Put the strips of a modality together.

    Parameters
    ----------
    path : Path
        A PNG is written here, whatever the name's ending.
    strips : dict
        By the row's label (the bin).
    columns : sequence of str
        From :func:`panel_names`.
    """
    rows = {label: Image.open(strip).convert("RGB") for label, strip in strips.items()}
    width, height = next(iter(rows.values())).size
    sheet = Image.new("RGB", (_ROW_LABEL_PX + width, _HEADER_PX + len(rows) * (height + _GAP_PX)), "white")
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(10)
    for number, name in enumerate(columns):
        left = _ROW_LABEL_PX + number * (width + _GAP_PX) // len(columns)
        pen.text((left, 2), name.replace("edgeconnect-", "EC, ").replace("edgeconnect", "EdgeConnect"), "black", font)
    for number, (label, row) in enumerate(rows.items()):
        top = _HEADER_PX + number * (height + _GAP_PX)
        pen.text((2, top + height // 2), label, "black", font)
        sheet.paste(row, (_ROW_LABEL_PX, top))
    sheet.save(path, "PNG")


def _rgb(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return picture if picture.ndim == 3 else np.repeat(picture[..., None], 3, axis=2)
