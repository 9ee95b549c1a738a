"""Layers come, go, move and change in any order, buttons are pressed at any moment: the widget holds."""

from __future__ import annotations

import tempfile
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from napari.components import ViewerModel
from napari.layers import Image, Labels
from napari.utils.notifications import NotificationSeverity, notification_manager
from qtpy.QtCore import QDeadlineTimer, QEventLoop
from qtpy.QtWidgets import QAbstractButton, QApplication
from skimage import data

from napari_edgeconnect.core.find import FINDERS
from napari_edgeconnect.plugin.measure_dialog import LAYER, OTSU, VALUE
from napari_edgeconnect.plugin.widget import EdgeConnectWidget
from napari_edgeconnect.plugin.worker import Task

from .conftest import PATIENCE_MS

PICTURE = data.camera()[200:248, 200:240]
SHAPES = [(48, 40), (3, 48, 40), (30, 30)]
any_layer = st.integers(min_value=0, max_value=20)
NAMES = st.sampled_from(["a", "b", "a [edges]", "a [reconstructed]"])


class AnyOrder(RuleBasedStateMachine):
    """A person who does everything, and a program that does the rest."""

    def __init__(self) -> None:
        super().__init__()
        self.reported = len(notification_manager.records)
        self.viewer = ViewerModel()
        self.widget = EdgeConnectWidget(self.viewer)

    def teardown(self) -> None:
        self.widget.cancel()
        self.widget.panel.live.setChecked(False)
        self._until(lambda: not self.widget.is_busy and self.widget.live.is_idle and self.widget.finding.is_idle)
        self._until(lambda: self.widget.trust.reasons.is_idle)
        self.widget.setParent(None)
        self.widget.deleteLater()
        QApplication.processEvents()

    @rule(shape=st.sampled_from(SHAPES), rgb=st.booleans(), dtype=st.sampled_from([np.uint8, np.float32]))
    def open_an_image(self, shape, rgb, dtype):
        picture = np.broadcast_to(PICTURE[: shape[-2], : shape[-1]], shape).astype(dtype)
        self.viewer.add_image(np.stack([picture] * 3, -1) if rgb else picture, name="a", rgb=rgb)

    @rule(shape=st.sampled_from(SHAPES), row=st.integers(0, 20))
    def open_a_mask(self, shape, row):
        mask = np.zeros(shape, np.uint8)
        mask[..., row : row + 4, 5:25] = 1
        self.viewer.add_labels(mask, name="b")

    @rule(at=any_layer)
    def remove(self, at):
        if layer := self._layer(at):
            self.viewer.layers.remove(layer)

    @rule(at=any_layer, name=NAMES)
    def rename(self, at, name):
        if layer := self._layer(at):
            layer.name = name

    @rule(at=any_layer, to=any_layer)
    def reorder(self, at, to):
        if self.viewer.layers:
            self.viewer.layers.move(at % len(self.viewer.layers), to % len(self.viewer.layers))

    @rule(at=any_layer, size=st.sampled_from([20, 40]))
    def reshape(self, at, size):
        layer = self._layer(at)
        if isinstance(layer, Image | Labels):  # of as many axes as before: napari 0.9 fails on others by itself
            rgb = getattr(layer, "rgb", False)
            lead = layer.data.shape[: layer.ndim - 2]
            layer.data = np.full((*lead, size, size, *([3] if rgb else [])), size, layer.data.dtype)

    @rule(at=any_layer, scale=st.sampled_from([0.5, 1, 3]), degrees=st.sampled_from([0, 30]))
    def move(self, at, scale, degrees):
        if layer := self._layer(at):
            layer.scale = [scale] * layer.ndim
            if layer.ndim == 2:
                layer.rotate = degrees

    @rule(at=any_layer, row=st.integers(0, 29), label=st.integers(0, 5))
    def paint(self, at, row, label):
        layer = self._layer(at)
        if isinstance(layer, Labels) and layer.editable:
            layer.paint((0,) * (layer.ndim - 2) + (row % layer.data.shape[-2], 10), label)

    @rule(at=any_layer, undo=st.booleans())
    def undo_or_redo(self, at, undo):
        layer = self._layer(at)
        if isinstance(layer, Labels):
            layer.undo() if undo else layer.redo()

    @rule(at=any_layer)
    def show_or_hide(self, at):
        if layer := self._layer(at):
            layer.visible = not layer.visible

    @rule(at=any_layer)
    def select(self, at):
        if layer := self._layer(at):
            self.viewer.layers.selection.active = layer

    @rule(step=st.integers(0, 4), volume=st.booleans())
    def look_elsewhere(self, step, volume):
        self.viewer.dims.ndisplay = 3 if volume and self.viewer.dims.ndim > 2 else 2
        if self.viewer.dims.ndim > 2:
            self.viewer.dims.set_current_step(0, step)

    @rule(at=any_layer, mask=st.booleans())
    def choose(self, at, mask):
        combo = self.widget.panel.mask if mask else self.widget.panel.image
        if combo.count():
            combo.setCurrentIndex(at % combo.count())

    @rule(at=st.integers(0, 100), wait=st.booleans())
    def press(self, at, wait):
        buttons = [b for b in self.widget.findChildren(QAbstractButton) if b.isEnabled() and b.text()]
        buttons = [button for button in buttons if not hasattr(button, "menu") or button.menu() is None]
        buttons[at % len(buttons)].click()
        if wait:
            self._until(lambda: not self.widget.is_busy)

    @rule(at=any_layer)
    def choose_a_candidate(self, at):
        pictures = self.widget.panel.candidates
        if pictures.count():
            pictures.setCurrentRow(at % pictures.count())

    @rule(kind=st.sampled_from(["hot-pixels", "dust-shadows"]))
    def look_for_damage(self, kind):
        self.widget.finding.begin(FINDERS[kind], 0)

    @rule(method=st.sampled_from(["edgeconnect", "edgeconnect-no-edges", "biharmonic", "mean"]))
    def take_advice(self, method):
        self.widget.trust.follow_advice(method)

    @rule(method=st.sampled_from(["edgeconnect-no-edges", "biharmonic"]), wait=st.booleans())
    def repair_by_another_method(self, method, wait):
        self.widget.start(Task.BY_METHOD, method=method)
        if wait:
            self._until(lambda: not self.widget.is_busy)

    @rule()
    def report(self):
        self.widget.trust.show_methods()
        with tempfile.TemporaryDirectory() as folder:
            self.widget.trust.export_figure(Path(folder) / "figure.png")

    @rule(kind=st.sampled_from([OTSU, VALUE, LAYER]), wait=st.booleans())
    def measure(self, kind, wait):
        measuring = self.widget.trust.measuring
        measuring.ask()
        if measuring.dialog is not None and measuring.dialog.isVisible():
            measuring.dialog.objects.setCurrentText(kind)
            measuring.dialog.interval.setCurrentIndex(1)  # the other choice takes seven times as long
            measuring.dialog.measure.click()
        if wait:
            self._until(lambda: not self.widget.is_busy)

    @rule(row=st.integers(0, 5))
    def look_at_an_object(self, row):
        view = self.widget.trust.measuring.view
        if view is not None:
            view.objects.selectRow(row)

    @rule(value=st.sampled_from(["0", "255", "300"]))
    def mark_as_missing(self, value):
        excluding = self.widget.excluding
        excluding.ask()
        if excluding.dialog is not None and excluding.dialog.isVisible():
            excluding.dialog.text.setText(value)
            excluding.dialog.mark.click()

    @rule(row=st.integers(-5, 50), column=st.integers(-5, 50))
    def move_the_mouse(self, row, column):
        position = (0,) * (self.viewer.dims.ndim - 2) + (row, column)
        for callback in self.viewer.mouse_move_callbacks:
            callback(self.viewer, SimpleNamespace(position=position))

    @rule(held=st.booleans())
    def look_back(self, held):
        self.widget.candidates.before(held)

    @rule(sigma=st.sampled_from([0, 1, 2.5]), threshold=st.sampled_from([0.1, 0.5]), grow=st.sampled_from([0, 2, 9]))
    def turn_the_knobs(self, sigma, threshold, grow):
        self.widget.panel.sigma.setValue(sigma)
        self.widget.panel.threshold.setValue(threshold)
        self.widget.panel.grow.setValue(grow)

    @rule()
    def wait(self):
        self._until(lambda: not self.widget.is_busy and self.widget.live.is_idle)

    @invariant()
    def nothing_broke(self):
        QApplication.processEvents()
        errors = [r for r in notification_manager.records[self.reported :] if r.severity > NotificationSeverity.ERROR]
        errors += [
            record
            for record in notification_manager.records[self.reported :]
            if record.severity == NotificationSeverity.ERROR and hasattr(record, "exception")
        ]
        assert not errors, [error.message for error in errors]

    def _layer(self, at: int):
        return self.viewer.layers[at % len(self.viewer.layers)] if self.viewer.layers else None

    def _until(self, done) -> None:
        deadline = QDeadlineTimer(PATIENCE_MS)
        while not done():
            assert not deadline.hasExpired()
            QApplication.processEvents(QEventLoop.ProcessEventsFlag.AllEvents, 20)


@pytest.mark.filterwarnings("ignore:Inconsistent units")
def test_layers_and_buttons_in_any_order(qtbot, qapp):
    from hypothesis.stateful import run_state_machine_as_test

    quick = settings(
        max_examples=12,
        stateful_step_count=25,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    with qtbot.captureExceptions() as raised:
        run_state_machine_as_test(AnyOrder, settings=quick)
    assert not raised
