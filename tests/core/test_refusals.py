"""Reasons against a repair are given where there are some, on real images, and nowhere else."""

from __future__ import annotations

import numpy as np
import pytest
from skimage import data

from napari_edgeconnect.core.refusals import reasons_against


def names(image: np.ndarray, mask: np.ndarray, **changes: float | None) -> list[str]:
    return [reason.name for reason in reasons_against(image, mask, **changes)]


def square(shape: tuple[int, ...], size: int) -> np.ndarray:
    mask = np.zeros(shape[:2], bool)
    top, left = (shape[0] - size) // 2, (shape[1] - size) // 2
    mask[top : top + size, left : left + size] = True
    return mask


@pytest.mark.parametrize("name", ["camera", "coins", "moon", "cell", "brick", "astronaut", "retina"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_nothing_speaks_against_a_small_hole_in_a_real_image(name: str, dtype: type) -> None:
    image = getattr(data, name)()
    image = image[image.shape[0] // 4 :, image.shape[1] // 4 :][:256, :256].astype(dtype)
    assert names(image, square(image.shape, 16)) == []


def test_no_damage_is_no_reason() -> None:
    assert names(np.zeros((9, 9)), np.zeros((9, 9), bool)) == []


def test_everything_more_than_half_and_deeper_than_the_network_sees() -> None:
    image = np.tile(data.camera(), (1, 2))
    assert names(image, np.ones(image.shape, bool)) == ["all-missing"]
    half = np.zeros(image.shape, bool)
    half[:, 100:700] = True
    assert names(image, half) == ["much-missing", "deep"]
    assert names(image, square(image.shape, 200)) == []
    assert names(image, square(image.shape, 200), grow_px=15) == ["deep"]


def test_little_known_is_told_in_pixels() -> None:
    image = data.camera()[100:140, 200:240]
    (reason,) = reasons_against(image, square(image.shape, 28))
    assert reason.name == "little-known"
    assert reason.sentence == "Only 816 known pixels lie around a hole: too few to say what belongs into it."


def test_few_gray_values_are_no_contrast() -> None:
    image = (data.camera()[:128, :128] // 64).astype(np.uint16)
    (reason,) = reasons_against(image, square(image.shape, 10))
    assert reason.name == "few-levels"
    assert reason.sentence.startswith(f"The known pixels have {len(np.unique(image))} different gray values")


def test_a_binary_image_is_no_image_of_few_gray_values() -> None:
    image = data.horse()[:200, :200]
    assert names(image.astype(bool), square(image.shape, 10)) == []


@pytest.mark.parametrize("level", [0, 100])
def test_nothing_but_noise_is_told(level: float) -> None:
    image = np.random.default_rng(0).normal(level, 20, (200, 200))
    assert names(image, square(image.shape, 20)) == ["only-noise"]


def test_structure_in_strong_noise_is_still_structure() -> None:
    image = data.coins()[:200, :200] + np.random.default_rng(0).normal(0, 60, (200, 200))
    assert names(image, square(image.shape, 20)) == []


def test_each_place_is_looked_at_for_itself() -> None:
    rng = np.random.default_rng(0)
    image = np.tile(data.camera(), (1, 4)).astype(np.float64)
    image[:, 1024:] = rng.normal(100, 20, (512, 1024))
    mask = np.zeros(image.shape, bool)
    mask[250:260, 250:260] = mask[250:260, 1700:1710] = True
    (reason,) = reasons_against(image, mask)
    assert reason.sentence.startswith("Around 1 of 2 places of damage the image shows nothing above its noise")


def test_surroundings_without_edges_are_told_unless_none_are_wanted() -> None:
    rows, columns = np.mgrid[:200, :200]
    image = (10 * rows + 7 * columns).astype(np.float32)
    assert names(image, square(image.shape, 20)) == ["no-edges"]
    assert names(image, square(image.shape, 20), sigma=None) == []


def test_what_is_no_image_and_no_mask_is_refused() -> None:
    with pytest.raises(ValueError, match="The mask has shape"):
        reasons_against(np.zeros((9, 9)), np.zeros((8, 9), bool))
    with pytest.raises(TypeError, match="The image has dtype"):
        reasons_against(np.zeros((9, 9), complex), np.zeros((9, 9), bool))
