"""Batches of windows, and what happens when memory runs out."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from skimage import data

from napari_edgeconnect import EdgeConnect
from napari_edgeconnect.core import edgeconnect, stages
from napari_edgeconnect.core.device import OutOfMemoryError

from .conftest import TINY


@pytest.fixture
def little_memory(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """Every batch above 100x100 pixels in all runs out of memory; the shapes that did not are listed."""
    fitted: list[tuple[int, int]] = []
    for name in ("edge_probability", "completed"):
        original = getattr(stages.Stages, name)

        def limited(self, views, original=original, **options):
            area = sum(v.unknown.size for v in views)
            if area > 100 * 100:
                raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
            fitted.append((len(views), area))
            return original(self, views, **options)

        monkeypatch.setattr(stages.Stages, name, limited)
    return fitted


def test_out_of_memory_halves_the_batch_and_then_the_window(
    model: EdgeConnect, little_memory: list[tuple[int, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(edgeconnect, "_batch_size", lambda device: 8)
    image = np.tile(data.camera()[:200, :200], (2, 2))
    mask = np.zeros(image.shape, bool)
    mask[20:24, 20:24] = mask[300:304, 20:24] = mask[20:24, 300:304] = mask[300:304, 300:304] = True
    repair = model.inpaint(image, mask, margin_px=64, smallest_window_px=64, largest_window_px=256, return_record=True)
    assert np.array_equal(repair.image[~mask], image[~mask])
    assert not np.array_equal(repair.image[mask], image[mask])
    assert little_memory
    assert repair.record["notes"] == ["Memory ran out: repaired in windows of at most 128 px."]


def test_out_of_memory_to_the_end_is_one_sentence(
    model: EdgeConnect, camera: tuple[np.ndarray, np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(self: object, views: object, **options: object) -> None:
        raise RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes.")

    monkeypatch.setattr(stages.Stages, "edge_probability", never)
    with pytest.raises(OutOfMemoryError, match="not enough memory even for windows of"):
        model.inpaint(*camera)


def test_another_runtime_error_is_not_taken_for_memory(
    model: EdgeConnect, camera: tuple[np.ndarray, np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(self: object, views: object, **options: object) -> None:
        raise RuntimeError("shape mismatch")

    monkeypatch.setattr(stages.Stages, "edge_probability", broken)
    with pytest.raises(RuntimeError, match="shape mismatch"):
        model.inpaint(*camera)


def test_batches_of_windows_equal_single_ones(model: EdgeConnect, monkeypatch: pytest.MonkeyPatch) -> None:
    image = np.tile(data.camera()[:200, :200], (2, 2))
    mask = np.zeros(image.shape, bool)
    mask[20:24, 20:24] = mask[300:304, 20:24] = mask[20:24, 300:304] = mask[200:204, 200:204] = True
    one = model.inpaint(image, mask, TINY)
    monkeypatch.setattr(edgeconnect, "_batch_size", lambda device: 3)
    several = model.inpaint(image, mask, TINY)
    assert np.abs(several.astype(int) - one).max() <= 1
