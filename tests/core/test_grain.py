"""The grain of noise: measured where a picture is flat, and drawn again."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage
from skimage import data

from napari_edgeconnect.core.grain import Grain

SMOOTHING_PX = 1.5
WHITE = Grain(np.ones((32, 32)))
#: Sigmas along rows and columns; the picture itself is what is coarser.
BLURS = [(0, 0), (0.6, 0.6), (0, 0.8), (0.8, 0)]


def noise(shape: tuple[int, int], blur: tuple[float, float], seed: int = 3) -> np.ndarray:
    drawn = ndimage.gaussian_filter(np.random.default_rng(seed).standard_normal(shape), blur, mode="wrap")
    return drawn / drawn.std()


def measured(picture: np.ndarray, known: np.ndarray) -> Grain:
    weight = ndimage.gaussian_filter(known.astype(float), SMOOTHING_PX)
    smooth = ndimage.gaussian_filter(np.where(known, picture, 0), SMOOTHING_PX) / np.maximum(weight, 1e-12)
    return Grain.measured([(picture - smooth, ndimage.binary_erosion(known))], SMOOTHING_PX)


def neighbours(plane: np.ndarray) -> tuple[float, float]:
    """The correlation of pixels that are next to each other down the columns, and along the rows."""
    pairs = ((plane[1:], plane[:-1]), (plane[:, 1:], plane[:, :-1]))
    return tuple(float((one * two).mean() / (plane**2).mean()) for one, two in pairs)


@pytest.mark.parametrize("blur", BLURS)
def test_noise_is_drawn_as_it_was_measured(blur: tuple[float, float]) -> None:
    moon = data.moon()[100:356, 100:356] / 255
    known = np.ones(moon.shape, bool)
    known[90:150, 100:180] = False
    there = noise(moon.shape, blur)
    grain = measured(moon + 0.05 * there, known)
    again = grain.drawn((256, 256, 1), np.random.default_rng(0))[..., 0]
    assert again.std() == pytest.approx(1, abs=0.03)
    assert grain.correlation == pytest.approx(np.mean(neighbours(again)), abs=0.03)
    for found, true in zip(neighbours(again), neighbours(there), strict=True):
        assert found == pytest.approx(true, abs=0.2)  # what is coarse in it counts as picture
        assert (found > 0.3) == (true > 0.3)


def test_what_is_not_known_does_not_count() -> None:
    known = np.ones((128, 128), bool)
    known[40:80, 40:80] = False
    there = noise(known.shape, (0.6, 0.6))
    one, two = (measured(np.where(known, there, other), known) for other in (0.0, 1e6))
    assert np.array_equal(one.amplitude, two.amplitude)


def test_nothing_to_measure_gives_white_noise() -> None:
    flat, nowhere = np.zeros((20, 20)), np.zeros((20, 20), bool)
    for details in ([], [(flat, ~nowhere)], [(noise((20, 20), (0, 0)), nowhere)]):
        assert np.array_equal(Grain.measured(details, SMOOTHING_PX).amplitude, WHITE.amplitude)


@given(height=st.integers(1, 40), width=st.integers(1, 40), colours=st.integers(1, 3), seed=st.integers(0, 99))
def test_white_noise_of_any_shape_is_the_generator_s_own(height: int, width: int, colours: int, seed: int) -> None:
    shape = (height, width, colours)
    drawn = WHITE.drawn(shape, np.random.default_rng(seed))
    assert drawn == pytest.approx(np.random.default_rng(seed).standard_normal(shape), abs=1e-12)


def test_a_kernel_sees_of_noise_what_a_convolution_leaves_of_it() -> None:
    kernel = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]]) / 6.0
    assert WHITE.seen_through(kernel) == pytest.approx(1)
    grain = measured(noise((512, 512), (0.6, 0.6)), np.ones((512, 512), bool))
    drawn = grain.drawn((512, 512, 1), np.random.default_rng(1))[..., 0]
    left = ndimage.convolve(drawn, kernel, mode="wrap").var()
    assert grain.seen_through(kernel) == pytest.approx(left, rel=0.05)
    assert left < 0.5
