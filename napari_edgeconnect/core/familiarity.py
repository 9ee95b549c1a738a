"""How like its training images an image is, by statistics that need neither those images nor a network.

A model's folder may hold ``familiarity.safetensors``: for each kind of training image the mean and covariance of a few
statistics of brightness, colour, slopes and their tails. An image that is far from all kinds is unlike what the model
was trained on. That is all it is: what the distance says about errors was measured (``benchmarks/familiarity.py``).
Apart from ``refusals``, which turns a distance into a reason, because training writes what is read here.

References
----------
Lee et al., A Simple Unified Framework for Detecting Out-of-Distribution Samples and Adversarial Attacks, 2018: the
Mahalanobis distance to the nearest of several Gaussians; theirs are of a network's features.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from skimage.color import rgb2gray

from .checkpoints import CheckpointError

FILE = "familiarity.safetensors"
#: Of the statistics: what a file of another version says is not understood, and taken for nothing.
VERSION = 1
#: Fewer known pixels, a square of 64 px, are not judged.
FEWEST_PX = 4096
OCTAVES = 4
STATISTICS = (
    *("brightness", "contrast", "skewness", "kurtosis", "colour", "colour contrast", "flat share"),
    *(f"{name} at {2**octave} px" for octave in range(OCTAVES) for name in ("slope", "tails", "direction")),
)
#: At the coarsest octave, so many differences must be known.
_FEWEST_DIFFERENCES = 32
#: Half a grey level of 8 bits: what quantising leaves unknown.
_HALF_LEVEL = 0.5

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Nearest:
    """Which training images are most like an image.

    Attributes
    ----------
    kind : str
        Their name; empty where the model was trained on images of no named kinds.
    distance : float
        Mahalanobis distance of the image's statistics from theirs.
    limit : float
        What ``Familiarity.share`` of training images, each judged by the others, stay within.
    """

    kind: str
    distance: float
    limit: float

    @property
    def is_far(self) -> bool:
        """Whether it is farther than nearly all training images."""
        return self.distance > self.limit


@dataclass(frozen=True)
class Familiarity:
    """What a model was trained on, in figures.

    Attributes
    ----------
    kinds : tuple of str
        K names.
    means : (K, D) float
        Of ``STATISTICS``, by kind.
    precisions : (K, D, D) float
        Inverse covariances.
    pixels : (S,) float
        Numbers of known pixels, ascending, for which ``limits`` hold; between them the limit is interpolated.
    limits : (S,) float
    share : float
        Of training images that lie within the limit.
    images : int
        On how many images it stands.
    """

    kinds: tuple[str, ...]
    means: Floats
    precisions: Floats
    pixels: Floats
    limits: Floats
    share: float
    images: int

    def nearest(self, statistics: Floats, known_px: int) -> Nearest:
        """The kind that is nearest to an image's statistics, and how near it is."""
        distances = self.distances(statistics[None])[0]
        kind = int(distances.argmin())
        limit = np.interp(np.log(known_px), np.log(self.pixels), self.limits)
        return Nearest(self.kinds[kind], float(distances[kind]), float(limit))

    def distances(self, statistics: Floats) -> Floats:
        """(N, D) statistics to (N, K) distances."""
        off = statistics[:, None] - self.means
        return np.sqrt(np.einsum("nki,kij,nkj->nk", off, self.precisions, off))

    def write(self, path: Path) -> None:
        """Write it as a safetensors file."""
        from safetensors.numpy import save

        about = {
            "version": VERSION,
            "kinds": self.kinds,
            "statistics": STATISTICS,
            "share": self.share,
            "images": self.images,
        }
        tensors = {name: np.ascontiguousarray(getattr(self, name), np.float32) for name in _TENSORS}
        # In one entry, because safetensors writes several in any order.
        path.write_bytes(save(tensors, {"about": json.dumps(about)}))


_TENSORS = ("means", "precisions", "pixels", "limits")


def read_familiarity(folder: Path) -> Familiarity | None:
    """What a model's folder says about its training images; None where it says nothing that this version understands.

    Raises
    ------
    CheckpointError
        For a damaged file.
    """
    path = folder / FILE
    if not path.is_file():
        return None
    from safetensors import SafetensorError, safe_open

    again = "write it again with python -m napari_edgeconnect.training familiarity"
    try:
        with safe_open(path, "numpy") as file:
            about: dict[str, Any] = json.loads((file.metadata() or {})["about"])
            tensors = {name: file.get_tensor(name).astype(np.float64) for name in _TENSORS}
        if about["version"] != VERSION:
            return None
        kinds, share, images = tuple(about["kinds"]), float(about["share"]), int(about["images"])
    except (SafetensorError, KeyError, ValueError) as error:
        raise CheckpointError(f"{path} is damaged ({error}): {again}.") from error
    shape = (len(kinds), len(STATISTICS))
    if tensors["means"].shape != shape or tensors["precisions"].shape != (*shape, shape[1]):
        raise CheckpointError(f"{path} is damaged (its arrays do not fit together): {again}.")
    return Familiarity(kinds, **tensors, share=share, images=images)


def statistics_of(unit: NDArray[np.floating], known: Mask) -> Floats | None:
    """What an image looks like, in a few figures that do not depend on its dtype.

    Parameters
    ----------
    unit : (H, W, 1) or (H, W, 3) float
        Contrast-mapped pixels; taken in 256 grey levels, as most training images have them.
    known : (H, W) bool
        What lies elsewhere is not looked at.

    Returns
    -------
    (D,) float64 or None
        ``STATISTICS``; None where fewer than ``FEWEST_PX`` pixels, or at the coarsest octave next to none, are known.
    """
    if np.count_nonzero(known) < FEWEST_PX:
        return None
    levels = np.rint(255 * np.clip(unit.astype(np.float64), 0, 1))
    gray = levels[..., 0] if levels.shape[2] == 1 else np.rint(rgb2gray(levels))
    values = gray[known]
    spread = values.std() + 2 * _HALF_LEVEL
    standard = (values - values.mean()) / spread
    skewness = float(np.mean(standard**3))
    found = [
        values.mean() / 255,
        np.log(spread),
        skewness / (1 + abs(skewness)),
        np.log(np.mean(standard**4) + _HALF_LEVEL),
        *_colour(levels, known),
    ]
    plane, seen = gray, known
    for octave in range(OCTAVES):
        down, right = (_differences(plane, seen, axis) for axis in (0, 1))
        if min(down.size, right.size) < _FEWEST_DIFFERENCES:
            return None
        if octave == 0:
            found.append(np.log(np.mean(np.concatenate([down, right]) == 0) + 0.01))
        found += _slopes(down, right, spread)
        plane, seen = _halved(plane), _halved(seen.astype(np.float64)) == 1
    return np.array(found, dtype=np.float64)


def _colour(levels: Floats, known: Mask) -> tuple[float, float]:
    """How colourful the pixels are, and how much their colours differ."""
    if levels.shape[2] == 1:
        return 0.0, 0.0
    green = levels[..., 1]
    opposed = np.stack([levels[..., 0] - green, levels[..., 2] - green], axis=-1)[known]
    return float(np.log(np.sqrt(np.mean(opposed**2)) + 1)), float(np.log(opposed.std(axis=0).mean() + 1))


def _differences(plane: Floats, seen: Mask, axis: int) -> Floats:
    """Between neighbours that are both known, along an axis: (n,)."""
    plane, seen = np.moveaxis(plane, axis, 0), np.moveaxis(seen, axis, 0)
    return np.asarray((plane[1:] - plane[:-1])[seen[1:] & seen[:-1]])


def _slopes(down: Floats, right: Floats, spread: float) -> tuple[float, float, float]:
    """How steep it is for its contrast, how far the steepest places stand out, and whether one direction rules."""
    every = np.concatenate([down, right])
    usual, usual_down, usual_right = (np.sqrt(np.mean(d**2)) + _HALF_LEVEL for d in (every, down, right))
    tails = np.log(np.mean(every**4) / usual**4 + _HALF_LEVEL)
    return float(np.log(usual / spread)), float(tails), float(abs(np.log(usual_down / usual_right)))


def _halved(plane: Floats) -> Floats:
    """Means of 2 x 2 pixels; an odd row or column is left out."""
    height, width = (side // 2 for side in plane.shape)
    return np.asarray(plane[: 2 * height, : 2 * width].reshape(height, 2, width, 2).mean(axis=(1, 3)))
