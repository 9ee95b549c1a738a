"""Mark as missing: the other thing to do with damage than to fill it.

Images of floats get NaN at once. Whole numbers know no such value, so a person is asked for one, and told what it
would be confused with.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QObject
from qtpy.QtWidgets import QDialog, QDialogButtonBox, QLabel, QLineEdit, QVBoxLayout, QWidget

from ..core.exclusion import exclusion_notes, held_by, unused_value, value_in
from ..core.planes import nonfinite
from .layer_plane import read_plane
from .parts import form
from .session import Session
from .worker import Task

if TYPE_CHECKING:
    from .trust import Start


class Excluding(QObject):
    """Joins the panel's button to a run that fills nothing in.

    Parameters
    ----------
    session : Session
    start : callable
        Starts a run.
    """

    def __init__(self, session: Session, start: Start) -> None:
        super().__init__(session.panel)
        self._session, self._start = session, start
        self.dialog: ValueDialog | None = None
        session.panel.exclude.clicked.connect(self.ask)

    def ask(self, *_: object) -> None:
        """Mark the damage of the displayed plane, in an image of whole numbers after asking for a value."""
        now = self._session.situation()
        if now.plane is None or now.mask is None or now.missing or self._session.is_busy:
            return
        if now.plane.level.dtype.kind == "f":
            self._start(Task.EXCLUDE)
            return
        if self.dialog is not None:
            self.dialog.close()
        self.dialog = ValueDialog(read_plane(now.plane), self._session.hole(now.mask), self._session.panel)
        self.dialog.accepted.connect(self._mark)
        self.dialog.open()

    def _mark(self) -> None:
        assert self.dialog is not None
        self._start(Task.EXCLUDE, value=self.dialog.value)


class ValueDialog(QDialog):
    """Asks for the value that marks the damage; one that no known pixel has is offered where there is any.

    Parameters
    ----------
    image : (H, W) or (H, W, channels) array of whole numbers or bool
    hole : (H, W) bool
        As it will be marked.
    parent : QWidget
    """

    def __init__(self, image: NDArray[Any], hole: NDArray[np.bool_], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._image, self._hole = image, hole | nonfinite(image)
        self.setWindowTitle("Mark as missing")
        self.setMinimumWidth(400)
        free = unused_value(image, self._hole)
        self.text = QLineEdit(f"{0 if free is None else free}")
        self.note = QLabel()
        self.note.setWordWrap(True)
        about = QLabel(
            f"Nothing is filled in: all {np.count_nonzero(self._hole)} px of the damage get one value, in a new layer. "
            f"An image of {image.dtype} knows no NaN, so choose a value that nothing measured has."
        )
        about.setWordWrap(True)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        self.mark = buttons.addButton("Mark as missing", QDialogButtonBox.ButtonRole.AcceptRole)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        column.setSpacing(6)
        column.addWidget(about)
        column.addLayout(form(("Value", self.text)))
        column.addWidget(self.note)
        column.addStretch()
        column.addWidget(buttons)
        self.note.setMinimumHeight(3 * self.note.fontMetrics().lineSpacing())
        self.text.textChanged.connect(self._judge)
        self._judge()

    @property
    def value(self) -> float:
        """What was asked for."""
        return value_in(self.text.text())

    def _judge(self, *_: object) -> None:
        """Say why a value can't be had, or what has it already."""
        try:
            held = held_by(self._image.dtype, self.value)
        except ValueError as error:
            self.mark.setEnabled(False)
            self.note.setText(f"⚠ {error}")
            return
        self.mark.setEnabled(True)
        notes = exclusion_notes(self._image, self._hole, held)
        self.note.setText(f"⚠ {' '.join(notes)}" if notes else "No known pixel has this value.")
