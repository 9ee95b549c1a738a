"""Images to train on: any folder of files and stacks, read plane by plane into [0, 1].

Apart from ``files``, which reads one image whole and keeps what its file says
about it: here a stack may be larger than memory, and pixels are all that counts.
"""

from __future__ import annotations

import warnings
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from tifffile import PHOTOMETRIC, TiffFile

from ..core.planes import ContrastMapping, checked_image, colours, contrast_mapping, nonfinite
from ..files import FileError, read_image
from ..files.errors import DECODER_ERRORS

SUFFIXES = {".jpg", ".jpeg", ".png", ".tif", ".tiff", ".npy"}
#: Crops are not stretched from less.
SMALLEST_SIDE_PX = 16
_INTENSITIES = (PHOTOMETRIC.MINISWHITE, PHOTOMETRIC.MINISBLACK, PHOTOMETRIC.RGB)


@dataclass(frozen=True)
class Plane:
    """One plane as its file holds it, and the way into [0, 1].

    Attributes
    ----------
    pixels : (H, W, 1) or (H, W, 3), finite
    mapping : ContrastMapping
    missing : (H, W) bool or None
        Where the file has NaN or infinity, and ``pixels`` the median of the rest; None: nowhere.
    """

    pixels: NDArray[Any]
    mapping: ContrastMapping
    missing: NDArray[np.bool_] | None

    def unit(self, window: tuple[slice, slice] = (slice(None), slice(None))) -> NDArray[np.float32]:
        """A part of the plane as float32 in [0, 1]; what lies beyond the mapping's ends is clipped."""
        return np.clip(self.mapping.to_unit(self.pixels[window]), 0, 1).astype(np.float32)

    @property
    def nbytes(self) -> int:
        """Of memory."""
        return self.pixels.nbytes + (0 if self.missing is None else self.missing.nbytes)


def image_files(folder: Path) -> list[Path]:
    """Every image below ``folder``, sorted; raises FileNotFoundError when there is none."""
    files = sorted(p for p in folder.rglob("*") if p.suffix.lower() in SUFFIXES)
    if not files:
        raise FileNotFoundError(f"No image ({', '.join(sorted(SUFFIXES))}) below {folder}.")
    return files


def read_rgb(path: Path) -> NDArray[np.float32]:
    """An image file, of a stack the first plane, as (H, W, 3) float32 in [0, 1]; see :func:`read_plane`."""
    unit = read_plane(path).unit()
    return np.ascontiguousarray(np.broadcast_to(unit, (*unit.shape[:2], 3)))


def read_plane(path: Path, number: int = 0) -> Plane:
    """Read one plane of a PNG, JPEG, TIFF or NPY file, and nothing else of a stack.

    The last two axes are the plane, or three where the last is RGB or RGBA;
    alpha is dropped. 8-bit values are divided by 255. All others are mapped by
    the 0.5 and 99.5 percentiles of the plane's finite pixels, those that are
    not finite get the median of the finite ones.

    Parameters
    ----------
    path : Path
    number : int
        Of the plane, counted through all leading axes.

    Raises
    ------
    FileError
        If the file can't be read, or no pixel of the plane is finite.
    """
    with _file_errors(path):
        pixels = colours(checked_image(_stack(path).read(number)))
    pixels = np.array(pixels, dtype=pixels.dtype.newbyteorder("="))
    missing = nonfinite(pixels)
    if missing.all():
        raise FileError(f"No pixel of plane {number} of {path} is finite: take it out.")
    if not missing.any():
        return Plane(pixels, contrast_mapping(pixels, missing), None)
    pixels[missing] = np.median(pixels[~missing])
    return Plane(pixels, contrast_mapping(pixels, missing), missing)


class PlaneCache:
    """Planes that were read, up to a number of bytes, the least recently used out first; left behind when pickled."""

    def __init__(self, limit: int) -> None:
        self._limit, self._size = limit, 0
        self._planes: dict[tuple[Path, int], Plane] = {}

    def __reduce__(self) -> tuple[type[PlaneCache], tuple[int]]:
        return PlaneCache, (self._limit,)

    def plane(self, path: Path, number: int) -> Plane:
        """Read a plane, or take it from memory."""
        known = self._planes.pop((path, number), None)
        plane = known or read_plane(path, number)
        if plane.nbytes <= self._limit:
            self._planes[path, number] = plane  # the last of the dict is the latest used
            self._size += 0 if known else plane.nbytes
        while self._size > self._limit:
            self._size -= self._planes.pop(next(iter(self._planes))).nbytes
        return plane


def planes_by_modality(folder: Path) -> dict[str, list[tuple[Path, int]]]:
    """Files and how many planes each of them holds, by modality.

    A modality is a sub-folder, with all that is below it, or "" for images in
    none. Files whose sides are shorter than ``SMALLEST_SIDE_PX`` are left out with a warning.

    Raises
    ------
    FileNotFoundError, FileError, ValueError
        Where there is no image, a file can't be read, or all of them are too small.
    """
    modalities: dict[str, list[tuple[Path, int]]] = defaultdict(list)
    too_small = []
    files = image_files(folder)
    for path in files:
        with _file_errors(path):
            stack = _stack(path)
        if stack.count == 0 or min(stack.plane[:2]) < SMALLEST_SIDE_PX:
            too_small.append(path.name)
            continue
        *folders, _ = path.relative_to(folder).parts
        modalities[folders[0] if folders else ""].append((path, stack.count))
    if not modalities:
        raise ValueError(f"No image below {folder} has sides of at least {SMALLEST_SIDE_PX} pixels.")
    if too_small:
        warnings.warn(
            f"{len(too_small)} of {len(files)} images are left out, because a side is shorter than "
            f"{SMALLEST_SIDE_PX} pixels: {', '.join(too_small[:5])}{' …' if len(too_small) > 5 else ''}.",
            stacklevel=3,
        )
    return dict(modalities)


@dataclass(frozen=True)
class _Stack:
    """A file: how many planes of which shape, (H, W), (H, W, 3) or (H, W, 4), and how one is read."""

    count: int
    plane: tuple[int, ...]
    read: Callable[[int], NDArray[Any]]


@contextmanager
def _file_errors(path: Path) -> Iterator[None]:
    """Whatever a decoder stumbles over becomes a FileError that names the file."""
    try:
        yield
    except FileError:
        raise
    except DECODER_ERRORS as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise FileError(f"{path} can't be read: it is damaged, truncated or unusual ({reason}).") from error


def _stack(path: Path) -> _Stack:
    with path.open("rb") as file:
        head = file.read(6)
    if head == b"\x93NUMPY":
        return _in_array(np.load(path, mmap_mode="r", allow_pickle=False))
    if head[:2] in (b"II", b"MM"):
        return _in_tiff(path, path.stat().st_mtime_ns)
    with Image.open(path, formats=("PNG", "JPEG")) as header:
        sides = header.height, header.width
    return _Stack(1, sides, lambda _: read_image(path).pixels)


def _in_array(array: NDArray[Any]) -> _Stack:
    leading, plane = _split(array.shape)
    return _Stack(prod(leading), plane, lambda number: array[np.unravel_index(number, leading)])


@lru_cache(maxsize=16)  # to find a thousand pages takes longer than to make a sample
def _in_tiff(path: Path, modified: int) -> _Stack:
    """``modified`` is asked for so that a file that was written again is read again."""
    with TiffFile(path) as tiff:
        series = tiff.series[0]
        first = series.keyframe
        if first.photometric not in _INTENSITIES and not tiff.is_imagej:  # whose palettes are lookup tables
            name = getattr(first.photometric, "name", first.photometric)
            raise FileError(f"{path} has the colour space {name}; gray or RGB is wanted: convert it.")
        colours_last = sorted(range(series.ndim), key=lambda axis: series.axes[axis] == "S")
        shape = tuple(series.shape[axis] for axis in colours_last)
        if series.dataoffset is not None and shape == series.shape:
            dtype = np.dtype(tiff.byteorder + series.dtype.char)
            return _in_array(np.memmap(path, dtype, "r", series.dataoffset, shape))
        leading, plane = _split(shape)
        count = prod(leading)
        if len(tiff.pages) == 1 and count == 1:
            return _Stack(count, plane, lambda _: read_image(path).pixels)
        pages = list(series)

    def read(number: int) -> NDArray[Any]:
        index, within = divmod(number, count // len(pages))
        page = pages[index]
        if page is None:
            raise FileError(f"Plane {number} of {path} is missing.")
        file = page.parent.filehandle
        file.open()  # and closed again: forked processes would share the position in it
        try:
            pixels = page.asarray()
        finally:
            file.close()
        if first.axes.startswith("S"):
            pixels = np.moveaxis(pixels, 0, -1)
        return np.asarray(pixels.reshape(-1, *plane)[within])

    return _Stack(count, plane, read)


def _split(shape: tuple[int, ...]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The leading axes, and those of a plane."""
    if len(shape) < 2:
        raise ValueError(f"an array of shape {shape} is no image")
    axes = 3 if len(shape) > 2 and shape[-1] in (3, 4) else 2
    return shape[:-axes], shape[-axes:]
