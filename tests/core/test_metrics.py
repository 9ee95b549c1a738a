"""Every figure on cases that can be computed by hand."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose
from skimage import data
from skimage.metrics import structural_similarity

from napari_edgeconnect.core.metrics import (
    edge_scores,
    frechet_distance,
    inner_rim,
    l1_percent,
    noise_level,
    psnr,
    rim_bias,
    ssim,
    ssim_published,
)

#: SSIM's constant for luminance, (0.01 * data range)^2.
C1 = 1e-4


def square_hole(side: int, start: int, stop: int) -> np.ndarray:
    hole = np.zeros((side, side), dtype=bool)
    hole[start:stop, start:stop] = True
    return hole


def test_psnr_and_l1_count_hole_and_image_apart() -> None:
    truth = np.full((8, 8), 0.5)
    hole = square_hole(8, 2, 6)  # 16 of 64 pixels
    result = np.where(hole, 0.6, truth)
    assert psnr(result, truth, hole) == pytest.approx(20)
    assert psnr(result, truth) == pytest.approx(20 + 10 * np.log10(4))
    assert l1_percent(result, truth, hole) == pytest.approx(10)
    assert l1_percent(result, truth) == pytest.approx(2.5)


def test_psnr_of_bytes_does_not_wrap_around() -> None:
    truth, result = np.full((4, 4, 3), 250, np.uint8), np.full((4, 4, 3), 5, np.uint8)
    assert psnr(result, truth, data_range=255) == pytest.approx(20 * np.log10(255 / 245))
    assert l1_percent(result, truth, data_range=255) == pytest.approx(100 * 245 / 255)


def test_psnr_of_equal_images_is_infinite() -> None:
    assert psnr(data.coins(), data.coins(), data_range=255) == float("inf")


@pytest.mark.parametrize("figure", [ssim, ssim_published])
def test_ssim_of_flat_images_is_the_luminance_term(figure) -> None:
    dark, bright = np.full((64, 64), 0.2), np.full((64, 64), 0.6)
    wanted = (2 * 0.2 * 0.6 + C1) / (0.2**2 + 0.6**2 + C1)
    assert figure(dark, bright) == pytest.approx(wanted)
    assert figure(dark, bright, square_hole(64, 20, 40)) == pytest.approx(wanted)
    assert figure(dark, dark) == pytest.approx(1)


def test_ssim_in_the_hole_sees_nothing_of_what_is_far_away() -> None:
    truth = data.camera()[:96, :96] / 255
    result = truth.copy()
    result[:20] = 0
    assert ssim(result, truth, square_hole(96, 50, 80)) == pytest.approx(1)
    assert ssim(result, truth) < 0.9


def test_ssim_is_that_of_its_authors() -> None:
    truth = data.astronaut()[:64, :64]
    result = np.roll(truth, 1, axis=0)
    as_wang = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
    wanted = structural_similarity(truth, result, channel_axis=-1, data_range=255, **as_wang)
    assert ssim(result, truth, data_range=255) == pytest.approx(wanted)


def test_published_ssim_is_blind_to_colour() -> None:
    luma = 0.2125 * 0.4 + 0.7154 * 0.3 + 0.0721 * 0.9
    colour = np.tile([0.4, 0.3, 0.9], (64, 64, 1))
    assert ssim_published(colour, np.full((64, 64, 3), luma)) == pytest.approx(1)
    assert ssim(colour, np.full((64, 64, 3), luma)) < 0.99


def test_edges_are_counted_pixel_for_pixel_or_with_a_tolerance() -> None:
    hole = square_hole(12, 2, 10)
    true, found = np.zeros((12, 12), dtype=bool), np.zeros((12, 12), dtype=bool)
    true[:, 5] = True  # 8 pixels in the hole
    found[2:6, 5] = True  # 4 right
    found[6:8, 6] = True  # 2 beside it
    found[2:4, 9] = True  # 2 wrong
    found[0, :] = True  # outside the hole, which is not counted
    exact = edge_scores(found, true, hole)
    assert exact == (4 / 8, 4 / 8)
    near = edge_scores(found, true, hole, tolerance_px=1)
    assert near == (6 / 8, 7 / 8)  # rows 2 to 8 are met: row 8 by a corner


def test_edges_that_are_not_there_give_no_figure() -> None:
    hole, none = square_hole(8, 2, 6), np.zeros((8, 8), dtype=bool)
    assert np.isnan(edge_scores(none, hole, hole).precision)
    assert edge_scores(none, hole, hole).recall == 0
    assert np.isnan(edge_scores(hole, none, hole).recall)


def test_rim_bias_is_signed_by_channel_and_blind_to_the_middle() -> None:
    truth = np.full((10, 10, 3), 0.5)
    hole = square_hole(10, 3, 7)
    result = truth.copy()
    result[hole] += [0.1, 0.0, -0.2]
    result[4:6, 4:6] = 0.9
    assert inner_rim(hole).sum() == 12
    assert_allclose(rim_bias(result, truth, hole), [0.1, 0.0, -0.2], atol=1e-12)
    assert_allclose(rim_bias(result[..., 0], truth[..., 0], hole), [0.1], atol=1e-12)


def test_noise_level_is_the_ratio_of_the_deviations() -> None:
    checkers = np.indices((16, 16)).sum(axis=0) % 2
    hole = np.zeros((16, 16), dtype=bool)
    hole[:, :8] = True  # both sides are mirror images
    image = 0.5 + checkers * np.where(hole, 0.2, 0.1)
    assert noise_level(image, hole) == pytest.approx(2)
    assert noise_level(np.where(hole, 0.5, image), hole) == pytest.approx(0, abs=1e-6)


def test_noise_level_of_noise_that_goes_on_is_one() -> None:
    image = np.random.default_rng(0).normal(size=(128, 128))
    assert noise_level(image, square_hole(128, 40, 90)) == pytest.approx(1, abs=0.05)


def test_noise_level_says_nothing_where_there_is_nothing_to_measure() -> None:
    speck = square_hole(32, 10, 11)
    assert np.isnan(noise_level(np.random.default_rng(0).normal(size=(32, 32)), speck))
    assert np.isnan(noise_level(np.full((32, 32), 0.5), square_hole(32, 10, 20)))


def test_frechet_distance_of_known_gaussians() -> None:
    one, other = np.array([[-1.0], [1.0]]), np.array([[1.0], [5.0]])  # variances 2 and 8
    assert frechet_distance(one, other) == pytest.approx(9 + 2 + 8 - 2 * 4)
    assert frechet_distance(one, one) == pytest.approx(0)


def test_frechet_distance_of_turned_gaussians() -> None:
    long = np.array([[2.0, 0], [-2, 0], [0, 1], [0, -1]])
    turned = long[:, ::-1]  # covariances diag(8, 2) / 3 and diag(2, 8) / 3
    assert frechet_distance(long, turned) == pytest.approx((20 - 2 * 8) / 3)


def test_shapes_that_do_not_fit_are_named() -> None:
    image = np.zeros((16, 16))
    with pytest.raises(ValueError, match=r"\(16, 16\).*\(8, 8\)"):
        psnr(image, np.zeros((8, 8)))
    with pytest.raises(ValueError, match="The hole is empty"):
        psnr(image, image, np.zeros((16, 16), dtype=bool))
    with pytest.raises(ValueError, match="51 px"):
        ssim_published(image, image)
    with pytest.raises(ValueError, match=r"hole has shape \(4, 4\)"):
        ssim(image, image, np.ones((4, 4), dtype=bool))
