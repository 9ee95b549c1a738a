"""While live is on the picture follows the edges, bit for bit."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from contract import same_bits
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QApplication

from napari_edgeconnect.core.edges import EdgeSource
from napari_edgeconnect.core.stages import Stages
from napari_edgeconnect.plugin import layers as ours
from napari_edgeconnect.plugin.onto_plane import plane_mask

from .conftest import PATIENCE_MS, line, status, stroke
from .following import check_follows, completed


def test_switched_on_it_completes_from_the_edges_and_leaves_them_to_be_corrected(widget, viewer, edges, switch_on):
    switch_on(widget)
    check_follows(widget, viewer)
    made = ["camera [reconstructed]", "camera [reconstructed] · altered pixels", "camera [edges]"]
    assert [layer.name for layer in viewer.layers] == ["camera", "mask", *made]
    assert viewer.layers.selection.active is edges
    assert edges.mode == "paint"
    assert status(widget).startswith("The picture follows the edges.")


def test_it_begins_when_there_are_edges(widget, viewer, press, settle):
    widget.panel.live.setChecked(True)
    settle(widget)
    assert len(viewer.layers) == 2
    press(widget, "hallucinate")
    settle(widget)
    check_follows(widget, viewer)


def erase(widget, edges) -> None:
    stroke(edges, *(tuple(at) for at in np.argwhere(edges.data == EdgeSource.PROPOSED)[:5]), label=EdgeSource.NONE)


CHANGES: dict[str, Callable] = {
    "brush": lambda widget, edges: stroke(edges, *line(48, 20, 60)),
    "eraser": erase,
    "fill": lambda widget, edges: edges.fill((48, 30), EdgeSource.DRAWN),
    "a tool": lambda widget, edges: edges.data_setitem((np.full(40, 47), np.arange(20, 60)), EdgeSource.DRAWN),
    "threshold": lambda widget, edges: widget.panel.threshold.setValue(0.1),
    "sigma": lambda widget, edges: widget.panel.sigma.setValue(1.0),
    "reset": lambda widget, edges: (stroke(edges, *line(48, 20, 60)), widget.panel.reset.trigger()),
    "margin": lambda widget, edges: widget.panel.margin.setValue(64),
    "noise": lambda widget, edges: widget.panel.noise.setChecked(True),
    "labels from elsewhere": lambda widget, edges: setattr(edges, "data", np.where(edges.data == 2, 0, edges.data)),
}


@pytest.mark.parametrize("change", CHANGES)
def test_it_follows_any_change_and_its_undo(widget, viewer, edges, switch_on, settle, change):
    switch_on(widget)
    first = completed(viewer).data.copy()
    CHANGES[change](widget, edges)
    settle(widget)
    check_follows(widget, viewer)
    if change not in ("reset", "sigma", "margin", "threshold"):
        assert not same_bits(completed(viewer).data, first)
    for step in (edges.undo, edges.redo, edges.undo):
        step()
        settle(widget)
        check_follows(widget, viewer)


def test_the_layer_is_changed_in_place_and_no_other_event_is_fired(widget, viewer, edges, switch_on, settle):
    switch_on(widget)
    layer = completed(viewer)
    array, fired = layer.data, []
    layer.events.connect(lambda event: fired.append(event.type))
    stroke(edges, *line(48, 20, 60))
    settle(widget)
    check_follows(widget, viewer)
    assert layer.data is array
    assert set(fired) <= {"set_data", "reload", "thumbnail", "loaded"}
    assert fired.count("set_data") == 1


def test_a_stroke_runs_the_window_that_it_touches_alone(two_windows, viewer, switch_on, settle, monkeypatch):
    widget, edges = two_windows
    switch_on(widget)
    windows, original = [], Stages.completed
    monkeypatch.setattr(Stages, "completed", lambda self, *a, **o: windows.append(1) or original(self, *a, **o))
    stroke(edges, *line(30, 540, 560))
    settle(widget)
    assert len(windows) == 1
    check_follows(widget, viewer)


def test_while_a_mouse_button_is_down_the_stroke_is_not_read(widget, viewer, edges, switch_on, qtbot, monkeypatch):
    switch_on(widget)
    before = completed(viewer).data.copy()
    button = Qt.MouseButton.LeftButton
    monkeypatch.setattr(QApplication, "mouseButtons", lambda: button)
    live, read = widget.live, []
    monkeypatch.setattr(live, "_look", lambda look=live._look: read.append(1) or look())
    stroke(edges, *line(48, 20, 60))
    ticks = []
    live._soon.timeout.connect(lambda: ticks.append(1))
    qtbot.waitUntil(lambda: len(ticks) >= 2)
    assert not read
    assert same_bits(completed(viewer).data, before)
    button = Qt.MouseButton.NoButton
    qtbot.waitUntil(lambda: live.is_idle, timeout=PATIENCE_MS)
    check_follows(widget, viewer)


# ---- stacks


@pytest.fixture
def stack(viewer, make_widget, pixels, scratch, press):
    """A widget on three slices, all damaged, of which the second has edges."""
    viewer.add_image(np.stack([pixels, pixels[::-1], pixels[:, ::-1]]).astype(np.uint16) * 257, name="camera")
    viewer.add_labels(np.stack([scratch] * 3), name="mask")
    viewer.dims.set_point(0, 1)
    widget = make_widget(viewer)
    press(widget, "hallucinate")
    return widget


def test_a_slice_is_followed_while_it_is_displayed(stack, viewer, switch_on, settle):
    switch_on(stack)
    check_follows(stack, viewer)
    layer, edges = completed(viewer), stack.session.edges(stack.session.plane())
    assert layer.data.shape[0] == 1
    viewer.dims.set_point(0, 2)
    settle(stack)
    assert len(viewer.layers) == 5
    before = layer.data.copy()
    stroke(edges, *((0, 48, column) for column in range(20, 60)))
    settle(stack)
    assert same_bits(layer.data, before)
    viewer.dims.set_point(0, 1)
    settle(stack)
    check_follows(stack, viewer)
    assert not same_bits(layer.data, before)


def test_in_a_layer_of_all_slices_the_others_stay(stack, viewer, press, switch_on, settle):
    stack.panel.slices.setCurrentIndex(1)
    press(stack, "complete")
    layer, plane = completed(viewer), stack.session.plane()
    assert ours.holds_every_slice(layer)
    before = layer.data.copy()
    switch_on(stack)
    stroke(stack.session.edges(plane), *((0, 48, column) for column in range(20, 60)))
    settle(stack)
    check_follows(stack, viewer)
    assert completed(viewer) is layer
    changed = (layer.data != before).any(axis=(1, 2))
    assert changed.tolist() == [False, True, False]
    records = layer.metadata[ours.KEY]["records"]
    assert records[plane.index]["record"] == layer.metadata[ours.KEY]["record"]
    assert len(records) == 3


def test_a_mask_in_the_world_is_followed(viewer, make_widget, press, switch_on, settle, pixels):
    """Of RGB pixels, and a mask on another grid."""
    viewer.add_image(np.stack([pixels, pixels[::-1], pixels], axis=-1), name="camera", scale=(2, 2))
    viewer.add_labels(np.pad(np.ones((6, 50), np.uint8), ((45, 0), (10, 0))), name="mask", scale=(2, 2))
    widget = make_widget(viewer)
    press(widget, "hallucinate")
    switch_on(widget)
    assert plane_mask(widget.session.plane(), viewer.layers["mask"]).sum() == 300
    stroke(viewer.layers["camera [edges]"], *line(48, 20, 60))
    settle(widget)
    check_follows(widget, viewer)
    assert np.array_equal(completed(viewer).scale, (2, 2))
