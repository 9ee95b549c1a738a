"""Runs: what the buttons start, beside the interface, and what comes back from it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QObject, Signal

from ..core.edges import EdgeMap
from ..core.holes import grown
from ..core.results import Step
from . import layers as ours
from .activity import Activity
from .large import outgrown_edges
from .layer_plane import Plane, read_plane
from .pace import windows_px
from .placing import place
from .preferences import preferred
from .session import Session
from .whole_stack import whole_stack_steps
from .worker import Failure, Outcome, Request, Task, repair_steps, stack_steps


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
        #: False once nobody waits for the run any more.
        self._wanted = False
        self._placed = 0
        self._activity: Activity | None = None

    def start(self, task: Task, **asked: Any) -> None:
        """Read the layers in this thread, and hand copies of their arrays to another.

        Parameters
        ----------
        task : Task
        **asked
            What else the task needs to know: fields of ``Request``.
        """
        session = self._session
        now = session.situation()
        if now.missing or session.is_busy:
            self.changed.emit()
            return
        assert now.plane is not None
        assert now.mask is not None
        try:
            request = replace(self._request_for(task, now.plane, now.mask), **asked)
        except ValueError as error:
            session.fail(error)
            return
        if request.plane.box is None:
            request = _with_pixels(request)
        self._begin(task.value, repair_steps, request, session.models)

    def start_stack(self, task: Task) -> None:
        """Complete every slice that has damage: from its edges where it has some, from hallucinated ones elsewhere.

        The planes of a stack are read one after the other, by the thread that repairs them.
        """
        session = self._session
        damaged = iter(()) if session.is_busy else session.damaged_planes()
        try:
            requests = [self._request_in_stack(task, plane, mask) for plane, mask in damaged]
        except ValueError as error:
            session.fail(error)
            return
        if not requests:
            self.changed.emit()
            return
        what, shared = f"{task.value} {len(requests)} {session.pieces(len(requests))}", session.shared
        if shared.is_nothing:
            slices = [partial(_with_pixels, request) for request in requests]
            self._begin(what, stack_steps, slices, session.models)
        else:
            self._begin(what, whole_stack_steps, requests, shared, session.models)

    def _begin(self, what: str, steps: Callable[..., Any], *arguments: Any) -> None:
        from napari.qt.threading import create_worker

        self._session.say_nothing()
        self._wanted, self._placed = True, 0
        self._worker = create_worker(steps, *arguments, _start_thread=False, _ignore_errors=True)
        self._worker.yielded.connect(self._follow)
        self._worker.returned.connect(self._receive)
        self._worker.finished.connect(self._finish)
        self.destroyed.connect(self._worker.quit)
        self._show_busy(what)
        self._worker.start()

    def cancel(self) -> None:
        """Give the run up; it ends after the window that is being computed."""
        if self._worker is not None:
            self._wanted = False
            self._worker.quit()
            self._panel.status.setText("Cancelling: the window that is being computed will be the last.")

    def _request_for(self, task: Task, plane: Plane, mask: NDArray[np.bool_]) -> Request:
        """All but the pixels."""
        session = self._session
        layer, model = session.edges(plane), session.model
        assert model is not None
        edges = before = None
        settings = session.settings_of(plane)
        if task is Task.COMPLETE:
            edges = edges_for(layer, session.hole(mask))
        elif layer is not None:
            before = ours.read_edges(layer)
        elif plane.box is not None:
            outgrown = outgrown_edges(session.viewer.layers, plane, session.hole(mask))
            before = outgrown[0][1] if outgrown else None
        takes_contrast = plane.box is not None and settings.contrast is None
        return Request(
            task=task,
            plane=plane,
            image=None,
            mask=mask,
            settings=settings,
            contrast=session.large.contrast(plane, session.panel.mask.layer, settings) if takes_contrast else None,
            model=model.name,
            device=session.device,
            edges=edges,
            before=before,
            level=preferred().level,
            known=session.repairs,
        )

    def _request_in_stack(self, task: Task, plane: Plane, mask: NDArray[np.bool_]) -> Request:
        has_edges = self._session.edges(plane) is not None
        return replace(self._request_for(task if has_edges else Task.INPAINT, plane, mask), of_stack=True)

    def _show_busy(self, what: str) -> None:
        self._session.is_busy = True
        self._activity = Activity(what, self.cancel)
        self._panel.progress.setRange(0, 0)
        self._panel.progress.show()
        self._panel.cancel.show()
        self.changed.emit()
        self._panel.status.setText(f"{what}…")

    def _follow(self, news: Step | Outcome) -> None:
        if not self._wanted:
            return
        if isinstance(news, Outcome):
            self._place(news)
            return
        self._panel.progress.setRange(0, news.total)
        self._panel.progress.setValue(news.done)
        self._panel.status.setText(news.what)
        self._activity.show_step(news)

    def _receive(self, end: Outcome | Failure | int) -> None:
        """What a run returned, unless nobody waits for it any more."""
        if not self._wanted:
            return
        if isinstance(end, Failure):
            self._session.fail(end.error)
        elif isinstance(end, Outcome):
            self._place(end)
        else:
            self._session.say(f"Completed {end} {self._session.pieces(end)}.")

    def _place(self, outcome: Outcome) -> None:
        self._note_pace(outcome)
        self._session.repairs = outcome.repairs or self._session.repairs
        self._session.say(place(self._session.viewer, outcome))
        self._placed += 1
        self.placed.emit(outcome)

    def _note_pace(self, outcome: Outcome) -> None:
        if outcome.repair is not None:
            request = outcome.request
            size = windows_px(grown(request.mask, request.settings.grow_px), request.settings)
            seconds = outcome.repair.record["seconds"]
            self._session.pace.note(request.model, self._session.runs_on, size, seconds)

    def _finish(self) -> None:
        cancelled, self._wanted = not self._wanted, False
        self._worker = None
        self._session.is_busy = False
        self._activity.close()
        self._panel.progress.hide()
        self._panel.cancel.hide()
        if cancelled:
            pieces = self._session.pieces(self._placed)
            kept = f"the {self._placed} {pieces} that were finished are kept" if self._placed else "nothing was changed"
            self._session.say(f"Cancelled: {kept}.")
        self.changed.emit()


def _with_pixels(request: Request) -> Request:
    return replace(request, image=read_plane(request.plane))


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
