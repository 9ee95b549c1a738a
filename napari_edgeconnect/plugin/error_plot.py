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
        ink = self.palette().color(self.foregroundRole())
        faint = QColor(ink)
        faint.setAlphaF(0.25)
        words = self.fontMetrics()
        left = max(words.horizontalAdvance(row.title) for row in self.rows) + _GAP_PX
        best = min(row.mean for row in self.rows)
        steps = axis_steps(max(row.high for row in self.rows if row.mean <= _OFF_AXIS * best))
        width = self.width() - left - _GAP_PX - words.horizontalAdvance(_said(steps[-1])) / 2
        bottom = _TITLE_PX + _ROW_PX * len(self.rows)

        def x(value: float) -> float:
            return float(left + width * min(value / steps[-1], 1))

        painter.setPen(ink)
        painter.drawText(QRectF(left, 0, width, _TITLE_PX), Qt.AlignmentFlag.AlignLeft, _TITLE)
        for value in steps:
            painter.setPen(faint)
            painter.drawLine(QPointF(x(value), _TITLE_PX), QPointF(x(value), bottom))
            painter.setPen(ink)
            box = QRectF(x(value) - 40, bottom + 2, 80, _AXIS_PX - 2)
            painter.drawText(box, Qt.AlignmentFlag.AlignHCenter, _said(value))
        for number, row in enumerate(self.rows):
            middle = _TITLE_PX + _ROW_PX * (number + 0.5)
            colour = QColor(_ADVISED) if row.is_advised else ink
            painter.setPen(ink)
            box = QRectF(0, middle - _ROW_PX / 2, left - _GAP_PX, _ROW_PX)
            painter.drawText(box, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, row.title)
            if row.mean > steps[-1]:
                box = QRectF(left, middle - _ROW_PX / 2, width, _ROW_PX)
                painter.drawText(
                    box, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, f"{_said(row.mean)} →"
                )
                continue
            painter.setPen(QPen(colour, 2))
            painter.drawLine(QPointF(x(row.low), middle), QPointF(x(row.high), middle))
            for end in [end for end in (row.low, row.high) if end <= steps[-1]]:
                painter.drawLine(QPointF(x(end), middle - 4), QPointF(x(end), middle + 4))
            painter.setBrush(colour)
            painter.drawEllipse(QPointF(x(row.mean), middle), 4, 4)


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
