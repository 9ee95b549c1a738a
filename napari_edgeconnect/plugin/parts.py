"""Building blocks of the panel: small Qt parts that look alike everywhere."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QSize, Qt
from qtpy.QtGui import QImage, QPixmap
from qtpy.QtWidgets import (
    QAbstractSpinBox,
    QComboBox,
    QDoubleSpinBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLayout,
    QListView,
    QListWidget,
    QMenu,
    QPushButton,
    QSizePolicy,
    QWidget,
)
from superqt import QCollapsible

#: Side of a candidate's picture.
THUMBNAIL_PX = 56


def header(number: int, title: str) -> QLabel:
    """A step of the work."""
    label = QLabel(f"<b>{number}&nbsp;&nbsp;{title}</b>")
    label.setContentsMargins(0, 4, 0, 0)
    return label


def note() -> QLabel:
    """A line of small text that says what is known about the control above it."""
    label = QLabel()
    label.setWordWrap(True)
    font = label.font()
    font.setPointSizeF(0.9 * font.pointSizeF())
    label.setFont(font)
    return label


def button(text: str, tip: str, *, checkable: bool = False) -> QPushButton:
    """A push button; what it does is in its tooltip."""
    push = QPushButton(text)
    push.setToolTip(tip)
    push.setCheckable(checkable)
    return push


def menu_of(push: QPushButton) -> QMenu:
    """A menu that opens from a button, with tooltips."""
    menu = QMenu(push)
    menu.setToolTipsVisible(True)
    push.setMenu(menu)
    return menu


def spin(value: float, low: float, high: float, *, step: float, decimals: int, suffix: str) -> QDoubleSpinBox:
    """A number with its unit; it takes effect when it is complete."""
    box = QDoubleSpinBox()
    box.setRange(low, high)
    box.setDecimals(decimals)
    box.setSingleStep(step)
    box.setSuffix(suffix)
    box.setValue(value)
    box.setStepType(QAbstractSpinBox.StepType.DefaultStepType)
    box.setKeyboardTracking(False)
    return box


def combo(items: Sequence[tuple[str, Any]] = ()) -> QComboBox:
    """A choice of (title, value), as wide as the column."""
    box = QComboBox()
    box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    box.setMinimumContentsLength(8)
    box.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
    for title, value in items:
        box.addItem(title, value)
    return box


def picture_list() -> QListWidget:
    """One row of small pictures to choose from."""
    pictures = QListWidget()
    pictures.setViewMode(QListView.ViewMode.IconMode)
    pictures.setFlow(QListView.Flow.LeftToRight)
    pictures.setWrapping(False)
    pictures.setMovement(QListView.Movement.Static)
    pictures.setIconSize(QSize(THUMBNAIL_PX, THUMBNAIL_PX))
    pictures.setSpacing(2)
    pictures.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    pictures.setFixedHeight(THUMBNAIL_PX + 36)
    return pictures


def pixmap(picture: NDArray[np.uint8]) -> QPixmap:
    """An (H, W, 3) uint8 array as Qt shows it."""
    height, width, _ = picture.shape
    pixels = np.ascontiguousarray(picture)
    return QPixmap.fromImage(QImage(pixels.data, width, height, 3 * width, QImage.Format.Format_RGB888).copy())


def row(*parts: QWidget | QLayout) -> QHBoxLayout:
    """Side by side."""
    line = QHBoxLayout()
    line.setSpacing(4)
    for part in parts:
        line.addLayout(part) if isinstance(part, QLayout) else line.addWidget(part)
    return line


def form(*rows: tuple[str, QWidget | QLayout]) -> QLayout:
    """Labels of one width on the left, controls that fill the rest."""
    grid = QGridLayout()
    grid.setHorizontalSpacing(8)
    grid.setVerticalSpacing(3)
    grid.setColumnMinimumWidth(0, 64)
    grid.setColumnStretch(1, 1)
    for index, (text, part) in enumerate(rows):
        if text:
            grid.addWidget(QLabel(text), index, 0)
        if isinstance(part, QLayout):
            grid.addLayout(part, index, 1)
        else:
            grid.addWidget(part, index, 1)
    return grid


def boxed(layout: QLayout) -> QWidget:
    """A layout as one part that can be hidden."""
    box = QWidget()
    layout.setContentsMargins(0, 0, 0, 0)
    box.setLayout(layout)
    return box


def fit_height(box: QWidget) -> None:
    """Make a dialog as high as its sentences need in its width: Qt does so once, and not when they change."""
    layout = box.layout()
    layout.activate()
    box.resize(box.width(), max(layout.totalHeightForWidth(box.width()), layout.totalMinimumSize().height()))


def folded(title: str, layout: QLayout) -> QCollapsible:
    """What is seldom needed, behind its title."""
    fold = QCollapsible(title)
    fold.setDuration(0)
    fold.layout().setContentsMargins(0, 0, 0, 0)
    fold.setContent(boxed(layout))
    fold.collapse(animate=False)
    return fold
