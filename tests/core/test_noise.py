"""Noise that matches: estimated from known pixels, added to invented ones alone."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from contract import same_bits
from scipy import ndimage
from skimage import data

from napari_edgeconnect import EdgeConnect, Settings
from napari_edgeconnect.core.live import LiveCompletion
from napari_edgeconnect.core.metrics import noise_level
from napari_edgeconnect.core.noise import estimate_noise, signal_to_noise

from .conftest import TINY

IMAGES = {
    "camera": data.camera()[100:292, 150:342] / 255,
    "cell": data.cell()[200:392, 200:392] / 255,
    "moon": data.moon()[100:292, 100:292] / 255,
}
#: Gain and read noise: mostly Gaussian, both, mostly Poisson.
NOISES = [(0.0, 0.02), (0.004, 0.01), (0.02, 0.005)]


def with_noise(clean: np.ndarray, gain: float, read: float, seed: int = 7) -> np.ndarray:
    drawn = np.random.default_rng(seed).standard_normal(clean.shape)
    return clean + drawn * np.sqrt(gain * np.clip(clean, 0, None) + read**2)


def disc(shape: tuple[int, int] = (192, 192), radius: int = 25) -> np.ndarray:
    rows, columns = np.ogrid[: shape[0], : shape[1]]
    return (rows - shape[0] // 2) ** 2 + (columns - shape[1] // 2) ** 2 < radius**2


# --- the estimate -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("gain", "read"), NOISES)
@pytest.mark.parametrize("name", IMAGES)
def test_the_noise_of_a_picture_is_found_within_a_tenth(name: str, gain: float, read: float) -> None:
    noisy = with_noise(IMAGES[name], gain, read)
    model = estimate_noise(noisy, ~disc())
    assert model is not None
    for value in (model.darkest, model.brightest):
        assert np.sqrt(model.variance(value)) == pytest.approx(np.sqrt(gain * value + read**2), rel=0.1)


def test_pictures_without_noise_have_next_to_none() -> None:
    ramp = np.linspace(0, 1, 128)[None].repeat(128, 0)
    assert estimate_noise(ramp, np.ones(ramp.shape, bool)).variance(0.5) == pytest.approx(0, abs=1e-20)
    for name in ("cell", "moon"):
        assert np.sqrt(estimate_noise(IMAGES[name], ~disc()).variance(0.5)) < 0.005


def test_pixels_that_are_not_known_do_not_count() -> None:
    noisy = with_noise(IMAGES["moon"], 0, 0.02)
    damaged = np.where(disc(), 1e6, noisy)
    assert estimate_noise(damaged, ~disc()) == estimate_noise(noisy, ~disc())


def test_clipped_pixels_say_nothing_about_noise() -> None:
    # Half of the picture is saturated, as by a detector of 12 bits.
    clean = np.linspace(0.5, 1.5, 192)[None].repeat(192, 0)
    clipped = np.minimum(with_noise(clean, 0, 0.02), 1.0)
    assert np.sqrt(estimate_noise(clipped, np.ones(clean.shape, bool)).variance(0.8)) == pytest.approx(0.02, rel=0.1)


def test_too_few_known_pixels_give_no_estimate() -> None:
    known = np.zeros((192, 192), bool)
    known[:8, :8] = True
    assert estimate_noise(IMAGES["moon"], known) is None
    assert signal_to_noise(IMAGES["moon"], known) == 0


def test_a_picture_stands_out_from_its_noise_the_less_the_more_there_is() -> None:
    known = np.ones((192, 192), bool)
    ratios = [signal_to_noise(with_noise(IMAGES["camera"], 0, read), known) for read in (0.01, 0.05, 0.2)]
    assert ratios == sorted(ratios, reverse=True)
    assert signal_to_noise(np.random.default_rng(0).standard_normal((192, 192)), known) < ratios[-1]


# --- the fill -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("gain", "read"), NOISES)
@pytest.mark.parametrize("name", ["cell", "moon"])
def test_the_fill_becomes_as_noisy_as_its_surroundings(model: EdgeConnect, name: str, gain: float, read: float) -> None:
    noisy = np.rint(with_noise(IMAGES[name], gain, read) * 3000 + 300).astype(np.uint16)
    smooth = noise_level(model.inpaint(noisy, disc()), disc())
    matched = noise_level(model.inpaint(noisy, disc(), match_noise=True), disc())
    assert smooth < 0.4
    assert matched == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize("blur", [(0.7, 0.7), (0, 1)])
@pytest.mark.parametrize("name", ["cell", "moon"])
def test_noise_that_goes_on_from_pixel_to_pixel_is_given_its_grain(
    model: EdgeConnect, name: str, blur: tuple[float, float]
) -> None:
    drawn = ndimage.gaussian_filter(np.random.default_rng(7).standard_normal((192, 192)), blur, mode="wrap")
    noisy = IMAGES[name] + 0.03 * drawn / drawn.std()
    smooth = model.inpaint(noisy, disc())
    matched = model.inpaint(noisy, disc(), match_noise=True, return_record=True)
    assert noise_level(smooth, disc()) < 0.25
    assert 0.5 < noise_level(matched.image, disc()) < 1.1  # its coarsest part counts as picture
    added, inside = matched.image - smooth, disc(radius=24)
    along_rows = (added[:, 1:] * added[:, :-1])[inside[:, 1:]].mean() / added[inside].var()
    down_columns = (added[1:] * added[:-1])[inside[1:]].mean() / added[inside].var()
    assert along_rows > 0.35
    assert (down_columns > 0.35) == (blur[0] > 0)
    found = matched.record["windows"][0]["noise"]
    assert found["correlation"] == pytest.approx((along_rows + down_columns) / 2, abs=0.1)
    assert found["sigma_darkest"] == pytest.approx([added[inside].std()], rel=0.15)


@pytest.mark.parametrize("name", IMAGES)
def test_thin_scratches_become_noisier_and_not_much_too_noisy(model: EdgeConnect, name: str) -> None:
    noisy = np.rint(with_noise(IMAGES[name], 0.004, 0.01) * 3000 + 300).astype(np.uint16)
    rows, columns = np.ogrid[:192, :192]
    scratch = np.abs(rows - columns) < 2
    smooth, matched = (noise_level(model.inpaint(noisy, scratch, match_noise=on), scratch) for on in (False, True))
    assert smooth < 0.85
    assert 0.9 < matched < 1.25


@pytest.mark.parametrize("dtype", ["uint8", "int16", ">u2", "float32", "float64"])
def test_invented_pixels_alone_get_noise_and_stay_in_range(model: EdgeConnect, dtype: str) -> None:
    values = with_noise(IMAGES["camera"], 0.004, 0.02) * 200 + 20
    image = np.clip(np.rint(values), 0, 255).astype(dtype) if dtype != "float64" else values - 100
    before = image.copy()
    plain = model.inpaint(image, disc(), return_record=True)
    noisy = model.inpaint(image, disc(), match_noise=True, return_record=True)
    assert same_bits(image, before)
    assert same_bits(noisy.image[~noisy.altered], image[~noisy.altered])
    assert (noisy.image[disc()] != plain.image[disc()]).mean() > 0.5
    assert np.isfinite(noisy.image.astype(np.float64)).all()
    found = noisy.record["windows"][0]["noise"]
    expected = np.sqrt(0.004 * np.clip((np.array(found["darkest"]) + (80 if dtype == "float64" else -20)) / 200, 0, 1))
    assert found["sigma_darkest"] == pytest.approx(200 * np.hypot(expected, 0.02), rel=0.25)
    assert json.loads(json.dumps(noisy.record)) == noisy.record


def test_switched_off_it_changes_nothing_and_is_recorded_as_such(model: EdgeConnect) -> None:
    noisy = with_noise(IMAGES["cell"], 0.004, 0.01)
    one = model.inpaint(noisy, disc(), seed=1, return_record=True)
    two = model.inpaint(noisy, disc(), seed=2, return_record=True)
    assert same_bits(one.image, two.image)
    assert one.record["seed"] is None
    assert "noise" not in one.record["windows"][0]


def test_a_seed_gives_the_same_noise_again_and_another_seed_another(model: EdgeConnect) -> None:
    noisy = with_noise(IMAGES["cell"], 0.004, 0.01)
    settings = Settings(match_noise=True, seed=5)
    one = model.inpaint(noisy, disc(), settings, return_record=True)
    assert one.record["seed"] == 5
    assert same_bits(one.image, model.inpaint(noisy, disc(), settings))
    assert not same_bits(one.image, model.inpaint(noisy, disc(), replace(settings, seed=6)))


def test_gray_pictures_in_colour_get_gray_noise(model: EdgeConnect) -> None:
    gray = np.clip(np.rint(with_noise(IMAGES["moon"], 0, 0.02) * 255), 0, 255).astype(np.uint8)
    plain, noisy = (model.inpaint(np.dstack([gray] * 3), disc(), match_noise=on).astype(int) for on in (False, True))
    noise = (noisy - plain)[disc()]
    assert np.abs(noise).max() > 5
    assert np.abs(noise - noise[:, :1]).max() <= 1  # rounded after the fill's own colours


def test_tiles_of_a_large_hole_have_noise_everywhere(model: EdgeConnect) -> None:
    noisy = with_noise(IMAGES["moon"], 0.004, 0.01)
    hole = disc(radius=80)
    repair = model.inpaint(noisy, hole, TINY, match_noise=True, return_record=True)
    assert len(repair.record["windows"]) > 9
    assert None not in [window["noise"] for window in repair.record["windows"]]
    assert noise_level(repair.image, disc(radius=30)) == pytest.approx(1, abs=0.25)


def test_bool_images_and_holes_with_nothing_around_get_none(model: EdgeConnect) -> None:
    noisy = with_noise(IMAGES["moon"], 0, 0.02)
    known = np.zeros(noisy.shape, bool)
    known[:6, :6] = True
    for image, mask in ((noisy > 0.45, disc()), (noisy, ~known)):
        repair = model.inpaint(image, mask, match_noise=True, return_record=True)
        assert same_bits(repair.image, model.inpaint(image, mask))
        assert {window["noise"] for window in repair.record["windows"]} == {None}


def test_live_completion_shows_the_same_noise(model: EdgeConnect) -> None:
    noisy = with_noise(IMAGES["camera"], 0.004, 0.01)
    hole = disc(radius=40)
    settings = replace(TINY, match_noise=True)
    edges = model.hallucinate_edges(noisy, hole, settings)
    live, shown = LiveCompletion(model, noisy, hole, settings), noisy.copy()
    for labels in (edges.labels, np.where(hole, 0, edges.labels)):
        edges = edges.edited(labels)
        for patch in live.update(edges):
            patch.put_into(shown)
        assert same_bits(shown, model.complete(noisy, hole, edges, settings))
