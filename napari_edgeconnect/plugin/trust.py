"""The panel's part about trust: what speaks against a repair, how wrong and how sure it is, and how it is reported.

Joins these to the panel and to each other, so that what one of them finds out is in every record.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

from qtpy.QtCore import QObject
from qtpy.QtWidgets import QFileDialog

from ..core.record import digests_of_input
from .found_out import FoundOut
from .how_sure import under_mouse
from .layer_plane import read_plane
from .measuring import Measuring
from .reasons import Reasons
from .report import MethodsDialog, shown_repair, write_figure
from .selftest_dock import SelfTestDock
from .session import Session, Situation
from .worker import Outcome, Task


class Start(Protocol):
    """Starts a run, as a button does."""

    def __call__(self, task: Task, **asked: Any) -> None: ...


class Trust(QObject):
    """One viewer's self-tests, uncertainties, measurements, reasons and reports.

    Parameters
    ----------
    session : Session
    start : callable
        Called with a task, when advice is to be followed.
    """

    def __init__(self, session: Session, start: Start) -> None:
        super().__init__(session.panel)
        self._session, self._panel, self._start = session, session.panel, start
        self.reasons = Reasons(session)
        self.dock = SelfTestDock(session.viewer, self.follow_advice)
        self.measuring = Measuring(session, start)
        self.methods: MethodsDialog | None = None
        self._found = FoundOut()
        self._says_hover = False
        self._panel.methods.triggered.connect(self.show_methods)
        self._panel.figure.triggered.connect(self._ask_for_figure)
        session.viewer.mouse_move_callbacks.append(self._hover)

    def enable(self, now: Situation) -> None:
        """Say what speaks against a repair of what is there now, and enable what can be reported."""
        self.reasons.follow(now)
        self.complete_records()  # of candidates, too, that were kept before something was found out
        has_repair = shown_repair(self._session.viewer, now.plane) is not None
        for part in (self._panel.methods, self._panel.figure):
            part.setEnabled(has_repair)
        self._panel.report.setEnabled(has_repair or not now.missing)

    def take(self, outcome: Outcome) -> None:
        """Remember what a run has found out, and show it where it has a place of its own."""
        if outcome.test is not None:
            self._found.take_test(outcome.test.record)
            self.dock.show(outcome.test, outcome.sheet, outcome.request.plane.layer.name)
        self.measuring.take(outcome)
        if outcome.how_sure is not None:
            self._found.take_uncertainty(outcome.how_sure.record)
        self.complete_records()

    def complete_records(self) -> None:
        """Write what is known about an image and its mask into the records of its repairs."""
        self._found.write_into(self._session.viewer.layers)

    def release(self, *_: object) -> None:
        """Follow the mouse no more."""
        callbacks = self._session.viewer.mouse_move_callbacks
        if self._hover in callbacks:
            callbacks.remove(self._hover)

    # ---- the self-test's advice

    def follow_advice(self, method: str) -> None:
        """Repair by the method that the last self-test advises, if it was one of what is on display."""
        from ..evaluation.names import HALLUCINATED

        now = self._session.situation()
        if now.plane is None or now.mask is None or not self._is_tested(now):
            self._session.say("The self-test is of another image, slice or mask than are displayed: test again.")
            return
        if method == HALLUCINATED:
            self._start(Task.INPAINT)
        else:
            self._start(Task.BY_METHOD, method=method)

    def _is_tested(self, now: Situation) -> bool:
        assert now.plane is not None
        assert now.mask is not None
        tested = self.dock.pixels
        return tested is not None and digests_of_input(read_plane(now.plane), now.mask) == tested

    # ---- reports

    def show_methods(self, *_: object) -> None:
        """Open the paragraph about the repair on display."""
        repair = shown_repair(self._session.viewer, self._session.plane())
        if repair is None:
            self._session.say("There is no repair to report yet: complete first.")
            return
        if self.methods is not None:
            self.methods.close()
        self.methods = MethodsDialog(repair, self._panel)
        self.methods.show()

    def _ask_for_figure(self, *_: object) -> None:
        name = f"{self._session.image.name if self._session.image else 'image'} reconstructed.png"
        path, _kind = QFileDialog.getSaveFileName(self._panel, "Export figure", name, "PNG (*.png)")
        if path:
            self.export_figure(Path(path))

    def export_figure(self, path: Path) -> None:
        """Write a figure of the repair on display."""
        repair = shown_repair(self._session.viewer, self._session.plane())
        if repair is None:
            self._session.say("There is no repair to show yet: complete first.")
            return
        path = path if path.suffix.lower() == ".png" else path.with_name(f"{path.name}.png")
        try:
            write_figure(repair, path)
        except (OSError, ValueError) as error:
            self._session.fail(error)
            return
        self._session.say(f"{path.name} was written: “{repair.layer.name}”, outlined and with its caption.")

    # ---- the uncertainty under the mouse

    def _hover(self, viewer: Any, event: Any) -> None:
        if self._session.is_busy:
            return
        here = under_mouse(viewer, self._session.plane(), event.position)
        if here:
            self._panel.status.setText(here)
        elif self._says_hover:
            self._panel.status.setText(self._session.said)
        self._says_hover = bool(here)
