"""Step 5: completed images kept as small pictures, chosen, compared, sent to layers; other fills to choose from."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from qtpy.QtCore import QObject, QSignalBlocker, Qt
from qtpy.QtGui import QIcon
from qtpy.QtWidgets import QListWidgetItem

from .candidates import Candidate, Candidates, thumbnail
from .layer_plane import Plane
from .parts import THUMBNAIL_PX, pixmap
from .session import Session
from .worker import Outcome


class CandidateList(QObject):
    """Joins the panel's list of candidates to the viewer's layers.

    Parameters
    ----------
    session : Session
    look : callable
        Called when layers may have changed, for the panel to be brought up to date.
    """

    def __init__(self, session: Session, look: Callable[[], None]) -> None:
        panel = session.panel
        super().__init__(panel)
        self._session, self._panel, self._look = session, panel, look
        self.kept = Candidates(session.viewer)
        self._shown: list[Candidate] = []
        panel.keep.clicked.connect(self._keep)
        panel.delete.clicked.connect(partial(self._do, self.kept.delete))
        panel.send.clicked.connect(partial(self._do, self.kept.send))
        panel.compare.toggled.connect(self._compare)
        panel.candidates.currentItemChanged.connect(self._show)
        panel.candidates.itemClicked.connect(self._show_again)

    @property
    def chosen(self) -> Candidate | None:
        """The candidate that is chosen in the list."""
        item = self._panel.candidates.currentItem()
        return None if item is None else item.data(Qt.ItemDataRole.UserRole)

    def enable(self, plane: Plane | None) -> None:
        """List the plane's candidates, and enable what can work now."""
        panel, busy = self._panel, self._session.is_busy
        self._list(plane)
        chosen = self.chosen is not None and not busy
        panel.keep.setEnabled(self._session.completed(plane) is not None and not busy)
        for part in (panel.send, panel.delete):
            part.setEnabled(chosen)
        panel.compare.setEnabled(chosen or panel.compare.isChecked())

    def take(self, outcome: Outcome) -> None:
        """Keep the other fills that a run has made."""
        plane = outcome.request.plane
        for alternative in outcome.alternatives if plane.is_current else ():
            self.kept.add(plane, alternative.repair, alternative.title)

    def before(self, held: bool) -> None:
        """While a key is held, show the image as it was."""
        if plane := self._session.plane():
            self.kept.before(held, plane)

    # ---- what the buttons do

    def _keep(self) -> None:
        plane = self._session.plane()
        if plane is None:
            return
        try:
            kept = self.kept.keep(plane)
        except ValueError as error:
            self._session.fail(error)
            return
        self._list(plane, choose=kept)
        self._session.say(f"Kept as candidate {kept.number}.")
        self._look()

    def _do(self, what: Callable[[Candidate], Any], *_: object) -> None:
        chosen = self.chosen
        if chosen is None:
            return
        try:
            what(chosen)
        except ValueError as error:
            self._session.fail(error)
        self._look()

    def _show(self, item: QListWidgetItem | None, *_: object) -> None:
        if item is not None and not self._session.is_busy:
            self._do(self._show_with_settings)

    def _show_again(self, item: QListWidgetItem) -> None:
        """A click on the candidate that is chosen already: edges or picture may have changed since."""
        if not self.kept.is_shown(item.data(Qt.ItemDataRole.UserRole)):
            self._show(item)

    def _show_with_settings(self, candidate: Candidate) -> None:
        self.kept.show(candidate)
        self._session.adopt(candidate.record)
        self._session.say(f"Candidate {candidate.number}: {candidate.title}.")

    def _compare(self, on: bool) -> None:
        if on:
            self._do(self.kept.compare)
        else:
            self.kept.stop_comparing()
            self._look()

    # ---- the list

    def _list(self, plane: Plane | None, *, choose: Candidate | None = None) -> None:
        """Show this plane's candidates; what was chosen stays so."""
        pictures = self._panel.candidates
        candidates = [] if plane is None else self.kept.of(plane)
        wanted = choose or self.chosen
        if candidates != self._shown:
            with QSignalBlocker(pictures):
                pictures.clear()
                for candidate in candidates:
                    pictures.addItem(_item(candidate))
            self._shown = candidates
        with QSignalBlocker(pictures):
            pictures.setCurrentRow(candidates.index(wanted) if wanted in candidates else -1)
        pictures.setVisible(bool(candidates))


def _item(candidate: Candidate) -> QListWidgetItem:
    item = QListWidgetItem(str(candidate.number))
    item.setToolTip(candidate.title)
    item.setData(Qt.ItemDataRole.UserRole, candidate)
    try:
        picture = thumbnail(candidate.plane, candidate.image(), candidate.altered, THUMBNAIL_PX)
    except ValueError:  # the image was replaced: it can still be deleted
        return item
    icon = QIcon(pixmap(picture))
    icon.addPixmap(pixmap(picture), QIcon.Mode.Selected)  # its own colours when it is chosen, too
    item.setIcon(icon)
    return item
