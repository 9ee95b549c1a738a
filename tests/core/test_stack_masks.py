"""Damage from painted slices to others."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from napari_edgeconnect.core import cutouts
from napari_edgeconnect.core.axes import Axes
from napari_edgeconnect.core.settings import StackSettings
from napari_edgeconnect.core.stack import Stack
from napari_edgeconnect.core.stack_masks import SpreadMask, everywhere, in_between

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


@given(masks, st.data())
def test_a_mask_that_is_spread_plane_by_plane_is_what_is_spread_at_once(stack, data):
    soft = stack * data.draw(st.sampled_from([np.float32(0.7), np.uint8(3), True]))
    names = data.draw(st.sampled_from(["ZTYX", "ZYXT"]))
    twice = np.stack([soft, soft[::-1]], axis=names.index("T"))  # the same along another axis
    axes = Axes(names, twice.shape)
    between, united = (SpreadMask(twice, axes, "Z", how) for how in ("between", "everywhere"))
    rows = slice(0, data.draw(st.integers(1, stack.shape[1])))
    for t, one in enumerate((stack, stack[::-1])):
        for z in range(len(stack)):
            key = tuple({"Z": z, "T": t, "Y": rows, "X": slice(None)}[name] for name in names)
            assert np.array_equal(between[key], in_between(one)[z][rows])
            assert np.array_equal(united[key], one.any(axis=0)[rows])


def test_a_stack_is_damaged_between_painted_planes_and_the_source_is_not_written_to():
    painted = np.zeros((5, 41, 41), bool)
    painted[0], painted[4] = disc(16), disc(4)
    before = painted.copy()
    image = np.zeros((5, 2, 41, 41), np.uint8)
    choices = StackSettings(spread_mask="between")
    stack = Stack.prepare(image, painted, "ZCYX", mask_axes="ZYX", choices=choices)
    for z in range(5):
        for channel in range(2):
            assert np.array_equal(stack.marked((z,), channel), in_between(painted)[z])
    assert np.array_equal(painted, before)


def test_what_cannot_be_spread_is_refused(monkeypatch):
    image = np.zeros((2, 3, 8, 8), np.uint8)
    between = StackSettings(spread_mask="between")
    with pytest.raises(
        ValueError, match="spread_axis is None: masks need an axis that counts planes, but 'YX' has none"
    ):
        Stack.prepare(image, np.zeros((8, 8)), "TZYX", choices=between)
    with pytest.raises(ValueError, match=r"that is one of T, Z\."):
        Stack.prepare(image, np.zeros(image.shape), "TZYX", choices=between)
    with pytest.raises(ValueError, match="spread_mask is 'all'"):
        StackSettings(spread_mask="all")
    monkeypatch.setattr(cutouts, "WHOLE_PLANE_PX", 10)
    with pytest.raises(ValueError, match="8 x 8 pixels: masks of planes as large"):
        Stack.prepare(image[0], np.zeros((3, 8, 8)), "ZYX", choices=between)
