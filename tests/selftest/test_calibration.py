"""Intervals hold the stated share of true values where these are known."""

from __future__ import annotations

import numpy as np
import pytest
from skimage import data

from napari_edgeconnect import EdgeConnect
from napari_edgeconnect.core.results import result_of
from napari_edgeconnect.selftest.calibration import Calibration, calibrate, errors, uncertainty_steps


def test_the_stated_share_lies_inside_and_every_copy_counts_alike() -> None:
    rng = np.random.default_rng(0)
    spreads = [rng.uniform(1, 3, n) for n in (100, 4000, 900)]
    off = [np.abs(rng.normal(0, spread * scale)) for spread, scale in zip(spreads, (1, 2, 3), strict=True)]
    for level in (0.5, 0.9):
        found = calibrate(spreads, off, level)
        inside = [np.mean(o <= found.factor * (s + found.floor)) for s, o in zip(spreads, off, strict=True)]
        assert np.mean(inside) == pytest.approx(level, abs=0.01)
        assert (found.trials, found.pixels) == (3, 5000)


def test_pixels_without_spread_have_an_interval_too() -> None:
    found = calibrate([np.zeros(10)], [np.arange(1, 11.0)])
    hole = np.array([[True, False]])
    assert found.half_width(np.zeros((1, 2)), hole).tolist() == [[9, 0]]


def test_repairs_without_any_error_have_no_width() -> None:
    assert calibrate([np.zeros(5)], [np.zeros(5)]).factor == 0


def test_the_width_grows_with_the_spread() -> None:
    width = Calibration(2, 1, 0.9, 3, 100).half_width(np.array([[0.0, 4.0]]), np.ones((1, 2), bool))
    assert width.dtype == np.float32
    assert width.tolist() == [[2, 10]]


def test_errors_are_taken_over_colours() -> None:
    truth = np.zeros((1, 2, 3))
    repaired = np.array([[[3.0, 0, 0], [1, 1, 1]]])
    assert errors(repaired, truth, np.array([[True, True]])) == pytest.approx([np.sqrt(3), 1])


@pytest.mark.parametrize("level", [0, 1, 90])
def test_a_level_that_is_no_share_is_refused(level: float) -> None:
    with pytest.raises(ValueError, match=r"^The level is"):
        calibrate([np.ones(2)], [np.ones(2)], level)


def test_an_image_s_own_copies_calibrate_the_interval_of_its_damage() -> None:
    image = data.camera()[60:156, 170:266]
    mask = np.zeros(image.shape, bool)
    mask[40:52, 30:50] = True
    model = EdgeConnect.load(device="cpu")
    steps = uncertainty_steps(np.where(mask, 0, image), mask, model, trials=2)
    seen = []
    while True:
        try:
            seen.append(next(steps))
        except StopIteration as stop:
            found = stop.value
            break
    assert [step.done for step in seen] == sorted(step.done for step in seen)
    assert seen[-1].done == seen[-1].total == 3 * 13
    assert seen[0].what == "Copy 1 of 2: Repairing: as asked for"
    assert found.calibration.trials == 2
    assert np.array_equal(found.spread.repaired, model.inpaint(np.where(mask, 0, image), mask))
    assert not found.half_width[~mask].any()
    expected = found.calibration.factor * (found.spread.spread[mask] + found.calibration.floor)
    np.testing.assert_allclose(found.half_width[mask], expected, rtol=1e-5)
    again = result_of(uncertainty_steps(np.where(mask, 255, image), mask, model, trials=2))
    assert again.calibration == found.calibration  # what lies under the damage makes no difference


def test_another_level_is_calibrated_on_the_same_copies() -> None:
    image = data.coins()[40:136, 20:130]
    mask = np.zeros(image.shape, bool)
    mask[40:48, 30:60] = True
    found = result_of(uncertainty_steps(image, mask, EdgeConnect.load(device="cpu"), trials=2))
    widths = [found.at(level).half_width[mask].mean() for level in (0.5, 0.8, 0.9, 0.95)]
    assert widths == sorted(widths)
    assert widths[0] < 0.8 * widths[2]
    assert np.array_equal(found.at(0.9).half_width, found.half_width)
    for level in (0.5, 0.95):
        other = found.at(level)
        assert other.calibration.level == level
        inside = [np.mean(off <= other.calibration.factor * (s + other.calibration.floor)) for s, off in found.copies]
        assert np.mean(inside) == pytest.approx(level, abs=0.01)
    with pytest.raises(ValueError, match=r"^The level is 1"):
        found.at(1)
