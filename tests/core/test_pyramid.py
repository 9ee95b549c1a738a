"""Smaller levels follow the full resolution where it was changed, and stay the source's own elsewhere."""

from __future__ import annotations

import numpy as np
import pytest
from contract import same_bits
from skimage import data
from skimage.transform import downscale_local_mean

from napari_edgeconnect.core.overlay import Overlay
from napari_edgeconnect.core.pyramid import write_through


def averaged(image: np.ndarray, factors: tuple[int, ...]) -> np.ndarray:
    means = downscale_local_mean(image.astype(float), factors)
    return (np.rint(means) if image.dtype.kind == "u" else means).astype(image.dtype)


def picked(image: np.ndarray, factors: tuple[int, ...]) -> np.ndarray:
    return image[tuple(slice(None, None, factor) for factor in factors)]


def levels_by(how, image: np.ndarray, factors: tuple[int, ...]) -> list[np.ndarray]:
    smaller = how(image, factors)
    return [image, smaller, how(smaller, factors)]


@pytest.mark.parametrize("how", [averaged, picked])
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_levels_are_those_of_a_pyramid_made_of_the_repaired_image(how, dtype) -> None:
    image = data.camera()[:256, :320].astype(dtype)
    repaired = image.copy()
    repaired[101:117, 33:58] = 255 - repaired[101:117, 33:58]
    levels = [Overlay(level, chunks=(16, 16)) for level in levels_by(how, image, (2, 2))]

    write_through(levels, (slice(90, 130), slice(20, 70)), repaired[90:130, 20:70])

    for level, expected in zip(levels, levels_by(how, repaired, (2, 2)), strict=True):
        assert same_bits(np.asarray(level), expected)


def test_axes_that_are_not_shrunk_keep_their_planes_apart() -> None:
    image = np.stack([data.camera()[:64, :64], data.camera()[64:128, :64]])
    repaired = image.copy()
    repaired[1, 10:20, 10:20] = 0
    levels = [Overlay(level) for level in levels_by(averaged, image, (1, 2, 2))]
    write_through(levels, (slice(1, 2), slice(8, 24), slice(8, 24)), repaired[1:, 8:24, 8:24])
    for level, expected in zip(levels, levels_by(averaged, repaired, (1, 2, 2)), strict=True):
        assert same_bits(np.asarray(level), expected)


def test_what_is_taken_back_is_taken_back_in_all_levels() -> None:
    # Made by neither averaging nor picking: only what changes is made anew.
    image = data.camera()[:100, :90]
    made_elsewhere = np.roll(averaged(image, (2, 2)), 1)
    levels = [Overlay(image, chunks=(8, 8)), Overlay(made_elsewhere, chunks=(8, 8))]
    block = (slice(40, 61), slice(40, 61))
    write_through(levels, block, 255 - image[block])
    changed = np.asarray(levels[1]) != made_elsewhere
    assert changed.any()
    assert not changed[:20].any()
    assert not changed[31:].any()
    write_through(levels, block, image[block])
    assert same_bits(np.asarray(levels[1]), made_elsewhere)


@pytest.mark.parametrize("how", [averaged, picked])
def test_what_was_changed_need_not_show_how_levels_were_made(how) -> None:
    image = data.camera()[:256, :256].copy()
    image[100:120, 100:120] = 255  # burnt out: averaging and picking agree on it
    repaired = image.copy()
    repaired[100:120, 100:120] = data.coins()[100:120, 100:120]
    levels = [Overlay(level) for level in levels_by(how, image, (2, 2))]
    block = (slice(100, 120), slice(100, 120))
    write_through(levels, block, repaired[block])
    for level, expected in zip(levels, levels_by(how, repaired, (2, 2)), strict=True):
        assert same_bits(np.asarray(level), expected)


def test_neighbouring_changes_leave_each_other_alone() -> None:
    image = data.camera()[:128, :128]
    repaired = image.copy()
    repaired[40:50, 40:50] = repaired[40:50, 60:70] = 7
    levels = [Overlay(level) for level in levels_by(averaged, image, (2, 2))]
    for columns in (slice(40, 50), slice(60, 70)):
        write_through(levels, (slice(40, 50), columns), repaired[40:50, columns])
    for level, expected in zip(levels, levels_by(averaged, repaired, (2, 2)), strict=True):
        assert same_bits(np.asarray(level), expected)


def test_odd_sizes_end_where_the_image_does() -> None:
    image = data.camera()[:101, :77]
    smaller = np.rint(image[:100, :76].reshape(50, 2, 38, 2).mean(axis=(1, 3))).astype(np.uint8)
    levels = [Overlay(image), Overlay(smaller)]
    write_through(levels, (slice(95, 101), slice(70, 77)), np.zeros((6, 7), np.uint8))
    assert (np.asarray(levels[1])[49:, 37:] == 0).all()
    assert same_bits(np.asarray(levels[1])[:46], smaller[:46])
