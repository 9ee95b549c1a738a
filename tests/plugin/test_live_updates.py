"""While an update of live completion runs: newer edges win, and the record says so; and what ends an update."""

from __future__ import annotations

import threading

import pytest
from contract import same_bits
from qtpy.QtCore import QThreadPool

from napari_edgeconnect.core.record_reading import checked_record
from napari_edgeconnect.core.stages import Stages
from napari_edgeconnect.plugin import layers as ours

from .conftest import PATIENCE_MS, line, stroke
from .following import check_follows, completed

IN_BOTH = [*line(30, 20, 40), *line(30, 540, 560)]


class Held:
    """Stage 2 with a gate before every window, and a count of those that went through."""

    def __init__(self) -> None:
        self.gate = threading.Semaphore(0)
        self.waiting = threading.Event()
        self.windows = 0

    def let_through(self, windows: int = 1) -> None:
        self.waiting.clear()
        self.gate.release(windows)


@pytest.fixture
def held(monkeypatch):
    """Holds every window of stage 2 until it is let through."""
    held, original = Held(), Stages.completed

    def completed(self, views, **options):
        held.waiting.set()
        assert held.gate.acquire(timeout=PATIENCE_MS / 1000)
        held.windows += 1
        return original(self, views, **options)

    monkeypatch.setattr(Stages, "completed", completed)
    yield held
    held.gate.release(1000)


# ---- the newest edges win


def test_newer_edges_end_an_update_between_two_windows(two_windows, viewer, settle, held, qtbot):
    widget, edges = two_windows
    live = widget.live
    widget.panel.live.setChecked(True)
    qtbot.waitUntil(held.waiting.is_set, timeout=PATIENCE_MS)
    stroke(edges, *IN_BOTH)
    qtbot.waitUntil(lambda: not live._soon.isActive())
    held.let_through(100)
    settle(widget)
    assert held.windows == 1 + 2
    check_follows(widget, viewer)


def test_edges_that_are_taken_back_during_their_update_are_taken_back_in_the_picture(
    two_windows, viewer, switch_on, settle, held, qtbot
):
    widget, edges = two_windows
    held.let_through(2)
    switch_on(widget)
    held.waiting.clear()
    stroke(edges, *IN_BOTH)
    qtbot.waitUntil(held.waiting.is_set, timeout=PATIENCE_MS)
    edges.undo()
    qtbot.waitUntil(lambda: not widget.live._soon.isActive())
    held.let_through(100)
    settle(widget)
    assert held.windows == 2 + 1 + 1
    check_follows(widget, viewer)


def test_until_an_update_has_ended_the_record_says_so(two_windows, viewer, switch_on, settle, held, qtbot):
    widget, edges = two_windows
    widget.panel.live.setChecked(True)
    held.let_through()
    qtbot.waitUntil(lambda: len(viewer.layers) == 5, timeout=PATIENCE_MS)
    metadata = completed(viewer).metadata[ours.KEY]
    assert metadata["record"]["unfinished"] is True
    assert checked_record(metadata["record"])["kind"] == "unfinished"
    held.let_through()
    settle(widget)
    finished = metadata["record"]
    held.let_through(2)
    check_follows(widget, viewer)

    stroke(edges, *IN_BOTH)
    held.let_through()
    qtbot.waitUntil(lambda: metadata["record"] is not finished, timeout=PATIENCE_MS)
    assert metadata["record"] == {**finished, "unfinished": True}
    widget.panel.live.setChecked(False)
    held.let_through()
    settle(widget)
    assert metadata["record"] == {**finished, "unfinished": True}


# ---- what ends it


def test_switched_off_during_an_update_its_window_is_dropped(widget, viewer, edges, settle, held, qtbot):
    widget.panel.live.setChecked(True)
    qtbot.waitUntil(held.waiting.is_set, timeout=PATIENCE_MS)
    widget.panel.live.setChecked(False)
    held.let_through()
    settle(widget)
    assert len(viewer.layers) == 3


def test_a_run_ends_an_update_and_has_the_last_word(two_windows, viewer, press, settle, held, qtbot):
    widget, _ = two_windows
    widget.panel.live.setChecked(True)
    qtbot.waitUntil(held.waiting.is_set, timeout=PATIENCE_MS)
    placed = []
    widget._runs.placed.connect(lambda outcome: placed.append(completed(viewer).data.copy()))
    widget.panel.complete.click()
    assert widget.live._wanted is False
    held.let_through(100)
    qtbot.waitUntil(lambda: not widget.is_busy, timeout=PATIENCE_MS)
    assert len(placed) == 1
    settle(widget)
    assert held.windows <= 1 + 2 + 1  # given up after one; the run's two; and the other one after it
    assert same_bits(completed(viewer).data, placed[0])
    check_follows(widget, viewer)


def test_removed_edges_end_an_update(widget, viewer, edges, settle, held, qtbot):
    widget.panel.live.setChecked(True)
    qtbot.waitUntil(held.waiting.is_set, timeout=PATIENCE_MS)
    viewer.layers.remove(edges)
    qtbot.waitUntil(lambda: not widget.live._soon.isActive())
    held.let_through()
    settle(widget)
    assert [layer.name for layer in viewer.layers] == ["camera", "mask"]


def test_a_removed_image_ends_an_update_at_once(widget, viewer, edges, settle, held, qtbot):
    widget.panel.live.setChecked(True)
    qtbot.waitUntil(held.waiting.is_set, timeout=PATIENCE_MS)
    viewer.layers.remove("camera")
    held.let_through()
    settle(widget)
    assert [layer.name for layer in viewer.layers] == ["mask", "camera [edges]"]


# ---- windows


@pytest.fixture
def window(window, press, pixels, scratch):
    """A shown viewer with edges, and the docked widget of the installed plugin."""
    viewer, widget = window
    viewer.add_image(pixels, name="camera")
    viewer.add_labels(scratch, name="mask")
    press(widget, "hallucinate")
    return viewer, widget


def test_closing_the_window_during_an_update_ends_cleanly(window, held, qtbot):
    viewer, widget = window
    widget.panel.live.setChecked(True)
    qtbot.waitUntil(held.waiting.is_set, timeout=PATIENCE_MS)
    viewer.close()
    held.let_through()
    assert QThreadPool.globalInstance().waitForDone(PATIENCE_MS)


def test_closing_the_dock_during_an_update_ends_it(window, settle, held, qtbot):
    viewer, widget = window
    widget.panel.live.setChecked(True)
    qtbot.waitUntil(held.waiting.is_set, timeout=PATIENCE_MS)
    viewer.window.remove_dock_widget(widget.parent())
    held.let_through()
    settle(widget)
    assert len(viewer.layers) == 3
