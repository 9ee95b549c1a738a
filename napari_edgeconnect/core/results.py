"""What a repair gives back, and the steps it takes on the way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .edges import EdgeMap


class Step(NamedTuple):
    """One step of a running repair: ``done`` of ``total`` windows' work, and what comes next."""

    done: int
    total: int
    what: str


@dataclass(frozen=True)
class Repair:
    """A completed image and everything that says how it came about.

    Attributes
    ----------
    image : array
        Of the input's shape and dtype; bit-identical to it wherever
        ``altered`` is False.
    edges : EdgeMap
        The edge map that the completion was made from.
    altered : (H, W) bool
        True where pixels were invented: the mask after growing, and any
        pixel that was NaN or infinite.
    record : dict
        Plain values (JSON can hold them): model and its sha256, version,
        settings, contrast mapping, device, hole area, edited edges, …
    """

    image: NDArray[Any]
    edges: EdgeMap
    altered: NDArray[np.bool_]
    record: dict[str, Any]
