"""A scripted user goes through the tutorial in a real window, with a real mouse and real keys.

Every step is asserted on pixels and photographed. ``make screenshots`` makes the documentation's pictures of these:
``TUTORIAL_PICTURES`` names the folder where they go.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import napari
import numpy as np
import pytest
from napari.settings import get_settings
from npe2 import PluginManifest
from PIL import Image
from qtpy.QtCore import QEvent, QEventLoop, QPoint, Qt, QTimer
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication, QWidget
from scipy import ndimage

from napari_edgeconnect.core.edge_parts import connected_edge
from napari_edgeconnect.core.edges import EdgeSource
from napari_edgeconnect.files import read_image

from .conftest import PATIENCE_MS

LEFT, NO_KEY = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
QUIET_MS = 400


class User:
    """Hands and eyes: a mouse, a keyboard, a camera."""

    def __init__(self, viewer: napari.Viewer, widget: QWidget, folder: Path, qtbot) -> None:
        self.viewer, self.widget, self.folder, self.qtbot = viewer, widget, folder, qtbot
        self.canvas = viewer.window._qt_viewer.canvas.native
        self.window = self.canvas.window().windowHandle()
        self.camera = viewer.scene.camera
        self.taken = 0

    def press(self, button: str) -> None:
        """Click a button of the panel in its middle, and wait for the run that it may start."""
        part = getattr(self.widget.panel, button)
        self.qtbot.waitUntil(part.isEnabled, timeout=PATIENCE_MS)
        self.leave_canvas()
        QTest.mouseClick(part, LEFT)
        self.qtbot.waitUntil(lambda: not self.widget.is_busy, timeout=PATIENCE_MS)
        self.settle()

    def leave_canvas(self) -> None:
        """Take the mouse off the picture, over its border: Xvfb tells nobody that it went."""
        QTest.mouseMove(self.window, self.canvas.mapTo(self.canvas.window(), QPoint(1, 1)))
        QApplication.sendEvent(self.canvas, QEvent(QEvent.Type.Leave))

    def click(self, at: tuple[float, float]) -> None:
        """Click a pixel of the image."""
        self.stroke([at])

    def stroke(self, points) -> None:
        """Draw with the mouse through pixels of the image."""
        places = [self._on_screen(point) for point in points]
        QApplication.sendEvent(self.canvas, QEvent(QEvent.Type.Enter))
        QTest.mouseMove(self.window, places[0])
        QTest.mousePress(self.window, LEFT, NO_KEY, places[0])
        for place in places[1:]:
            QTest.mouseMove(self.window, place)
            self.settle(20)
        QTest.mouseRelease(self.window, LEFT, NO_KEY, places[-1])
        self.settle()

    def key(self, key: Qt.Key, modifiers=NO_KEY) -> None:
        """Press a key over the canvas."""
        QTest.keyClick(self.canvas, key, modifiers)
        self.settle()

    def look_at(self, row: float, column: float, *, closer: float) -> None:
        """Zoom in."""
        self.viewer.reset_view()
        self.camera.center = (0, *self._in_world((row, column)))
        self.camera.zoom *= closer
        self.settle()

    def take(self, name: str) -> None:
        """A picture of the whole window."""
        self.taken += 1
        self.leave_canvas()
        self.settle()
        pixels = self.viewer.screenshot(canvas_only=False, flash=False)[..., :3]
        assert pixels.std() > 10  # not a black window
        Image.fromarray(pixels).save(self.folder / f"{self.taken:02d}-{name}.png")

    def settle(self, quiet_ms: int = QUIET_MS) -> None:
        """Let the window's own loop run, so that it draws."""
        loop = QEventLoop()
        QTimer.singleShot(quiet_ms, loop.quit)
        loop.exec()

    def _on_screen(self, point) -> QPoint:
        middle = np.array([self.canvas.height(), self.canvas.width()]) / 2
        from_centre = self._in_world(point) - np.asarray(self.camera.center)[-2:]
        y, x = np.rint(from_centre * self.camera.zoom + middle).astype(int)
        return self.canvas.mapTo(self.canvas.window(), QPoint(int(x), int(y)))

    def _in_world(self, point) -> np.ndarray:
        """Where a pixel of the image lies, in the viewer's units."""
        return np.asarray(self.viewer.layers[0].data_to_world(point))


@pytest.fixture
def user(make_napari_viewer, plugin, npe2pm, qtbot, tmp_path):
    """A user before a napari window with a damaged sample and the docked widget."""
    npe2pm.register(PluginManifest.from_distribution("napari"))  # what writes files
    get_settings().application.confirm_close_window = False
    folder = Path(os.environ.get("TUTORIAL_PICTURES", tmp_path))
    folder.mkdir(parents=True, exist_ok=True)
    viewer = make_napari_viewer(show=True)
    viewer.theme = "dark"
    viewer.window.resize(1366, 768)
    viewer.open_sample(plugin, "cell")
    _, widget = viewer.window.add_plugin_dock_widget(plugin, "Inpaint")
    qtbot.waitUntil(widget.panel.hallucinate.isEnabled, timeout=PATIENCE_MS)
    qtbot.waitUntil(lambda: widget.panel.device.count() > 1, timeout=PATIENCE_MS)
    viewer.reset_view()
    return User(viewer, widget, folder, qtbot)


def test_repair_a_scratch_in_ten_minutes(user, qtbot, tmp_path):
    viewer, panel = user.viewer, user.widget.panel
    image, damage = viewer.layers["cell"], viewer.layers["cell [damage]"]
    original = image.data.copy()

    damage.visible = False
    user.take("open")
    damage.visible = True
    viewer.layers.selection.active = damage
    damage.mode, damage.brush_size, damage.selected_label = "paint", 7, 1
    spot = free_spot(damage.data > 0)
    user.stroke([spot, (spot[0] + 8, spot[1] + 8)])
    assert damage.data[spot]
    assert damage.data[spot[0] + 8, spot[1] + 8]
    panel.show_grown.click()
    qtbot.waitUntil(lambda: "cell [grown damage]" in viewer.layers, timeout=PATIENCE_MS)
    user.take("mask")
    panel.show_grown.click()

    user.press("hallucinate")
    edges = viewer.layers["cell [edges]"]
    proposed = edges.data == EdgeSource.PROPOSED
    assert proposed.any()
    at = nearest(proposed, (124, 181))  # a few pixels that belong to no outline
    damage.visible = False
    user.look_at(115, 215, closer=2)
    user.take("edges")

    user.press("erase_edge")
    whole = connected_edge(edges.data, at, reach_px=1)
    user.click(at)
    assert not edges.data[whole].any()
    user.press("erase_edge")
    user.take("erased")

    assert edges.mode == "paint"
    before = edges.data.copy()
    start, end = (107, 238), (120, 251)  # the outline under the large speck
    user.stroke([np.array(start) + t * np.subtract(end, start) for t in np.linspace(0, 1, 9)])
    drawn = (edges.data == EdgeSource.DRAWN) & (before != EdgeSource.DRAWN)
    assert drawn[start]
    assert drawn[end]
    assert ndimage.label(drawn, np.ones((3, 3)))[1] == 1  # one line without gaps
    user.take("drawn")

    user.press("complete")
    completed = viewer.layers["cell [reconstructed]"]
    first = completed.data.copy()
    hole = first != original
    assert hole.any()
    assert not (hole & ~ndimage.binary_dilation(damage.data > 0, iterations=4)).any()
    user.take("completed")
    user.press("keep")

    user.canvas.setFocus()
    user.key(Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert np.array_equal(edges.data, before)  # the stroke is gone, the erased edge stays erased
    user.take("undone")
    user.press("complete")
    second = completed.data.copy()
    assert (first != second).any()
    user.key(Qt.Key.Key_K, Qt.KeyboardModifier.ShiftModifier)
    qtbot.waitUntil(lambda: panel.candidates.count() == 2, timeout=PATIENCE_MS)
    user.take("candidates")

    row = panel.candidates.visualItemRect(panel.candidates.item(0))
    QTest.mouseClick(panel.candidates.viewport(), LEFT, NO_KEY, row.center())
    user.settle()
    assert np.array_equal(completed.data, first)
    assert (edges.data[drawn] == EdgeSource.DRAWN).all()
    QTest.keyPress(user.canvas, Qt.Key.Key_W)
    assert not completed.visible
    QTest.keyRelease(user.canvas, Qt.Key.Key_W)
    assert completed.visible
    user.press("compare")
    assert viewer.canvas.grid.enabled
    shown = [layer.name for layer in viewer.layers if layer.visible]
    assert shown[::2] == ["cell [reconstructed · candidate 1]", "cell [reconstructed · candidate 2]"]
    assert shown[1::2] == [f"{name} · altered pixels" for name in shown[::2]]
    user.look_at(113, 200, closer=1.9)
    user.take("compared")
    user.press("compare")
    assert not viewer.canvas.grid.enabled

    user.press("send")
    kept = viewer.layers["cell [reconstructed · candidate 1]"]
    viewer.layers.selection = {kept}
    viewer.reset_view()
    viewer.layers.save(str(tmp_path / "cell.record.tif"), selected=True)
    assert np.array_equal(read(tmp_path / "cell.record.tif"), first)
    record = json.loads((tmp_path / "cell.record.json").read_text())
    assert record["edges"]["drawn_px"] == np.count_nonzero(drawn)
    assert (read_image(tmp_path / "cell.record_altered.png").pixels > 0).sum() == record["hole_px"]
    assert np.array_equal(image.data, original)
    user.take("saved")


def free_spot(marked: np.ndarray) -> tuple[int, int]:
    """A pixel far from all that is marked and from the border."""
    far = ndimage.distance_transform_edt(np.pad(~marked, 1))[1:-1, 1:-1]
    row, column = np.unravel_index(far.argmax(), far.shape)
    return int(row), int(column)


def nearest(marked: np.ndarray, to: tuple[int, int]) -> tuple[int, int]:
    """The marked pixel nearest to a place."""
    pixels = np.argwhere(marked)
    row, column = pixels[np.hypot(*(pixels - to).T).argmin()]
    return int(row), int(column)


def read(path: Path) -> np.ndarray:
    import tifffile

    return tifffile.imread(path)
