"""While live is on, whatever else happens to the layers, to the damage or on the device."""

from __future__ import annotations

import threading

import numpy as np
from contract import same_bits
from napari.utils.notifications import notification_manager

from napari_edgeconnect import EdgeConnect
from napari_edgeconnect.core.stages import Stages
from napari_edgeconnect.plugin import layers as ours
from napari_edgeconnect.plugin.live_subject import OUTGROWN

from .conftest import PATIENCE_MS, line, status, stroke
from .following import check_follows, completed


def test_switched_off_nothing_changes_any_more(widget, viewer, edges, switch_on):
    switch_on(widget)
    before, record = completed(viewer).data.copy(), completed(viewer).metadata[ours.KEY]["record"]
    widget.panel.live.setChecked(False)
    stroke(edges, *line(48, 20, 60))
    assert widget.live.is_idle
    assert same_bits(completed(viewer).data, before)
    assert completed(viewer).metadata[ours.KEY]["record"] is record


def test_what_a_run_has_made_is_followed_on_but_its_array_is_left_alone(
    widget, viewer, edges, switch_on, settle, press
):
    switch_on(widget)
    press(widget, "inpaint")
    settle(widget)
    layer = completed(viewer)
    check_follows(widget, viewer)
    widget.panel.live.setChecked(False)
    press(widget, "complete")
    made = layer.data
    kept = made.copy()
    switch_on(widget)
    stroke(edges, *line(48, 20, 60))
    settle(widget)
    check_follows(widget, viewer)
    assert same_bits(made, kept)
    assert completed(viewer) is layer


def test_replaced_pixels_are_completed_anew(widget, viewer, edges, switch_on, settle):
    switch_on(widget)
    viewer.layers["camera"].data = viewer.layers["camera"].data[::-1]
    settle(widget)
    check_follows(widget, viewer)


def test_a_deleted_picture_is_made_anew_by_the_next_stroke(two_windows, viewer, switch_on, settle, qtbot):
    widget, edges = two_windows
    switch_on(widget)
    viewer.layers.remove(completed(viewer))
    settle(widget)
    qtbot.waitUntil(lambda: len(viewer.layers) == 3, timeout=PATIENCE_MS)  # its outline goes, too
    stroke(edges, *line(30, 540, 560))
    settle(widget)
    check_follows(widget, viewer)
    assert viewer.layers[-1] is viewer.layers.selection.active is edges


def test_where_the_damage_outgrows_its_edges_it_waits_for_new_ones(widget, viewer, edges, switch_on, settle, press):
    switch_on(widget)
    before = completed(viewer).data.copy()
    notifications = len(notification_manager.records)
    stroke(viewer.layers["mask"], *line(80, 20, 30))
    settle(widget)
    assert status(widget) == OUTGROWN
    assert len(notification_manager.records) == notifications
    assert widget.panel.live.isChecked()
    assert same_bits(completed(viewer).data, before)
    press(widget, "hallucinate")
    settle(widget)
    check_follows(widget, viewer)
    assert status(widget) != OUTGROWN


def test_less_damage_is_completed_and_no_more(widget, viewer, edges, switch_on, settle):
    switch_on(widget)
    mask = viewer.layers["mask"]
    mask.data = np.where(np.arange(mask.data.shape[1]) < 40, mask.data, 0)
    settle(widget)
    check_follows(widget, viewer)


def test_a_failure_is_shown_once_and_switches_it_off(widget, viewer, edges, settle, monkeypatch):
    def crash(*args, **options):
        raise RuntimeError("no kernel image")

    monkeypatch.setattr(Stages, "completed", crash)
    notifications = len(notification_manager.records)
    widget.panel.live.setChecked(True)
    settle(widget)
    assert not widget.panel.live.isChecked()
    assert status(widget) == "no kernel image"
    assert len(notification_manager.records) == notifications + 1
    assert len(viewer.layers) == 3


def test_another_device_loads_the_model_and_says_so(widget, viewer, edges, switch_on, qtbot, settle, monkeypatch):
    switch_on(widget)
    go_on, load = threading.Event(), EdgeConnect.load

    def slow(*args, **options):
        assert go_on.wait(PATIENCE_MS / 1000)
        return load(*args, **options)

    monkeypatch.setattr(EdgeConnect, "load", slow)
    widget.panel.device.setCurrentText("cpu")
    qtbot.waitUntil(lambda: status(widget) == "Loading the model…", timeout=PATIENCE_MS)
    go_on.set()
    settle(widget)
    assert status(widget).startswith("The picture follows the edges.")
    check_follows(widget, viewer)
