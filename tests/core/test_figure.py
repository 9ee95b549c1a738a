"""Figures: an outline that is seen, a caption, and nothing else changed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import ndimage
from skimage import data

from napari_edgeconnect.core.classical import inpaint
from napari_edgeconnect.core.exclusion import exclude
from napari_edgeconnect.core.figure import INNER, OUTER, caption_of, figure_of, stretched

SQUARE = np.ones((3, 3), bool)


@given(altered=arrays(bool, st.tuples(st.integers(1, 30), st.integers(1, 30))), line=st.integers(1, 3))
def test_only_the_outline_is_drawn_and_it_lies_outside(altered: np.ndarray, line: int) -> None:
    image = np.arange(altered.size, dtype=np.uint16).reshape(altered.shape)
    plain = figure_of(image, altered, {}, outline=False, caption=False)
    figure = figure_of(image, altered, {}, caption=False, line_px=line)
    inner = ndimage.binary_dilation(altered, SQUARE, iterations=line)
    outer = ndimage.binary_dilation(altered, SQUARE, iterations=2 * line)
    assert (figure[inner & ~altered] == INNER).all()
    assert (figure[outer & ~inner] == OUTER).all()
    untouched = altered | ~outer
    assert np.array_equal(figure[untouched], plain[untouched])
    assert np.array_equal(plain, stretched(image))


def test_the_caption_lies_below_the_picture_and_is_written() -> None:
    image, altered = data.camera(), np.zeros((512, 512), bool)
    altered[100:140, 100:140] = True
    plain = figure_of(image, altered, {}, caption=False)
    figure = figure_of(image, altered, {"method": "telea", "version": "0.1.0"})
    assert np.array_equal(figure[:512], plain)
    strip = figure[512:]
    assert strip.shape[0] > 20
    assert (strip[:, :3] == 255).all()
    assert (strip[:, -3:] == 255).all()
    assert 0.01 < (strip[..., 0] < 128).mean() < 0.3  # ink


def test_a_caption_s_words_fit_beside_a_small_picture() -> None:
    image, altered = data.camera()[:40, :30], np.zeros((40, 30), bool)
    altered[10:12] = True
    figure = figure_of(image, altered, {"model": {"name": "open-science-16"}, "version": "0.1.0"})
    assert np.array_equal(figure[:40, :30], figure_of(image, altered, {}, caption=False))
    assert (figure[:, -2:] == 255).all()  # no word is cut off


def test_the_caption_says_by_what_and_how_much() -> None:
    mask = np.zeros((64, 64), bool)
    mask[10:18, 10:26] = True
    repair = inpaint(data.camera()[:64, :64], mask, "biharmonic", return_record=True)
    said = caption_of(repair.record, repair.altered)
    assert said.startswith("Outlined: reconstructed by biharmonic inpainting (napari-edgeconnect ")
    assert said.endswith("), not measured; 3.1 % of the image.")
    by_network = {"method": "edgeconnect", "version": "0.1.0", "model": {"name": "open-science-16"}}
    assert "by EdgeConnect (napari-edgeconnect 0.1.0, model open-science-16)" in caption_of(by_network, mask)
    assert caption_of(by_network, np.zeros_like(mask)) == "Nothing in this image is reconstructed."


@pytest.mark.parametrize("dtype", ["uint16", "float32", "float64", "int8"])
def test_contrast_is_stretched_between_given_values(dtype: str) -> None:
    image = np.array([[0, 10, 60, 110, 127]], dtype)
    figure = figure_of(image, np.zeros((1, 5), bool), {}, caption=False, contrast=(10, 110))
    assert figure[0, :, 0].tolist() == [0, 0, 128, 255, 255]
    with pytest.raises(ValueError, match=r"The contrast is 5 to 5: give two finite values"):
        figure_of(image, np.zeros((1, 5), bool), {}, contrast=(5, 5))


def test_colours_stay_as_they_are_and_what_is_not_finite_is_black() -> None:
    colour = data.astronaut()[:20, :20]
    assert np.array_equal(stretched(colour), colour)
    assert np.array_equal(stretched(np.dstack([colour, colour[..., 0]])), colour)
    assert stretched(np.array([[np.nan, 1, 2, np.inf]]), (1, 2))[0, :, 0].tolist() == [0, 0, 255, 0]


def test_what_was_excluded_is_not_called_reconstructed() -> None:
    image = data.camera()[:40, :50]
    altered = np.zeros(image.shape, bool)
    altered[10:20, 10:30] = True
    excluded = exclude(image, altered, 0, return_record=True)
    said = caption_of(excluded.record, altered)
    assert said.startswith("Outlined: damaged and marked as missing (napari-edgeconnect ")
    assert said.endswith("), nothing filled in; 10 % of the image.")
