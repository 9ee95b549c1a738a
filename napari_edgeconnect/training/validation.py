"""A quick look at a pair of networks on held-out images, to decide whether new weights are better.

Fixed crops and holes, so that two runs give the same figures. It is the
trainer's compass and no published evaluation.
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import numpy as np
import torch
from scipy import ndimage
from torch import Tensor
from torch.utils.data import default_collate

from ..core.damage import random_damage
from ..core.formulations import FORMULATIONS
from ..core.networks import EdgeGenerator, InpaintGenerator
from .data import sample
from .images import image_files, read_rgb

CASES_PER_MODALITY = 12
CROP_PX = 128
THRESHOLDS = (0.2, 0.3, 0.4, 0.5)


def held_out(folder: Path) -> dict[str, list[dict[str, Tensor]]]:
    """The same damaged crops at every call, by modality."""
    groups: dict[str, list[Path]] = defaultdict(list)
    for path in image_files(folder):
        groups[path.parent.name].append(path)
    cases: dict[str, list[dict[str, Tensor]]] = {}
    for number, (modality, files) in enumerate(sorted(groups.items())):
        rng = np.random.default_rng([7, number])
        cases[modality] = [_case(read_rgb(files[i % len(files)]), rng) for i in range(CASES_PER_MODALITY)]
    return cases


@torch.inference_mode()
def validate(
    edge: EdgeGenerator | None, inpaint: InpaintGenerator | None, folder: Path, *, formulation: str = "residual"
) -> dict[str, dict[str, float]]:
    """Figures inside the hole, by modality and for "all" (the modalities' mean).

    Parameters
    ----------
    edge, inpaint : generators
        For inference, of ``formulation``; published ones without rim correction. None leaves its figures out.
    folder : Path
        Of 8-bit images, one sub-folder a modality.

    Returns
    -------
    dict
        PSNR in dB of the fill, and of the completion on hallucinated, true and
        no edges; precision, recall and F1 of hallucinated edges within 1 px at
        each of ``THRESHOLDS``.
    """
    way = FORMULATIONS[formulation]
    table: dict[str, dict[str, float]] = {}
    for modality, cases in held_out(folder).items():
        batch = default_collate(cases)
        image, fill, mask, known = (batch[n] for n in ("image", "fill", "mask", "edges"))
        inside = {"true": batch["target"], "none": torch.zeros_like(mask)}
        row = {"fill": _psnr(fill, image, mask)}
        if edge is not None:
            inside["hallucinated"] = edge(way.edge_input(image, fill, known, mask))
            for threshold in THRESHOLDS:
                figures = _edge_figures(inside["hallucinated"] >= threshold, batch["target"] > 0, mask > 0)
                row |= {f"{name}@{threshold}": value for name, value in zip(("P", "R", "F1"), figures, strict=True)}
        if inpaint is not None:
            for name, proposed in inside.items():
                edges = known * (1 - mask) + proposed * mask
                row[name] = _psnr(way.completed(inpaint, image, fill, edges, mask), image, mask)
        table[modality] = row
    table["all"] = {name: float(np.mean([row[name] for row in table.values()])) for name in next(iter(table.values()))}
    return table


def _case(rgb: np.ndarray, rng: np.random.Generator) -> dict[str, Tensor]:
    top, left = (int(rng.integers(0, max(1, n - CROP_PX + 1))) for n in rgb.shape[:2])
    crop = rgb[top : top + CROP_PX, left : left + CROP_PX]
    short = [CROP_PX - n for n in crop.shape[:2]]
    crop = np.pad(crop, [(0, short[0]), (0, short[1]), (0, 0)], mode="symmetric")
    return sample(np.ascontiguousarray(crop), random_damage((CROP_PX, CROP_PX), rng, largest=0.5), 2.0)


def _psnr(output: Tensor, image: Tensor, mask: Tensor) -> float:
    error = ((output.clamp(0, 1) - image) ** 2 * mask).sum((1, 2, 3)) / (3 * mask.sum((1, 2, 3)))
    return float((-10 * torch.log10(error.clamp(min=1e-7))).mean())


def _edge_figures(found: Tensor, true: Tensor, mask: Tensor) -> tuple[float, float, float]:
    near = np.ones((1, 1, 3, 3), dtype=bool)
    found_in, true_in = (found & mask).numpy(), (true & mask).numpy()
    right = (found_in & ndimage.binary_dilation(true.numpy(), near)).sum()
    met = (true_in & ndimage.binary_dilation(found.numpy(), near)).sum()
    precision, recall = right / max(1, found_in.sum()), met / max(1, true_in.sum())
    return precision, recall, 2 * precision * recall / max(1e-9, precision + recall)
