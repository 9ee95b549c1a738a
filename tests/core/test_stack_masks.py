"""Damage from painted slices to others."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from napari_edgeconnect.core.stack_masks import everywhere, in_between

masks = arrays(np.bool_, st.tuples(st.integers(1, 6), st.integers(1, 9), st.integers(1, 9)))


def disc(radius: float, centre: tuple[float, float] = (20, 20), side: int = 41) -> np.ndarray:
    rows, columns = np.mgrid[:side, :side]
    return np.hypot(rows - centre[0], columns - centre[1]) <= radius


@given(masks, st.data())
def test_the_damage_of_one_slice_is_in_all_and_nothing_else_is_added(stack, data):
    at = data.draw(st.integers(0, len(stack) - 1))
    spread = everywhere(stack, at)
    assert (spread >= stack).all()
    assert (spread == (stack | stack[at])).all()
    assert np.array_equal(spread[at], stack[at])


@given(masks)
def test_painted_slices_and_those_outside_them_stay(stack):
    filled = in_between(stack)
    painted = stack.any(axis=(1, 2))
    assert np.array_equal(filled[painted], stack[painted])
    if painted.any():
        first, last = np.flatnonzero(painted)[[0, -1]]
        assert not filled[:first].any()
        assert not filled[last + 1 :].any()
    else:
        assert not filled.any()


@given(masks)
def test_what_both_neighbours_have_is_in_all_slices_between_them(stack):
    filled = in_between(stack)
    painted = np.flatnonzero(stack.any(axis=(1, 2)))
    for first, last in pairwise(painted):
        assert (filled[first : last + 1] >= (stack[first] & stack[last])).all()


def test_a_disc_that_shrinks_shrinks_evenly():
    stack = np.zeros((5, 41, 41), bool)
    stack[0], stack[4] = disc(16), disc(4)
    areas = in_between(stack).sum(axis=(1, 2))
    radii = np.sqrt(areas / np.pi)
    assert np.allclose(radii, [16, 13, 10, 7, 4], atol=0.5)


def test_a_scratch_that_moves_by_less_than_its_width_stays_whole():
    stack = np.zeros((3, 30, 30), bool)
    stack[0, 10:16], stack[2, 14:20] = True, True
    middle = in_between(stack)[1]
    assert np.flatnonzero(middle.all(axis=1)).tolist() == [12, 13, 14, 15, 16, 17]
    assert middle.any(axis=1).sum() == 6


def test_what_moves_farther_than_it_is_wide_vanishes_on_the_way():
    stack = np.zeros((3, 40, 40), bool)
    stack[0] = disc(3, (8, 8), 40)
    stack[2] = disc(3, (30, 30), 40)
    assert not in_between(stack)[1].any()
