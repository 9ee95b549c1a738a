"""Find damage: a preview that a person tunes, corrects with the brush, and takes over or throws away.

Finders run beside the interface, the newest wish wins. What each of them takes
for damage is said in ``core.find``.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QObject, QTimer
from qtpy.QtWidgets import QMenu

from ..core.find import FINDERS, Finder, find_damage
from . import damage
from . import layers as ours
from .layer_plane import Plane, read_along, read_plane
from .placing import show_found
from .session import Session
from .worker import Failure

#: A slider that moves is followed this long after it came to rest.
SETTLE_MS = 200
#: Of a longer stack so many frames, spread evenly, say where dust is.
MOST_FRAMES = 64
#: The others are exact, and go into the mask at once.
GRADED = tuple(finder for finder in FINDERS.values() if finder.graded)


class Finding(QObject):
    """Joins the Find menu and the panel's row for a preview to the layers.

    Parameters
    ----------
    session : Session
    look : callable
        Called when layers have changed, for the panel to be brought up to date.
    """

    def __init__(self, session: Session, look: Callable[[], None]) -> None:
        super().__init__(session.panel)
        self._session, self._panel, self._look = session, session.panel, look
        self._finder: Finder | None = None
        self._plane: Plane | None = None
        self._axis: int | None = None
        self._workers: list[Any] = []
        #: What the running worker looks for, and where.
        self._asked: Any = None
        self._due = False
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(SETTLE_MS)
        self._soon.timeout.connect(self._find)
        self._panel.sensitivity.valueChanged.connect(self._soon.start)
        self._panel.take_found.clicked.connect(self._take)
        self._panel.discard_found.clicked.connect(self.discard)

    @property
    def is_idle(self) -> bool:
        """True while nothing is being looked for."""
        return not (self._workers or self._soon.isActive())

    def offer(self, menu: QMenu, axis: int | None) -> None:
        """Add what can be looked for to a menu; ``axis`` is the stack's, where the image is one."""
        for finder in GRADED:
            if finder.of_stack and axis is None:
                continue
            action = menu.addAction(f"Find {finder.title}…")
            action.setToolTip(finder.explanation)
            action.triggered.connect(partial(self.begin, finder, axis))

    def begin(self, finder: Finder, axis: int | None, *_: object) -> None:
        """Look for one kind of damage in the displayed plane, and show it as a preview."""
        self.discard()
        self._finder, self._plane, self._axis = finder, self._session.view(), axis
        self._find()

    def enable(self, plane: Plane | None) -> None:
        """Show the row while there is a preview of the displayed plane."""
        self._panel.found_row.setVisible(self._preview(self._of_preview(plane)) is not None)

    def discard(self, *_: object) -> None:
        """Throw the preview away."""
        self._soon.stop()
        self._due = False
        preview, self._finder = self._preview(self._plane), None
        if preview is not None:
            self._session.viewer.layers.remove(preview)
        self._look()

    def _preview(self, plane: Plane | None) -> Any:
        return None if plane is None else ours.find_own(self._session.viewer.layers, plane, ours.FOUND)

    def _of_preview(self, plane: Plane | None) -> Plane | None:
        """Of a large plane, the view that was looked through: the part that is displayed now may be another."""
        looked = self._plane
        if plane is None or plane.box is None or looked is None:
            return plane
        here, there = ({**ours.belongs_to(one), "box": None} for one in (plane, looked))
        return looked if here == there else None

    def _find(self) -> None:
        if self._finder is None or self._plane is None:
            return
        if self._workers:
            self._due = True
            return
        from napari.qt.threading import create_worker

        worker = create_worker(
            _found,
            self._plane,
            self._axis,
            self._finder,
            self._panel.sensitivity.value(),
            _start_thread=False,
            _ignore_errors=True,
        )
        self._workers.append(worker)
        self._asked = self._finder, self._plane
        worker.returned.connect(self._show)  # a method of a QObject, so that it runs in the interface's thread
        worker.finished.connect(self._finish)
        self._session.say(f"Looking for {self._finder.title}…")
        worker.start()

    def _show(self, found: NDArray[np.bool_] | Failure) -> None:
        finder, plane = self._asked
        if finder is not self._finder or plane is not self._plane:
            return  # nobody waits for it any more
        if isinstance(found, Failure):
            self._finder = None
            self._session.fail(found.error)
            return
        viewer = self._session.viewer
        if plane.layer not in viewer.layers or not plane.is_current:
            return
        show_found(viewer, plane, found, finder.title)
        count = int(np.count_nonzero(found))
        hint = "Correct the preview with the brush, then add it." if count else "Try a higher sensitivity."
        self._session.say(f"Find {finder.title}: {count} px. {hint}")
        self._look()

    def _finish(self) -> None:
        self._workers.clear()
        if self._due:
            self._due = False
            self._find()

    def _take(self) -> None:
        plane = self._of_preview(self._session.plane())
        preview = self._preview(plane)
        if plane is None or preview is None:
            self._look()
            return
        found = ours.pixels_of(preview, plane) != 0
        tool = damage.Tool("Found", "", lambda _, mask: mask | found)
        try:
            layer, changed = damage.apply(self._session.viewer, plane, self._panel.mask.layer, tool)
        except ValueError as error:
            self._session.fail(error)
            return
        self._panel.mask.choose(layer)
        self.discard()
        self._session.say(f"{changed} px were added to the damage. Ctrl+Z takes them back.")


def _found(plane: Plane, axis: int | None, finder: Finder, sensitivity: float) -> NDArray[np.bool_] | Failure:
    """Look for damage; an error is returned, not raised: see ``worker.repair_steps``."""
    try:
        if finder.of_stack:
            assert axis is not None
            return find_damage(read_along(plane, axis, MOST_FRAMES), finder.name, sensitivity)
        return find_damage(read_plane(plane), finder.name, sensitivity)
    except Exception as error:  # noqa: BLE001 - whatever it is, it goes to the user
        return Failure(None, error)
