"""Windows: every hole is repaired exactly once, with its context, and small damage stays cheap."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

from napari_edgeconnect.core.holes import Box, grown, plan_windows, read_mask
from napari_edgeconnect.core.settings import Settings

SMALL = Settings(margin_px=16, smallest_window_px=32, largest_window_px=64)


@st.composite
def holes(draw: st.DrawFn) -> np.ndarray:
    hole = np.zeros((draw(st.integers(1, 220)), draw(st.integers(1, 220))), dtype=bool)
    for _ in range(draw(st.integers(0, 5))):
        top, left = draw(st.integers(0, hole.shape[0] - 1)), draw(st.integers(0, hole.shape[1] - 1))
        hole[top : top + draw(st.integers(1, 120)), left : left + draw(st.integers(1, 120))] = True
    return hole


@given(holes())
def test_every_hole_pixel_is_repaired_exactly_once(hole: np.ndarray) -> None:
    plan = plan_windows(hole, SMALL)
    times = np.zeros(hole.shape, dtype=int)
    for window in plan.windows:
        times[window.box.slices] += plan.target(window)
    assert np.array_equal(times, hole.astype(int))


@given(holes())
def test_what_a_window_finds_repaired_is_what_those_before_it_repaired(hole: np.ndarray) -> None:
    plan = plan_windows(hole, SMALL)
    repaired = np.zeros(hole.shape, dtype=bool)
    for window in plan.windows:
        here = window.box.slices
        assert np.array_equal(plan.repaired_before(window), repaired[here])
        repaired[here] |= plan.target(window)


@given(holes())
def test_windows_lie_in_the_image_and_show_the_margin(hole: np.ndarray) -> None:
    plan = plan_windows(hole, SMALL)
    for window in plan.windows:
        box, shape = window.box, hole.shape
        assert 0 <= box.top < box.bottom <= shape[0]
        assert 0 <= box.left < box.right <= shape[1]
        rows, columns = plan.target(window).nonzero()
        assert rows.min() >= min(16, box.top + rows.min())
        assert columns.min() >= min(16, box.left + columns.min())
        assert box.bottom - box.top - 1 - rows.max() >= min(16, shape[0] - 1 - (box.top + rows.max()))
        assert box.right - box.left - 1 - columns.max() >= min(16, shape[1] - 1 - (box.left + columns.max()))


@given(holes())
def test_no_window_is_larger_than_allowed(hole: np.ndarray) -> None:
    for window in plan_windows(hole, SMALL).windows:
        assert max(window.box.shape) <= SMALL.largest_window_px


@given(holes())
def test_a_hole_is_cut_only_where_it_is_too_large(hole: np.ndarray) -> None:
    plan = plan_windows(hole, SMALL)
    for window in plan.windows:
        if window.region is None:
            assert window.core is None
        else:
            assert max(window.region.shape) > SMALL.largest_window_px


@pytest.mark.parametrize("margin_px", [16, 128, 200, 256])
def test_tiles_of_a_large_hole_leave_room_for_it_at_any_margin(margin_px: int) -> None:
    hole = np.zeros((1500, 1300), bool)
    hole[50:1450, 100:1200] = True
    plan = plan_windows(hole, Settings(margin_px=margin_px))
    assert len(plan.windows) > 1
    repaired = np.zeros(hole.shape, int)
    for window in plan.windows:
        repaired[window.box.slices] += plan.target(window)
        assert max(window.box.shape) <= 1024
    assert np.array_equal(repaired, hole)


def test_near_holes_share_a_window_and_far_ones_do_not() -> None:
    hole = np.zeros((2000, 2000), dtype=bool)
    hole[500:510, 500:510] = hole[560:570, 540:560] = hole[1500:1510, 1500:1510] = True
    windows = plan_windows(hole, Settings()).windows
    assert sorted(len(w.holes) for w in windows) == [1, 2]


def test_a_small_image_is_one_whole_window() -> None:
    hole = np.zeros((250, 131), dtype=bool)
    hole[3, 4] = True
    (window,) = plan_windows(hole, Settings()).windows
    assert window.box == Box(0, 250, 0, 131)


def test_thousands_of_specks_need_few_windows() -> None:
    rng = np.random.default_rng(0)
    hole = rng.random((1500, 1500)) < 0.002
    plan = plan_windows(hole, Settings())
    assert plan.labels.max() > 4000
    assert len(plan.windows) <= 20


def test_a_long_scratch_costs_its_length_and_not_the_image() -> None:
    rows, columns = np.mgrid[:4096, :4096]
    hole = np.abs(rows - columns) <= 1
    area = sum(np.prod(w.box.shape) for w in plan_windows(hole, Settings()).windows)
    assert area < 0.5 * hole.size


@given(holes(), st.sampled_from([0, 1, 1.5, 2, 3.7]))
def test_growing_is_the_euclidean_distance(hole: np.ndarray, by_px: float) -> None:
    expected = ndimage.distance_transform_edt(~hole) <= by_px if hole.any() else hole
    assert np.array_equal(grown(hole, by_px), expected)


def test_growing_crosses_blocks() -> None:
    hole = np.zeros((1100, 2100), dtype=bool)
    hole[1023, 1024] = hole[5, 2047] = True
    assert np.array_equal(grown(hole, 9), ndimage.distance_transform_edt(~hole) <= 9)


@pytest.mark.parametrize(
    ("mask", "expected"),
    [
        (np.array([[True, False]]), [[True, False]]),
        (np.array([[7, 0]], np.uint8), [[True, False]]),
        (np.array([[-1, 0]], np.int32), [[True, False]]),
        (np.array([[0.51, 0.5]]), [[True, False]]),
        (np.array([[1.0, np.nan]], np.float16), [[True, False]]),
    ],
)
def test_masks_are_read_in_every_form(mask: np.ndarray, expected: list[list[bool]]) -> None:
    before = mask.copy()
    hole = read_mask(mask, mask.shape)
    assert hole.tolist() == expected
    hole[:] = True
    assert np.array_equal(mask, before, equal_nan=mask.dtype.kind == "f")


def test_a_bad_mask_has_its_sentence() -> None:
    with pytest.raises(ValueError, match=r"mask has shape \(3, 4\), but the image's plane is \(4, 3\)"):
        read_mask(np.zeros((3, 4)), (4, 3))
    with pytest.raises(TypeError, match="mask has dtype complex128"):
        read_mask(np.zeros((3, 4), complex), (3, 4))
