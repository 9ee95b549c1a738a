"""Noise is measured in an image's units, past what the image shows."""

from __future__ import annotations

import numpy as np
import pytest
from skimage import data

from napari_edgeconnect.core.noise_level import robust_deviation, white_noise

EVERYWHERE = np.ones((256, 256), bool)


@pytest.mark.parametrize("sigma", [10, 30])
@pytest.mark.parametrize("colours", [1, 3])
def test_noise_that_is_added_to_a_real_image_is_found(sigma: float, colours: int) -> None:
    image = data.moon()[:256, :256, None] + np.random.default_rng(0).normal(0, sigma, (256, 256, colours))
    found = white_noise(image, EVERYWHERE)
    assert found == pytest.approx(sigma, rel=0.15)


def test_what_is_not_known_is_not_looked_at() -> None:
    image = np.random.default_rng(0).normal(0, 5, (256, 256))
    image[:, 100:] = 1e9 * np.sin(np.arange(156))
    known = EVERYWHERE.copy()
    known[:, 100:] = False
    assert white_noise(image, known) == pytest.approx(5, rel=0.05)


def test_no_three_known_neighbours_say_nothing() -> None:
    assert white_noise(np.zeros((4, 2)), np.ones((4, 2), bool)) is None


def test_outliers_make_no_difference_to_a_robust_deviation() -> None:
    values = np.random.default_rng(0).normal(50, 2, 10_000)
    values[:500] = 1e6
    assert robust_deviation(values) == pytest.approx(2, rel=0.1)
