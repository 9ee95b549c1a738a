"""Finders mark what was damaged in real images, and leave these alone where nothing is damaged."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont
from skimage import data
from skimage.draw import disk, line

from napari_edgeconnect.core.find import FINDERS, find_damage
from napari_edgeconnect.core.finders.scratches import scratches
from napari_edgeconnect.core.metrics import edge_scores

OF_ONE_IMAGE = [name for name, finder in FINDERS.items() if not finder.of_stack]


@pytest.fixture
def moon() -> np.ndarray:
    return data.moon()[100:260, 80:280].copy()


def scores(found: np.ndarray, true: np.ndarray) -> tuple[float, float]:
    """Precision and recall within 2 px, by which masks are grown before a repair."""
    return edge_scores(found, true, np.ones_like(true), tolerance_px=2)


@pytest.mark.parametrize("name", OF_ONE_IMAGE)
def test_an_undamaged_image_has_no_damage_and_is_not_written_to(name: str) -> None:
    image = data.immunohistochemistry()[:160, :200]
    before = image.copy()
    found = find_damage(image, name)
    assert found.shape == image.shape[:2]
    assert found.dtype == bool
    assert not found.any()
    assert np.array_equal(image, before)


@pytest.mark.parametrize("name", OF_ONE_IMAGE)
@pytest.mark.parametrize(
    "image",
    [
        np.zeros((1, 1), np.uint8),
        np.full((3, 50), 7, np.uint16),
        np.full((40, 2), np.nan),
        np.ones((9, 9), bool),
        np.zeros((20, 20, 4), np.float32),
    ],
    ids=lambda image: f"{image.shape} {image.dtype}",
)
def test_images_of_any_kind_without_contrast_are_taken(name: str, image: np.ndarray) -> None:
    found = find_damage(image, name, 1)
    assert found.shape == image.shape[:2]
    if name not in ("not-finite", "saturated", "dead"):
        assert not found.any()


@pytest.mark.parametrize("name", OF_ONE_IMAGE)
def test_more_sensitivity_finds_more(name: str, moon: np.ndarray) -> None:
    moon[disk((50, 60), 5)] = 255
    moon[90:93, 20:80] = 0
    moon[:, 150] = 0
    counts = [find_damage(moon, name, sensitivity).sum() for sensitivity in (0, 0.5, 1)]
    assert counts == sorted(counts)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int16, np.float32, np.float64])
def test_hot_and_cold_pixels_are_found_in_any_dtype(moon: np.ndarray, dtype: type) -> None:
    moon = (moon.astype(np.float64) * (1 if dtype == np.uint8 else 100)).astype(dtype)
    places = [[10, 20], [50, 99], [80, 81], [80, 82], [130, 150]]
    for number, (row, column) in enumerate(places):
        moon[row, column] = moon.min() if number == 0 else moon.max()
    assert np.argwhere(find_damage(moon, "hot-pixels")).tolist() == places


def test_single_photons_are_no_defects() -> None:
    counts = np.random.default_rng(0).poisson(0.02, (128, 128)).astype(np.uint8)
    assert not find_damage(counts, "hot-pixels").any()


def test_dead_rows_and_columns_are_found_whole_and_alone(moon: np.ndarray) -> None:
    moon[40] = 0
    moon[[90, 91]] = 255
    rows = np.zeros(moon.shape, bool)
    rows[[40, 90, 91]] = True
    assert np.array_equal(find_damage(moon, "dead-rows"), rows)
    assert not find_damage(moon, "dead-columns").any()
    assert np.array_equal(find_damage(moon.T, "dead-columns"), rows.T)


def test_a_row_that_is_dead_in_part_is_found_in_that_part(moon: np.ndarray) -> None:
    moon[40, 60:] = 0
    found = find_damage(moon, "dead-rows")
    assert found[40, 65:].all()
    assert not found[40, :40].any()
    assert not np.delete(found, 40, axis=0).any()


@pytest.mark.parametrize("value", [0, 255])
@pytest.mark.parametrize("half_width", [0, 1, 3])
def test_a_scratch_is_found_in_its_full_width(moon: np.ndarray, value: int, half_width: int) -> None:
    true = np.zeros(moon.shape, bool)
    for across in range(-half_width, half_width + 1):
        true[line(20 + across, 15, 130 + across, 170)] = True
    moon[true] = value
    precision, recall = scores(find_damage(moon, "scratches"), true)
    assert precision > 0.85
    assert recall > 0.97


def test_the_border_of_an_object_is_no_scratch() -> None:
    image = data.moon()[100:260, 80:280] // 4
    image[:, 100:] += 120
    assert not find_damage(image, "scratches").any()


def test_short_lines_are_left_out_as_asked(moon: np.ndarray) -> None:
    moon[60:62, 50:120] = 255
    assert scratches(moon).any()
    assert not scratches(moon, shortest_px=90).any()


@pytest.mark.parametrize(("name", "value"), [("dark-spots", 0), ("bright-spots", 255)])
def test_round_spots_are_found_and_long_ones_are_not(moon: np.ndarray, name: str, value: int) -> None:
    true = np.zeros(moon.shape, bool)
    for row, column, radius in ((30, 40, 3), (70, 140, 6), (120, 60, 9)):
        true[disk((row, column), radius)] = True
    moon[true] = value
    moon[140:150, 100:180] = value
    found = find_damage(moon, name)
    assert np.array_equal(found, true)


def lettered(image: np.ndarray, value: int) -> tuple[np.ndarray, np.ndarray]:
    canvas = Image.new("L", image.shape[::-1])
    pen = ImageDraw.Draw(canvas)
    pen.rectangle((100, 135, 180, 139), fill=255)
    pen.text((110, 110), "500 nm", fill=255, font=ImageFont.load_default(18))
    alpha = np.asarray(canvas) / 255
    return np.rint(image * (1 - alpha) + value * alpha).astype(np.uint8), alpha > 0.25


@pytest.mark.parametrize("value", [0, 255])
def test_scale_bars_and_text_are_found(moon: np.ndarray, value: int) -> None:
    image, true = lettered(moon, value)
    assert scores(find_damage(image, "marks"), true) == (1, 1)


def test_coloured_scale_bars_are_found() -> None:
    image = data.immunohistochemistry()[:160, :200].copy()
    image[135:140, 100:181] = 255, 255, 0
    found = find_damage(image, "marks")
    assert found[135:140, 100:181].all()
    assert found.sum() == 7 * 83


def test_dust_is_found_where_it_stays_and_not_where_the_specimen_is() -> None:
    image = data.moon().astype(np.float64)
    frames = np.stack([np.roll(image, (31 * n, 57 * n), (0, 1))[:160, :200] for n in range(16)])
    true = np.zeros((160, 200), bool)
    true[disk((50, 60), 9)] = True
    true[disk((110, 150), 6)] = True
    frames[:, true] *= 0.8
    found = find_damage(np.rint(frames).astype(np.uint16), "dust-shadows")
    assert scores(found, true) == (1, 1)
    assert not find_damage(frames / np.where(true, 0.8, 1), "dust-shadows").any()


def test_a_specimen_that_stands_still_is_refused() -> None:
    frames = np.stack([data.moon()[:64, :64]] * 6)
    with pytest.raises(ValueError, match=r"^The frames are alike \(mean correlation 1.00\)"):
        find_damage(frames, "dust-shadows")


@pytest.mark.parametrize("stack", [np.zeros((4, 9, 9)), np.zeros((9, 9)), np.zeros((9, 9, 9), bool)])
def test_what_is_no_stack_is_refused(stack: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"give at least 5 gray frames, \(N, H, W\)"):
        find_damage(stack, "dust-shadows")


def test_a_stack_is_searched_frame_by_frame(moon: np.ndarray) -> None:
    stack = np.stack([moon] * 5)
    stack[1, 10, 20] = stack[3, 50, 60] = 255
    assert np.argwhere(find_damage(stack, "hot-pixels")).tolist() == [[10, 20], [50, 60]]


def test_several_kinds_are_found_together(moon: np.ndarray) -> None:
    moon[10, 20] = 255
    moon[100] = 0
    both = find_damage(moon, ["hot-pixels", "dead-rows"])
    assert np.array_equal(both, find_damage(moon, "hot-pixels") | find_damage(moon, "dead-rows"))
    assert both.sum() == 1 + moon.shape[1]


def test_an_unknown_finder_is_answered_with_those_there_are() -> None:
    with pytest.raises(ValueError, match=r"^There is no finder 'cracks': known are not-finite, saturated, dead, hot"):
        find_damage(data.moon(), "cracks")
    with pytest.raises(ValueError, match=r"^Nothing to look for was named: known are"):
        find_damage(data.moon(), [])


@pytest.mark.parametrize("name", OF_ONE_IMAGE)
def test_a_sensitivity_outside_its_range_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"^The sensitivity is 1.5: give 0"):
        find_damage(data.moon()[:32, :32], name, 1.5)
