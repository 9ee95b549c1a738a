"""From the end of a stroke to the new picture, and how smoothly one paints meanwhile: a real window, a real mouse.

    xvfb-run -a -s "-screen 0 1440x900x24 +extension GLX" python benchmarks/live_window.py [--strokes 20]

Lines are painted into the edge layer with mouse events, as many with live
completion as without, in alternating blocks. The interface is asked for a tick
every few milliseconds; the longest time between two of them, from the press of
the button until the picture is there, is a stroke's gap. Where OpenGL runs in
software, as under Xvfb, a repaint alone takes 0.1 s and more: so the gaps
count beside those without live.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Iterator
from itertools import chain

import numpy as np
from qtpy.QtCore import QEventLoop, QPoint, Qt, QTimer
from qtpy.QtTest import QTest
from skimage import data

PLUGIN = "napari-edgeconnect"
SIZES = (256, 512)
BLOCK = 5
TICK_MS = 5
#: A mouse tells where it is about this often; a stroke takes a third of a second.
MOVE_MS = 16
MOVES = 20
#: Without live this much is watched after a stroke, and with live at least this much.
AFTER_S = 0.8
PATIENCE_S = 120


def has_display() -> bool:
    if os.environ.get("QT_QPA_PLATFORM", "") in ("offscreen", "minimal", "vnc"):
        return False
    return sys.platform != "linux" or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def scratched(size: int) -> tuple[np.ndarray, np.ndarray]:
    """A size x size uint16 image in one window, and a scratch of 17 px through its middle half."""
    rows, columns = np.mgrid[:size, :size]
    middle = (abs(rows - size // 2) <= size // 4) & (abs(columns - size // 2) <= size // 4)
    return data.camera()[:size, :size].astype(np.uint16) * 257, middle & (abs(rows - columns) <= 8)


class Bench:
    """One image in a napari window, with edges to be painted on."""

    def __init__(self, size: int) -> None:
        import napari

        image, mask = scratched(size)
        self.viewer = napari.Viewer()
        self.viewer.window.resize(1400, 860)
        self.viewer.add_image(image, name="image")
        self.viewer.add_labels(mask.astype(np.uint8), name="mask", visible=False)
        _, self.widget = self.viewer.window.add_plugin_dock_widget(PLUGIN, "Inpaint")
        self.wait_until(self.widget.panel.hallucinate.isEnabled)
        self.widget.panel.hallucinate.click()
        self.wait_until(lambda: not self.widget.is_busy)
        self.edges = self.viewer.layers["image [edges]"]
        self.edges.brush_size = 1
        self.hole = np.argwhere(mask)
        self.canvas = self.viewer.window._qt_viewer.canvas.native
        self.gaps: list[float] = []
        self._last_tick = 0.0
        self._ticks = QTimer()
        self._ticks.setTimerType(Qt.TimerType.PreciseTimer)
        self._ticks.timeout.connect(self._note_tick)

    def close(self) -> None:
        self.viewer.close()
        self.wait_until(lambda: True)

    def wait_until(self, condition: Callable[[], bool]) -> None:
        """Let the window's own loop run until the condition holds."""
        loop, started = QEventLoop(), time.perf_counter()

        def check() -> None:
            if condition():
                loop.quit()
            elif time.perf_counter() - started > PATIENCE_S:
                loop.exit(1)

        timer = QTimer()
        timer.timeout.connect(check)
        timer.start(TICK_MS)
        if loop.exec():
            raise SystemExit(f"Waited for {PATIENCE_S} s: {self.widget.panel.status.text()}")

    def switch_live(self, on: bool) -> None:
        """Begin a block from the model's own proposal: in a hole that is full of lines nothing more can be painted."""
        self.widget.panel.reset.trigger()
        self.widget.panel.live.setChecked(on)
        if on:
            self.wait_until(lambda: self.record() is not None and "unfinished" not in self.record())
        self.pause(AFTER_S)

    def pause(self, seconds: float) -> None:
        until = time.perf_counter() + seconds
        self.wait_until(lambda: time.perf_counter() > until)

    def record(self) -> dict | None:
        """Of the completed image, if there is one."""
        name = "image [reconstructed]"
        layers = self.viewer.layers
        return layers[name].metadata[PLUGIN]["record"] if name in layers else None

    def stroke(self, rng: np.random.Generator) -> tuple[float, float]:
        """Paint a line of 40 to 80 px: the longest gap, and seconds until the picture was up to date, or nan."""
        start = rng.choice(self.hole)
        far = np.abs(self.hole - start).max(axis=1)
        end = rng.choice(self.hole[(far > 40) & (far < 80)])
        before, drawn = self.record(), self.edges.data.copy()
        self.gaps.clear()
        self._last_tick = time.perf_counter()
        self._ticks.start(TICK_MS)
        moves = self._moves(start, end)
        self._each(MOVE_MS, moves)
        released = time.perf_counter()
        latency = np.nan
        if (self.edges.data == drawn).all():
            raise SystemExit("The mouse painted nothing.")
        if self.widget.panel.live.isChecked():
            self.wait_until(lambda: self.record() is not before and "unfinished" not in self.record())
            latency = time.perf_counter() - released
        self.pause(max(0.0, released + AFTER_S - time.perf_counter()))
        self._ticks.stop()
        return max(self.gaps), latency

    def _moves(self, start: np.ndarray, end: np.ndarray) -> Iterator[None]:
        window, left = self.canvas.window().windowHandle(), Qt.MouseButton.LeftButton
        none = Qt.KeyboardModifier.NoModifier
        places = [self._on_screen(place) for place in np.linspace(start, end, MOVES)]
        yield QTest.mouseMove(window, places[0])
        yield QTest.mousePress(window, left, none, places[0])
        for place in places[1:]:
            yield QTest.mouseMove(window, place)
        yield QTest.mouseRelease(window, left, none, places[-1])

    def _on_screen(self, place: np.ndarray) -> QPoint:
        """Where the window shows a row and a column of the image."""
        camera = self.viewer.scene.camera
        middle = np.array([self.canvas.height(), self.canvas.width()]) / 2
        y, x = np.rint((place - np.asarray(camera.center)[-2:]) * camera.zoom + middle).astype(int)
        return self.canvas.mapTo(self.canvas.window(), QPoint(int(x), int(y)))

    def _each(self, interval_ms: int, steps: Iterator[None]) -> None:
        """One step after another, each called by the window's own loop."""
        loop, timer = QEventLoop(), QTimer()
        timer.setTimerType(Qt.TimerType.PreciseTimer)
        timer.timeout.connect(lambda: next(steps, loop) is loop and loop.quit())
        timer.start(interval_ms)
        loop.exec()

    def _note_tick(self) -> None:
        now = time.perf_counter()
        self.gaps.append(now - self._last_tick)
        self._last_tick = now


def figures(seconds: list[float]) -> str:
    milliseconds = 1000 * np.array(seconds)
    shown = (np.median(milliseconds), np.percentile(milliseconds, 90), milliseconds.max())
    return " ".join(f"{figure:8.0f}" for figure in shown)


def measure(size: int, strokes: int) -> None:
    """Print a table of one image size."""
    bench = Bench(size)
    rng = np.random.default_rng(0)
    latencies: list[float] = []
    gaps: dict[bool, list[float]] = {True: [], False: []}
    blocks = -(-strokes // BLOCK)
    for live in chain.from_iterable([(True, False)] * blocks):
        bench.switch_live(live)
        for _ in range(BLOCK):
            gap, latency = bench.stroke(rng)
            gaps[live].append(gap)
            if live:
                latencies.append(latency)
    bench.close()
    print(f"\n{size} x {size} px, {len(latencies)} strokes with live and as many without, milliseconds")
    print(f"{'':>28} {'median':>8} {'90 %':>8} {'max':>8}")
    print(f"{'from release to picture':>28} {figures(latencies)}")
    print(f"{'longest gap with live':>28} {figures(gaps[True])}")
    print(f"{'longest gap without':>28} {figures(gaps[False])}")
    ratio = np.median(gaps[True]) / np.median(gaps[False])
    print(f"The longest gap with live is {ratio:.2f} times that without (of medians).", flush=True)


def main() -> None:
    """Print a table a size."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--strokes", type=int, default=20)
    options = parser.parse_args()
    if not has_display():
        print("benchmarks/live_window.py needs a display: run it under xvfb-run, as its first lines say.")
        return
    for size in SIZES:
        measure(size, options.strokes)


if __name__ == "__main__":
    main()
