"""Images and holes of any size, repaired window by window without a seam."""

from __future__ import annotations

import numpy as np
import pytest
from skimage import data

from napari_edgeconnect import EdgeConnect, Settings


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (13, 1), (5, 7), (11, 12), (33, 50), (97, 101)])
def test_any_size_is_repaired(model: EdgeConnect, shape: tuple[int, int]) -> None:
    image = data.coins()[100 : 100 + shape[0], 100 : 100 + shape[1]].copy()
    mask = np.zeros(shape, bool)
    mask[0, 0] = mask.size > 1
    result = model.inpaint(image, mask)
    assert result.shape == shape
    assert np.array_equal(result[~mask], image[~mask])


@pytest.mark.parametrize("where", [np.s_[40, :], np.s_[:, 3:6], np.s_[:9, :9], np.s_[-5:, -30:], np.s_[::2, ::2]])
def test_rows_columns_corners_and_lattices_are_repaired(model: EdgeConnect, where: tuple[object, ...]) -> None:
    image = data.coins()[:90, :110].copy()
    mask = np.zeros(image.shape, bool)
    mask[where] = True
    damaged = np.where(mask, 255, image).astype(np.uint8)
    result = model.inpaint(damaged, mask)
    truth = image.astype(float)
    assert np.abs(result - truth)[mask].mean() < 0.5 * np.abs(damaged - truth)[mask].mean()


def test_a_hole_is_repaired_alike_in_a_larger_image(model: EdgeConnect) -> None:
    """Cost and result depend on a window: what lies beyond it has no influence."""
    image = data.camera()
    mask = np.zeros(image.shape, bool)
    mask[200:212, 250:262] = True
    other = image.copy()
    other[:, :90] = image[:, :90][::-1]
    fixed = [np.where(mask, 0, i).astype(np.uint8) for i in (image, other)]
    # One contrast mapping for both, so that only the windows can differ.
    a, b = (model.inpaint(np.dstack([f] * 3), mask) for f in fixed)
    assert np.array_equal(a[mask], b[mask])


def test_a_hole_larger_than_a_window_shows_no_seam(model: EdgeConnect) -> None:
    image = data.camera().astype(np.float32)
    mask = np.zeros(image.shape, bool)
    mask[150:330, 60:240] = True
    small = Settings(margin_px=32, smallest_window_px=64, largest_window_px=160)
    repair = model.inpaint(image, mask, small, return_record=True)
    assert sum(w["tile_of_large_hole"] for w in repair.record["windows"]) > 3
    rows = np.abs(np.diff(repair.image[:, 60:240], axis=0)).mean(axis=1)
    columns = np.abs(np.diff(repair.image[150:330], axis=1)).mean(axis=0)
    for steps, seam in ((rows, 150 + 84), (rows, 150 + 168), (columns, 60 + 96)):
        beside = np.r_[steps[seam - 6 : seam - 2], steps[seam + 1 : seam + 5]]
        assert steps[seam - 1] < 2 * beside.max()


def test_a_tiled_scratch_is_close_to_the_whole_run(model: EdgeConnect) -> None:
    image = data.camera().astype(np.float32)
    rows, columns = np.mgrid[:512, :512]
    mask = np.abs(rows - columns) <= 1
    whole = model.inpaint(image, mask)
    tiled = model.inpaint(image, mask, margin_px=32, smallest_window_px=64, largest_window_px=160)
    error = [np.abs(result - image)[mask].mean() for result in (whole, tiled)]
    assert error[1] < 1.15 * error[0]
