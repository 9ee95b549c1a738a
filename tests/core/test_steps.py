"""Progress between windows: steps count up, and closing them ends the work."""

from __future__ import annotations

import numpy as np
import pytest

from napari_edgeconnect import EdgeConnect, Repair
from napari_edgeconnect.core import stages

from .conftest import TINY


def test_steps_count_up_and_end_with_the_result(model: EdgeConnect, camera: tuple[np.ndarray, np.ndarray]) -> None:
    image = np.tile(camera[0], (3, 3))
    mask = np.zeros(image.shape, bool)
    mask[10:14, 10:14] = mask[250:254, 300:304] = True
    steps = model.inpaint_steps(image, mask, TINY)
    seen = []
    while True:
        try:
            seen.append(next(steps))
        except StopIteration as stop:
            repair = stop.value
            break
    assert [s.done for s in seen] == [0, 1, 2, 3, 4]
    assert {s.total for s in seen} == {4}
    assert [s.what for s in seen] == ["Hallucinating edges"] * 2 + ["Completing the image"] * 2 + ["Done"]
    assert isinstance(repair, Repair)
    assert np.array_equal(repair.image, model.inpaint(image, mask, TINY))


def test_closing_the_steps_runs_no_further_window(
    model: EdgeConnect, camera: tuple[np.ndarray, np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []
    original = stages.Stages.edge_probability
    monkeypatch.setattr(
        stages.Stages, "edge_probability", lambda self, views, **kw: calls.append(1) or original(self, views, **kw)
    )
    image = np.tile(camera[0], (3, 3))
    before = image.copy()
    mask = np.zeros(image.shape, bool)
    mask[10:14, 10:14] = mask[250:254, 300:304] = True
    steps = model.inpaint_steps(image, mask, TINY)
    next(steps)
    next(steps)
    steps.close()
    assert len(calls) == 1
    assert np.array_equal(image, before)
