"""Sample sheets: what the networks make of a few damaged crops, row by row, to be looked at while they learn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from ..core.checkpoints import Kind
from ..core.formulations import Formulation
from ..core.networks import Generator, InpaintGenerator
from .stages import Batch, merged

_GAP_PX = 4
_HOLE_COLOUR = (0.86, 0.16, 0.63)
_PROPOSED_COLOUR = (1.0, 0.67, 0.16)
_MEASURED_GRAY = 0.6
_JPEG_QUALITY = 90


@torch.inference_mode()
def write_sheet(
    path: Path, generators: Mapping[Kind, Generator], formulation: Formulation, samples: Sequence[Batch]
) -> NDArray[np.uint8]:
    """Write a JPEG, one row a sample: damaged, edges, true edges, completed, truth.

    Without an edge generator the completion is made from true edges; without a
    completion network its column is missing.

    Parameters
    ----------
    path : Path
        Its folder is made if need be.
    generators : dict
        For inference, under "edge", "inpaint" or both.
    formulation : Formulation
    samples : sequence of dict
        From ``DamagedCrops``.

    Returns
    -------
    sheet : (H, W, 3) uint8
    """
    rows = [_row(generators, formulation, {name: value[None] for name, value in s.items()}) for s in samples]
    sheet = (255 * np.concatenate(rows, axis=0)).round().astype(np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    Image.fromarray(sheet).save(part, "JPEG", quality=_JPEG_QUALITY)
    part.replace(path)
    return sheet


def _row(generators: Mapping[Kind, Generator], formulation: Formulation, sample: Batch) -> NDArray[np.float32]:
    image, fill, mask, known, true = (sample[name] for name in ("image", "fill", "mask", "edges", "target"))
    edge, inpaint = generators.get("edge"), generators.get("inpaint")
    inside, panels = true, [merged(torch.tensor(_HOLE_COLOUR).view(1, 3, 1, 1), image, mask)]
    if edge is not None:
        inside = edge(formulation.edge_input(image, fill, known, mask))
        panels.append(_edges(inside, known, mask))
    panels.append(_edges(true, true, mask))
    if isinstance(inpaint, InpaintGenerator):
        edges = merged(inside, known, mask)
        completed = formulation.completed(inpaint, image, fill, edges, mask)
        panels.append(merged(completed.clamp(0, 1), image, mask))
    panels.append(image)
    padded = [np.pad(_pixels(p), ((0, _GAP_PX), (0, _GAP_PX), (0, 0)), constant_values=1) for p in panels]
    return np.concatenate(padded, axis=1)


def _edges(inside: Tensor, outside: Tensor, mask: Tensor) -> Tensor:
    """Gray measured edges; orange ones in the hole, as in the viewer."""
    return inside * mask * torch.tensor(_PROPOSED_COLOUR).view(1, 3, 1, 1) + _MEASURED_GRAY * outside * (1 - mask)


def _pixels(panel: Tensor) -> NDArray[np.float32]:
    return panel[0].permute(1, 2, 0).numpy()
