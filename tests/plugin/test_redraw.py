"""Threshold, sigma and reset redraw the machine's edges at once; a person's edits stay; undo takes one step back."""

from __future__ import annotations

import numpy as np

from napari_edgeconnect.core.edges import EdgeSource
from napari_edgeconnect.core.job import measured_edges
from napari_edgeconnect.plugin import layers as ours
from napari_edgeconnect.plugin.widget import EdgeConnectWidget

from .conftest import PATIENCE_MS, stroke


def proposed(layer) -> int:
    return int((layer.data == EdgeSource.PROPOSED).sum())


def set_threshold(widget: EdgeConnectWidget, qtbot, value: float) -> None:
    widget.panel.threshold.setValue(value)
    qtbot.waitUntil(lambda: not widget._redraw._soon.isActive())


def test_a_lower_threshold_proposes_more_at_once_and_without_a_run(widget, edges, qtbot):
    counts = []
    for threshold in (0.6, 0.3, 0.1):
        set_threshold(widget, qtbot, threshold)
        probability = ours.read_edges(edges).probability
        hole = ours.read_edges(edges).hole
        assert np.array_equal(edges.data == EdgeSource.PROPOSED, hole & (probability >= threshold))
        counts.append(proposed(edges))
    assert not widget.is_busy
    assert counts[0] < counts[1] < counts[2]


def test_what_was_drawn_and_erased_stays_at_any_threshold(widget, edges, qtbot):
    drawn = (47, 20)
    erased = tuple(int(i) for i in np.argwhere(edges.data == EdgeSource.PROPOSED)[0])
    stroke(edges, drawn)
    stroke(edges, erased, label=EdgeSource.NONE)
    for threshold in (0.9, 0.05, 0.3):
        set_threshold(widget, qtbot, threshold)
        assert edges.data[drawn] == EdgeSource.DRAWN
        assert edges.data[erased] == EdgeSource.NONE


def test_one_undo_takes_a_threshold_back_and_keeps_the_stroke_before_it(widget, edges, qtbot):
    stroke(edges, (47, 20))
    before = edges.data.copy()
    set_threshold(widget, qtbot, 0.1)
    assert not np.array_equal(edges.data, before)
    edges.undo()
    assert np.array_equal(edges.data, before)
    edges.undo()
    assert edges.data[47, 20] != EdgeSource.DRAWN


def test_the_slider_follows_undo_and_redo(widget, edges, qtbot):
    slider, before = widget.panel.threshold, widget.panel.threshold.value()
    set_threshold(widget, qtbot, 0.1)
    edges.undo()
    qtbot.waitUntil(lambda: slider.value() == before, timeout=PATIENCE_MS)
    assert proposed(edges) == int((ours.read_edges(edges).probability[ours.read_edges(edges).hole] >= before).sum())
    edges.redo()
    qtbot.waitUntil(lambda: slider.value() == 0.1, timeout=PATIENCE_MS)


def test_a_run_that_begins_at_once_takes_the_threshold_along(widget, edges, press, viewer):
    widget.panel.threshold.setValue(0.1)
    press(widget, "complete")
    assert viewer.layers["camera [reconstructed]"].metadata[ours.KEY]["record"]["edges"]["threshold"] == 0.1
    assert ours.read_edges(edges).threshold == 0.1


def test_a_drag_of_the_slider_is_one_step(widget, edges, qtbot):
    stroke(edges, (47, 20))
    before = edges.data.copy()
    slider = widget.panel.threshold
    slider.setSliderDown(True)
    for value in (0.5, 0.2, 0.7, 0.1):
        slider.setValue(value)
        qtbot.waitUntil(lambda: not widget._redraw._soon.isActive())
    slider.setSliderDown(False)
    qtbot.waitUntil(lambda: not widget._redraw._soon.isActive())
    assert ours.read_edges(edges).threshold == 0.1
    edges.undo()
    assert np.array_equal(edges.data, before)


def test_sigma_redraws_the_measured_edges_alone(widget, edges, pixels):
    inside = ours.read_edges(edges).hole
    before = edges.data.copy()
    widget.panel.sigma.setValue(1.0)
    expected = measured_edges(pixels, inside, sigma=1.0, grow_px=0)
    assert np.array_equal((edges.data == EdgeSource.MEASURED)[~inside], expected[~inside])
    assert expected.sum() > (before == EdgeSource.MEASURED).sum()  # a small sigma finds finer edges
    assert np.array_equal(edges.data[inside], before[inside])
    widget.panel.sigma.setValue(0)
    assert not (edges.data == EdgeSource.MEASURED).any()


def test_an_erased_measured_edge_stays_erased_at_another_sigma(widget, edges):
    noise = tuple(int(i) for i in np.argwhere(edges.data == EdgeSource.MEASURED)[0])
    stroke(edges, noise, label=EdgeSource.NONE)
    for sigma in (1.0, 2.0):
        widget.panel.sigma.setValue(sigma)
        assert edges.data[noise] == EdgeSource.NONE


def test_reset_is_the_models_own_proposal_and_can_be_undone(widget, edges, qtbot):
    machine = edges.data.copy()
    stroke(edges, (47, 20))
    stroke(edges, tuple(int(i) for i in np.argwhere(machine == EdgeSource.PROPOSED)[0]), label=EdgeSource.NONE)
    edited = edges.data.copy()
    qtbot.waitUntil(widget.panel.reset.isEnabled)
    widget.panel.reset.trigger()
    assert np.array_equal(edges.data, machine)
    edges.undo()
    assert np.array_equal(edges.data, edited)


def test_a_completion_follows_the_threshold(widget, edges, press, viewer, qtbot):
    set_threshold(widget, qtbot, 0.1)
    press(widget, "complete")
    record = viewer.layers["camera [reconstructed]"].metadata[ours.KEY]["record"]
    assert record["settings"]["threshold"] == 0.1


def test_the_probability_lies_under_the_edges_while_wanted(widget, edges, viewer, qtbot):
    qtbot.waitUntil(widget.panel.show_probability.isEnabled)
    widget.panel.show_probability.setChecked(True)
    name = "camera [edge probability]"
    qtbot.waitUntil(lambda: name in viewer.layers)
    assert np.array_equal(viewer.layers[name].data, ours.read_edges(edges).probability)
    assert viewer.layers.index(name) < viewer.layers.index(edges)
    assert widget.panel.image.layer is viewer.layers["camera"]
    assert viewer.layers.selection.active is edges
    widget.panel.show_probability.setChecked(False)
    qtbot.waitUntil(lambda: name not in viewer.layers)


def test_nothing_is_redrawn_before_there_are_edges(widget, viewer, qtbot):
    set_threshold(widget, qtbot, 0.1)
    widget.panel.sigma.setValue(1.0)
    assert [layer.name for layer in viewer.layers] == ["camera", "mask"]
