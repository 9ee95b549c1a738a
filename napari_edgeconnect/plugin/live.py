"""Live: the completed picture follows the edges, stroke by stroke, while the panel's box is checked.

Stage 2 alone runs, beside the interface, in the windows that a stroke has
changed (``core.live``), and each of them goes into the layer of the completed
image as soon as it is there. Apart from ``runs`` because nobody presses a
button: the newest edges win, and whatever else happens to the layers ends it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np
from napari.layers import Image
from qtpy.QtCore import QObject, Qt, QTimer, Signal
from qtpy.QtWidgets import QApplication

from ..core.live import Patch
from ..core.record import origin
from ..core.results import Repair
from ..core.settings import Settings
from . import layers as ours
from .altered import overlay_of, show_altered
from .layer_combo import LayerWatch
from .layer_plane import Plane
from .live_subject import LOADING, Subject, Update, live_steps
from .placing import add_under_edges
from .session import Session
from .worker import Failure

#: A change is followed this long after the last one: strokes of one gesture are one change.
SETTLE_MS = 80
#: The picture is drawn anew at most this often, however fast windows are completed.
DRAW_MS = 40

FOLLOWS = "The picture follows the edges."


class Live(QObject):
    """Keeps the completed image of the displayed plane up to date with its edges.

    A change during an update ends it after the window that is being computed,
    and the newest edges are followed. While a mouse button is down nothing is
    read: a stroke is one change, and a window that was begun for half of it
    would only delay the whole.

    The record in the completed layer's metadata is always that of its pixels:
    from an update's first patch until its end it is the earlier record with
    ``"unfinished": True``. An update that is given up leaves it so.

    The layer's pixels are written in place: whoever keeps them makes a copy.

    Parameters
    ----------
    session : Session
    parent : QObject
        An update is given up when it is destroyed.
    """

    #: The completed layer follows its edges to the end, and its record says so.
    followed = Signal()

    def __init__(self, session: Session, parent: QObject) -> None:
        super().__init__(parent)
        self._session = session
        self._panel = session.panel
        self._subject: Subject | None = None
        #: What the running update is for, and whether anybody still waits for it.
        self._update: Update | None = None
        self._wanted = False
        #: Newer edges are to be followed when the running update has ended.
        self._due = False
        self._is_writing = False
        self._is_unseen = False
        self._soon = self._timer(SETTLE_MS, self._follow)
        self._draw_soon = self._timer(DRAW_MS, self._draw_unseen)
        #: The worker of the running update, if there is one, where a signal without a receiver finds it.
        self._workers: list[Any] = []
        self.destroyed.connect(partial(_quit, self._workers))
        self._watch = LayerWatch(session.viewer, self.follow, self.follow)
        session.large.on_move.append(self.follow)
        panel = self._panel
        for box in (panel.live, panel.noise):
            box.toggled.connect(self.follow)
        for combo in (panel.image, panel.mask, panel.model, panel.device, panel.precision):
            combo.currentIndexChanged.connect(self.follow)
        for number in (panel.grow, panel.margin, panel.sigma, panel.threshold):
            number.valueChanged.connect(self.follow)
        self.follow()

    @property
    def is_idle(self) -> bool:
        """True while no update is running or due."""
        return not (self._workers or self._soon.isActive() or self._draw_soon.isActive())

    def follow(self) -> None:
        """Follow the edges as they stand when changes have settled; give up at once where nothing is to be followed.

        To be called when a run begins or ends, too.
        """
        if self._is_writing:
            return
        if not self._panel.live.isChecked():
            self.stop()
        elif self._session.is_busy:
            self._give_up()
        else:
            self._soon.start()

    def stop(self) -> None:
        """Give the running update up, and forget what was kept for the next one."""
        self._give_up()
        self._subject = None

    def _timer(self, interval_ms: int, then: Any) -> QTimer:
        timer = QTimer(self)
        timer.setSingleShot(True)
        timer.setInterval(interval_ms)
        timer.timeout.connect(then)
        return timer

    def _give_up(self) -> None:
        self._soon.stop()
        self._wanted = self._due = False
        _quit(self._workers)

    # ---- what is to be followed

    def _follow(self) -> None:
        """Begin the update that is wanted, if any; while another one runs, end that first."""
        if self._is_drawing():
            self._soon.start()
            return
        wanted = self._look()
        if wanted is None:
            self.stop()
        elif self._update is None:
            if self._subject is None or not self._subject.is_up_to_date(wanted):
                self._begin(wanted)
        elif not (self._wanted and self._update.is_like(wanted)):
            self._give_up()
            self._due = True

    def _is_drawing(self) -> bool:
        """True while a mouse button is down, for anything but the threshold: each of its steps is one change.

        What a half-drawn stroke has made can't be told from an undo (``EdgeSteps``).
        """
        is_down = QApplication.mouseButtons() != Qt.MouseButton.NoButton
        return is_down and not self._panel.threshold.isSliderDown()

    def _look(self) -> Update | None:
        """What an update would now be for."""
        session = self._session
        if not self._panel.live.isChecked() or session.is_busy:
            return None
        now = session.situation()
        layer = session.edges(now.plane)
        if now.missing or layer is None:
            return None
        assert now.plane is not None
        assert now.mask is not None
        assert session.model is not None
        try:
            settings, edges = session.settings_of(now.plane), ours.read_edges(layer)
        except ValueError as error:
            session.say(str(error))
            return None
        return Update(now.plane, now.mask, settings, session.model.name, session.device, edges)

    # ---- an update

    def _begin(self, update: Update) -> None:
        from napari.qt.threading import create_worker

        if self._subject is None or not self._subject.update.has_subject_of(update):
            self._subject = Subject.of(update, self._session.completed(update.plane))
        self._subject.update, self._subject.is_followed = update, False
        self._update, self._wanted = update, True
        worker = create_worker(
            live_steps, self._subject, update.edges, self._session.models, _start_thread=False, _ignore_errors=True
        )
        self._workers.append(worker)
        worker.yielded.connect(self._take)
        worker.returned.connect(self._end)
        worker.finished.connect(self._finish)
        worker.start()

    def _take(self, news: str | Patch) -> None:
        if isinstance(news, str):
            self._panel.status.setText(news)
            return
        subject = self._subject
        if subject is None:
            return  # stopped
        # Even when newer edges are wanted already: the next update builds on this patch.
        news.put_into(subject.shown)
        subject.details = None
        self._is_unseen = True
        if not self._draw_soon.isActive():
            self._draw_unseen()
            self._draw_soon.start()

    def _end(self, end: Repair | Failure | str) -> None:
        """What an update returned, unless nobody waits for it any more."""
        subject = self._subject
        if not self._wanted or subject is None:
            return
        if isinstance(end, Failure):
            self._panel.live.setChecked(False)
            self._session.fail(end.error)
            return
        subject.is_followed = True
        if isinstance(end, str):
            self._session.say(end)
            return
        if not subject.is_whole:
            np.copyto(subject.shown, end.image)
            subject.is_whole = self._is_unseen = True
            self._session.say(" ".join([FOLLOWS, *end.record["notes"]]))
        record = _with_edges_from(end.record, subject.update.settings)
        subject.details = {"record": record, "edges": end.edges, "altered": end.altered}
        self._draw()
        self.followed.emit()

    def _finish(self) -> None:
        self._workers.clear()
        self._update = None
        if self._panel.status.text() == LOADING:
            self._panel.status.setText(self._session.said)
        if self._due:
            self._due = False
            self._follow()

    # ---- the layer

    def _draw_unseen(self) -> None:
        if self._is_unseen:
            self._draw()

    def _draw(self) -> None:
        """Show the picture and its record in the plane's layer, which is made where there is none."""
        subject = self._subject
        if subject is None:
            return
        plane = subject.update.plane
        if plane.layer not in self._session.viewer.layers or not plane.is_current:
            return
        layer = self._session.completed(plane)
        if layer is None and self._is_drawing():  # a new layer would break into the stroke
            self._is_unseen = True
            self._draw_soon.start()
            return
        if not self._wanted and (layer is None or not subject.is_shown_by(layer)):
            return  # a run begins, or its outcome is there already
        with self._writing():
            if layer is None:
                layer = self._add(subject)
            else:
                self._refresh(layer, subject)
            _note(layer, plane, subject.details)
            self._outline(layer, subject)
        self._is_unseen = False

    def _outline(self, layer: Image, subject: Subject) -> None:
        """What is altered follows from the mask alone, so once the outline is there it waits for the end."""
        viewer, plane = self._session.viewer, subject.update.plane
        if subject.details is not None:
            show_altered(viewer, layer, plane, subject.details["altered"])
        elif subject.hole is not None and overlay_of(viewer.layers, layer) is None:
            show_altered(viewer, layer, plane, subject.hole)

    def _refresh(self, layer: Image, subject: Subject) -> None:
        """Redraw what has to be: napari has no cheaper way to a part of an image than all of its texture."""
        is_whole_stack = ours.holds_every_slice(layer)
        if is_whole_stack:
            ours.put_pixels(layer, subject.update.plane, subject.shown, subject.update.edges.hole)
        elif not subject.is_shown_by(layer):
            layer.data = subject.update.plane.raised(subject.shown)
            subject.array = layer.data
            return
        pixels = self._is_unseen or is_whole_stack
        layer.refresh(thumbnail=subject.details is not None, data_displayed=pixels, highlight=False, extent=False)

    def _add(self, subject: Subject) -> Image:
        """A layer for the completed image, under its edges; what is active stays so."""
        plane = subject.update.plane
        if plane.box is not None:
            layer: Image = add_under_edges(self._session.viewer, plane, ours.completed_stack_tuple(plane))
            self._refresh(layer, subject)
            return layer
        layer = add_under_edges(self._session.viewer, plane, ours.completed_tuple(plane, subject.shown, details={}))
        subject.array = layer.data
        return layer

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """What is done to layers here is no change to be followed."""
        self._is_writing = True
        try:
            yield
        finally:
            self._is_writing = False


def _quit(workers: list[Any]) -> None:
    for worker in workers:
        worker.quit()


def _with_edges_from(record: dict[str, Any], settings: Settings) -> dict[str, Any]:
    """The record of a live completion that has outlived a change of what only finds edges."""
    found_by = {"sigma": settings.sigma, "threshold": settings.threshold}
    return {**record, "settings": {**record["settings"], **found_by}}


def _note(layer: Image, plane: Plane, details: dict[str, Any] | None) -> None:
    """Write what is known about a plane into its layer; None says of the present record that the picture moved on."""
    if details is None:
        before = ours.details_of(layer, plane)
        details = {**before, "record": {**(before.get("record") or origin("unfinished")), "unfinished": True}}
    ours.note_details(layer, plane, details)
