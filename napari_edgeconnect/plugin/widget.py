"""The dock widget: from the layers that a person has to edges and a completed image.

It joins the panel to the parts that do something, and says what can be done
now. Runs, redrawing, tools, live completion and candidates have their own files.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QEvent, Qt, QTimer
from qtpy.QtWidgets import QFrame, QScrollArea, QSizePolicy, QVBoxLayout, QWidget

from ..core.models import DEFAULT_MODEL, list_models
from . import damage
from . import layers as ours
from .altered import remove_orphans
from .candidate_list import CandidateList
from .edge_buttons import EdgeButtons
from .excluding import Excluding
from .finding import Finding
from .layer_combo import LayerWatch
from .layer_plane import Plane
from .live import Live
from .pace import windows_px
from .panel import Panel
from .placing import CORRECT, add_mask, outline, show_probability
from .preferences import preferred
from .redraw import Redraw
from .runs import Runs
from .session import Session, Situation
from .shortcuts import Shortcuts
from .trust import Trust
from .worker import Task

if TYPE_CHECKING:
    import napari.viewer

#: A stroke's pixels are counted this long after the last of them.
LOOK_AFTER_MS = 150


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
        choices = preferred()
        self.panel = Panel(choices)
        self._lay_out()
        self.session = Session(viewer, self.panel)
        self._missing = ""
        self._look_soon = QTimer(self)
        self._look_soon.setSingleShot(True)
        self._look_soon.setInterval(LOOK_AFTER_MS)
        self._look_soon.timeout.connect(self._look)
        self._watch = LayerWatch(viewer, self._list_layers, self._look_soon.start)
        self.session.large.on_move.append(self._look_soon.start)
        self._runs = Runs(self.session, self)
        self._redraw = Redraw(self.session)
        self.live = Live(self.session, self)
        self.edge_buttons = EdgeButtons(self.session, self._look)
        self.candidates = CandidateList(self.session, self._look)
        self.finding = Finding(self.session, self._look)
        self.trust = Trust(self.session, self.start)
        self.excluding = Excluding(self.session, self.start)
        self._shortcuts = Shortcuts(viewer, self.panel, self.candidates.before)
        self._offer_models()
        self._offer_devices(choices.device)
        self._connect()
        self._list_layers()

    @property
    def _takes_all_slices(self) -> bool:
        return self._has_several and bool(self.panel.slices.currentData())

    @property
    def _has_several(self) -> bool:
        """True for an image that is repaired slice by slice, or part by part."""
        return self.session.has_slices or self.session.has_parts

    @property
    def is_busy(self) -> bool:
        """True from the click on a button until its run has ended."""
        return self.session.is_busy

    def start(self, task: Task, **asked: Any) -> None:
        """Run a task on the chosen layers, as its button does; what is missing is said in the status line.

        What else the task needs to know is ``asked``: fields of ``worker.Request``.
        """
        self._redraw.catch_up()
        if task in (Task.COMPLETE, Task.INPAINT) and self._takes_all_slices:
            self._runs.start_stack(task)
        else:
            self._runs.start(task, **asked)

    def cancel(self) -> None:
        """Give the run up; it ends after the window that is being computed."""
        self._runs.cancel()

    def event(self, event: QEvent) -> bool:
        """A widget that is taken out of its dock gives up what it is doing."""
        if event.type() == QEvent.Type.ParentChange and self.parent() is None:
            self.cancel()
            self.panel.live.setChecked(False)
        return super().event(event)

    def _lay_out(self) -> None:
        """The panel, which scrolls where the window is too low for it, and its foot, which does not."""
        scroll = QScrollArea()
        scroll.setWidget(self.panel)
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(scroll, stretch=1)
        layout.addWidget(self.panel.foot)
        self.setMinimumWidth(300)
        # All of the dock's height, so that a sentence may wrap to as many lines as it needs.
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.MinimumExpanding)

    # ---- what there is to choose from

    def _connect(self) -> None:
        panel = self.panel
        panel.new_mask.clicked.connect(self._add_mask)
        panel.find_menu.aboutToShow.connect(self._list_tools)
        panel.show_grown.toggled.connect(self._look_in_a_moment)
        panel.slices.currentIndexChanged.connect(self._look_in_a_moment)
        panel.grow.valueChanged.connect(self._look_in_a_moment)
        panel.show_probability.toggled.connect(self._look_in_a_moment)
        panel.hallucinate.clicked.connect(lambda: self.start(Task.HALLUCINATE))
        panel.complete.clicked.connect(lambda: self.start(Task.COMPLETE))
        panel.inpaint.clicked.connect(lambda: self.start(Task.INPAINT))
        panel.cancel.clicked.connect(self.cancel)
        panel.image.currentIndexChanged.connect(self._look_in_a_moment)
        panel.mask.currentIndexChanged.connect(self._look_in_a_moment)
        panel.model.currentIndexChanged.connect(self._show_model)
        panel.device.currentIndexChanged.connect(self._show_device)
        panel.alternatives.clicked.connect(lambda: self.start(Task.ALTERNATIVES))
        panel.test.clicked.connect(lambda: self.start(Task.SELF_TEST))
        panel.how_sure.clicked.connect(lambda: self.start(Task.HOW_SURE))
        self._runs.changed.connect(self._look)
        self._runs.changed.connect(self.live.follow)
        self._runs.placed.connect(self.candidates.take)
        self._runs.placed.connect(self.trust.take)
        self.live.followed.connect(self.trust.complete_records)
        self.destroyed.connect(self._shortcuts.release)
        self.destroyed.connect(self.trust.release)

    def _look_in_a_moment(self, *_: Any) -> None:
        """For signals that carry a number: a timer would take it for its interval."""
        self._look_soon.start()

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
            self.session.fail(error)
            return
        combo = self.panel.device
        combo.addItems(self._device_search.result())
        preferred_row = combo.findText(self._wanted_device, Qt.MatchFlag.MatchStartsWith)  # "cuda" may be "cuda:0" here
        combo.setCurrentIndex(max(0, preferred_row))
        if preferred_row < 0:
            self.session.say(
                f"This machine has no {self._wanted_device}, which the preferences ask for: auto is chosen."
            )
        self._show_device()

    def _show_model(self) -> None:
        info = self.session.model
        about = f"{info.purpose} Licence: {info.licence}." if info else "No model is installed."
        self.panel.about_model.setText(about.strip())
        self._look_soon.start()

    def _show_device(self) -> None:
        on_cpu = self.session.runs_on == "cpu"
        no_gpu = self.panel.device.itemText(1) == "cpu"
        reason = "No GPU was found: this runs on the CPU." if no_gpu else "This runs on the CPU."
        self.panel.about_device.setText(reason if on_cpu else "")
        self.panel.about_device.setVisible(on_cpu)
        self._look_soon.start()

    # ---- what can be done now

    def _look(self) -> None:
        """Say what is there, and enable what can work."""
        remove_orphans(self._viewer)
        now = self.session.situation()
        hole = None if now.mask is None else self.session.hole(now.mask)
        self._show_damage(now, hole)
        edges = self.session.edges(now.plane)
        self._enable(now, edges)
        if edges is not None and not self.is_busy:
            self._redraw.show_threshold(edges)
        self.panel.expected.setText("" if hole is None or now.missing else self._expected(hole))
        wanted = edges is not None and self.panel.show_probability.isChecked()
        show_probability(self._viewer, now.plane, ours.read_edges(edges).probability if wanted else None)
        if not self.is_busy:
            hint = CORRECT if edges else "Ready to hallucinate edges."
            missing = "" if self._takes_all_slices else now.missing
            if missing and missing != self._missing:  # news: what was said before is over
                self.session.say_nothing()
            self._missing = missing
            self.panel.status.setText(self.session.said or missing or hint)

    def _show_damage(self, now: Situation, hole: NDArray[np.bool_] | None) -> None:
        panel = self.panel
        panel.about_image.setText(_image_in_words(now.plane))
        panel.about_mask.setText(_damage_in_words(now.mask, "part" if self.session.has_parts else "image"))
        self.trust.enable(now)
        shown = panel.show_grown.isChecked() and hole is not None and hole.any()
        outline(self._viewer, now.plane, hole if shown else None)

    def _expected(self, hole: NDArray[np.bool_]) -> str:
        """With which model, under which licence, on what; and how long each stage will take, where that is known."""
        device, model = self.session.runs_on, self.session.model
        if model is None or not device:
            return ""
        about = f"{model.name} ({model.licence}) on {device}"
        try:
            expected = self.session.pace.expected(model, device, windows_px(hole, self.session.settings()))
        except ValueError:  # settings that contradict each other are refused when a run starts
            return f"{about}."
        if expected.measured:
            return f"{about}: {expected.in_words} a stage, as measured here."
        return f"{about}: {expected.in_words} a stage on two laptop cores." if device == "cpu" else f"{about}."

    def _enable(self, now: Situation, edges: object | None) -> None:
        panel = self.panel
        ready = not now.missing and not self.is_busy
        panel.new_mask.setEnabled(panel.image.layer is not None)
        panel.hallucinate.setEnabled(ready)
        whole = self._takes_all_slices
        panel.slices_row.setVisible(self._has_several)
        panel.stack.offer(self.session.whole_plane())
        panel.stack.setVisible(whole and self.session.has_slices)
        panel.name_slices(parts=self.session.has_parts, slices=self.session.has_slices)
        panel.complete.setEnabled((ready and edges is not None) or (whole and not self.is_busy))
        panel.inpaint.setEnabled(ready or (whole and not self.is_busy))
        panel.reset.setEnabled(edges is not None and not self.is_busy)
        panel.show_probability.setEnabled(edges is not None)
        for part in (panel.alternatives, panel.test, panel.how_sure, panel.measure, panel.exclude):
            part.setEnabled(ready)
        self.edge_buttons.enable(now.plane, edges)
        self.candidates.enable(now.plane)
        self.finding.enable(now.plane)

    # ---- what the buttons do

    def _add_mask(self) -> None:
        if self.panel.image.layer is not None:  # it may have been removed a moment ago
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
        plane = self.session.view()
        if plane is None:
            return
        axis = damage.stack_axis(self._viewer, plane)
        menu.addSeparator()
        self.finding.offer(menu, None if plane.layer.rgb else axis)
        if axis is None:
            return
        menu.addSeparator()
        for stack_tool in damage.STACK_TOOLS:
            action = menu.addAction(f"{stack_tool.title}, along {plane.word(axis)}")
            action.setToolTip(stack_tool.explanation)
            action.triggered.connect(partial(self._use_stack_tool, stack_tool, axis))

    def _use_tool(self, tool: damage.Tool, *_: object) -> None:
        plane = self.session.view()
        if plane is None:
            self._look()
            return
        try:
            layer, changed = damage.apply(self._viewer, plane, self.panel.mask.layer, tool)
        except ValueError as error:
            self.session.fail(error)
            return
        self.panel.mask.choose(layer)
        self.session.say(f"{tool.title}: {_pixels(changed)} changed." if changed else f"{tool.title}: none were found.")

    def _use_stack_tool(self, tool: damage.StackTool, axis: int, *_: object) -> None:
        plane = self.session.view()
        if plane is None or axis not in plane.across:
            self._look()
            return
        try:
            changed = damage.apply_to_stack(plane, self.panel.mask.layer, tool, axis)
        except ValueError as error:
            self.session.fail(error)
            return
        self.session.say(f"{tool.title}: {_pixels(changed)} changed in all slices together.")


def _devices() -> list[str]:
    from ..core.device import available_devices

    return available_devices()


def _image_in_words(plane: Plane | None) -> str:
    if plane is None:
        return ""
    height, width = plane.whole_shape
    kind = f"RGB, {plane.level.dtype}" if plane.layer.rgb else f"{plane.level.dtype}"
    slice_note = f"; displayed: {plane.where}" if plane.where else ""
    return f"{width} × {height} px, {kind}{slice_note}"


def _damage_in_words(mask: NDArray[np.bool_] | None, of_what: str) -> str:
    if mask is None:
        return ""
    count = int(np.count_nonzero(mask))
    per_cent = 100 * count / mask.size
    share = f"{per_cent:.0f}" if per_cent >= 10 else f"{per_cent:.2g}"
    return f"{_pixels(count)}, {share} % of the {of_what}"


def _pixels(count: int) -> str:
    return f"{count:_} px".replace("_", "\u2009")
