"""One image in one file: which format it has, and which formats can hold it."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from .carried import Carried
from .errors import DECODER_ERRORS, FileError

Format = Literal["png", "jpeg", "tiff", "npy"]

_SIGNATURES: dict[bytes, Format] = {
    b"\x89PNG\r\n\x1a\n": "png",
    b"\xff\xd8\xff": "jpeg",
    b"II*\0": "tiff",
    b"MM\0*": "tiff",
    b"II+\0": "tiff",
    b"MM\0+": "tiff",
    b"\x93NUMPY": "npy",
}
_SUFFIXES: dict[str, Format] = {
    ".png": "png",
    ".tif": "tiff",
    ".tiff": "tiff",
    ".npy": "npy",
    ".jpg": "jpeg",
    ".jpeg": "jpeg",
}


@dataclass(frozen=True)
class ImageFile:
    """An image read from a file.

    Attributes
    ----------
    path : Path
    format : "png", "jpeg", "tiff" or "npy"
    pixels : (H, W), (H, W, 3) or (H, W, 4) array
        In the file's own dtype and range.
    carried : Carried
        Resolution, profile and tags, for the file that is written from it.
    notes : tuple of str
        What a person should know about how the file was read.
    """

    path: Path
    format: Format
    pixels: NDArray[Any]
    carried: Carried = field(default_factory=Carried)
    notes: tuple[str, ...] = ()


def read_image(path: Path) -> ImageFile:
    """Read one 2-D image, gray, RGB or RGBA, with every bit it has.

    Raises
    ------
    FileError
        If the file is missing, broken, truncated, of another format, or holds something
        that can't be read without loss (several pages, other colour spaces, 16-bit colour PNG).
    """
    from . import raster, tiff

    kind = format_of(path)
    readers = {"png": raster.read_png, "jpeg": raster.read_jpeg, "tiff": tiff.read, "npy": _read_npy}
    try:
        with warnings.catch_warnings():
            # Decoders warn of odd metadata and of large images; what matters becomes a note or an error.
            warnings.simplefilter("ignore")
            pixels, carried, notes = readers[kind](path)
    except FileError:
        raise
    except MemoryError as error:
        raise MemoryError(f"{path} does not fit into memory; or it is damaged, and its size is wrong.") from error
    except DECODER_ERRORS as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise FileError(f"{path} can't be read: it is damaged, truncated or unusual ({reason}).") from error
    _check_shape(path, pixels)
    return ImageFile(path, kind, pixels, carried, tuple(notes))


def write_image(
    path: Path,
    pixels: NDArray[Any],
    like: ImageFile | None = None,
    *,
    suffix: str | None = None,
    record: Mapping[str, Any] | None = None,
    altered: NDArray[np.bool_] | None = None,
) -> None:
    """Write an image in the format that the name's ending says.

    Parameters
    ----------
    path : Path
        Written directly; see :class:`~napari_edgeconnect.files.Staging` for whole files only.
    pixels : (H, W), (H, W, 3) or (H, W, 4) array
    like : ImageFile, optional
        Resolution, profile, tags and compression are taken from it.
    suffix : str, optional
        Decides the format in the place of ``path``'s own ending.
    record : dict, optional
        Of the repair; goes into a PNG or a TIFF, after those that are in ``like`` already.
    altered : (H, W) bool, optional
        Goes into a TIFF as a transparency mask; see :func:`check_mask_place`.

    Raises
    ------
    FileError
        If the format can't hold the pixels exactly.
    """
    from . import raster, tiff

    target = Path("output" + suffix) if suffix else path
    kind = check_format(target, pixels.shape, pixels.dtype)
    carried = like.carried if like else Carried()
    if record is not None:
        carried = replace(carried, records=(*carried.records, record))
    if kind == "npy":
        with path.open("wb") as file:
            np.lib.format.write_array(file, pixels, allow_pickle=False)
    elif kind == "png":
        raster.write_png(path, pixels, carried)
    else:
        tiff.write(path, pixels, carried, altered)


def check_format(path: Path, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Format:
    """Say which format ``path`` will be written in, or why it can't hold such an image.

    Raises
    ------
    FileError
    """
    kind = _SUFFIXES.get(path.suffix.lower())
    if kind is None:
        raise FileError(f"{path}: the ending {path.suffix!r} is not known; write .png, .tif, .tiff or .npy.")
    if kind == "jpeg":
        raise FileError(f"{path}: JPEG compression would change pixels outside the hole too; write .png or .tif.")
    png_holds = dtype.name == "uint8" or (len(shape) == 2 and dtype.name in ("bool", "uint16"))
    if kind == "png" and not png_holds:
        what = "colours" if len(shape) == 3 else "gray values"
        raise FileError(f"{path}: {what} of {dtype.name} can't be written as PNG without loss; write .tif or .npy.")
    if kind == "tiff" and dtype.kind == "b" and len(shape) == 3:
        raise FileError(f"{path}: a TIFF can't hold a colour image of bool; write .npy.")
    return kind


def check_mask_place(path: Path, like: ImageFile) -> None:
    """Say why a mask of altered pixels has no place in the file that will be written.

    Raises
    ------
    FileError
        For all but TIFF, and for OME-TIFF.
    """
    if _SUFFIXES.get(path.suffix.lower()) != "tiff":
        raise FileError(f"{path}: a mask has a place in TIFF and OME-Zarr only; it is written beside the image.")
    if like.carried.is_ome:
        raise FileError(
            f"{path}: what an OME-TIFF has beside its pages readers take for smaller copies of the image, so a mask "
            f"has no place in it; it is written beside the image."
        )


def format_of(path: Path) -> Format:
    """Tell a file's format by its first bytes, or say in a FileError why that can't be."""
    try:
        with path.open("rb") as file:
            head = file.read(8)
    except FileNotFoundError:
        raise FileError(f"There is no file {path}.") from None
    except IsADirectoryError:
        raise FileError(f"{path} is a folder; an image file was expected.") from None
    except OSError as error:
        raise FileError(f"{path} can't be opened: {error.strerror}.") from error
    if not head:
        raise FileError(f"{path} is empty.")
    for signature, kind in _SIGNATURES.items():
        if head.startswith(signature):
            return kind
    raise FileError(f"{path} is none of the formats that are read here: PNG, JPEG, TIFF, NPY.")


def _read_npy(path: Path) -> tuple[NDArray[Any], Carried, list[str]]:
    with path.open("rb") as file:
        pixels = np.lib.format.read_array(file, allow_pickle=False)
    if pixels.dtype.kind not in "buif":
        raise FileError(f"{path} holds {pixels.dtype} values; bool, integers or floats are wanted.")
    return pixels, Carried(), []


def _check_shape(path: Path, pixels: NDArray[Any]) -> None:
    plane = pixels.ndim == 2 or (pixels.ndim == 3 and pixels.shape[2] in (3, 4))
    if not plane or pixels.size == 0:
        raise FileError(
            f"{path} holds an array of shape {pixels.shape}; one plane is wanted: (H, W), (H, W, 3) or (H, W, 4). "
            f"inpaint, edges, complete and batch take stacks."
        )
