"""Threshold and sigma: the machine's edges follow them at once, without stage 1, and leave a person's alone.

Each change is one step of the edge layer's own undo history; a drag of the
slider is one, however far it goes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from qtpy.QtCore import QObject, QSignalBlocker, QTimer

from ..core.edges import EdgeMap
from ..core.job import measured_edges
from . import layers as ours
from .layer_plane import Plane, read_plane
from .session import Session

#: A slider that moves is followed this often.
FOLLOW_MS = 40


class Redraw(QObject):
    """Follows the controls of a session's panel.

    Parameters
    ----------
    session : Session
    """

    def __init__(self, session: Session) -> None:
        panel = session.panel
        super().__init__(panel)
        self._panel, self._session = panel, session
        self._step_of_drag: Any = None
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(FOLLOW_MS)
        self._soon.timeout.connect(self._threshold)
        panel.threshold.valueChanged.connect(self._follow)
        panel.threshold.sliderReleased.connect(self._end_drag)
        panel.sigma.valueChanged.connect(self._sigma)
        panel.reset.triggered.connect(self._reset)

    def _follow(self) -> None:
        if not self._soon.isActive():
            self._soon.start()

    def show_threshold(self, layer: Any) -> None:
        """Set the slider to an edge layer's threshold, which an undo may have changed."""
        slider = self._panel.threshold
        if not (self._soon.isActive() or slider.isSliderDown()):
            with QSignalBlocker(slider):
                slider.setValue(ours.threshold_of(layer))

    def catch_up(self) -> None:
        """Draw what the slider shows now, as a run is about to begin."""
        if self._soon.isActive():
            self._soon.stop()
            self._threshold()

    def _threshold(self, *, of_drag: bool | None = None) -> None:
        slider = self._panel.threshold
        wanted = round(slider.value(), slider.decimals())
        of_drag = slider.isSliderDown() if of_drag is None else of_drag
        self._draw(lambda edges, plane: edges.at_threshold(wanted), of_drag=of_drag)

    def _end_drag(self) -> None:
        if self._soon.isActive():
            self._soon.stop()
            self._threshold(of_drag=True)
        self._step_of_drag = None

    def _sigma(self) -> None:
        sigma = self._panel.sigma.value() or None

        def with_sigma(edges: EdgeMap, plane: Plane) -> EdgeMap:
            # The hole that these edges were proposed for is grown already.
            layer = self._session.edges(plane)
            contrast = None if plane.box is None else ours.contrast_of(layer)
            found = measured_edges(read_plane(plane), edges.hole, sigma=sigma, grow_px=0, contrast=contrast)
            return edges.with_measured(found)

        self._draw(with_sigma)

    def _reset(self) -> None:
        self._draw(lambda edges, plane: edges.reset())

    def _draw(self, change: Callable[[EdgeMap, Plane], EdgeMap], *, of_drag: bool = False) -> None:
        found = self._session.shown_edges()
        if found is None:
            return
        plane, layer = found
        if of_drag and self._step_of_drag is layer:
            layer.undo()  # what this drag has drawn so far
        self._step_of_drag = None
        try:
            before = ours.read_edges(layer)
            after = change(before, plane)
        except ValueError as error:
            self._session.fail(error)
            return
        ours.write_edges(layer, after, details={})
        if of_drag and (after.labels != before.labels).any():
            self._step_of_drag = layer
