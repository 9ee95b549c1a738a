"""The bundled weights do what was recorded when they were bundled: a broken file can't pass.

Real pictures, fixed holes. Whoever bundles new weights records the figures anew.
"""

from __future__ import annotations

import numpy as np
import pytest
from skimage import data
from skimage.feature import canny

from napari_edgeconnect import EdgeConnect
from napari_edgeconnect.core.classical import inpaint
from napari_edgeconnect.core.damage import random_damage
from napari_edgeconnect.core.edges import EdgeSource
from napari_edgeconnect.core.metrics import edge_scores, noise_level, psnr

COINS = data.coins()[100:228, 100:228]
HISTOLOGY = data.immunohistochemistry()[100:228, 100:228]


def damaged(image: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """Four times the image with a hole of 3 to 25 %, and black inside it."""
    holes = [random_damage(image.shape[:2], np.random.default_rng(s), smallest=0.03, largest=0.25) for s in range(4)]
    return [(np.where(h if image.ndim == 2 else h[..., None], 0, image).astype(image.dtype), h) for h in holes]


@pytest.mark.parametrize(("image", "recorded", "gain"), [(COINS, 21.36, 0.8), (HISTOLOGY, 27.05, 0.5)])
def test_repairs_are_as_good_as_recorded_and_better_than_the_fill(
    model: EdgeConnect, image: np.ndarray, recorded: float, gain: float
) -> None:
    cases = damaged(image)
    ours = np.mean([psnr(model.inpaint(i, hole), image, hole, data_range=255) for i, hole in cases])
    fill = np.mean([psnr(inpaint(i, hole, "biharmonic"), image, hole, data_range=255) for i, hole in cases])
    assert ours == pytest.approx(recorded, abs=0.05)
    assert ours > fill + gain


def test_hallucinated_edges_are_as_good_as_recorded(model: EdgeConnect) -> None:
    true = canny(COINS / 255, sigma=2.0)
    scores = [
        edge_scores(model.hallucinate_edges(i, hole).labels == EdgeSource.PROPOSED, true, hole, tolerance_px=1)
        for i, hole in damaged(COINS)
    ]
    assert np.mean([s.precision for s in scores]) == pytest.approx(0.82, abs=0.02)
    assert np.mean([s.recall for s in scores]) == pytest.approx(0.80, abs=0.02)


@pytest.mark.parametrize(("image", "recorded", "grain"), [(COINS, 21.06, 0.69), (HISTOLOGY, 26.41, 0.72)])
def test_the_textured_model_has_more_grain_and_more_error_as_recorded(
    model: EdgeConnect, image: np.ndarray, recorded: float, grain: float
) -> None:
    textured = EdgeConnect.load("open-science-16-texture", device="cpu")
    repairs = [(textured.inpaint(i, hole), model.inpaint(i, hole), hole) for i, hole in damaged(image)]
    found = np.mean([psnr(ours, image, hole, data_range=255) for ours, _, hole in repairs])
    assert found == pytest.approx(recorded, abs=0.05)
    assert np.mean([noise_level(ours, hole) for ours, _, hole in repairs]) == pytest.approx(grain, abs=0.02)
    assert grain > np.mean([noise_level(other, hole) for _, other, hole in repairs])
