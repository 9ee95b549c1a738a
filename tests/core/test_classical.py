"""The classical methods keep EdgeConnect's contract, and do what their own libraries do."""

from __future__ import annotations

import json
import sys
from functools import partial
from types import SimpleNamespace

import cv2
import numpy as np
import patchmatch
import pytest
from contract import DTYPES, check_known_pixels_are_kept, same_bits
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage import data

from napari_edgeconnect.core.classical import OPENCV_RADIUS_PX, PATCH_RADIUS_PX, inpaint, inpaint_steps
from napari_edgeconnect.core.fill import biharmonic_fill
from napari_edgeconnect.core.settings import CLASSICAL_METHODS

OPENCV = {"telea": cv2.INPAINT_TELEA, "navier-stokes": cv2.INPAINT_NS}
PACKAGES = {"telea": "cv2", "navier-stokes": "cv2", "patchmatch": "patchmatch"}

Pair = tuple[np.ndarray, np.ndarray]


@pytest.fixture
def astronaut(camera: Pair) -> Pair:
    """Colours, with the hole of ``camera``."""
    return data.astronaut()[:96, 170:282].copy(), camera[1]


# --- the contract -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", CLASSICAL_METHODS)
@settings(max_examples=40)
@given(draw=st.data())
def test_known_pixels_are_bit_identical_and_invented_ones_finite(method: str, draw: st.DataObject) -> None:
    dtype = draw.draw(st.sampled_from(DTYPES))
    check_known_pixels_are_kept(partial(inpaint, method=method, return_record=True), dtype, draw)


@pytest.mark.parametrize("method", CLASSICAL_METHODS)
def test_what_lies_in_the_hole_does_not_count(method: str, camera: Pair) -> None:
    image, mask = camera
    image = image.astype(np.float32)
    blank, wrong = image.copy(), image.copy()
    blank[mask], wrong[mask] = np.nan, 1e30
    expected = inpaint(image, mask, method)
    assert same_bits(inpaint(blank, mask, method), expected)
    assert same_bits(inpaint(wrong, mask, method), expected)


@pytest.mark.parametrize("method", CLASSICAL_METHODS)
def test_contrast_and_offset_of_float_images_make_no_difference(method: str, camera: Pair) -> None:
    image, mask = camera
    one = inpaint(image / 256.0, mask, method)
    other = inpaint(image * 32.0 - 3072.0, mask, method)
    assert np.abs((other + 3072) / 32 - one * 256).max() < 1e-6


@pytest.mark.parametrize("method", CLASSICAL_METHODS)
def test_a_bool_image_gives_a_bool_image(method: str) -> None:
    image = np.zeros((40, 40), bool)
    image[:, 20:] = True
    mask = np.zeros_like(image)
    mask[10:20, 5:12] = mask[10:20, 26:34] = True
    repaired = inpaint(image, mask, method)
    assert repaired.dtype == bool
    if method != "mean":
        assert np.array_equal(repaired, image)


@pytest.mark.parametrize("method", CLASSICAL_METHODS)
def test_the_hole_alone_is_looked_at(method: str) -> None:
    image = np.tile(data.camera()[:, :, None], (1, 1, 3))
    mask = np.zeros(image.shape[:2], bool)
    mask[20:30, 20:40] = True
    far = image.copy()
    far[300:], far[:, 300:] = 0, 255
    windows = inpaint(image, mask, method, return_record=True).record["windows"]
    assert [(w["height"], w["width"]) for w in windows] == [(256, 256)]
    assert np.array_equal(inpaint(far, mask, method)[mask], inpaint(image, mask, method)[mask])


@pytest.mark.parametrize("method", ["telea", "navier-stokes", "biharmonic", "mean"])
def test_a_hole_too_large_for_a_window_is_repaired_in_one(method: str) -> None:
    image = np.tile(np.linspace(0, 1000, 1400), (40, 1)).astype(np.float32)
    mask = np.zeros(image.shape, bool)
    mask[18:22, 50:1300] = True
    repair = inpaint(image, mask, method, return_record=True)
    (window,) = repair.record["windows"]
    assert window["width"] == 1400
    assert not window["tile_of_large_hole"]
    if method != "mean":
        assert np.abs(repair.image - image).max() < 5


def test_the_mask_grows(camera: Pair) -> None:
    image, mask = camera
    altered = inpaint(image, mask, "mean", grow_px=2, return_record=True).altered
    assert np.count_nonzero(altered) == 720 + 2 * 2 * (24 + 30) + 4


@pytest.mark.parametrize("method", CLASSICAL_METHODS)
def test_an_empty_mask_gives_the_input_and_a_note(method: str, camera: Pair) -> None:
    image, mask = camera
    repair = inpaint(image, np.zeros_like(mask), method, return_record=True)
    assert np.array_equal(repair.image, image)
    assert repair.image is not image
    assert repair.record["notes"] == ["The mask is empty: nothing was repaired."]


def test_bad_input_is_answered_in_a_sentence(camera: Pair) -> None:
    image, mask = camera
    with pytest.raises(ValueError, match=r"There is no classical method 'magic': known are telea, .*mean\."):
        inpaint(image, mask, "magic")
    with pytest.raises(ValueError, match="grow_px is -1"):
        inpaint(image, mask, "mean", grow_px=-1)
    with pytest.raises(ValueError, match="Every pixel is masked"):
        inpaint(image, np.ones_like(mask))
    with pytest.raises(TypeError, match="complex128"):
        inpaint(image * 1j, mask)


@pytest.mark.parametrize(("method", "package"), PACKAGES.items())
def test_a_missing_package_is_named_with_the_way_to_install_it(
    method: str, package: str, camera: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)  # what Python keeps for "there is none"
    with pytest.raises(ImportError, match=r'needs .*: pip install "napari-edgeconnect\[classical\]"\.') as raised:
        inpaint(*camera, method)
    assert "can't be imported" not in str(raised.value)


def test_a_package_that_breaks_while_it_is_imported_is_named_with_the_reason(
    camera: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(name: str) -> None:
        raise ImportError("libGL.so.1: cannot open shared object file")

    monkeypatch.setattr("napari_edgeconnect.core.classical.import_module", broken)
    with pytest.raises(ImportError, match=r"needs OpenCV, which can't be imported \(libGL"):
        inpaint(*camera, "telea")


def test_patchmatch_without_its_compiled_library_says_so(camera: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "patchmatch", SimpleNamespace(patchmatch_available=False))
    with pytest.raises(ImportError, match="no compiled library for this machine"):
        inpaint(*camera, "patchmatch")


def test_the_base_needs_no_extra_package(camera: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    for package in set(PACKAGES.values()):
        monkeypatch.setitem(sys.modules, package, None)
    for method in set(CLASSICAL_METHODS) - set(PACKAGES):
        assert np.array_equal(inpaint(*camera, method)[~camera[1]], camera[0][~camera[1]])


# --- what the libraries do ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("pair", ["camera", "astronaut"])
@pytest.mark.parametrize("method", OPENCV)
def test_8_bit_images_come_out_as_opencv_makes_them(method: str, pair: str, request: pytest.FixtureRequest) -> None:
    image, mask = request.getfixturevalue(pair)
    expected = cv2.inpaint(image, mask.astype(np.uint8), OPENCV_RADIUS_PX, OPENCV[method])
    assert np.array_equal(inpaint(image, mask, method), expected)


@pytest.mark.parametrize("method", OPENCV)
def test_16_bit_images_come_out_as_opencv_makes_them_of_floats(method: str, camera: Pair) -> None:
    image, mask = camera[0].astype(np.uint16) * 257, camera[1]
    expected = cv2.inpaint(image.astype(np.float32), mask.astype(np.uint8), OPENCV_RADIUS_PX, OPENCV[method])
    # Telea's slope term is a level or so in whatever unit it is given; nothing is rounded to 8 bits.
    assert np.abs(inpaint(image, mask, method) - expected)[mask].max() < 20


@pytest.mark.parametrize("method", OPENCV)
def test_colours_of_more_than_8_bits_are_repaired_channel_by_channel(method: str, astronaut: Pair) -> None:
    image, mask = astronaut[0].astype(np.float32), astronaut[1]
    image[..., 1] = image[..., 0]
    repaired = inpaint(image, mask, method)
    assert np.array_equal(repaired[..., 0], repaired[..., 1])
    assert not np.array_equal(repaired[mask][:, 0], repaired[mask][:, 2])


def test_8_bit_images_come_out_as_patchmatch_makes_them(camera: Pair, astronaut: Pair) -> None:
    patchmatch.set_random_seed(0)
    for (image, mask), colour in ((astronaut, astronaut[0]), (camera, np.dstack([camera[0]] * 3))):
        expected = patchmatch.inpaint(colour, mask, patch_size=PATCH_RADIUS_PX)
        repaired = inpaint(image, mask, "patchmatch")
        assert np.array_equal(repaired.reshape(*mask.shape, -1), expected[..., : 1 if image.ndim == 2 else 3])


def test_patchmatch_gives_the_same_result_whatever_seed_was_set_before(camera: Pair) -> None:
    image, mask = camera
    first = inpaint(image, mask, "patchmatch")
    patchmatch.set_random_seed(7)
    assert np.array_equal(inpaint(image, mask, "patchmatch"), first)


def test_biharmonic_is_the_fill_that_the_networks_start_from(camera: Pair) -> None:
    image, mask = camera
    expected = np.rint(biharmonic_fill(image.astype(np.float64), mask))
    assert np.array_equal(inpaint(image, mask, "biharmonic"), expected)


def test_mean_is_the_mean_of_each_colours_known_pixels(astronaut: Pair) -> None:
    image, mask = astronaut
    expected = np.rint(image[~mask].mean(axis=0))
    assert (inpaint(image, mask, "mean")[mask] == expected).all()


# --- steps and record ---------------------------------------------------------------------------------------------


def test_steps_count_windows_and_end_with_the_repair() -> None:
    image = np.zeros((40, 1300), np.float32)
    image[:, ::7] = 1
    mask = np.zeros(image.shape, bool)
    mask[10:20, 20:30] = mask[10:20, 1200:1210] = True
    steps = inpaint_steps(image, mask, "mean")
    seen = []
    while True:
        try:
            seen.append(next(steps))
        except StopIteration as stop:
            repair = stop.value
            break
    assert [(step.done, step.total) for step in seen] == [(0, 2), (1, 2), (2, 2)]
    assert seen[0].what == "Filling in by mean"
    assert np.array_equal(repair.image, inpaint(image, mask, "mean"))


@pytest.mark.parametrize("method", CLASSICAL_METHODS)
def test_the_record_says_what_was_invented_and_by_what(method: str, camera: Pair) -> None:
    image, mask = camera
    record = inpaint(image, mask, method, grow_px=1, return_record=True).record
    assert json.loads(json.dumps(record)) == record
    assert record["method"] == method
    assert record["settings"]["grow_px"] == 1
    assert record["mask_px"] == mask.sum()
    assert record["hole_px"] == 720 + 2 * (24 + 30)
    assert record["mapping"] == {"kind": "divide by 255", "low": 0, "high": 255}
    versions = {"cv2": cv2.__version__, "patchmatch": patchmatch.__version__}
    assert record["package"]["version"] == versions.get(PACKAGES.get(method, ""), record["version"])
    assert record["seed"] == (0 if method == "patchmatch" else None)


def test_the_record_of_other_dtypes_names_the_percentiles(camera: Pair) -> None:
    image, mask = camera
    record = inpaint(image.astype(np.uint16), mask, "telea", return_record=True).record
    assert record["mapping"]["kind"] == "percentiles"
    assert record["settings"]["radius_px"] == OPENCV_RADIUS_PX


def test_pixels_that_a_library_leaves_undefined_get_the_mean_and_a_note(
    camera: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    image, mask = camera[0].astype(np.float32), camera[1]

    def with_a_gap(plane: np.ndarray, hole: np.ndarray, radius: float, flag: int) -> np.ndarray:
        return np.where(hole == 1, np.float32(np.nan), plane)

    monkeypatch.setattr("cv2.inpaint", with_a_gap)
    repair = inpaint(image, mask, "telea", return_record=True)
    assert np.allclose(repair.image[mask], image[~mask].mean(), rtol=1e-5)
    assert repair.record["notes"] == [
        f"telea left {mask.sum()} pixels undefined: they have the mean of their window's known pixels."
    ]
