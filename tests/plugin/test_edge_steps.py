"""Undo and redo of strokes and of the machine's drawings bring the edge map back, not its labels alone."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from napari.layers import Labels
from skimage import data, filters

from napari_edgeconnect.core.edges import EdgeMap, EdgeSource, known_edges
from napari_edgeconnect.plugin import edge_steps
from napari_edgeconnect.plugin.edge_steps import EdgeSteps


@cache
def proposal() -> EdgeMap:
    """A 32x36 piece of the cameraman with a hole, and for probabilities the contrast that it hides."""
    gray = data.camera()[80:112, 220:256] / 255
    hole = np.zeros(gray.shape, bool)
    hole[8:24, 10:28] = True
    measured = known_edges(gray, hole, 1.0)
    contrast = filters.sobel(gray)
    probability = (contrast / contrast[hole].max()).clip(0, 1).astype(np.float32)
    return EdgeMap(np.zeros(gray.shape, np.uint8), probability, hole, 0.3, measured).reset()


def other_sigma(sigma: float) -> np.ndarray:
    return known_edges(data.camera()[80:112, 220:256] / 255, proposal().hole, sigma)


@pytest.fixture
def layer_and_steps() -> tuple[Labels, EdgeSteps]:
    return new_layer()


def new_layer() -> tuple[Labels, EdgeSteps]:
    return Labels(proposal().labels.copy()), EdgeSteps(proposal())


def same(a: EdgeMap, b: EdgeMap) -> bool:
    return a.threshold == b.threshold and all(
        np.array_equal(getattr(a, name), getattr(b, name)) for name in ("labels", "decided", "measured", "probability")
    )


def paint(layer: Labels, where: tuple[slice, slice], label: int) -> None:
    rows, columns = (grid.ravel() for grid in np.mgrid[where])
    layer.data_setitem((rows, columns), label)


def test_undoing_a_threshold_leaves_no_edit_behind(layer_and_steps: tuple[Labels, EdgeSteps]) -> None:
    layer, steps = layer_and_steps
    steps.write(layer, steps.read(layer).at_threshold(0.1))
    assert steps.read(layer).threshold == 0.1
    layer.undo()
    assert same(steps.read(layer), proposal())
    layer.redo()
    assert same(steps.read(layer), proposal().at_threshold(0.1))


def test_erasing_all_that_a_threshold_brought_is_no_undo(layer_and_steps: tuple[Labels, EdgeSteps]) -> None:
    layer, steps = layer_and_steps
    before = layer.data.copy()
    steps.write(layer, steps.read(layer).at_threshold(0.1))
    brought = layer.data != before
    assert brought.any()
    layer.data_setitem(np.nonzero(brought), EdgeSource.NONE)
    assert np.array_equal(layer.data, before)
    edges = steps.read(layer)
    assert np.array_equal(edges.erased, brought)
    assert not edges.at_threshold(0.05).labels[brought].any()


def test_strokes_and_a_threshold_undone_at_one_go(layer_and_steps: tuple[Labels, EdgeSteps]) -> None:
    layer, steps = layer_and_steps
    paint(layer, np.s_[10:14, 12:20], EdgeSource.NONE)
    erased = steps.read(layer)
    steps.write(layer, erased.at_threshold(0.1))
    paint(layer, np.s_[11:12, 0:36], EdgeSource.DRAWN)
    layer.undo()
    layer.undo()
    assert same(steps.read(layer), erased)
    layer.undo()
    assert same(steps.read(layer), proposal())


def test_a_stroke_after_an_undo_belongs_to_the_earlier_map(layer_and_steps: tuple[Labels, EdgeSteps]) -> None:
    layer, steps = layer_and_steps
    steps.write(layer, steps.read(layer).with_measured(other_sigma(2.0)))
    layer.undo()
    paint(layer, np.s_[2:3, 0:36], EdgeSource.DRAWN)
    edges = steps.read(layer)
    assert edges.drawn.sum() == edges.decided.sum() == 36
    assert np.array_equal(edges.measured, proposal().measured)


def test_a_threshold_that_changes_no_label_is_kept(layer_and_steps: tuple[Labels, EdgeSteps]) -> None:
    layer, steps = layer_and_steps
    steps.write(layer, steps.read(layer).at_threshold(0.1))
    steps.write(layer, steps.read(layer).at_threshold(0.1 + 1e-9))
    assert steps.read(layer).threshold == 0.1 + 1e-9
    layer.undo()
    assert same(steps.read(layer), proposal())


def test_data_of_another_shape_do_no_harm(layer_and_steps: tuple[Labels, EdgeSteps]) -> None:
    layer, steps = layer_and_steps
    steps.write(layer, steps.read(layer).at_threshold(0.1))
    layer.data = np.zeros((5, 5), np.uint8)
    layer.data = proposal().labels.copy()
    assert steps.read(layer).shape == (32, 36)


def test_what_is_remembered_is_bounded(
    layer_and_steps: tuple[Labels, EdgeSteps], monkeypatch: pytest.MonkeyPatch
) -> None:
    layer, steps = layer_and_steps
    monkeypatch.setattr(edge_steps, "STEPS_BYTES", 30 * proposal().labels.size)
    for threshold in np.linspace(0.05, 0.5, 30):
        steps.write(layer, steps.read(layer).at_threshold(threshold))
    assert 5 < len(steps._steps) < 15
    last = steps.read(layer)
    layer.undo()
    assert not steps.read(layer).decided.any()
    layer.redo()
    assert same(steps.read(layer), last)


boxes = st.tuples(st.integers(0, 31), st.integers(0, 35), st.integers(1, 8), st.integers(1, 8)).map(
    lambda b: (slice(b[0], min(b[0] + b[2], 32)), slice(b[1], min(b[1] + b[3], 36)))
)
actions = st.one_of(
    st.tuples(st.just("draw"), boxes),
    st.tuples(st.just("erase"), boxes),
    st.tuples(st.just("threshold"), st.sampled_from([0.05, 0.1, 0.2, 0.3, 0.5, 0.8])),
    st.tuples(st.just("sigma"), st.sampled_from([0.7, 1.0, 1.5, 2.0])),
    st.tuples(st.just("again"), st.integers(-3, 3)),
    st.tuples(st.just("reset"), st.none()),
    st.tuples(st.just("undo"), st.integers(1, 3)),
)


def redrawn(edges: EdgeMap, name: str, value: object) -> EdgeMap:
    """One of the machine's drawings."""
    if name == "threshold":
        return edges.at_threshold(value)
    if name == "sigma":
        return edges.with_measured(other_sigma(value))
    if name == "reset":
        return edges.reset()
    probability = np.roll(proposal().probability, value, axis=1)
    return edges.again(EdgeMap(proposal().labels, probability, proposal().hole, 0.25, edges.measured))


@settings(max_examples=150)
@given(sequence=st.lists(actions, max_size=14))
def test_undo_brings_back_exactly_what_was(sequence: list[tuple[str, object]]) -> None:
    layer, steps = new_layer()
    states = [proposal()]
    for name, value in sequence:
        if name == "undo":
            for _ in range(min(value, len(states) - 1)):
                layer.undo()
                states.pop()
            assert same(steps.read(layer), states[-1])
            continue
        if name in ("draw", "erase"):
            paint(layer, value, EdgeSource.DRAWN if name == "draw" else EdgeSource.NONE)
        else:
            new = redrawn(states[-1], name, value)
            if np.array_equal(new.labels, layer.data):  # napari makes no step of it
                continue
            steps.write(layer, new)
            assert same(steps.read(layer), new)
        if not np.array_equal(layer.data, states[-1].labels):
            states.append(steps.read(layer))
