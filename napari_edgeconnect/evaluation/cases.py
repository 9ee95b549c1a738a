"""The fixed list of cases: which crop of which image gets which hole.

The list follows from the files' names, the seed and the numbers asked for, and
from nothing else; more cases per cell only lengthen it. A case is loaded when
its turn comes, so memory does not grow with the list; it carries hashes of its
files, so that what is loaded then is what was listed.
"""

from __future__ import annotations

import zlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from skimage.transform import resize

from ..core.planes import checked_image, contrast_mapping, nonfinite
from ..files import FileError, read_as_mask, read_image, sha256
from .masks import BINS, Bin, bin_of, drawn_mask

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".tif", ".tiff", ".npy"})
#: Published SSIM needs 51 px, and a large hole some surroundings.
SMALLEST_SIDE_PX = 64
#: Gray values. A hole in black sky is repaired by any method, and tells nothing.
_EMPTY_BELOW = 3.0
_CROP_TRIES = 16
#: The modality of images that lie in no sub-folder.
NO_MODALITY = "images"


@dataclass(frozen=True)
class Case:
    """One crop with one hole, by name.

    Attributes
    ----------
    modality : str
        The image's sub-folder.
    bin : str
        Name of a :class:`~.masks.Bin`.
    number : int
        Within modality and bin.
    image, mask : str
        Paths within their folders; the mask is empty where one is drawn.
    image_sha256, mask_sha256 : str
        Of the files' bytes, as they were when the list was made.
    """

    modality: str
    bin: str
    number: int
    image: str
    mask: str = ""
    image_sha256: str = ""
    mask_sha256: str = ""

    @property
    def key(self) -> tuple[str, str, int]:
        """What no two cases of a list share."""
        return self.modality, self.bin, self.number

    @property
    def names(self) -> dict[str, Any]:
        """The fields that a table shows: all but the hashes."""
        return {name: value for name, value in asdict(self).items() if not name.endswith("_sha256")}


@dataclass(frozen=True)
class Loaded:
    """A case's arrays.

    Attributes
    ----------
    truth : (S, S) or (S, S, 3) uint8
    hole : (S, S) bool, True inside the hole
    damaged : like ``truth``
        0 inside the hole, so that no method sees what was there.
    top, left : int
        Of the crop, in the image.
    """

    truth: NDArray[np.uint8]
    hole: NDArray[np.bool_]
    damaged: NDArray[np.uint8]
    top: int
    left: int


@dataclass(frozen=True, kw_only=True)
class CaseList:
    """Where cases come from.

    Attributes
    ----------
    images : Path
        A folder; its sub-folders are modalities.
    masks : Path or None
        A folder of masks; None: masks are drawn.
    size : int
        Side of the square crops in pixels.
    per_cell : int
        Cases per modality and bin.
    seed : int
    """

    images: Path
    masks: Path | None = None
    size: int = 128
    per_cell: int = 12
    seed: int = 0

    def __post_init__(self) -> None:
        if self.size < SMALLEST_SIDE_PX:
            raise ValueError(f"The size is {self.size}: give at least {SMALLEST_SIDE_PX} pixels.")
        if self.per_cell < 1:
            raise ValueError(f"{self.per_cell} cases per modality and bin were asked for: give at least 1.")

    def cases(self) -> list[Case]:
        """Every case, by modality, bin and number.

        Raises
        ------
        FileError
            Where there is no image, or no mask of a usual size.
        """
        groups: dict[str, list[str]] = defaultdict(list)
        for name in _files(self.images):
            groups[name.split("/")[0] if "/" in name else NO_MODALITY].append(name)
        masks = None if self.masks is None else self._masks_by_bin(self.masks)
        hashed = cache(sha256)  # several cases are cut from one image
        bins = BINS if masks is None else [b for b in BINS if b.name in masks]
        cases = []
        for modality, files in sorted(groups.items()):
            order = self._rng(modality).permutation(len(files))
            for place, bin_ in enumerate(bins):
                for number in range(self.per_cell):
                    image = files[order[(number * len(bins) + place) % len(files)]]
                    mask = self._mask(masks, modality, bin_, number)
                    mask_hash = hashed(self.masks / mask) if mask and self.masks else ""
                    image_hash = hashed(self.images / image)
                    cases.append(Case(modality, bin_.name, number, image, mask, image_hash, mask_hash))
        return cases

    def load(self, case: Case) -> Loaded:
        """Read a case's image, cut the crop and make the hole.

        Images of more than 8 bits are mapped to 8 by their contrast, alpha is
        left out, images smaller than the crop are mirrored at their ends, and
        crops are drawn again where the hole would hide nothing (standard
        deviation below 3 of 255).

        Raises
        ------
        FileError
            Where a file can't be read, or is not what it was when the list was made.
        """
        rng = self._rng(*case.key)
        pixels = _eight_bit(read_image(_unchanged(self.images / case.image, case.image_sha256)).pixels)
        short = [max(0, self.size - side) for side in pixels.shape[:2]]
        if any(short):
            pixels = np.pad(pixels, [(0, n) for n in short] + [(0, 0)] * (pixels.ndim - 2), mode="symmetric")
        if case.mask and self.masks is not None:
            hole = self._fitted(_unchanged(self.masks / case.mask, case.mask_sha256))
        else:
            bin_ = next(b for b in BINS if b.name == case.bin)
            hole = drawn_mask((self.size, self.size), bin_, case.number, rng)
        top, left, truth = self._crop(pixels, hole, rng)
        damaged = truth.copy()
        damaged[hole] = 0
        return Loaded(truth, hole, damaged, top, left)

    def _crop(
        self, pixels: NDArray[np.uint8], hole: NDArray[np.bool_], rng: np.random.Generator
    ) -> tuple[int, int, NDArray[np.uint8]]:
        """The first of several random crops of which the hole hides something, or the one of which it hides most."""
        crops = []
        for _ in range(_CROP_TRIES):
            top, left = (int(rng.integers(0, side - self.size + 1)) for side in pixels.shape[:2])
            crop = pixels[top : top + self.size, left : left + self.size]
            hidden = float(crop[hole].std(axis=0).mean())
            crops.append((hidden, top, left, crop))
            if hidden >= _EMPTY_BELOW:
                break
        _, top, left, crop = max(crops, key=lambda each: each[0])
        return top, left, np.ascontiguousarray(crop)

    def _rng(self, *of: str | int) -> np.random.Generator:
        words = [zlib.crc32(word.encode()) if isinstance(word, str) else word for word in of]
        return np.random.default_rng([self.seed, *words])

    def _masks_by_bin(self, folder: Path) -> dict[str, list[str]]:
        masks: dict[str, list[str]] = defaultdict(list)
        for name in _files(folder):
            bin_ = bin_of(self._fitted(folder / name))
            if bin_ is not None:
                masks[bin_.name].append(name)
        if not masks:
            raise FileError(f"No mask in {folder} covers 1 to 50 % of the image.")
        return masks

    def _mask(self, masks: Mapping[str, Sequence[str]] | None, modality: str, bin_: Bin, number: int) -> str:
        if masks is None:
            return ""
        files = masks[bin_.name]
        order = self._rng(modality, bin_.name).permutation(len(files))
        return files[order[number % len(files)]]

    def _fitted(self, path: Path) -> NDArray[np.bool_]:
        """A mask file at the crop's size, by nearest neighbour."""
        mask, _ = read_as_mask(path)
        shape = (self.size, self.size)
        return mask if mask.shape == shape else resize(mask, shape, order=0, anti_aliasing=False).astype(bool)


def _files(folder: Path) -> list[str]:
    """Every image below a folder by its path in it, sorted."""
    if not folder.is_dir():
        raise FileError(f"There is no folder {folder}.")
    names = sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.suffix.lower() in SUFFIXES)
    if not names:
        raise FileError(f"There is no image ({', '.join(sorted(SUFFIXES))}) in {folder}.")
    return names


def _unchanged(path: Path, wanted: str) -> Path:
    if sha256(path) != wanted:
        raise FileError(f"{path} was changed while the evaluation ran: give the same command again.")
    return path


def _eight_bit(pixels: NDArray[Any]) -> NDArray[np.uint8]:
    image = checked_image(pixels)
    image = image if image.ndim == 2 else image[..., :3]
    if image.dtype == np.uint8:
        return image
    missing = nonfinite(image)
    unit = contrast_mapping(image, missing).to_unit(np.where(_like(missing, image), 0, image))
    return np.rint(255 * np.clip(unit, 0, 1)).astype(np.uint8)


def _like(plane: NDArray[np.bool_], image: NDArray[Any]) -> NDArray[np.bool_]:
    return plane if image.ndim == 2 else plane[..., None]
