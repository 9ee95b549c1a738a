"""Masks say what is damaged, and what a model cannot know."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from scipy import ndimage
from skimage import data

from napari_edgeconnect.core.masking import (
    HALF_FIELD_PX,
    about,
    from_label,
    from_nan,
    from_saturation,
    inverted,
)
from napari_edgeconnect.core.networks import EdgeGenerator

masks = arrays(bool, array_shapes(min_dims=2, max_dims=2, max_side=14))


@st.composite
def blobs(draw: st.DrawFn) -> np.ndarray:
    mask = np.zeros((draw(st.integers(2, 60)), draw(st.integers(2, 60))), dtype=bool)
    for _ in range(draw(st.integers(0, 6))):
        top, left = draw(st.integers(0, mask.shape[0] - 1)), draw(st.integers(0, mask.shape[1] - 1))
        mask[top : top + draw(st.integers(1, 40)), left : left + draw(st.integers(1, 40))] ^= True
    return mask


def test_a_label_is_a_mask_and_so_is_the_background() -> None:
    labels = np.array([[0, 1, 2], [2, 2, 0]], np.uint16)
    assert from_label(labels, 2).tolist() == [[False, False, True], [True, True, False]]
    assert from_label(labels, 0).tolist() == [[True, False, False], [False, False, True]]


def test_a_pixel_is_damaged_where_any_colour_is_not_finite_but_not_its_alpha() -> None:
    image = np.ones((2, 3, 4))
    image[0, 1, 2] = np.nan
    image[1, 0, 0] = -np.inf
    image[1, 2, 3] = np.nan
    assert np.argwhere(from_nan(image)).tolist() == [[0, 1], [1, 0]]
    assert not from_nan(data.camera()).any()


def test_integers_saturate_at_the_ends_of_their_dtype_only() -> None:
    image = np.array([[0, 1, 254, 255]], np.uint8)
    assert from_saturation(image).tolist() == [[False, False, False, True]]
    assert from_saturation(image, low=True).tolist() == [[True, False, False, True]]
    assert from_saturation(image, low=True, high=False).tolist() == [[True, False, False, False]]
    assert not from_saturation(image.astype(np.uint16)).any()
    signed = np.array([[-32768, 0, 32767]], np.int16)
    assert from_saturation(signed, low=True).tolist() == [[True, False, True]]


def test_a_colour_pixel_saturates_in_all_of_its_colours() -> None:
    image = np.array([[[255, 255, 254], [255, 255, 255], [0, 0, 0], [255, 0, 255]]], np.uint8)
    assert from_saturation(image, low=True).tolist() == [[False, True, True, False]]
    transparent = np.dstack([image, np.zeros((1, 4), np.uint8)])
    assert from_saturation(transparent).tolist() == [[False, True, False, False]]


@pytest.mark.parametrize(("clipped", "expected"), [(19, 0), (20, 20)])
def test_floats_saturate_where_many_share_an_extreme(clipped: int, expected: int) -> None:
    image = data.camera()[:64, :64] / np.float32(512) + np.linspace(0, 1e-3, 64, dtype=np.float32)
    image.flat[:clipped] = 0.75
    image[-1, -1] = np.inf
    assert from_saturation(image).sum() == expected
    assert not from_saturation(image, low=True, high=False).any()


def test_what_has_no_ends_does_not_saturate() -> None:
    assert not from_saturation(np.ones((8, 8), bool), low=True).any()
    assert not from_saturation(np.full((8, 8), np.nan), low=True).any()


def test_any_form_of_mask_is_inverted() -> None:
    assert inverted(np.array([[0, 7]])).tolist() == [[True, False]]
    assert inverted(np.array([[True, False]])).tolist() == [[False, True]]
    assert inverted(np.array([[0.2, 0.9]])).tolist() == [[True, False]]


@given(st.one_of(masks, blobs()))
def test_the_deepest_point_is_that_of_the_whole_planes_distance_transform(mask: np.ndarray) -> None:
    facts = about(mask)
    expected = math.inf if mask.all() else ndimage.distance_transform_edt(mask).max()
    assert facts.deepest_px == pytest.approx(expected)
    assert facts.pixels == mask.sum()
    assert facts.share == pytest.approx(mask.mean())


def test_the_images_border_is_not_known() -> None:
    mask = np.zeros((40, 100), dtype=bool)
    mask[:, :30] = True
    assert about(mask).deepest_px == 30


def test_a_cross_is_known_at_its_corners_only() -> None:
    mask = np.zeros((5, 5), dtype=bool)
    mask[1:4, 2] = mask[2, 1:4] = True
    assert about(mask).deepest_px == pytest.approx(math.sqrt(2))


def test_a_holes_depth_is_not_measured_in_the_box_of_another() -> None:
    mask = np.zeros((40, 60), dtype=bool)
    mask[:31, 6:32] = True
    mask[:, :3] = mask[37:, :31] = True  # reaches around the first, and its box ends in it
    assert about(mask).deepest_px == 13


def test_little_damage_has_no_warnings() -> None:
    mask = np.zeros((300, 300), dtype=bool)
    assert about(mask).warnings == ()
    mask[:, 100:250] = True
    assert about(mask).share == 0.5
    assert about(mask).warnings == ()


def test_more_than_half_is_warned_of() -> None:
    mask = np.zeros((10, 10), dtype=bool)
    mask[:, ::2] = mask[0, 1] = True
    assert about(mask).warnings == (
        "More than half of the image is damage: expect invention, or check the mask's polarity.",
    )


def test_a_point_too_far_from_anything_known_is_warned_of() -> None:
    mask = np.zeros((20, 600), dtype=bool)
    mask[:, 10:229] = True
    assert about(mask).warnings == ()
    mask[:, 229:231] = True
    assert about(mask).warnings == (
        "A point of the damage is 111 px from anything known; the model cannot know this far: expect invention.",
    )


def test_nothing_known_is_one_sentence() -> None:
    (sentence,) = about(np.ones((9, 9), dtype=bool)).warnings
    assert sentence.startswith("Everything is damage")


def test_the_limit_is_half_of_what_the_networks_see() -> None:
    """Measured on the network itself, without the norms, which couple a whole window."""
    network = EdgeGenerator(width=1, spectral=False).double()
    for module in list(network.modules()):
        for name, child in module.named_children():
            if isinstance(child, torch.nn.InstanceNorm2d | torch.nn.ReLU):
                setattr(module, name, torch.nn.Identity())
    for parameter in network.parameters():
        torch.nn.init.constant_(parameter, 0.1)
    image = torch.zeros((1, 3, 16, 512), dtype=torch.float64, requires_grad=True)
    network.raw(image)[0, 0, 8, 256].backward()
    assert image.grad is not None
    seen = image.grad.abs().sum(dim=(0, 1, 2)).nonzero().ravel()
    reach = max(256 - int(seen.min()), int(seen.max()) - 256)
    assert len(seen) == 2 * HALF_FIELD_PX
    assert reach == HALF_FIELD_PX
