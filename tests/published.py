"""The published networks, from the golden file: weights by formula, and what they answer.

``data/edgeconnect_reference.npz`` was written by the published code on weights
made by the formula below; it holds none of the code and none of its weights.
"""

from __future__ import annotations

import json
import zlib
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch

GOLDEN = Path(__file__).parent / "data" / "edgeconnect_reference.npz"
CASES = ("a", "b")


@cache
def golden() -> dict[str, Any]:
    """Every array of the golden file, and its manifest: {network: {tensor: shape}}."""
    with np.load(GOLDEN) as file:
        arrays = {name: file[name] for name in file.files}
    arrays["manifest"] = json.loads(str(arrays["manifest"]))
    return arrays


def state_dict(network: str) -> dict[str, torch.Tensor]:
    """The weights of ``edge_gen``, ``inpaint_gen``, ``edge_dis`` or ``inpaint_dis``."""
    seed = int(golden()["seed"])
    return {key: _by_formula(key, shape, seed) for key, shape in golden()["manifest"][network].items()}


def save_generators(folder: Path) -> tuple[Path, Path]:
    """Write both generators as published files: (edge, completion)."""
    paths = folder / "EdgeModel_gen.pth", folder / "InpaintingModel_gen.pth"
    for path, network in zip(paths, ("edge_gen", "inpaint_gen"), strict=True):
        torch.save({"iteration": 7, "generator": state_dict(network)}, path)
    return paths


def _by_formula(key: str, shape: list[int], seed: int) -> torch.Tensor:
    rng = np.random.Generator(np.random.PCG64([seed, zlib.crc32(key.encode())]))
    values = rng.standard_normal(shape).astype(np.float32)
    if key.endswith(("weight_u", "weight_v")):
        values = values / (np.linalg.norm(values) + 1e-12)
    elif "bias" in key:
        values = values * 0.1
    else:
        values = values * 0.02
    return torch.from_numpy(values.astype(np.float32))
