"""The dock widget: from the layers that a person has to edges and a completed image.

It reads layers, hands arrays to the worker, and puts what comes back into
layers. It computes nothing itself, and changes no layer but its own.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QEvent, Qt, QTimer
from qtpy.QtWidgets import QSizePolicy, QVBoxLayout, QWidget

from ..core import masking
from ..core.edges import EdgeMap
from ..core.holes import grown
from ..core.models import DEFAULT_MODEL, ModelInfo, list_models
from ..core.results import Step
from . import damage
from . import layers as ours
from .activity import Activity
from .geometry import Plane, displayed_plane, plane_mask, read_plane
from .layer_combo import LayerWatch
from .panel import Panel
from .placing import CORRECT, add_mask, outline, place, show_probability
from .preferences import DEFAULTS, preferred
from .redraw import Redraw
from .worker import Failure, LoadedModels, Outcome, Request, Task, repair_steps

if TYPE_CHECKING:
    import napari.viewer

#: A stroke's pixels are counted this long after the last of them.
LOOK_AFTER_MS = 150


class Situation(NamedTuple):
    """What there is to work on, and in words what is still missing."""

    plane: Plane | None = None
    mask: NDArray[np.bool_] | None = None
    missing: str = ""


class EdgeConnectWidget(QWidget):
    """Repair the displayed image: paint the damage, judge the proposed edges, complete.

    An image of more than two dimensions is repaired in the displayed slice;
    edges and result are then layers of that one slice, in its place. A second
    run on the same slice updates these layers: proposals go in as one step of
    the edge layer's undo history and leave what was drawn or erased by hand;
    the completed image is replaced.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        A ``ViewerModel`` is enough.
    """

    def __init__(self, viewer: napari.viewer.Viewer) -> None:
        super().__init__()
        self._viewer = viewer
        self._loaded = LoadedModels()
        self._worker: Any = None
        self._request: Request | None = None
        self._activity: Activity | None = None
        self._said: tuple[Any, str] = (None, "")
        choices = preferred()
        self.panel = Panel(choices.settings)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.panel)
        self.setMinimumWidth(290)
        # All of the dock's height, so that a sentence may wrap to as many lines as it needs.
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.MinimumExpanding)
        self._look_soon = QTimer(self)
        self._look_soon.setSingleShot(True)
        self._look_soon.setInterval(LOOK_AFTER_MS)
        self._look_soon.timeout.connect(self._look)
        self._watch = LayerWatch(viewer, self._list_layers, self._look_soon.start)
        self._redraw = Redraw(self.panel, self._shown_edges, self._fail)
        self._offer_models()
        self._offer_devices(choices.device)
        self._connect()
        self._list_layers()

    @property
    def is_busy(self) -> bool:
        """True from the click on a button until its run has ended."""
        return self._worker is not None

    def cancel(self) -> None:
        """Give the run up; it ends after the window that is being computed."""
        if self._worker is not None:
            self._request = None
            self._worker.quit()
            self.panel.status.setText("Cancelling: the window that is being computed will be the last.")

    def event(self, event: QEvent) -> bool:
        """A widget that is taken out of its dock gives its run up."""
        if event.type() == QEvent.Type.ParentChange and self.parent() is None:
            self.cancel()
        return super().event(event)

    # ---- what there is to choose from

    def _connect(self) -> None:
        panel = self.panel
        panel.new_mask.clicked.connect(self._add_mask)
        panel.find_menu.aboutToShow.connect(self._list_tools)
        panel.show_grown.toggled.connect(self._look_soon.start)
        panel.grow.valueChanged.connect(self._look_soon.start)
        panel.show_probability.toggled.connect(self._look_soon.start)
        panel.hallucinate.clicked.connect(self._hallucinate)
        panel.complete.clicked.connect(self._complete)
        panel.inpaint.clicked.connect(self._inpaint)
        panel.cancel.clicked.connect(self.cancel)
        panel.image.currentIndexChanged.connect(self._look_soon.start)
        panel.mask.currentIndexChanged.connect(self._look_soon.start)
        panel.model.currentIndexChanged.connect(self._show_model)
        panel.device.currentIndexChanged.connect(self._show_device)

    def _list_layers(self) -> None:
        layers = self._viewer.layers
        self.panel.image.offer(layers, prefer=lambda layer: ours.KEY not in layer.metadata)
        self.panel.mask.offer(layers)
        self._look_soon.start()

    def _offer_models(self) -> None:
        for info in list_models():
            self.panel.model.addItem(info.name, info)
        self.panel.model.setCurrentText(DEFAULT_MODEL)
        self._show_model()

    def _offer_devices(self, device: str) -> None:
        """Ask torch beside the interface: importing it takes seconds.

        The thread touches no Qt object, so that it can outlive the window.
        """
        self._wanted_device = device
        executor = ThreadPoolExecutor(max_workers=1)
        self._device_search = executor.submit(_devices)
        executor.shutdown(wait=False)
        self._device_timer = QTimer(self)
        self._device_timer.timeout.connect(self._take_devices)
        self._device_timer.start(LOOK_AFTER_MS)

    def _take_devices(self) -> None:
        if not self._device_search.done():
            return
        self._device_timer.stop()
        if error := self._device_search.exception():
            self._fail(error)
            return
        combo = self.panel.device
        combo.addItems(self._device_search.result())
        preferred_row = combo.findText(self._wanted_device, Qt.MatchFlag.MatchStartsWith)  # "cuda" may be "cuda:0" here
        combo.setCurrentIndex(max(0, preferred_row))
        if preferred_row < 0:
            self._say(f"This machine has no {self._wanted_device}, which the preferences ask for: auto is chosen.")
        self._show_device()

    def _show_model(self) -> None:
        info: ModelInfo | None = self.panel.model.currentData()
        self.panel.about_model.setText(f"Licence: {info.licence}" if info else "No model is installed.")
        self._look_soon.start()

    def _show_device(self) -> None:
        combo = self.panel.device
        first = combo.itemText(1)
        on_cpu = "cpu" in (combo.currentText(), first if combo.currentText() == "auto" else "")
        reason = "No GPU was found: this runs on the CPU." if first == "cpu" else "This runs on the CPU."
        self.panel.about_device.setText(reason if on_cpu else "")
        self.panel.about_device.setVisible(on_cpu)

    # ---- what can be done now

    def _situation(self) -> Situation:
        image, mask_layer = self.panel.image.layer, self.panel.mask.layer
        if image is None:
            return Situation(missing="Open an image first.")
        try:
            plane = displayed_plane(image, self._viewer.dims)
            if mask_layer is None:
                return Situation(plane, missing="Mark the damage: press New mask and paint over it.")
            mask = plane_mask(plane, mask_layer)
        except ValueError as error:
            return Situation(missing=str(error))
        if not mask.any():
            return Situation(plane, mask, f"Paint the damage first{', in this slice' if plane.where else ''}.")
        if self.panel.model.currentData() is None:
            return Situation(plane, mask, "No model is installed: reinstall the plugin, or import one.")
        return Situation(plane, mask)

    def _look(self) -> None:
        """Say what is there, and enable what can work."""
        now = self._situation()
        self.panel.about_image.setText(_image_in_words(now.plane))
        self.panel.about_mask.setText(_damage_in_words(now.mask))
        hole = None if now.mask is None else grown(now.mask, self.panel.grow.value())
        warnings = () if hole is None else masking.about(hole).warnings
        self.panel.warning.setText("⚠ " + " ".join(warnings) if warnings else "")
        self.panel.warning.setVisible(bool(warnings))
        shown = self.panel.show_grown.isChecked() and hole is not None and hole.any()
        outline(self._viewer, now.plane, hole if shown else None)
        ready = not now.missing and not self.is_busy
        edges = ours.find_own(self._viewer.layers, now.plane, ours.EDGES) if now.plane else None
        self.panel.new_mask.setEnabled(self.panel.image.layer is not None)
        self.panel.hallucinate.setEnabled(ready)
        self.panel.inpaint.setEnabled(ready)
        self.panel.complete.setEnabled(ready and edges is not None)
        self.panel.reset.setEnabled(edges is not None and not self.is_busy)
        self.panel.show_probability.setEnabled(edges is not None)
        wanted = edges is not None and self.panel.show_probability.isChecked()
        show_probability(self._viewer, now.plane, ours.read_edges(edges).probability if wanted else None)
        if not self.is_busy:
            hint = CORRECT if edges else "Ready to hallucinate edges."
            image, said = self._said
            said = said if image is self.panel.image.layer else ""
            self.panel.status.setText(now.missing or said or hint)

    def _shown_edges(self) -> tuple[Plane, Any] | None:
        """The plane and its edge layer, while no run is about to draw on it."""
        plane = self._situation().plane
        layer = ours.find_own(self._viewer.layers, plane, ours.EDGES) if plane else None
        return None if plane is None or layer is None or self.is_busy else (plane, layer)

    def _say(self, words: str) -> None:
        """Keep this in the status line until the next run, or until another image is chosen."""
        self._said = (self.panel.image.layer, words)
        self.panel.status.setText(words)

    # ---- what the buttons do

    def _add_mask(self) -> None:
        self.panel.mask.choose(add_mask(self._viewer, self.panel.image.layer))

    def _list_tools(self) -> None:
        """What can be found now: fixed tools, and the label that is selected in the active layer."""
        menu, active = self.panel.find_menu, self._viewer.layers.selection.active
        menu.clear()
        other = None if active is self.panel.mask.layer else damage.label_tool(active)
        for tool in (*damage.TOOLS, *([other] if other else [])):
            action = menu.addAction(tool.title)
            action.setToolTip(tool.explanation)
            action.triggered.connect(partial(self._use_tool, tool))

    def _use_tool(self, tool: damage.Tool, *_: object) -> None:
        plane = self._situation().plane
        if plane is None:
            self._look()
            return
        try:
            layer, changed = damage.apply(self._viewer, plane, self.panel.mask.layer, tool)
        except ValueError as error:
            self._fail(error)
            return
        self.panel.mask.choose(layer)
        self._say(f"{tool.title}: {_pixels(changed)} changed." if changed else f"{tool.title}: none were found.")

    def _hallucinate(self) -> None:
        self._start(Task.HALLUCINATE)

    def _complete(self) -> None:
        self._start(Task.COMPLETE)

    def _inpaint(self) -> None:
        self._start(Task.INPAINT)

    def _start(self, task: Task) -> None:
        """Read the layers in this thread, and hand copies of their arrays to another."""
        from napari.qt.threading import create_worker

        now = self._situation()
        if now.missing or self.is_busy:
            self._look()
            return
        try:
            request = self._request_for(task, now.plane, now.mask)
        except ValueError as error:
            self._fail(error)
            return
        self._said = (None, "")
        self._request = request
        self._worker = create_worker(repair_steps, request, self._loaded, _start_thread=False, _ignore_errors=True)
        self._worker.yielded.connect(self._show_step)
        self._worker.returned.connect(self._receive)
        self._worker.finished.connect(self._finish)
        self.destroyed.connect(self._worker.quit)
        self._show_busy(task.value)
        self._worker.start()

    def _request_for(self, task: Task, plane: Plane, mask: NDArray[np.bool_]) -> Request:
        layer = ours.find_own(self._viewer.layers, plane, ours.EDGES)
        sigma, grow_px = self.panel.sigma.value(), self.panel.grow.value()
        settings = replace(
            DEFAULTS, sigma=sigma or None, grow_px=grow_px, threshold=round(self.panel.threshold.value(), 2)
        )
        edges = before = None
        if task is Task.COMPLETE:
            edges = _edges_for(layer, grown(mask, grow_px))
        elif layer is not None:
            before = ours.read_edges(layer)
        model: ModelInfo = self.panel.model.currentData()
        return Request(
            task=task,
            plane=plane,
            image=read_plane(plane),
            mask=mask,
            settings=settings,
            model=model.name,
            device=self.panel.device.currentText(),
            edges=edges,
            before=before,
        )

    # ---- what comes back

    def _show_busy(self, what: str) -> None:
        self._activity = Activity(what, self.cancel)
        self.panel.progress.setRange(0, 0)
        self.panel.progress.show()
        self.panel.cancel.show()
        self._look()
        self.panel.status.setText(f"{what}…")

    def _show_step(self, step: Step) -> None:
        if self._request is None:
            return
        self.panel.progress.setRange(0, step.total)
        self.panel.progress.setValue(step.done)
        self.panel.status.setText(step.what)
        self._activity.show_step(step)

    def _receive(self, outcome: Outcome | Failure) -> None:
        """Put an outcome into layers, unless nobody waits for it any more."""
        if outcome.request is not self._request:
            return
        if isinstance(outcome, Failure):
            self._fail(outcome.error)
        else:
            self._say(place(self._viewer, outcome))

    def _fail(self, error: Exception) -> None:
        """Show a refusal as its own sentence; anything else is a bug, and napari shows where."""
        from napari.utils.notifications import notification_manager, show_error

        sentence = str(error) or type(error).__name__
        self._say(sentence)
        if isinstance(error, ValueError | TypeError | OSError | MemoryError):
            show_error(sentence)
        else:
            notification_manager.receive_error(type(error), error, error.__traceback__)

    def _finish(self) -> None:
        cancelled = self._request is None
        self._worker = self._request = None
        self._activity.close()
        self.panel.progress.hide()
        self.panel.cancel.hide()
        if cancelled:
            self._say("Cancelled: nothing was changed.")
        self._look()


def _devices() -> list[str]:
    from ..core.device import available_devices

    return available_devices()


def _edges_for(layer: Any, hole: NDArray[np.bool_]) -> EdgeMap:
    """The edges to complete from, if they were proposed for all of the hole."""
    if layer is None:
        raise ValueError("There are no edges yet: hallucinate them, or inpaint in one go.")
    edges = ours.read_edges(layer)
    if (hole & ~edges.hole).any():
        raise ValueError(
            "The damage has grown since its edges were hallucinated: hallucinate again; your edits are kept."
        )
    return edges


def _image_in_words(plane: Plane | None) -> str:
    if plane is None:
        return ""
    height, width = plane.shape
    kind = f"RGB, {plane.level.dtype}" if plane.layer.rgb else f"{plane.level.dtype}"
    slice_note = f"\nOnly the displayed slice: {plane.where}" if plane.where else ""
    return f"{width} × {height} px, {kind}{slice_note}"


def _damage_in_words(mask: NDArray[np.bool_] | None) -> str:
    if mask is None:
        return ""
    count = int(np.count_nonzero(mask))
    per_cent = 100 * count / mask.size
    share = f"{per_cent:.0f}" if per_cent >= 10 else f"{per_cent:.2g}"
    return f"{_pixels(count)}, {share} % of the image"


def _pixels(count: int) -> str:
    return f"{count:_} px".replace("_", "\u2009")
