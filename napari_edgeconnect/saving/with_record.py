"""File > Save as ``.record.tif`` or ``.record.png``: one repaired plane, with its record and its altered pixels.

napari's own writers take the pixels alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..files import FileError, Staging, as_black_and_white, write_image, write_json
from ..plugin.layers import KEY

#: napari takes the writer with the longest ending that fits, so these go past its own .tif and .png.
ENDINGS = (".record.tif", ".record.tiff", ".record.png")
_KNOWN = (".tif", ".tiff", ".png")


def write_with_record(path: str, data: NDArray[Any], attributes: Mapping[str, Any]) -> list[str]:
    """Write one image layer of ours: OUT.tif with its record inside, OUT.json and OUT_altered.png.

    Parameters
    ----------
    path : str
        An ending that is neither TIFF nor PNG gets ``.record.tif`` added.
    data : array
        As napari holds it: (H, W) or (H, W, channels), with axes of length 1 for a slice of a stack.
    attributes : dict
        The layer's.

    Returns
    -------
    list of str
        The files that were written.

    Raises
    ------
    OSError
        In one sentence: for a layer that holds no repair of one plane, or a format that can't hold its pixels exactly.
    """
    try:
        return _write(path, data, attributes)
    except FileError as error:  # of a ValueError napari makes "no writer fits", and drops what it says
        raise OSError(str(error)) from error


def _write(path: str, data: NDArray[Any], attributes: Mapping[str, Any]) -> list[str]:
    name, details = str(attributes.get("name")), attributes.get("metadata", {}).get(KEY, {})
    if "records" in details:
        raise FileError(
            f"“{name}” is a whole stack, with a record of each slice: save it as .zarr, which holds them all."
        )
    if not {"record", "altered"} <= set(details):
        raise FileError(f"“{name}” is no image that {KEY} has repaired, so there is no record to save with it.")
    output = Path(path) if path.lower().endswith(_KNOWN) else Path(f"{path}{ENDINGS[0]}")
    record_path = output.with_suffix(".json")
    altered_path = output.with_name(f"{output.stem}_altered.png")
    altered, record = details["altered"], details["record"]
    plane = np.asarray(data).reshape(*altered.shape, *([-1] if attributes.get("rgb") else []))
    staging = Staging([], overwrite=True)  # napari has asked already
    for each in (output, record_path, altered_path):
        staging.plan(each)
    inside = altered if output.suffix.lower() != ".png" else None
    staging.commit(
        {
            record_path: partial(write_json, record=record),
            altered_path: partial(write_image, pixels=as_black_and_white(altered), suffix=".png"),
            output: partial(write_image, pixels=plane, suffix=output.suffix, record=record, altered=inside),
        }
    )
    return [str(each) for each in (output, record_path, altered_path)]
