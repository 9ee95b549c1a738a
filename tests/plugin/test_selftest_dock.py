"""The self-test in the widget: run beside the interface, shown in a dock of its own, never in a layer."""

from __future__ import annotations

import numpy as np
import pytest

from napari_edgeconnect import EdgeConnect
from napari_edgeconnect.core.settings import Settings
from napari_edgeconnect.selftest.advice import TITLES
from napari_edgeconnect.selftest.figures import FIGURES
from napari_edgeconnect.selftest.run import self_test
from napari_edgeconnect.selftest.table import cell

from .conftest import PATIENCE_MS, status


@pytest.fixture
def expected(pixels, scratch):
    """What Python says about the same image, mask and settings."""
    return self_test(pixels, scratch, EdgeConnect.load(device="cpu"), Settings(grow_px=2.0))


def test_it_shows_what_python_finds_and_changes_no_layer(widget, viewer, press, expected):
    layers = [(layer.name, layer.data.copy()) for layer in viewer.layers]
    press(widget, "test")
    view = widget.trust.dock.view
    assert status(widget) == expected.advice.sentences[0]
    assert f"<b>{expected.advice.sentences[0]}</b>" in view.advice.text()
    table = view.table
    shown = [
        [table.item(row, column).text() for column in range(table.columnCount())] for row in range(table.rowCount())
    ]
    assert shown == [[cell(expected, method, figure) for figure in FIGURES] for method in expected.methods]
    bold = [TITLES[m] for row, m in enumerate(expected.methods) if table.item(row, 0).font().bold()]
    assert bold == [TITLES[expected.advice.method]]
    assert view.sheet.pixmap().height() > 100
    assert [(layer.name, layer.data.tobytes()) for layer in viewer.layers] == [
        (name, data.tobytes()) for name, data in layers
    ]


def test_damage_that_fits_nowhere_else_is_said_in_a_sentence(widget, viewer, press, pixels):
    viewer.layers["mask"].data = np.ones(pixels.shape, np.uint8) * (np.arange(pixels.shape[0]) > 3)[:, None]
    press(widget, "test")
    assert widget.trust.dock.view is None
    assert status(widget)
    assert "Traceback" not in status(widget)


def test_it_can_be_cancelled(widget, qtbot):
    widget.panel.test.click()
    assert widget.is_busy
    widget.panel.cancel.click()
    qtbot.waitUntil(lambda: not widget.is_busy, timeout=PATIENCE_MS)
    assert status(widget) == "Cancelled: nothing was changed."
    assert widget.trust.dock.view is None


def test_a_dock_that_was_closed_comes_back(make_napari_viewer, plugin, pixels, scratch, press, qtbot):
    viewer = make_napari_viewer(show=True)
    viewer.add_image(pixels, name="camera")
    viewer.add_labels(scratch, name="mask")
    _, widget = viewer.window.add_plugin_dock_widget(plugin, "Inpaint")
    press(widget, "test")
    first = widget.trust.dock.view
    qtbot.waitUntil(first.isVisible, timeout=PATIENCE_MS)
    viewer.window.remove_dock_widget(first)
    assert not first.isVisible()
    press(widget, "test")
    second = widget.trust.dock.view
    assert second is not first
    qtbot.waitUntil(second.isVisible, timeout=PATIENCE_MS)
    assert second.table.rowCount() > 1
    press(widget, "test")
    assert widget.trust.dock.view is second
