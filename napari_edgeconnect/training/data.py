"""Training samples: random crops of a folder's images, damaged synthetically.

A sample is everything a stage needs and nothing it must not see: the true
crop, the hole, the biharmonic fill, and Canny edges with the hole masked (what
inference will see) and without (the truth to aim at). It follows from the seed
and its ``SampleKey`` alone: a resumed run, any number of workers and any number
of processes see the very same samples. What a sample teaches, and how large
crops and batches are at which step, is the trainer's business.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from skimage.color import rgb2gray
from skimage.feature import canny
from skimage.transform import resize
from torch import Tensor
from torch.utils.data import Dataset, Sampler

from ..core.damage import DAMAGE_KINDS, random_damage
from ..core.fill import biharmonic_fill
from .images import SMALLEST_SIDE_PX, Plane, PlaneCache, planes_by_modality

_CROP_TRIES = 16


class SampleKey(NamedTuple):
    """Which sample: the training step, its number in the step's batch, and the side of its crop in pixels."""

    step: int
    number: int
    crop: int


class DamagedCrops(Dataset[dict[str, Tensor]]):
    """Damaged crops by key, every modality equally often; ``dataset[SampleKey(step, number, crop)]``.

    A modality is a sub-folder, with all that is below it; images directly in
    the folder are one, too. Within a modality every file is drawn equally
    often, and of a stack every plane. Planes are read one by one, so a stack
    may be larger than memory.

    Parameters
    ----------
    folder : Path
        Holds PNG, JPEG, TIFF and NPY files, see ``images.read_plane``.
    seed : int
        Not negative.
    sigma : float
        Canny's, in pixels.
    sigma_range : (float, float) or None
        In 30 % of the samples sigma is drawn from here instead.
    damage : str
        One of ``core.damage.DAMAGE_KINDS``.
    colours : bool
        Whether contrast, colours and noise are varied; False is the published recipe.
    true_edges : float in [0, 1]
        The share of samples of which ``trusted`` is 1.
    cache_mib : int
        So much memory keeps decoded planes, in every worker.

    Attributes
    ----------
    modalities : dict
        By name (of images in no sub-folder: ""), the files and how many planes each of them holds.

    Raises
    ------
    FileNotFoundError
        Where there is no image.
    FileError
        For an unreadable file, naming it: now, or when its pixels turn out to be damaged.
    ValueError
        For an unknown kind of damage, or where no image has sides of 16 pixels; smaller ones are left out with a
        warning.
    """

    def __init__(
        self,
        folder: Path,
        *,
        seed: int = 0,
        sigma: float = 2.0,
        sigma_range: tuple[float, float] | None = (1.0, 3.0),
        damage: str = "mixed",
        colours: bool = True,
        true_edges: float = 0.4,
        cache_mib: int = 256,
    ) -> None:
        if damage not in DAMAGE_KINDS:
            raise ValueError(f"There is no damage {damage!r}: give one of {', '.join(DAMAGE_KINDS)}.")
        self.seed, self.sigma, self.sigma_range = seed, sigma, sigma_range
        self.damage, self.colours, self.true_edges = damage, colours, true_edges
        self.modalities = planes_by_modality(folder)
        self._cache = PlaneCache(cache_mib * 2**20)

    def __getitem__(self, key: SampleKey) -> dict[str, Tensor]:
        """What :func:`sample` gives, and ``trusted`` (1, 1, 1): 1 where stage 2 is to get the true edges, else 0."""
        rng = np.random.default_rng([self.seed, key.step, key.number])
        files = list(self.modalities.values())[rng.integers(len(self.modalities))]
        path, count = files[rng.integers(len(files))]
        plane = self._cache.plane(path, int(rng.integers(count)))
        rgb = augmented(plane, key.crop, rng, colours=self.colours)
        mask = random_damage((key.crop, key.crop), rng, self.damage)
        sigma = self.sigma
        if self.sigma_range is not None and rng.random() < 0.3:
            sigma = rng.uniform(*self.sigma_range)
        trusted = float(rng.random() < self.true_edges)
        return sample(rgb, mask, sigma) | {"trusted": torch.full((1, 1, 1), trusted)}


class StepBatches(Sampler[list[SampleKey]]):
    """The keys of every step from ``start`` to ``stop``, as a ``DataLoader``'s ``batch_sampler``.

    Parameters
    ----------
    plan : callable
        Gives the side of the crops and the size of the batch, (crop, batch), for a step.
    start, stop : int
        Steps, ``stop`` excluded.
    rank, world : int
        This process and how many there are: each gets an equal run of a batch's numbers.

    Raises
    ------
    ValueError
        Where a batch can't be shared equally.
    """

    def __init__(
        self, plan: Callable[[int], tuple[int, int]], start: int, stop: int, *, rank: int = 0, world: int = 1
    ) -> None:
        self.plan, self.steps, self.rank, self.world = plan, range(start, stop), rank, world
        for batch in sorted({plan(step)[1] for step in self.steps}):
            if batch % world:
                raise ValueError(f"A batch of {batch} can't be shared equally by {world} processes.")

    def __iter__(self) -> Iterator[list[SampleKey]]:
        for step in self.steps:
            crop, batch = self.plan(step)
            share = batch // self.world
            yield [SampleKey(step, number, crop) for number in range(self.rank * share, (self.rank + 1) * share)]

    def __len__(self) -> int:
        return len(self.steps)


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


def augmented(plane: Plane, crop: int, rng: np.random.Generator, *, colours: bool = True) -> NDArray[np.float32]:
    """A random square crop at random scale, in one of 8 symmetries, and with its colours varied.

    Pixels that are not finite are avoided, if 16 draws suffice.

    Parameters
    ----------
    crop : int
        The side in pixels. Half of the crops are shrunk from up to twice or stretched from 0.8 times as much, others
        only where the image is smaller.
    colours : bool
        False: no more than that.

    Returns
    -------
    rgb : (crop, crop, 3) float32 in [0, 1]
    """
    patch: NDArray[np.floating] = _turned(_scaled(plane, crop, rng), rng)
    if (patch == patch[..., :1]).all():  # gray that is stored as RGB: so its noise has no colours, either
        patch = patch[..., :1]
    if colours:
        patch = _recoloured(patch, rng)
    return np.ascontiguousarray(np.broadcast_to(patch, (crop, crop, 3)), dtype=np.float32)


def _scaled(plane: Plane, crop: int, rng: np.random.Generator) -> NDArray[np.float32]:
    height, width = plane.pixels.shape[:2]
    scale = np.exp(rng.uniform(np.log(0.8), np.log(2.0))) if rng.random() < 0.5 else 1.0
    side = min(max(int(crop * scale), min(crop, SMALLEST_SIDE_PX)), height, width)
    for _ in range(_CROP_TRIES):
        top, left = (int(rng.integers(length - side + 1)) for length in (height, width))
        window = slice(top, top + side), slice(left, left + side)
        if plane.missing is None or not plane.missing[window].any():
            break
    patch = plane.unit(window)
    if side == crop:
        return patch
    return np.asarray(resize(patch, (crop, crop), order=1, anti_aliasing=side > crop), dtype=np.float32)


def _turned(patch: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    if rng.random() < 0.5:
        patch = patch[::-1]
    if rng.random() < 0.5:
        patch = patch[:, ::-1]
    return patch.transpose(1, 0, 2) if rng.random() < 0.5 else patch


def _recoloured(patch: NDArray[np.floating], rng: np.random.Generator) -> NDArray[np.float32]:
    """So that one model serves photographs and microscopy: (H, W, 1) or (H, W, 3) in [0, 1], both ways."""
    if patch.shape[2] == 3 and rng.random() < 0.3:
        patch = rgb2gray(patch)[..., None]
    if rng.random() < 0.5:
        low, high = np.percentile(patch, (1, 99))
        patch = np.clip((patch - low) / max(high - low, 0.02), 0, 1)
    if rng.random() < 0.3:
        patch = np.clip(patch, 0, 1) ** rng.uniform(0.6, 1.6)
    if rng.random() < 0.15:
        patch = 1 - patch
    if rng.random() < 0.2:
        contrast = rng.uniform(0.25, 1)
        patch = contrast * patch + rng.uniform(0, 1 - contrast)
    if rng.random() < 0.15:
        sigma = rng.uniform(0, 0.08)
        # Photons: the variance grows with the brightness.
        local = sigma * np.sqrt(np.clip(patch, 0, 1)) if rng.random() < 0.5 else sigma
        patch = patch + local * rng.standard_normal(patch.shape)
    return np.asarray(np.clip(patch, 0, 1), dtype=np.float32)
