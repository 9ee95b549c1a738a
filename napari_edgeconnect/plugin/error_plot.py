"""How wrong each method was on the copies, as a picture: a mean and its interval a line, smaller is better.

Painted with Qt, in the colours and the font of napari's theme: a plotting package would be one more dependency for
a handful of lines.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from qtpy.QtCore import QPointF, QRectF, QSize, Qt
from qtpy.QtGui import QColor, QPainter, QPen
from qtpy.QtWidgets import QSizePolicy, QWidget

if TYPE_CHECKING:
    from qtpy.QtGui import QPaintEvent

    from ..selftest.run import SelfTest

#: Of the tables' titles these are too long for a narrow column.
_SHORT = {"edgeconnect-no-edges": "without edges", "mean": "the mean"}
_TITLE = "RMS error inside the hole, in grey values"
#: The advised method; Okabe and Ito's sky blue, to be read on dark and light.
_ADVISED = "#3a9bdc"
_ROW_PX, _AXIS_PX, _TITLE_PX, _GAP_PX = 19, 19, 19, 8
_FEWEST_STEPS = 3
#: What is so many times as wrong as the best does not stretch the axis: the others could not be told apart on it.
_OFF_AXIS = 4


@dataclass(frozen=True)
class Row:
    """One method: mean and interval (equal to it for a single copy)."""

    title: str
    mean: float
    low: float
    high: float
    is_advised: bool


class ErrorPlot(QWidget):
    """Rows of dots with whiskers over a common axis that begins at 0."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.rows: list[Row] = []
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setToolTip("Root of the mean squared error of each copy: mean over the copies with its 95 % interval.")

    def show_test(self, test: SelfTest) -> None:
        """Show a test's methods, in the table's order."""
        from ..selftest.advice import TITLES, interval

        self.rows = []
        for method in test.methods:
            found = interval([trial.figures[method]["rms"] for trial in test.trials])
            if found is not None:
                low, high = (found.mean if end is None else end for end in (found.low, found.high))
                self.rows.append(
                    Row(_SHORT.get(method, TITLES[method]), found.mean, low, high, method == test.advice.method)
                )
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(320, _TITLE_PX + _AXIS_PX + _ROW_PX * max(len(self.rows), 1))

    def minimumSizeHint(self) -> QSize:
        return QSize(260, self.sizeHint().height())

    def paintEvent(self, event: QPaintEvent) -> None:
        """Title, axis with its steps, then a row for each method."""
        if not self.rows:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(self.palette().color(self.foregroundRole()))
        painter.drawText(QRectF(0, 0, self.width(), _TITLE_PX), Qt.AlignmentFlag.AlignLeft, _TITLE)
        axis = self._axis()
        self._draw_axis(painter, axis)
        for number, row in enumerate(self.rows):
            self._draw_row(painter, axis, row, _TITLE_PX + _ROW_PX * (number + 0.5))

    def _axis(self) -> _Axis:
        words = self.fontMetrics()
        best = min(row.mean for row in self.rows)
        steps = axis_steps(max(row.high for row in self.rows if row.mean <= _OFF_AXIS * best))
        left = max(words.horizontalAdvance(row.title) for row in self.rows) + _GAP_PX
        return _Axis(steps, left, self.width() - left - _GAP_PX - words.horizontalAdvance(_said(steps[-1])) / 2)

    def _draw_axis(self, painter: QPainter, axis: _Axis) -> None:
        ink = self.palette().color(self.foregroundRole())
        faint = QColor(ink)
        faint.setAlphaF(0.25)
        bottom = _TITLE_PX + _ROW_PX * len(self.rows)
        for value in axis.steps:
            x = axis.x(value)
            painter.setPen(faint)
            painter.drawLine(QPointF(x, _TITLE_PX), QPointF(x, bottom))
            painter.setPen(ink)
            box = QRectF(x - 40, bottom + 2, 80, _AXIS_PX - 2)
            painter.drawText(box, Qt.AlignmentFlag.AlignHCenter, _said(value))

    def _draw_row(self, painter: QPainter, axis: _Axis, row: Row, middle: float) -> None:
        ink = self.palette().color(self.foregroundRole())
        colour = QColor(_ADVISED) if row.is_advised else ink
        to_the_right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        painter.setPen(ink)
        painter.drawText(QRectF(0, middle - _ROW_PX / 2, axis.left - _GAP_PX, _ROW_PX), to_the_right, row.title)
        if row.mean > axis.steps[-1]:
            box = QRectF(axis.left, middle - _ROW_PX / 2, axis.width, _ROW_PX)
            painter.drawText(box, to_the_right, f"{_said(row.mean)} →")
            return
        painter.setPen(QPen(colour, 2))
        painter.drawLine(QPointF(axis.x(row.low), middle), QPointF(axis.x(row.high), middle))
        for end in [end for end in (row.low, row.high) if end <= axis.steps[-1]]:
            painter.drawLine(QPointF(axis.x(end), middle - 4), QPointF(axis.x(end), middle + 4))
        painter.setBrush(colour)
        painter.drawEllipse(QPointF(axis.x(row.mean), middle), 4, 4)


@dataclass(frozen=True)
class _Axis:
    """Where values lie on the widget: steps, and pixels from its left."""

    steps: list[float]
    left: float
    width: float

    def x(self, value: float) -> float:
        return float(self.left + self.width * min(value / self.steps[-1], 1))


def axis_steps(highest: float) -> list[float]:
    """Round values from 0 to at least ``highest``: three to five steps.

    Examples
    --------
    >>> axis_steps(23.0)
    [0.0, 10.0, 20.0, 30.0]
    >>> axis_steps(0.0)
    [0.0, 0.5, 1.0]
    """
    if highest <= 0:
        return [0.0, 0.5, 1.0]
    size = 10.0 ** np.floor(np.log10(highest))
    step = next(size * share for share in (5, 2, 1, 0.5, 0.2, 0.1) if highest / (size * share) > _FEWEST_STEPS - 1)
    return [float(f"{step * number:.6g}") for number in range(int(np.ceil(highest / step)) + 1)]


def _said(value: float) -> str:
    from ..selftest.advice import digits

    return digits(value)
