"""The smooth fill that everything starts from: biharmonic inpainting.

The residual formulation corrects this fill, rim correction extends the rim's
error with it, and it is needed for every window; hence a room and a solver of
its own. It solves scikit-image's system (``skimage.restoration.inpaint_biharmonic``
is the reference, agreed with to 1e-6), but assembles it with array operations
for the hole's pixels alone and factors it once for all channels.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, sparse
from scipy.sparse.linalg import splu

_STEPS = ((-1, 0), (1, 0), (0, -1), (0, 1))
_CROSS = ndimage.generate_binary_structure(2, 1)


def biharmonic_fill(image: NDArray[np.floating], mask: NDArray[np.bool_]) -> NDArray[np.floating]:
    """Fill a hole so that value and slope continue smoothly across its rim.

    Parameters
    ----------
    image : (H, W) or (H, W, C) float array
        Any range; values inside the hole are ignored and may be NaN.
    mask : (H, W) bool, True inside the hole

    Returns
    -------
    filled : array like ``image``
        Known pixels are copied bit for bit. Inside the hole the solution is
        clipped, per channel, to the known pixels' minimum and maximum.

    Raises
    ------
    ValueError
        If the shapes differ, or no pixel is known.

    References
    ----------
    Damelin & Hoang, On Surface Completion and Image Inpainting by Biharmonic
    Functions: Numerical Aspects, 2018; arXiv:1707.06567.
    """
    if image.shape[:2] != mask.shape:
        raise ValueError(f"mask has shape {mask.shape}, but the image's plane is {image.shape[:2]}.")
    if mask.all():
        raise ValueError("Every pixel is masked: there is nothing known to continue into the hole.")
    filled = image.copy()
    if not mask.any():
        return filled
    channels = filled.reshape(*mask.shape, -1)
    hole_matrix, rim_matrix, rim = _biharmonic_system(mask)
    solve = splu(
        hole_matrix, permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options={"SymmetricMode": True}
    ).solve
    solution = solve(-(rim_matrix @ channels[rim].astype(np.float64)))
    known = channels[~mask]
    channels[mask] = np.clip(solution, known.min(axis=0), known.max(axis=0))
    return filled


def _biharmonic_system(
    mask: NDArray[np.bool_],
) -> tuple[sparse.csc_array, sparse.csr_array, NDArray[np.bool_]]:
    """The squared Laplacian's rows of the hole, split into hole columns and rim columns.

    The Laplacian mirrors at the image's border, which is what scikit-image's
    coefficients amount to.
    """
    first = ndimage.binary_dilation(mask, _CROSS)
    second = ndimage.binary_dilation(first, _CROSS)
    number = np.full(mask.shape, -1, dtype=np.int64)
    number[second] = np.arange(np.count_nonzero(second))
    outer = _laplacian(first, number)
    inner = _laplacian(mask, number)[:, first[second].nonzero()[0]]
    rows = (inner @ outer).tocsc()
    in_hole = mask[second]
    rim = second & ~mask
    return rows[:, in_hole.nonzero()[0]], rows[:, (~in_hole).nonzero()[0]].tocsr(), rim


def _laplacian(rows: NDArray[np.bool_], number: NDArray[np.int64]) -> sparse.csr_array:
    """The five-point Laplacian at the pixels ``rows``, its columns numbered by ``number``."""
    y, x = rows.nonzero()
    count = len(y)
    height, width = rows.shape
    centre = number[y, x]
    row_index, columns, values = [], [], []
    for dy, dx in _STEPS:
        inside = (0 <= y + dy) & (y + dy < height) & (0 <= x + dx) & (x + dx < width)
        at = inside.nonzero()[0]
        row_index += [at, at]
        columns += [number[y[at] + dy, x[at] + dx], centre[at]]
        values += [np.ones(len(at)), -np.ones(len(at))]
    entries = (np.concatenate(values), (np.concatenate(row_index), np.concatenate(columns)))
    return sparse.coo_array(entries, shape=(count, int(number.max()) + 1)).tocsr()
