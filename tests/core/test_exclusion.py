"""Excluded pixels have the value that was asked for, all others are the same to the last bit."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from skimage import data

from napari_edgeconnect.core.exclusion import exclude
from napari_edgeconnect.core.methods_text import methods_paragraph
from napari_edgeconnect.core.record_reading import checked_record
from napari_edgeconnect.core.replay import is_same, replay

COINS = data.coins()[:60, :80]
MASK = np.zeros(COINS.shape, bool)
MASK[20:30, 30:60] = True


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_floats_get_nan_and_keep_every_other_bit(dtype: type) -> None:
    image = COINS.astype(dtype) / 7
    before = image.copy()
    result = exclude(image, MASK)
    assert result.dtype == dtype
    assert np.isnan(result[MASK]).all()
    assert result[~MASK].tobytes() == image[~MASK].tobytes()
    np.testing.assert_array_equal(image, before)


@given(
    dtype=st.sampled_from([np.bool_, np.uint8, np.int16, np.uint16, np.int64, np.uint64, np.float32]),
    value=st.integers(-(2**64), 2**64),
)
def test_whole_numbers_are_held_exactly_or_refused(dtype: type, value: int) -> None:
    image = COINS.astype(dtype)
    limits = (0, 1) if dtype == np.bool_ else None
    if np.dtype(dtype).kind in "ui":
        limits = (int(np.iinfo(dtype).min), int(np.iinfo(dtype).max))
    if limits and not limits[0] <= value <= limits[1]:
        with pytest.raises(ValueError, match=rf"^The image has dtype {np.dtype(dtype)}, which can't hold .*\.$"):
            exclude(image, MASK, value)
        return
    result = exclude(image, MASK, value)
    assert result.dtype == dtype
    assert (result[MASK] == dtype(value)).all()
    if limits:
        assert int(result[MASK][0]) == value
    np.testing.assert_array_equal(result[~MASK], image[~MASK])


@pytest.mark.parametrize(("dtype", "value"), [(np.uint8, np.nan), (np.uint8, 1.5), (np.int32, np.inf), (bool, 2)])
def test_values_that_integers_can_t_hold_are_one_sentence(dtype: type, value: float) -> None:
    with pytest.raises(ValueError, match=r"which can't hold .*: give a whole number from .*, or convert the image"):
        exclude(COINS.astype(dtype), MASK, value)


def test_values_beyond_a_float_are_one_sentence() -> None:
    with pytest.raises(ValueError, match=r"float16, which can't hold 1e\+06: give a value up to 65504, or nan\.$"):
        exclude(COINS.astype(np.float16), MASK, 1e6)
    assert np.isinf(exclude(COINS.astype(np.float16), MASK, np.inf)[MASK]).all()


def test_all_colours_are_excluded_and_alpha_is_kept() -> None:
    image = np.dstack([data.astronaut()[:60, :80], np.arange(4800, dtype=np.uint8).reshape(60, 80)])
    result = exclude(image, MASK, 7)
    assert (result[MASK][:, :3] == 7).all()
    np.testing.assert_array_equal(result[..., 3], image[..., 3])


def test_the_record_says_what_was_excluded() -> None:
    image = COINS.astype(np.float32)
    image[0, 0] = np.inf
    repair = exclude(image, MASK, grow_px=1, return_record=True)
    grown = 10 * 30 + 2 * (10 + 30)
    assert np.count_nonzero(repair.altered) == grown + 1
    assert np.isnan(repair.image[repair.altered]).all()
    record: dict[str, Any] = json.loads(json.dumps(repair.record, allow_nan=False))
    assert record["method"] == "exclude"
    assert (record["value"], record["hole_px"]) == ("nan", grown + 1)
    assert (record["mask_px"], record["hole_px"], record["nonfinite_px"]) == (300, grown + 1, 1)
    assert record["notes"] == []


def test_known_pixels_of_the_same_value_are_told() -> None:
    alike = int(np.count_nonzero(COINS[~MASK] == 100))
    repair = exclude(COINS, MASK, 100, return_record=True)
    assert repair.record["notes"] == [
        f"{alike} known pixels have the value 100 too: tell them from the excluded ones by the mask."
    ]
    empty = exclude(COINS, np.zeros_like(MASK), 0, return_record=True)
    assert empty.record["notes"] == ["The mask is empty: nothing was excluded."]
    assert exclude(COINS, np.ones_like(MASK), 0).max() == 0


@pytest.mark.parametrize("value", [np.nan, 2**70, -1.5])
def test_an_exclusion_is_done_again_from_its_record(value: float) -> None:
    image = data.camera()[:64, :96].astype(np.float64)
    mask = np.zeros(image.shape, dtype=bool)
    mask[10:20, 30:40] = True
    done = exclude(image, mask, value, grow_px=2, return_record=True)
    record = checked_record(json.loads(json.dumps(done.record)))
    again = replay(record, image, mask)
    assert is_same(record, again.record)
    np.testing.assert_array_equal(again.image, done.image)
    assert "nothing was filled in" in methods_paragraph(record)
