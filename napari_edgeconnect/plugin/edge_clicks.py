"""Tools that work by clicks on the edge layer: bridge a gap, erase a whole edge.

While a tool is on, the layer is in pan-and-zoom mode: a click acts, a drag
still moves the view. No Qt.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ..core import edge_parts
from ..core.edges import EdgeSource
from . import layers as ours
from .layer_plane import Plane
from .onto_plane import plane_point

if TYPE_CHECKING:
    from napari.layers import Labels

_OFF = "pan_zoom"
#: A press that moves further than this on the canvas is a drag, in pixels of the screen.
_DRAG_PX = 4


class ClickTool:
    """One tool on one edge layer, from ``begin`` to ``end``.

    It ends by itself when a person chooses another mode of the layer.

    Parameters
    ----------
    layer : Labels
        The plane's edge layer.
    plane : Plane
    say : callable
        Takes sentences for the status line.
    ended : callable
        Called when the tool has ended.
    """

    hint: ClassVar[str]

    def __init__(self, layer: Labels, plane: Plane, *, say: Callable[[str], None], ended: Callable[[], None]) -> None:
        self.layer = layer
        self._plane = plane
        self._say = say
        self._ended = ended
        self._mode = str(layer.mode)
        self._is_on = False

    def begin(self) -> None:
        """Take the layer's clicks."""
        self.layer.mode = _OFF
        self.layer.mouse_drag_callbacks.append(self._press)
        self.layer.events.mode.connect(self._leave)
        self._is_on = True

    def end(self) -> None:
        """Give the clicks back, and the mode that the layer was in."""
        if self._is_on:
            self._let_go()
            self.layer.mode = self._mode

    def click(self, point: NDArray[np.floating]) -> None:
        """Act on a click at (row, column) of the plane."""
        raise NotImplementedError

    def _leave(self, event: Any = None) -> None:
        if self._is_on and str(self.layer.mode) != _OFF:
            self._let_go()

    def _let_go(self) -> None:
        self._is_on = False
        self.layer.events.mode.disconnect(self._leave)
        if self._press in self.layer.mouse_drag_callbacks:
            self.layer.mouse_drag_callbacks.remove(self._press)
        self._ended()

    def _press(self, layer: Labels, event: Any) -> Generator[None, None, None]:
        at, position = np.asarray(event.pos), event.position
        moved = 0.0
        yield
        while event.type == "mouse_move":
            moved = max(moved, float(np.abs(np.asarray(event.pos) - at).max()))
            yield
        if moved <= _DRAG_PX and self._is_on:
            try:
                self.click(plane_point(self._plane, layer, position))
            except ValueError as error:
                self._say(str(error))


class EraseEdge(ClickTool):
    """One click erases a whole connected edge."""

    hint = "Click an edge to erase the whole of it. Press Erase again, or choose a brush, to stop."

    def click(self, point: NDArray[np.floating]) -> None:
        """Erase the edge nearest to the point."""
        edge = edge_parts.connected_edge(ours.pixels_of(self.layer, self._plane), point)
        erased = ours.draw(self.layer, self._plane, edge, EdgeSource.NONE)
        self._say(f"{erased} px erased. Ctrl+Z brings them back." if erased else "There is no edge here: click on one.")


class Bridge(ClickTool):
    """Two clicks close the gap between two edge ends."""

    hint = "Click the two edge ends that belong together. Press Bridge again, or choose a brush, to stop."
    _first: NDArray[np.floating] | None = None

    def click(self, point: NDArray[np.floating]) -> None:
        """Remember the first end, or bridge from it to this one.

        Raises
        ------
        ValueError
            Where a click is near no edge end; the next click is a first one then.
        """
        if self._first is None:
            self._first = point
            self._say("Now click the other end.")
            return
        first, self._first = self._first, None
        gap = edge_parts.bridge(ours.pixels_of(self.layer, self._plane), first, point)
        empty = gap & (ours.pixels_of(self.layer, self._plane) == EdgeSource.NONE)
        drawn = ours.draw(self.layer, self._plane, empty, EdgeSource.DRAWN)
        self._say(f"{drawn} px drawn. Click two other ends, or press Bridge to stop.")
