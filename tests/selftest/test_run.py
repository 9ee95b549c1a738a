"""A self-test compares methods with the truth, leaves the image alone and is the same twice."""

from __future__ import annotations

import json

import numpy as np
import pytest
from skimage import data

from napari_edgeconnect import EdgeConnect, Settings
from napari_edgeconnect.core.classical import inpaint
from napari_edgeconnect.core.metrics import psnr
from napari_edgeconnect.selftest.figures import FIGURES
from napari_edgeconnect.selftest.run import SelfTest, self_test, self_test_steps
from napari_edgeconnect.selftest.sheet import contact_sheet
from napari_edgeconnect.selftest.table import markdown


def camera(dtype: type = np.uint8) -> tuple[np.ndarray, np.ndarray]:
    image = data.camera()[60:188, 170:298].astype(dtype)
    mask = np.zeros(image.shape, bool)
    mask[40:52, 30:80] = True
    return image, mask


@pytest.fixture(scope="module")
def tested() -> SelfTest:
    image, mask = camera()
    return self_test(image, mask, EdgeConnect.load(device="cpu"), trials=2)


def test_every_method_is_compared_on_every_copy(tested: SelfTest) -> None:
    wanted = ("edgeconnect", "edgeconnect-no-edges", "telea", "navier-stokes", "biharmonic", "patchmatch", "mean")
    assert tested.methods == wanted
    for trial in tested.trials:
        assert tuple(trial.figures) == wanted
        for figures in trial.figures.values():
            assert tuple(figures) == tuple(figure.name for figure in FIGURES)
        assert trial.figures["edgeconnect"]["psnr_db"] > trial.figures["mean"]["psnr_db"]


def test_the_figures_are_those_of_a_repair_of_the_window(tested: SelfTest) -> None:
    image, mask = camera()
    trial = tested.trials[0]
    unknown = mask | trial.placed.hole
    repaired = inpaint(np.where(unknown, 0, image), unknown, "telea")  # the window is the whole image
    expected = psnr(repaired, image, trial.placed.hole, data_range=255)
    assert trial.figures["telea"]["psnr_db"] == pytest.approx(expected, rel=1e-6)
    off = np.abs(repaired.astype(float) - image)[trial.placed.hole]
    assert trial.figures["telea"]["l1"] == pytest.approx(off.mean(), rel=1e-6)
    assert trial.figures["telea"]["error_90"] == pytest.approx(np.percentile(off, 90), rel=1e-6)


def test_no_method_sees_what_is_to_be_found(tested: SelfTest) -> None:
    image, mask = camera()
    placed = tested.trials[0].placed.hole
    other = self_test(np.where(mask, 255, image), mask, None, methods=["biharmonic"], trials=2)
    assert np.array_equal(other.trials[0].placed.hole, placed)
    for one, two in zip(tested.trials, other.trials, strict=True):
        assert one.figures["biharmonic"] == two.figures["biharmonic"]  # what lies in the old damage makes no difference


def test_the_record_is_json_and_repeats_with_its_seed(tested: SelfTest) -> None:
    image, mask = camera()
    before = image.copy()
    again = self_test(image, mask, EdgeConnect.load(device="cpu"), trials=2)
    assert json.loads(json.dumps({**again.record, "created": 0})) == {**tested.record, "created": 0}
    assert np.array_equal(image, before)
    assert tested.record["advice"]["method"] == tested.advice.method
    assert set(tested.record["model"]["sha256"]) == {"edge", "inpaint"}


def test_the_image_s_own_units_are_kept_in_any_dtype() -> None:
    image, mask = camera(np.float32)
    kinds = {"methods": ["biharmonic"], "trials": 2}
    eight = self_test(image.astype(np.uint8), mask, None, **kinds)
    tenfold = self_test(10 * image + 500, mask, None, **kinds)
    wide = self_test((100 * image).astype(np.uint16), mask, None, **kinds)
    for small, large, wider in zip(eight.trials, tenfold.trials, wide.trials, strict=True):
        mean_error = small.figures["biharmonic"]["l1"]
        assert large.figures["biharmonic"]["l1"] == pytest.approx(10 * mean_error, rel=0.05)
        assert wider.figures["biharmonic"]["l1"] == pytest.approx(100 * mean_error, rel=0.05)


def test_colour_alpha_and_missing_pixels_are_taken() -> None:
    image = np.dstack([data.astronaut()[:96, 150:246], np.full((96, 96), 255, np.uint8)]).astype(np.float64)
    image[5, 5, 0] = np.nan
    mask = np.zeros((96, 96), bool)
    mask[50:60, 40:60] = True
    test = self_test(image, mask, None, methods=["telea"], trials=2)
    assert test.record["hole_px"] == 201
    assert test.trials[0].figures["telea"]["rms"] > 0


def test_the_mask_is_grown_as_in_a_repair() -> None:
    image, mask = camera()
    test = self_test(image, mask, None, Settings(grow_px=2), methods=["telea"], trials=1)
    assert test.record["hole_px"] == 12 * 50 + 2 * 2 * (12 + 50) + 4  # 2 px at each side, and one pixel at each corner
    assert test.record["settings"]["grow_px"] == 2


def test_steps_count_up_and_can_be_left() -> None:
    image, mask = camera()
    steps = self_test_steps(image, mask, None, methods=["telea", "biharmonic"], trials=2)
    first = next(steps)
    assert (first.done, first.total, first.what) == (0, 6, "Copy 1 of 2: telea")
    assert [step.done for step in steps] == [1, 2, 3, 4, 5, 6]
    steps.close()


def test_the_table_and_the_sheet_show_every_method(tested: SelfTest) -> None:
    text = markdown(tested)
    assert text.startswith(f"# Self-test\n\n{tested.advice.sentences[0]}\n")
    assert "Means over 2 copies of the image's own damage" in text
    for title in ("| EdgeConnect |", "| EdgeConnect without edges |", "| PatchMatch |", "| the mean of the surr"):
        assert title in text
    sheet = contact_sheet(tested)
    assert sheet.dtype == np.uint8
    assert sheet.shape == (28 + 2 * 148, 9 * 148 - 4, 3)
    assert (sheet == (220, 40, 160)).all(axis=2).any()  # the hole


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"methods": ["magic"]}, r"^There is no method 'magic' here: known are telea.* \(and no model was given\)"),
        ({"methods": ["edgeconnect"]}, "^There is no method 'edgeconnect' here"),
        ({"methods": ["mean"]}, "^No method to be compared was given"),
        ({"trials": 0}, "^0 trials were asked for: give at least 1"),
    ],
)
def test_what_can_t_be_tested_is_one_sentence(change: dict, message: str) -> None:
    image, mask = camera()
    with pytest.raises(ValueError, match=message):
        self_test(image, mask, None, **change)


def test_images_without_room_or_without_anything_known_are_one_sentence() -> None:
    with pytest.raises(ValueError, match="a self-test needs at least 11 pixels a side"):
        self_test(np.zeros((10, 50)), np.zeros((10, 50), bool), None)
    with pytest.raises(ValueError, match=r"^Everything is damage"):
        self_test(np.zeros((20, 50)), np.ones((20, 50), bool), None)
