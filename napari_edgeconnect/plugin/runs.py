"""Runs: what the buttons start, beside the interface, and what comes back from it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QObject, Signal

from ..core.edges import EdgeMap
from ..core.holes import grown
from ..core.results import Step
from . import layers as ours
from .activity import Activity
from .geometry import Plane, read_plane
from .pace import windows_px
from .placing import place
from .session import Session
from .worker import Failure, Outcome, Request, Task, repair_steps


class Runs(QObject):
    """At most one run at a time, with its progress, its cancel button and its outcome.

    Parameters
    ----------
    session : Session
    parent : QObject
        A run is given up when it is destroyed.
    """

    #: A run has begun, or has ended.
    changed = Signal()
    #: An outcome was put into layers.
    placed = Signal(object)

    def __init__(self, session: Session, parent: QObject) -> None:
        super().__init__(parent)
        self._session = session
        self._panel = session.panel
        self._worker: Any = None
        self._request: Request | None = None
        self._activity: Activity | None = None

    def start(self, task: Task) -> None:
        """Read the layers in this thread, and hand copies of their arrays to another."""
        from napari.qt.threading import create_worker

        session = self._session
        now = session.situation()
        if now.missing or session.is_busy:
            self.changed.emit()
            return
        assert now.plane is not None
        assert now.mask is not None
        try:
            request = self._request_for(task, now.plane, now.mask)
        except ValueError as error:
            session.fail(error)
            return
        session.say_nothing()
        self._request = request
        self._worker = create_worker(repair_steps, request, session.models, _start_thread=False, _ignore_errors=True)
        self._worker.yielded.connect(self._show_step)
        self._worker.returned.connect(self._receive)
        self._worker.finished.connect(self._finish)
        self.destroyed.connect(self._worker.quit)
        self._show_busy(task.value)
        self._worker.start()

    def cancel(self) -> None:
        """Give the run up; it ends after the window that is being computed."""
        if self._worker is not None:
            self._request = None
            self._worker.quit()
            self._panel.status.setText("Cancelling: the window that is being computed will be the last.")

    def _request_for(self, task: Task, plane: Plane, mask: NDArray[np.bool_]) -> Request:
        session = self._session
        layer, model = session.edges(plane), session.model
        assert model is not None
        edges = before = None
        if task is Task.COMPLETE:
            edges = edges_for(layer, session.hole(mask))
        elif layer is not None:
            before = ours.read_edges(layer)
        return Request(
            task=task,
            plane=plane,
            image=read_plane(plane),
            mask=mask,
            settings=session.settings(),
            model=model.name,
            device=session.device,
            edges=edges,
            before=before,
        )

    def _show_busy(self, what: str) -> None:
        self._session.is_busy = True
        self._activity = Activity(what, self.cancel)
        self._panel.progress.setRange(0, 0)
        self._panel.progress.show()
        self._panel.cancel.show()
        self.changed.emit()
        self._panel.status.setText(f"{what}…")

    def _show_step(self, step: Step) -> None:
        if self._request is None:
            return
        self._panel.progress.setRange(0, step.total)
        self._panel.progress.setValue(step.done)
        self._panel.status.setText(step.what)
        self._activity.show_step(step)

    def _receive(self, outcome: Outcome | Failure) -> None:
        """Put an outcome into layers, unless nobody waits for it any more."""
        if outcome.request is not self._request:
            return
        if isinstance(outcome, Failure):
            self._session.fail(outcome.error)
            return
        self._note_pace(outcome)
        self._session.say(place(self._session.viewer, outcome))
        self.placed.emit(outcome)

    def _note_pace(self, outcome: Outcome) -> None:
        if outcome.repair is not None:
            request = outcome.request
            size = windows_px(grown(request.mask, request.settings.grow_px), request.settings)
            seconds = outcome.repair.record["seconds"]
            self._session.pace.note(request.model, self._session.runs_on, size, seconds)

    def _finish(self) -> None:
        cancelled = self._request is None
        self._worker = self._request = None
        self._session.is_busy = False
        self._activity.close()
        self._panel.progress.hide()
        self._panel.cancel.hide()
        if cancelled:
            self._session.say("Cancelled: nothing was changed.")
        self.changed.emit()


def edges_for(layer: Any, hole: NDArray[np.bool_]) -> EdgeMap:
    """The edges to complete from, if they were proposed for all of the hole.

    Raises
    ------
    ValueError
        Where there are none, or the damage has grown since.
    """
    if layer is None:
        raise ValueError("There are no edges yet: hallucinate them, or inpaint in one go.")
    edges = ours.read_edges(layer)
    if (hole & ~edges.hole).any():
        raise ValueError(
            "The damage has grown since its edges were hallucinated: hallucinate again; your edits are kept."
        )
    return edges
