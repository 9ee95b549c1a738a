"""What a replay needs of a repair that was made from no files, as in the widget: kept beside its record.

Apart from ``replay``, which knows arrays only; and here rather than in ``files``, because the widget stands on this
floor alone. NPY and NPZ hold every dtype, and are read without unpickling anything.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import ArrayLike

from .edges import EdgeMap
from .holes import read_mask
from .planes import checked_image

_PLANES = ("labels", "probability", "hole", "measured", "decided")


def save_for_replay(
    folder: Path, record: Mapping[str, Any], image: ArrayLike, mask: ArrayLike, edges: EdgeMap | None = None
) -> Path:
    """Write a record and the arrays that it was made from: ``napari-edgeconnect replay FOLDER/record.json`` reads them.

    Parameters
    ----------
    folder : Path
        Made if need be; files of these names in it are replaced.
    record : dict
        Of a repair of one plane.
    image : (H, W), (H, W, 3) or (H, W, 4)
    mask : (H, W)
        As they were given.
    edges : EdgeMap, optional
        ``Repair.edges``; classical repairs have none.

    Returns
    -------
    path : Path
        Of record.json.
    """
    folder.mkdir(parents=True, exist_ok=True)
    pixels = checked_image(image)
    arrays = {"image": pixels, "mask": read_mask(mask, pixels.shape[:2])}
    paths = {role: folder / f"{role}.npy" for role in arrays}
    for role, path in paths.items():
        np.save(path, arrays[role], allow_pickle=False)
    if edges is not None:
        paths["edges"] = folder / "edges.npz"
        save_edge_map(paths["edges"], edges)
    inputs = {role: {"file": path.name, "sha256": _sha256(path)} for role, path in paths.items()}
    path = folder / "record.json"
    text = json.dumps({**record, "inputs": inputs}, indent=2, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")
    return path


def save_edge_map(path: Path, edges: EdgeMap) -> None:
    """Write all of an edge map, what a person has decided included, as NPZ."""
    planes = {name: getattr(edges, name) for name in _PLANES}
    with path.open("wb") as file:
        np.savez_compressed(file, threshold=np.float64(edges.threshold), **planes)


def load_edge_map(path: Path) -> EdgeMap:
    """Read what :func:`save_edge_map` wrote.

    Raises
    ------
    ValueError
        For another file.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            planes = {name: file[name] for name in _PLANES}
            return EdgeMap(threshold=float(file["threshold"]), **planes)
    except (OSError, ValueError, KeyError, EOFError, BadZipFile) as error:
        raise ValueError(f"{path} holds no edge map as save_edge_map writes it.") from error


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
