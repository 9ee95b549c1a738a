"""The coarse level averages what is known, and is stretched back in place."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from napari_edgeconnect.core.coarse import CoarseGuess, shrink_factor, shrunk, shrunk_any
from napari_edgeconnect.core.holes import Box


def test_known_pixels_alone_are_averaged() -> None:
    values = np.arange(16.0).reshape(4, 4, 1)
    weight = np.ones((4, 4), bool)
    weight[0, 0] = weight[2:, 2:] = False
    values[~weight] = np.nan
    small, hole = shrunk(values, weight, 2)
    assert small[..., 0].tolist() == [[(1 + 4 + 5) / 3, (2 + 3 + 6 + 7) / 4], [(8 + 9 + 12 + 13) / 4, 0]]
    assert hole.tolist() == [[False, False], [False, True]]


@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 7))
def test_a_constant_stays_a_constant(height: int, width: int, factor: int) -> None:
    small, hole = shrunk(np.full((height, width, 3), 0.25), np.ones((height, width), bool), factor)
    assert small.shape == (-(-height // factor), -(-width // factor), 3)
    assert (small == 0.25).all()
    assert not hole.any()


@given(st.integers(1, 6), st.integers(0, 30), st.integers(0, 30))
def test_a_slope_is_stretched_back_onto_itself(factor: int, top: int, left: int) -> None:
    """Shrinking and stretching keep positions: no half-pixel shift."""
    rows, columns = np.mgrid[: 24 * factor, : 24 * factor]
    slope = (2.0 * rows + 3.0 * columns)[..., None]
    region = Box(top, top + 24 * factor, left, left + 24 * factor)
    small, _ = shrunk(slope, np.ones(rows.shape, bool), factor)
    inner = Box(region.top + factor, region.bottom - factor, region.left + factor, region.right - factor)
    stretched = CoarseGuess(region, factor, small).at(inner)
    assert np.allclose(stretched, slope[inner.within(region)])


def test_a_thin_line_survives_shrinking() -> None:
    edges = np.zeros((9, 9), np.float32)
    edges[4] = 1
    assert shrunk_any(edges, 4).tolist() == [[0, 0, 0], [1, 1, 1], [0, 0, 0]]


def test_the_factor_brings_the_region_into_one_window() -> None:
    assert shrink_factor(Box(0, 4096, 0, 10), 1024) == 4
    assert shrink_factor(Box(0, 4097, 0, 10), 1024) == 5
