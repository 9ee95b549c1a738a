"""The widget's runs: cancelled, refused, failed, and overtaken by changes of the layers."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from napari.layers import Image
from napari.utils.notifications import notification_manager
from qtpy.QtCore import QThreadPool

from napari_edgeconnect import EdgeConnect
from napari_edgeconnect.core.results import Step

from .conftest import PATIENCE_MS, can_run, status


def test_the_result_of_a_removed_image_is_dropped(widget, viewer, qtbot):
    qtbot.waitUntil(widget.panel.inpaint.isEnabled)
    widget.panel.inpaint.click()
    viewer.layers.remove("camera")
    qtbot.waitUntil(lambda: not widget.is_busy, timeout=PATIENCE_MS)

    assert [layer.name for layer in viewer.layers] == ["mask"]


def test_the_result_for_data_that_were_replaced_is_dropped(widget, viewer, qtbot, pixels):
    qtbot.waitUntil(widget.panel.inpaint.isEnabled)
    widget.panel.inpaint.click()
    viewer.layers["camera"].data = pixels[::-1]
    qtbot.waitUntil(lambda: not widget.is_busy, timeout=PATIENCE_MS)

    assert [layer.name for layer in viewer.layers] == ["camera", "mask"]
    assert "the result was dropped" in status(widget)


class Endless:
    """Stands in for a model: a hundred windows, each as long as the test holds it."""

    def __init__(self):
        self.go_on = threading.Event()
        self.steps = 0
        self.closed = False

    def hallucinate_edges_steps(self, image, mask, settings):
        try:
            for done in range(100):
                self.steps += 1
                yield Step(done, 100, f"Window {done + 1} of 100")
                self.go_on.wait(PATIENCE_MS / 1000)
        finally:
            self.closed = True


@pytest.fixture
def endless(monkeypatch):
    model = Endless()
    monkeypatch.setattr(EdgeConnect, "load", lambda *args, **kwargs: model)
    yield model
    model.go_on.set()


def test_cancel_ends_a_run_within_one_window(widget, viewer, qtbot, endless):
    qtbot.waitUntil(widget.panel.hallucinate.isEnabled)
    widget.panel.hallucinate.click()
    qtbot.waitUntil(lambda: status(widget) == "Window 1 of 100", timeout=PATIENCE_MS)
    assert can_run(widget) == [False, False, False]
    assert not widget.panel.cancel.isHidden()
    assert widget.panel.progress.maximum() == 100

    widget.panel.cancel.click()
    endless.go_on.set()
    qtbot.waitUntil(lambda: not widget.is_busy, timeout=PATIENCE_MS)

    assert endless.steps <= 2
    assert status(widget) == "Cancelled: nothing was changed."
    assert can_run(widget) == [True, False, True]
    assert widget.panel.cancel.isHidden()
    assert len(viewer.layers) == 2
    qtbot.waitUntil(lambda: endless.closed)


def test_a_result_that_comes_after_cancel_is_dropped(widget, viewer, qtbot):
    qtbot.waitUntil(widget.panel.inpaint.isEnabled)
    widget.panel.inpaint.click()
    # The run ends while this thread is held up here: its result waits in the queue when Cancel is pressed.
    assert QThreadPool.globalInstance().waitForDone(PATIENCE_MS)
    widget.panel.cancel.click()
    qtbot.waitUntil(lambda: not widget.is_busy, timeout=PATIENCE_MS)

    assert len(viewer.layers) == 2
    assert status(widget) == "Cancelled: nothing was changed."


def test_a_run_shows_in_naparis_activity_and_can_be_cancelled_there(widget, qtbot, endless):
    from napari.utils.progress import progress

    qtbot.waitUntil(widget.panel.hallucinate.isEnabled)
    widget.panel.hallucinate.click()
    qtbot.waitUntil(lambda: status(widget) == "Window 1 of 100", timeout=PATIENCE_MS)
    (bar,) = progress._all_instances
    assert bar.total == 100

    bar.cancel()
    endless.go_on.set()
    qtbot.waitUntil(lambda: not widget.is_busy, timeout=PATIENCE_MS)

    assert endless.steps < 100
    assert status(widget) == "Cancelled: nothing was changed."
    assert not progress._all_instances


def test_a_refusal_of_the_core_is_shown_as_its_sentence(viewer, make_widget, press, pixels):
    viewer.add_image(pixels)
    viewer.add_labels(np.ones(pixels.shape, np.uint8))
    widget = make_widget(viewer)
    press(widget, "inpaint")

    assert widget.panel.about_mask.text().endswith(", 100 % of the image")
    assert "Every pixel is masked" in status(widget)
    assert "Every pixel is masked" in notification_manager.records[-1].message
    assert can_run(widget) == [True, False, True]


def test_after_a_crash_the_buttons_work_again(widget, press, viewer, monkeypatch):
    load = EdgeConnect.load

    def crash(*args, **kwargs):
        raise RuntimeError("CUDA error: no kernel image")

    monkeypatch.setattr(EdgeConnect, "load", crash)
    press(widget, "inpaint")
    assert "no kernel image" in status(widget)
    assert "no kernel image" in notification_manager.records[-1].message

    monkeypatch.setattr(EdgeConnect, "load", load)
    press(widget, "inpaint")
    assert isinstance(viewer.layers["camera [reconstructed]"], Image)
    assert "Completed in" in status(widget)
