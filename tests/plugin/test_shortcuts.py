"""Keys of the canvas: they do what their buttons do, take none of napari's own, and go with the widget."""

from __future__ import annotations

import napari.viewer
import pytest
from napari.layers import Image, Labels, Layer, Shapes
from napari.settings import get_settings
from napari.utils.key_bindings import coerce_keybinding
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest

from napari_edgeconnect.plugin.shortcuts import BEFORE_KEY, KEYS

from .conftest import PATIENCE_MS

QT_KEYS = {"H": Qt.Key.Key_H, "C": Qt.Key.Key_C, "K": Qt.Key.Key_K}
SHIFT = Qt.KeyboardModifier.ShiftModifier


def bound(viewer) -> set[str]:
    return {str(key) for key in viewer.keymap}


def test_every_key_is_named_in_its_buttons_tooltip(widget):
    for name, key in KEYS.items():
        assert getattr(widget.panel, name).toolTip().endswith(f"[{key.replace('-', '+')}]")
    assert f"Hold {BEFORE_KEY}" in widget.panel.candidates.toolTip()


def test_no_key_is_one_of_naparis_own():
    ours = {coerce_keybinding(key) for key in (*KEYS.values(), BEFORE_KEY)}
    theirs = {coerce_keybinding(str(key)) for keys in get_settings().shortcuts.shortcuts.values() for key in keys}
    assert len(theirs) > 50
    assert not ours & theirs
    for kind in (napari.viewer.ViewerModel, Layer, Image, Labels, Shapes):
        assert not ours & {coerce_keybinding(key) for key in kind.class_keymap}


def test_the_keys_go_with_the_widget(viewer, widget):
    assert {"Shift+H", BEFORE_KEY} <= bound(viewer)
    widget._shortcuts.release()
    assert not bound(viewer)


def test_a_second_panel_takes_the_keys_over_and_keeps_them(viewer, widget, make_widget, press):
    other = make_widget(viewer)
    widget._shortcuts.release()
    assert "Shift+H" in bound(viewer)
    key = next(key for key in viewer.keymap if str(key) == "Shift+H")
    viewer.keymap[key](viewer)
    assert other.is_busy
    assert not widget.is_busy


@pytest.fixture
def window(window, pixels, scratch, qtbot):
    """A shown viewer with a damaged image whose mask is painted, and the docked widget of the installed plugin."""
    viewer, widget = window
    viewer.add_image(pixels, name="camera")
    viewer.add_labels(scratch, name="mask")
    qtbot.waitUntil(widget.panel.hallucinate.isEnabled, timeout=PATIENCE_MS)
    return viewer, widget


def test_a_repair_by_keys_alone(window, qtbot):
    viewer, widget = window
    canvas = viewer.window._qt_viewer.canvas.native

    def key(name: str) -> None:
        QTest.keyClick(canvas, QT_KEYS[name], SHIFT)
        qtbot.waitUntil(lambda: not widget.is_busy, timeout=PATIENCE_MS)

    canvas.setFocus()
    key("C")  # there are no edges yet, so its button is grey
    assert "camera [reconstructed]" not in viewer.layers
    key("H")
    assert (viewer.layers["camera [edges]"].data == 2).any()
    key("C")
    completed = viewer.layers["camera [reconstructed]"]
    key("K")
    assert widget.panel.candidates.count() == 1
    QTest.keyPress(canvas, Qt.Key.Key_W)
    assert not completed.visible
    QTest.keyRelease(canvas, Qt.Key.Key_W)
    assert completed.visible
