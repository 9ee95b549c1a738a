"""Copies lie where the truth is known, and where the image looks like around the damage."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage
from skimage import data

from napari_edgeconnect.selftest.placing import place_copies


@st.composite
def damaged(draw: st.DrawFn) -> np.ndarray:
    mask = np.zeros((draw(st.integers(24, 70)), draw(st.integers(24, 70))), dtype=bool)
    for _ in range(draw(st.integers(1, 4))):
        top, left = draw(st.integers(0, mask.shape[0] - 1)), draw(st.integers(0, mask.shape[1] - 1))
        mask[top : top + draw(st.integers(1, 9)), left : left + draw(st.integers(1, 9))] = True
    return mask


@settings(max_examples=30)
@given(damaged(), st.integers(0, 99))
def test_a_copy_never_touches_damage_and_keeps_most_of_its_pixels(mask: np.ndarray, seed: int) -> None:
    image = data.camera()[: mask.shape[0], : mask.shape[1]]
    for copy in place_copies(image, mask, 3, seed):
        assert not (copy.hole & ndimage.binary_dilation(mask, np.ones((3, 3)))).any()
        assert copy.hole.any()
        outside = copy.hole.copy()
        outside[copy.box.slices] = False
        assert not outside.any()


def test_a_copy_is_the_damage_moved_turned_or_mirrored() -> None:
    mask = np.zeros((120, 120), bool)
    mask[10:30, 20:26] = mask[10:14, 20:40] = True
    stamp = mask[10:30, 20:40]
    ways = [np.rot90(each, turns) for each in (stamp, stamp[:, ::-1]) for turns in range(4)]
    copies = place_copies(data.camera()[:120, :120], mask, 8)
    assert len(copies) > 4
    whole = [copy for copy in copies if copy.hole.sum() == mask.sum()]
    assert whole
    for copy in whole:
        assert any(np.array_equal(copy.hole[copy.box.slices], way) for way in ways)
    assert len({(copy.quarter_turns, copy.mirrored) for copy in copies}) > 1


def test_copies_do_not_lie_on_each_other() -> None:
    mask = np.zeros((200, 200), bool)
    mask[90:110, 90:110] = True
    copies = place_copies(data.camera()[:200, :200], mask, 6)
    for number, one in enumerate(copies):
        for other in copies[:number]:
            assert np.count_nonzero(one.hole & other.hole) <= 0.3 * 400


def test_copies_go_where_the_image_looks_alike() -> None:
    image = np.full((200, 200), 20.0) + np.random.default_rng(0).normal(0, 1, (200, 200))
    image[:, 100:] = 5 * data.gravel()[:200, :100]
    mask = np.zeros(image.shape, bool)
    mask[90:100, 140:155] = True
    for copy in place_copies(image, mask, 4):
        assert copy.box.left > 95
    for copy in place_copies(image, mask[:, ::-1], 4):
        assert copy.box.right < 105


def test_the_same_seed_places_the_same_copies() -> None:
    image, mask = data.coins()[:150, :150], np.zeros((150, 150), bool)
    mask[60:70, 20:80] = True
    first, again, other = (place_copies(image, mask, 3, seed) for seed in (1, 1, 2))
    assert [c.as_dict() for c in first] == [c.as_dict() for c in again]
    assert [c.as_dict() for c in first] != [c.as_dict() for c in other]


def test_larger_pieces_are_copied_more_often() -> None:
    mask = np.zeros((256, 256), bool)
    mask[20:60, 20:60] = True
    mask[200, 200] = True
    sizes = [np.count_nonzero(copy.hole) for copy in place_copies(data.camera()[:256, :256], mask, 6)]
    assert min(sizes) > 1000


def test_damage_that_fits_nowhere_is_made_smaller_and_says_so() -> None:
    mask = np.zeros((128, 128), bool)
    mask[20:108, 10:100] = True
    copies = place_copies(data.camera()[:128, :128], mask, 2)
    assert all(copy.scale < 1 for copy in copies)


def test_a_dead_column_is_copied_across_the_whole_image() -> None:
    mask = np.zeros((100, 100), bool)
    mask[:, 40:42] = True
    for copy in place_copies(data.camera()[:100, :100], mask, 3):
        assert np.count_nonzero(copy.hole) >= 0.8 * 200
        assert copy.scale == 1


def test_no_damage_and_damage_that_leaves_no_room_are_sentences() -> None:
    image = data.camera()[:40, :40]
    with pytest.raises(ValueError, match=r"^The mask is empty: there is no damage"):
        place_copies(image, np.zeros(image.shape, bool), 3)
    everywhere = np.zeros(image.shape, bool)
    everywhere[::2] = True
    with pytest.raises(ValueError, match=r"^No copy of the damage fits where the image is intact"):
        place_copies(image, everywhere, 3)


def test_thousands_of_specks_are_quick_and_small() -> None:
    image = np.tile(data.camera(), (4, 4))
    mask = np.zeros(image.shape, bool)
    mask[::29, ::31] = True  # 5 thousand; a plane for each would not fit into memory
    copies = place_copies(image, mask, 3)
    assert len(copies) == 3
    assert all(np.count_nonzero(copy.hole) < 10 for copy in copies)
