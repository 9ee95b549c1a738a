"""What speaks against trusting a repair, told while the damage is still being painted.

Found beside the interface: the reasons look for edges around the damage. The newest image and mask win.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QObject, QTimer

from ..core import masking
from ..core.refusals import Reason, reasons_against
from ..core.settings import Settings
from .layer_plane import Plane, read_plane
from .session import Session, Situation
from .worker import Failure

if TYPE_CHECKING:
    from ..core.edgeconnect import EdgeConnect
    from ..core.models import ModelInfo

#: A mask that is being painted is looked at this long after its last stroke.
SETTLE_MS = 300


def reasons_for(
    image: NDArray[Any], mask: NDArray[np.bool_], settings: Settings, model: EdgeConnect | ModelInfo | None
) -> list[Reason]:
    """Every reason that is known of; the one place to add to them, for the widget and for records alike.

    A classical method has no model to which an image could be unfamiliar.
    """
    return [*reasons_against(image, mask, settings, model=model)]


def with_reasons(record: Mapping[str, Any], reasons: Sequence[Reason]) -> dict[str, Any]:
    """A repair's record with what spoke against it: nothing is something to be recorded, too."""
    return {**record, "reasons_against": {reason.name: reason.sentence for reason in reasons}}


@dataclass(frozen=True, eq=False)
class _Asked:
    """What reasons follow from."""

    plane: Plane
    mask: NDArray[np.bool_]
    settings: Settings
    model: ModelInfo | None

    def is_like(self, other: _Asked | None) -> bool:
        return (
            other is not None
            and self.plane.source is other.plane.source
            and (self.plane.axes, self.plane.index, self.plane.box)
            == (other.plane.axes, other.plane.index, other.plane.box)
            and (self.settings, self.model) == (other.settings, other.model)
            and np.array_equal(self.mask, other.mask)
        )


class Reasons(QObject):
    """Keeps the panel's warning up to date with the displayed image and its mask.

    Parameters
    ----------
    session : Session
    """

    def __init__(self, session: Session) -> None:
        super().__init__(session.panel)
        self._session, self._panel = session, session.panel
        self._wanted: _Asked | None = None
        self._running: _Asked | None = None
        self._known: tuple[_Asked, list[str]] | None = None
        self._workers: list[Any] = []
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(SETTLE_MS)
        self._soon.timeout.connect(self._find)

    @property
    def is_idle(self) -> bool:
        """True while no reason is being looked for."""
        return not (self._workers or self._soon.isActive())

    def follow(self, now: Situation) -> None:
        """Show what is known of the present image and mask, and look for the rest soon."""
        self._wanted = self._asked(now)
        if self._wanted is None:
            self._soon.stop()
            self._show([])
        elif self._known is not None and self._wanted.is_like(self._known[0]):
            self._soon.stop()
            self._show(self._known[1])
        else:  # what the mask says alone is there at once
            self._show([*masking.about(self._session.hole(self._wanted.mask)).warnings])
            if not self._wanted.is_like(self._running):
                self._soon.start()

    def _asked(self, now: Situation) -> _Asked | None:
        if now.plane is None or now.mask is None or not now.mask.any():
            return None
        try:
            return _Asked(now.plane, now.mask, self._session.settings(), self._session.model)
        except ValueError:  # settings that contradict each other are refused when a run starts
            return None

    def _find(self) -> None:
        if self._workers or self._wanted is None:
            return  # the end of the running search begins the next one
        from napari.qt.threading import create_worker

        self._running = self._wanted
        worker = create_worker(_found, self._running, _start_thread=False, _ignore_errors=True)
        self._workers.append(worker)
        worker.returned.connect(self._take)
        worker.finished.connect(self._finish)
        worker.start()

    def _take(self, found: list[str] | Failure) -> None:
        assert self._running is not None
        # A refusal is said by the run that meets it: here nobody has asked for anything.
        self._known = self._running, [] if isinstance(found, Failure) else found
        if self._running.is_like(self._wanted):
            self._show(self._known[1])

    def _finish(self) -> None:
        self._workers.clear()
        last, self._running = self._running, None
        if self._wanted is not None and not self._wanted.is_like(last):
            self._soon.start()

    def _show(self, sentences: list[str]) -> None:
        """One line; the tooltip has all of them."""
        line = self._panel.warning
        more = f" (and {len(sentences) - 1} more)" if len(sentences) > 1 else ""
        line.setText(f"⚠ {sentences[0]}{more}" if sentences else "")
        line.setToolTip("\n".join(sentences))
        line.setVisible(bool(sentences))


def _found(asked: _Asked) -> list[str] | Failure:
    """Look for reasons; an error is returned, not raised: see ``worker.repair_steps``."""
    try:
        reasons = reasons_for(read_plane(asked.plane), asked.mask, asked.settings, asked.model)
        return [reason.sentence for reason in reasons]
    except Exception as error:  # noqa: BLE001 - there is no button that it could be the answer to
        return Failure(None, error)
