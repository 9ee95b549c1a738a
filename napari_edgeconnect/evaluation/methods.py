"""What is compared: EdgeConnect with three kinds of edges, and the classical methods.

Whether edges earn their place is told by running the completion network three
times: on hallucinated edges, on the true ones (what a perfect stage 1, or a
person, could gain), and on none inside the hole.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from skimage.feature import canny

from ..core.classical import inpaint
from ..core.edgeconnect import EdgeConnect
from ..core.edges import EdgeMap
from ..core.job import gray_of
from ..core.planes import colours, contrast_mapping
from ..core.settings import CLASSICAL_METHODS, Settings
from .cases import Loaded
from .names import EDGECONNECT, HALLUCINATED, METHODS, NO_EDGES, TRUE_EDGES


class Repaired(NamedTuple):
    """What the methods made of one case.

    Attributes
    ----------
    results : dict
        By method, an array like the truth.
    edges : EdgeMap or None
        What stage 1 proposed; None where EdgeConnect was not asked.
    true_edges : (S, S) bool
        Canny of the undamaged image, at the same sigma and contrast.
    """

    results: dict[str, NDArray[np.uint8]]
    edges: EdgeMap | None
    true_edges: NDArray[np.bool_]


def chosen_methods(names: Sequence[str] | None) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Which methods run, in the tables' order.

    Parameters
    ----------
    names : sequence of str or None
        None: every method that is installed.

    Returns
    -------
    methods, missing : tuple of str
        What runs, and what was left out because a package is not installed.

    Raises
    ------
    ValueError
        For an unknown name, none at all, or a method asked for that is not installed.
    """
    if names is not None:
        unknown = [name for name in names if name not in METHODS]
        if unknown or not names:
            said = f"There is no method {unknown[0]!r}" if unknown else "No method was given"
            raise ValueError(f"{said}: known are {', '.join(METHODS)}.")
    wanted = [name for name in METHODS if names is None or name in names]
    missing = tuple(name for name in wanted if name in CLASSICAL_METHODS and not _runs(name, must=names is not None))
    return tuple(name for name in wanted if name not in missing), missing


def repaired(case: Loaded, methods: Sequence[str], model: EdgeConnect | None, settings: Settings) -> Repaired:
    """Run every method on one case.

    Parameters
    ----------
    case : Loaded
        An evaluation's are squares of 8 bits; any other size and dtype will do as well.
    methods : sequence of str
        From :data:`~.names.METHODS`.
    model : EdgeConnect or None
        None where no method needs it.
    settings : Settings
        With ``grow_px`` 0: what is measured is the hole as given.
    """
    true = true_edges(case, settings)
    results: dict[str, NDArray[np.uint8]] = {}
    edges: EdgeMap | None = None
    if model is not None and any(name in EDGECONNECT for name in methods):
        edges = model.hallucinate_edges(case.damaged, case.hole, settings)
        nothing = np.zeros(case.hole.shape, np.float32)
        # Floats, because drawn (bool) edges would be thinned once more.
        given: dict[str, EdgeMap | NDArray[np.float32]] = {
            HALLUCINATED: edges,
            TRUE_EDGES: true.astype(np.float32),
            NO_EDGES: nothing,
        }
        for name in methods:
            if name in EDGECONNECT:
                results[name] = model.complete(case.damaged, case.hole, given[name], settings)
    for name in methods:
        if name in CLASSICAL_METHODS:
            results[name] = inpaint(case.damaged, case.hole, method=name)
    return Repaired(results, edges, true)


def true_edges(case: Loaded, settings: Settings) -> NDArray[np.bool_]:
    """(S, S) bool: Canny of the undamaged image, in the contrast that the networks see."""
    if settings.sigma is None:
        return np.zeros(case.hole.shape, dtype=bool)
    mapping = contrast_mapping(case.damaged, case.hole)
    gray = gray_of(mapping.to_unit(colours(case.truth)))
    return np.asarray(canny(gray, sigma=settings.sigma), dtype=bool)


def _runs(method: str, *, must: bool) -> bool:
    """Whether a classical method's package is there, by repairing one pixel."""
    hole = np.zeros((16, 16), dtype=bool)
    hole[8, 8] = True
    try:
        inpaint(np.zeros(hole.shape, np.uint8), hole, method)
    except ImportError as error:
        if must:
            raise ValueError(str(error)) from error
        return False
    return True
