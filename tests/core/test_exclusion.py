"""Excluded pixels have the value that was asked for, all others are the same to the last bit."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from skimage import data

from napari_edgeconnect.core.exclusion import exclude, exclusion_notes, held_by, unused_value, value_in
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


@given(
    dtype=st.sampled_from([np.bool_, np.uint8, np.int8, np.uint16, np.int64, np.uint64]),
    taken=st.lists(st.integers(0, 255), max_size=6),
    ends=st.booleans(),
    channels=st.sampled_from([0, 3]),
)
def test_an_unused_value_is_one_that_no_known_pixel_has(
    dtype: type, taken: list[int], ends: bool, channels: int
) -> None:
    kind = np.dtype(dtype)
    low, high = (0, 1) if kind.kind == "b" else (int(np.iinfo(kind).min), int(np.iinfo(kind).max))
    values = [value for value in taken if low <= value <= high] + ([low, 0, high] if ends else [])
    image = np.array([[*values, low]], dtype)
    hole = np.zeros(image.shape, bool)
    hole[0, -1] = True
    image = np.repeat(image[..., None], channels, axis=-1) if channels else image
    value = unused_value(image, hole)
    if value is None:
        assert set(range(low, high + 1)) == set(values)
        return
    assert value not in values
    assert exclusion_notes(image, hole, held_by(kind, value)) == []


def test_an_unused_value_is_easily_told_or_else_the_lowest_that_is_free() -> None:
    nothing = np.zeros((1, 256), bool)
    every = np.arange(256, dtype=np.uint8)[None]
    assert unused_value(every, nothing) is None
    assert unused_value(np.where(every == 7, 8, every), nothing) == 7
    assert unused_value(np.where(every == 0, 1, every), nothing) == 0
    assert unused_value(every.astype(np.uint16), nothing) == 65535
    assert np.isnan(unused_value(every.astype(np.float32), nothing))
    colours = np.stack([every, every[:, ::-1], every], axis=-1)  # 0 and 255 occur, and in no pixel alone
    assert unused_value(colours, nothing) == 0


def test_a_text_is_a_value_or_a_sentence() -> None:
    assert value_in("18446744073709551615") == 2**64 - 1
    assert value_in("-1.5") == -1.5
    assert np.isnan(value_in("nan"))
    with pytest.raises(ValueError, match=r"^'black' is neither nan nor a number\.$"):
        value_in("black")
