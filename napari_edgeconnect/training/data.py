"""Training samples: random crops of a folder's images, damaged synthetically.

A sample is everything a stage needs and nothing it must not see: the true
crop, the hole, the biharmonic fill, and Canny edges with the hole masked (what
inference will see) and without (the truth to aim at).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import imageio.v3 as iio
import numpy as np
import torch
from numpy.typing import NDArray
from skimage.color import rgb2gray
from skimage.feature import canny
from skimage.transform import resize
from torch import Tensor
from torch.utils.data import IterableDataset, get_worker_info

from ..core.damage import random_damage
from ..core.fill import biharmonic_fill

SUFFIXES = {".jpg", ".jpeg", ".png", ".tif", ".tiff"}


def image_files(folder: Path) -> list[Path]:
    """Every image below ``folder``, sorted; raises FileNotFoundError when there is none."""
    files = sorted(p for p in folder.rglob("*") if p.suffix.lower() in SUFFIXES)
    if not files:
        raise FileNotFoundError(f"No image ({', '.join(sorted(SUFFIXES))}) below {folder}.")
    return files


def read_rgb(path: Path) -> NDArray[np.float32]:
    """An 8-bit image file as (H, W, 3) float32 in [0, 1]."""
    pixels = iio.imread(path)
    if pixels.ndim == 2:
        pixels = np.repeat(pixels[..., None], 3, axis=2)
    return pixels[..., :3].astype(np.float32) / 255


def sample(rgb: NDArray[np.float32], mask: NDArray[np.bool_], sigma: float) -> dict[str, Tensor]:
    """One training or validation case.

    Parameters
    ----------
    rgb : (H, W, 3) float32 in [0, 1]
    mask : (H, W) bool, True inside the hole
    sigma : float
        Canny's, in pixels.

    Returns
    -------
    dict of float32 tensors
        ``image`` and ``fill`` (3, H, W); ``mask``, ``edges`` (known, hole
        excluded) and ``target`` (true edges) (1, H, W).
    """
    gray = rgb2gray(rgb)
    arrays = {
        "image": rgb.transpose(2, 0, 1),
        "fill": biharmonic_fill(rgb, mask).transpose(2, 0, 1),
        "mask": mask[None],
        "edges": canny(gray, sigma=sigma, mask=~mask)[None],
        "target": canny(gray, sigma=sigma)[None],
    }
    return {name: torch.from_numpy(np.ascontiguousarray(a, dtype=np.float32)) for name, a in arrays.items()}


class DamagedCrops(IterableDataset):
    """Endless damaged crops, every modality (sub-folder) equally often.

    Parameters
    ----------
    folder : path
        Holds one sub-folder of images per modality.
    crop : int
        Side of the square crop in pixels.
    seed : int
        Two data sets with equal seeds yield equal samples.
    """

    def __init__(self, folder: Path, *, crop: int, seed: int = 0) -> None:
        self.folder, self.crop, self.seed = folder, crop, seed
        groups: dict[str, list[Path]] = defaultdict(list)
        for path in image_files(folder):
            groups[path.parent.name].append(path)
        self.groups = list(groups.values())

    def __iter__(self) -> Iterator[dict[str, Tensor]]:
        worker = get_worker_info()
        rng = np.random.default_rng([self.seed, worker.id if worker else 0])
        while True:
            files = self.groups[rng.integers(len(self.groups))]
            rgb = augmented(read_rgb(files[rng.integers(len(files))]), self.crop, rng)
            mask = random_damage((self.crop, self.crop), rng)
            sigma = 2.0 if rng.random() < 0.7 else rng.uniform(1, 3)
            yield sample(rgb, mask, sigma)


def augmented(rgb: NDArray[np.float32], crop: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """A random square crop: scaled, flipped, transposed, and with its colours varied."""
    side = int(np.clip(crop * np.exp(rng.uniform(np.log(0.8), np.log(2.0))), 16, min(rgb.shape[:2])))
    if rng.random() < 0.5:
        side = min(crop, *rgb.shape[:2])
    top, left = (int(rng.integers(0, n - side + 1)) for n in rgb.shape[:2])
    patch = rgb[top : top + side, left : left + side]
    if side != crop:
        patch = resize(patch, (crop, crop), order=1, anti_aliasing=side > crop).astype(np.float32)
    if rng.random() < 0.5:
        patch = patch[::-1]
    if rng.random() < 0.5:
        patch = patch[:, ::-1]
    if rng.random() < 0.5:
        patch = patch.transpose(1, 0, 2)
    if rng.random() < 0.3:
        patch = np.repeat(rgb2gray(patch)[..., None], 3, axis=2)
    if rng.random() < 0.5:
        low, high = np.percentile(patch, (1, 99))
        patch = np.clip((patch - low) / max(high - low, 0.02), 0, 1)
    if rng.random() < 0.3:
        patch = np.clip(patch, 0, 1) ** rng.uniform(0.6, 1.6)
    if rng.random() < 0.15:
        patch = 1 - patch
    return np.ascontiguousarray(np.clip(patch, 0, 1), dtype=np.float32)
