"""What a repair gives back, and the steps it takes on the way."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from .edges import EdgeMap

Result = TypeVar("Result")


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


@dataclass(frozen=True)
class ClassicalRepair:
    """What a classical method made: as :class:`Repair`, without edges.

    Attributes
    ----------
    image : array
        Of the input's shape and dtype; bit-identical to it wherever
        ``altered`` is False.
    altered : (H, W) bool
        True where pixels were invented.
    record : dict
        Plain values: method, package and its version, settings, contrast mapping, hole area, …
    """

    image: NDArray[Any]
    altered: NDArray[np.bool_]
    record: dict[str, Any]


def result_of(steps: Generator[Step, None, Result]) -> Result:
    """Run steps to their end, and return what they return."""
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            return stop.value
