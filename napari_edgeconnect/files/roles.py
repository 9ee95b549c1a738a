"""What a file's values mean when it is used as a mask, or as an edge image.

Files drawn by hand come in every shape: label images, black and white, smoothed
outlines, RGB from a paint program. Each reading is said in a note, because a
misread mask is the commonest cause of a bad repair.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import FileError
from .image import ImageFile, read_image

#: The largest value of an edge label image (core's EdgeSource.DRAWN).
_LAST_LABEL = 3


def read_as_mask(path: Path) -> tuple[NDArray[np.bool_], list[str]]:
    """Read a mask.

    Labels: every value other than 0. Black and white: white. Soft masks (a JPEG,
    or 8 or 16 bits with values between 0 and full white): above half of the range.
    Floats: above 0.5.

    Returns
    -------
    mask : (H, W) bool, True inside the hole
    notes : list of str
    """
    file = read_image(path)
    values = _one_channel(file, "mask")
    notes = list(file.notes)
    if values.dtype == bool:
        return values, notes
    if values.dtype.kind == "f":
        if np.isnan(values).any():
            raise FileError(f"{path} is used as a mask and holds NaN: write 1 in the hole and 0 elsewhere.")
        if ((values > 0) & (values < 1)).any():
            notes.append(f"{path.name} is a soft mask: what is above 0.5 is hole")
        return values > 0.5, notes
    if (values < 0).any():
        raise FileError(f"{path} is used as a mask and holds negative values: write 1 in the hole and 0 elsewhere.")
    white = np.iinfo(values.dtype).max
    between = (values > 0) & (values < white)
    if file.format == "jpeg" or ((values == white).any() and between.any()):
        if between.any():
            notes.append(
                f"{path.name} is a soft mask, with {int(between.sum())} pixels between black and white: what is above "
                f"half ({white // 2}) is hole. Give a hard mask, or a larger --grow-px, if a rim of damage stays"
            )
        return values > white // 2, notes
    return values != 0, notes


def read_as_edges(path: Path) -> tuple[NDArray[Any], str, list[str]]:
    """Read an edge image: labels, a drawing, or probabilities.

    Returns
    -------
    edges : (H, W) uint8 labels 0 to 3, bool, or float32 probabilities
    meaning : "labels", "drawing" or "probabilities"
    notes : list of str
    """
    file = read_image(path)
    values = _one_channel(file, "edge image")
    notes = list(file.notes)
    if values.dtype.kind == "f":
        if not ((values >= 0) & (values <= 1)).all():
            raise FileError(f"{path} holds floats that are no probabilities: edge probabilities lie from 0 to 1.")
        return values.astype(np.float32), "probabilities", notes
    if values.dtype == bool:
        return values, "drawing", notes
    if values.min() < 0:
        raise FileError(f"{path} holds negative values; edge labels are 0, 1, 2 and 3.")
    if file.format != "jpeg" and values.max() <= _LAST_LABEL:
        return values.astype(np.uint8), "labels", notes
    if values.dtype != np.uint8:
        raise FileError(
            f"{path} holds {values.dtype.name} values up to {values.max()}; an edge image has labels 0 to 3, black and "
            f"white of 8 bits, or floats from 0 to 1."
        )
    drawing = values > 127
    gray = int(((values > 0) & (values < 255)).sum())
    if gray:
        notes.append(f"{path.name} has {gray} gray pixels: what is above 127 is edge")
    if drawing.mean() > 0.5:
        notes.append(f"{path.name} is mostly white, and white is edge: was black on white drawn?")
    return drawing, "drawing", notes


def _one_channel(file: ImageFile, role: str) -> NDArray[Any]:
    pixels = file.pixels
    if pixels.ndim == 2:
        return pixels
    colours, alpha = pixels[..., :3], pixels[..., 3:]
    opaque = np.iinfo(alpha.dtype).max if alpha.dtype.kind in "ui" else 1
    if (alpha != opaque).any():
        raise FileError(f"{file.path} is used as {role} and is partly transparent: flatten it to black and white.")
    if (colours != colours[..., :1]).any():
        raise FileError(f"{file.path} is used as {role} and holds colours: save it as gray, black and white or labels.")
    return np.ascontiguousarray(colours[..., 0])
