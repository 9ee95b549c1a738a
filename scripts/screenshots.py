"""Takes the README's and the tutorial's pictures from the real window, by pressing the widget's real buttons.

    xvfb-run -a -s "-screen 0 1440x900x24 +extension GLX" python scripts/screenshots.py [FOLDER]

napari is opened through the manifest: its sample, its dock widget. The pictures
go to docs/images unless another folder is named. The tutorial's are taken by
the scripted user of tests/plugin/test_tutorial.py, who also asserts what they show.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import napari
from napari.settings import get_settings
from PIL import Image, ImageColor
from qtpy.QtCore import QElapsedTimer, QEventLoop, QTimer
from qtpy.QtWidgets import QApplication

from napari_edgeconnect.plugin.layers import EDGE_COLOURS

PLUGIN = "napari-edgeconnect"
SAMPLE = "photograph"
#: Row and column in the middle of the close-up of the edges, and how close.
CLOSE_UP = ((285, 150), 2.4)
ROOT = Path(__file__).resolve().parents[1]
FOLDER = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs" / "images"
SIZE = (1400, 880)
LAPTOP = (1366, 768)
#: Many repairs, on a busy machine.
LONG_MS = 1_800_000


def main() -> None:
    get_settings().application.confirm_close_window = False
    viewer = napari.Viewer()
    viewer.theme = "dark"
    viewer.window.resize(*SIZE)
    viewer.open_sample(PLUGIN, SAMPLE)
    _, widget = viewer.window.add_plugin_dock_widget(PLUGIN, "Inpaint")
    panel = widget.panel
    wait_until(panel.hallucinate.isEnabled)
    wait_until(lambda: panel.device.count() > 1)
    viewer.reset_view()
    damage = viewer.layers[f"{SAMPLE} [damage]"]
    damage.visible = False
    take(viewer, "1-damaged")
    damage.visible = True

    panel.hallucinate.click()
    wait_until(lambda: not widget.is_busy)
    zoom = viewer.scene.camera.zoom
    viewer.scene.camera.center, viewer.scene.camera.zoom = (0, *CLOSE_UP[0]), zoom * CLOSE_UP[1]
    take(viewer, "2-edges")
    viewer.theme = "light"
    take(viewer, "2-edges-light")
    viewer.theme = "dark"
    viewer.reset_view()

    panel.complete.click()
    wait_until(lambda: not widget.is_busy)
    viewer.layers[f"{SAMPLE} [edges]"].visible = False
    take(viewer, "3-completed")
    viewer.close()
    take_trust()
    take_tutorial()


def take_trust() -> None:
    """What docs/trust.md shows: altered pixels, the self-test, how sure the repair is."""
    viewer = napari.Viewer()
    viewer.theme = "dark"
    viewer.window.resize(*LAPTOP)
    viewer.open_sample(PLUGIN, "cell")
    _, widget = viewer.window.add_plugin_dock_widget(PLUGIN, "Inpaint")
    panel = widget.panel
    wait_until(panel.inpaint.isEnabled)
    wait_until(lambda: panel.device.count() > 1)
    panel.inpaint.click()
    wait_until(lambda: not widget.is_busy)
    viewer.layers["cell [damage]"].visible = False
    viewer.reset_view()
    take(viewer, "trust/altered-pixels")
    panel.test.click()
    wait_until(lambda: not widget.is_busy, LONG_MS)
    viewer.reset_view()
    take(viewer, "trust/self-test")
    viewer.window.remove_dock_widget(widget.trust.dock.view)
    panel.how_sure.click()
    wait_until(lambda: not widget.is_busy, LONG_MS)
    viewer.reset_view()
    take(viewer, "trust/uncertainty")
    viewer.close()


def take_tutorial() -> None:
    """Let the scripted user of the tests go through the tutorial."""
    with tempfile.TemporaryDirectory() as taken:
        pytest = [sys.executable, "-m", "pytest", "-q", str(ROOT / "tests" / "plugin" / "test_tutorial.py")]
        subprocess.run(pytest, cwd=ROOT, env={**os.environ, "TUTORIAL_PICTURES": taken}, check=True)
        for path in sorted(Path(taken).glob("*.png")):
            save(Image.open(path).convert("RGB"), f"tutorial/{path.stem}")


def take(viewer: napari.Viewer, name: str) -> None:
    """Save a picture of the window."""
    settle()
    save(Image.fromarray(viewer.screenshot(canvas_only=False, flash=False)).convert("RGB"), name)


def save(picture: Image.Image, name: str) -> None:
    """As a small PNG file: 256 colours, those of the interface exactly."""
    path = FOLDER / f"{name}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.quantize(palette=palette_of(picture), dither=Image.Dither.NONE).save(path, optimize=True)


def palette_of(picture: Image.Image) -> Image.Image:
    """The colours that fill most of the window and those of the edges, as they are; the others in 200 steps."""
    flat = sorted(picture.getcolors(picture.width * picture.height), reverse=True)[:48]
    exact = [colour for _, colour in flat] + [ImageColor.getrgb(colour) for colour in EDGE_COLOURS.values()]
    others = picture.quantize(200, method=Image.Quantize.MEDIANCUT, kmeans=2).getpalette()[: 3 * 200]
    palette = Image.new("P", (1, 1))
    palette.putpalette([value for colour in exact for value in colour] + others)
    return palette


def wait_until(done: Callable[[], bool], timeout_ms: int = 120_000) -> None:
    """Let the window live until ``done`` says so."""
    clock = QElapsedTimer()
    clock.start()
    while not done():
        if clock.hasExpired(timeout_ms):
            raise TimeoutError("The window did not get there in time.")
        QApplication.processEvents(QEventLoop.ProcessEventsFlag.AllEvents, 50)


def settle(quiet_ms: int = 500) -> None:
    """Let the window live until it has had ``quiet_ms`` to draw."""
    loop = QEventLoop()
    QTimer.singleShot(quiet_ms, loop.quit)
    loop.exec()


if __name__ == "__main__":
    main()
