"""What the ImageNet network says: nothing about equal pictures, more the more they differ."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from skimage import data
from skimage.filters import gaussian

from napari_edgeconnect.evaluation.perceptual import FRECHET_CHANNELS, PerceptualNetwork


@pytest.fixture(scope="module")
def network() -> PerceptualNetwork:
    return PerceptualNetwork()


def test_the_network_knows_coffee_in_the_scaling_that_it_is_fed(network: PerceptualNetwork) -> None:
    coffee = data.coffee()[40:360, 140:460].astype(np.float32)
    with torch.inference_mode():
        scores = network._network(torch.from_numpy((coffee - 127) / 128).permute(2, 0, 1)[None])
    assert int(scores.argmax()) in (504, 967, 968)  # ImageNet's coffee mug, espresso, cup


def test_distance_grows_with_the_damage_and_is_zero_without(network: PerceptualNetwork) -> None:
    truth = data.astronaut()[:96, 150:246]
    hole = np.zeros((96, 96), dtype=bool)
    hole[30:60, 30:60] = True
    blurred, black = truth.copy(), truth.copy()
    blurred[hole] = np.rint(255 * gaussian(truth, 1, channel_axis=-1))[hole]
    black[hole] = 0
    threads = torch.get_num_threads()
    (same, soft, hard), of_truth = network.compare([truth, blurred, black], truth, hole)
    assert torch.get_num_threads() == threads
    assert of_truth.distance_hole == of_truth.distance_whole == 0
    assert same.distance_hole == pytest.approx(0, abs=1e-6)
    assert 0 < soft.distance_hole < hard.distance_hole
    assert soft.distance_whole < soft.distance_hole  # known pixels are right
    assert soft.features_hole.shape == soft.features_whole.shape == (FRECHET_CHANNELS,)
    assert np.abs(hard.features_hole - of_truth.features_hole).max() > 0.1


def test_gray_is_seen_as_equal_colours(network: PerceptualNetwork) -> None:
    gray = data.coins()[:64, :64]
    hole = np.zeros((64, 64), dtype=bool)
    hole[20:40, 20:40] = True
    damaged = np.where(hole, np.uint8(0), gray)
    (of_gray,), _ = network.compare([damaged], gray, hole)
    (of_colour,), _ = network.compare([np.stack([damaged] * 3, -1)], np.stack([gray] * 3, -1), hole)
    assert of_gray.distance_hole == of_colour.distance_hole
