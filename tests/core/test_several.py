"""Windows of several planes together, as on a GPU: forced here, on the CPU."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from contract import same_bits
from skimage import data

from napari_edgeconnect import EdgeConnect
from napari_edgeconnect.core import edgeconnect, stack_parts, stages
from napari_edgeconnect.core.results import Step
from napari_edgeconnect.core.settings import StackSettings
from napari_edgeconnect.core.stack import Stack
from napari_edgeconnect.core.stack_fill import Fill
from napari_edgeconnect.core.stack_run import places_steps

from .conftest import TINY

#: Half precision apart, a batch may round float32 otherwise than a single window: of contrast 1, by no more than this.
TOLERANCE = 1e-4


def prepared(places: int = 5, **choices: object) -> Stack:
    """Planes of two channels, in float32 from 0 to 1, with a hole each but for one plane, and two in another."""
    plane = data.camera()[60:156, 170:266].astype(np.float32) / 255
    image = np.stack([[np.roll(plane, 9 * t, 0), np.roll(plane, 7 * t, 1)[::-1]] for t in range(places)])
    masks = np.zeros((places, 96, 96), dtype=bool)
    masks[:, 30:50, 40:60] = True
    masks[1] = False
    masks[2, 80:84, 5:9] = True
    return Stack.prepare(image, masks, "TCYX", mask_axes="TYX", settings=TINY, choices=StackSettings(**choices))


def fills_of(model: EdgeConnect, stack: Stack) -> list[Fill]:
    events = places_steps(model, stack, list(stack.axes.places()))
    return [fill for event in events if not isinstance(event, Step) for fill in event.fills]


@pytest.fixture
def sizes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many windows went through stage 2 at once, each time."""
    seen: list[int] = []
    original = stages.Stages.completed
    monkeypatch.setattr(
        stages.Stages, "completed", lambda self, views, **kw: seen.append(len(views)) or original(self, views, **kw)
    )
    return seen


@pytest.mark.parametrize("choices", [{}, {"edges_from": 1}, {"neighbours": "edges"}])
def test_planes_that_are_repaired_together_are_those_repaired_alone(
    model: EdgeConnect, sizes: list[int], monkeypatch: pytest.MonkeyPatch, choices: dict[str, object]
) -> None:
    stack = replace(prepared(**choices), keeps_edges=True)
    alone = fills_of(model, stack)
    assert set(sizes) == {1}  # the CPU's way, to the last bit
    windows = len(sizes)
    sizes.clear()
    monkeypatch.setattr(edgeconnect, "_batch_size", lambda device: 4)
    together = fills_of(model, stack)
    assert max(sizes) == 4
    assert sum(sizes) == windows
    assert [(fill.place, fill.channel) for fill in together] == [(fill.place, fill.channel) for fill in alone]
    for one, other in zip(together, alone, strict=True):
        assert np.array_equal(one.altered, other.altered)
        assert np.abs(one.values - other.values).max() <= TOLERANCE
        assert one.probability is not None
        assert other.probability is not None
        # Outside holes, overlapping windows say what the last of them said, and batches change their order.
        assert np.abs(one.probability - other.probability)[one.altered].max() <= TOLERANCE
        assert one.record["windows"] == other.record["windows"]
        assert one.record["seconds"] > 0
    assert all(same_bits(one.values, other.values) for one, other in zip(fills_of(model, stack), together, strict=True))


def test_given_edges_and_noise_are_the_planes_own(model: EdgeConnect, monkeypatch: pytest.MonkeyPatch) -> None:
    stack = prepared()
    stack = replace(stack, settings=replace(TINY, match_noise=True, seed=3))
    drawing = np.zeros((5, 96, 96), dtype=bool)
    drawing[:, 32:48, 50] = True
    stack = stack.with_edges(drawing, "TYX")
    alone = fills_of(model, stack)
    monkeypatch.setattr(edgeconnect, "_batch_size", lambda device: 8)
    for one, other in zip(fills_of(model, stack), alone, strict=True):
        assert np.abs(one.values - other.values).max() <= TOLERANCE
        assert one.record["edges"] == other.record["edges"]
        assert one.record["settings"] == other.record["settings"]


def test_steps_say_which_places_are_done_together(model: EdgeConnect, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(edgeconnect, "_batch_size", lambda device: 2)
    stack = prepared()
    events = list(places_steps(model, stack, list(stack.axes.places())))
    steps = [event for event in events if isinstance(event, Step)]
    assert steps[0] == Step(0, 5, "T 0 to T 1: Hallucinating edges")
    assert {step.done for step in steps} == {0, 2, 4}
    assert [event.place for event in events if not isinstance(event, Step)] == [(0,), (1,), (2,), (3,), (4,)]


def test_where_memory_runs_out_each_is_repaired_alone(
    model: EdgeConnect, sizes: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    stack = prepared()
    alone = fills_of(model, stack)
    counted = stages.Stages.completed

    def full(self: stages.Stages, views: list[object], **options: object) -> object:
        if len(views) > 1:
            raise RuntimeError("CUDA out of memory. Tried to allocate 1 GiB")
        return counted(self, views, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(edgeconnect, "_batch_size", lambda device: 4)
    monkeypatch.setattr(stages.Stages, "completed", full)
    for one, other in zip(fills_of(model, stack), alone, strict=True):
        assert np.abs(one.values - other.values).max() <= TOLERANCE


def test_a_plane_that_cannot_be_repaired_is_named_among_others(
    model: EdgeConnect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(edgeconnect, "_batch_size", lambda device: 4)
    masks = np.zeros((3, 96, 96), dtype=bool)
    masks[2] = True
    with pytest.raises(ValueError, match=r"^T 2, C 0: Every pixel is masked"):
        fills_of(model, Stack.prepare(np.ones((3, 1, 96, 96)), masks, "TCYX", mask_axes="TYX", settings=TINY))


def test_planes_together_are_no_more_pixels_than_one_large_plane(monkeypatch: pytest.MonkeyPatch) -> None:
    stack = prepared()
    errands = list(stack_parts.errands_of(stack))
    assert [len(group) for group in stack_parts.groups_of(stack, errands, 8)] == [5]
    assert [len(group) for group in stack_parts.groups_of(stack, errands, 1)] == [1] * 5
    monkeypatch.setattr(stack_parts, "WHOLE_PLANE_PX", 2 * 2 * 96 * 96)
    assert [len(group) for group in stack_parts.groups_of(stack, errands, 8)] == [2, 2, 1]
