"""The edge tools' buttons: what each does to the edge layer of the displayed plane."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from qtpy.QtCore import QObject, QSignalBlocker
from qtpy.QtWidgets import QInputDialog, QPushButton

from . import edge_tools
from . import layers as ours
from .edge_clicks import Bridge, ClickTool, EraseEdge
from .layer_plane import Plane
from .session import Session

#: The length that the dialog offers at first.
SHORTEST_PX = 10


class EdgeButtons(QObject):
    """Joins the panel's edge tools to the layers.

    Parameters
    ----------
    session : Session
    look : callable
        Called when something was done, for the panel to be brought up to date.
    """

    def __init__(self, session: Session, look: Callable[[], None]) -> None:
        panel = session.panel
        super().__init__(panel)
        self._session, self._panel, self._look = session, panel, look
        self._tool: ClickTool | None = None
        panel.strokes.clicked.connect(self._add_strokes)
        panel.take_strokes.clicked.connect(self._take_strokes)
        panel.bridge.toggled.connect(partial(self._toggle, panel.bridge, Bridge))
        panel.erase_edge.toggled.connect(partial(self._toggle, panel.erase_edge, EraseEdge))
        panel.keep_longer.triggered.connect(self._ask_length)
        panel.edges_from_menu.aboutToShow.connect(self._list_sources)

    def enable(self, plane: Plane | None, edges: Any) -> None:
        """Enable what can work now, and end a tool whose layer is not on display any more."""
        panel = self._panel
        if self._tool is not None and self._tool.layer is not edges:
            self._tool.end()
        can_draw = edges is not None and not self._session.is_busy
        for part in (panel.strokes, panel.bridge, panel.erase_edge, panel.keep_longer, panel.edges_from_menu):
            part.setEnabled(can_draw)
        strokes = None if plane is None else ours.find_own(self._session.viewer.layers, plane, ours.STROKES)
        panel.strokes_row.setVisible(can_draw and strokes is not None)
        panel.take_strokes.setEnabled(strokes is not None and len(strokes.data) > 0)

    # ---- strokes

    def _add_strokes(self) -> None:
        if found := self._session.shown_edges():
            edge_tools.add_strokes(self._session.viewer, found[0])
            self._look()

    def _take_strokes(self) -> None:
        panel = self._panel

        def take(plane: Plane, edges: Any) -> str:
            strokes = ours.find_own(self._session.viewer.layers, plane, ours.STROKES)
            if strokes is None:
                raise ValueError("There are no strokes: press Strokes and draw some.")
            drawn = edge_tools.take_strokes(
                plane, edges, strokes, smooth=panel.smooth.isChecked(), snap=panel.snap.isChecked()
            )
            self._session.viewer.layers.selection.active = edges
            return f"{drawn} px of edges were drawn."

        self._do(take)

    # ---- clicks

    def _toggle(self, button: QPushButton, kind: type[ClickTool], on: bool) -> None:
        if self._tool is not None:
            self._tool.end()
        found = self._session.shown_edges() if on else None
        if found is None:
            self._ended(button)
            return
        plane, layer = found
        self._tool = kind(layer, plane, say=self._session.say, ended=partial(self._ended, button))
        self._session.viewer.layers.selection.active = layer
        self._tool.begin()
        self._session.say(self._tool.hint)

    def _ended(self, button: QPushButton) -> None:
        self._tool = None
        with QSignalBlocker(button):
            button.setChecked(False)

    # ---- the menu

    def _ask_length(self) -> None:
        length, chosen = QInputDialog.getInt(
            self._panel, "Erase short edges", "Keep edges of at least (pixels):", SHORTEST_PX, 2, 10_000
        )
        if chosen:
            self.keep_longer(length)

    def keep_longer(self, shortest_px: int) -> None:
        """Erase the edges inside the hole that are shorter than this."""
        self._do(
            lambda plane, edges: f"{edge_tools.keep_longer(plane, edges, shortest_px)} px of short edges were erased."
        )

    def _list_sources(self) -> None:
        """Other layers, each by Canny or as it is; and the same image one slice before."""
        menu = self._panel.edges_from_menu
        menu.clear()
        for source in edge_tools.sources(self._session.viewer, self._session.plane(), mask=self._panel.mask.layer):
            action = menu.addAction(source.title)
            action.setToolTip(source.explanation)
            action.triggered.connect(partial(self.take_from, source))

    def take_from(self, source: edge_tools.Source, *_: object) -> None:
        """Take the structure inside the hole from elsewhere."""

        def take(plane: Plane, edges: Any) -> str:
            taken = source.take(plane, edges, sigma=self._panel.sigma.value() or 2.0)
            return f"{taken} px of edges were taken from {source.title}."

        self._do(take)

    def _do(self, what: Callable[[Plane, Any], str]) -> None:
        found = self._session.shown_edges()
        if found is None:
            self._look()
            return
        try:
            self._session.say(what(*found))
        except (ValueError, TypeError) as error:
            self._session.fail(error)
        self._look()
