"""One copy of the damage at a time: as it was damaged, as the two best methods repaired it, and as it was."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QSignalBlocker, Qt
from qtpy.QtWidgets import QGridLayout, QLabel, QSpinBox, QWidget

from .parts import note, pixmap

if TYPE_CHECKING:
    from ..selftest.run import SelfTest

#: Side of a picture on the screen: four fit beside each other into the panel's width.
_SIDE_PX = 78


class CopyPictures(QWidget):
    """Pictures side by side, with what they are and how wrong they were.

    Attributes
    ----------
    which : QSpinBox
        Leafs through the copies; to be laid out where there is room.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._test: SelfTest | None = None
        self.which = QSpinBox()
        self.which.setPrefix("Copy ")
        self.which.setMinimum(1)
        self.which.setToolTip("Leaf through the copies of the damage.")
        self.which.valueChanged.connect(self._show)
        self.pictures = [QLabel() for _ in range(4)]
        self.titles = [note() for _ in self.pictures]
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(4)
        for number, (picture, title) in enumerate(zip(self.pictures, self.titles, strict=True)):
            picture.setFixedSize(_SIDE_PX, _SIDE_PX)
            title.setFixedWidth(_SIDE_PX)
            title.setStyleSheet("padding: 0px; font-size: 11px")  # “EdgeConnect” is wider in napari's own
            title.setAlignment(Qt.AlignmentFlag.AlignTop)
            grid.addWidget(picture, 0, number)
            grid.addWidget(title, 1, number)
        grid.setColumnStretch(len(self.pictures), 1)

    def show_test(self, test: SelfTest) -> None:
        """Show a test's first copy."""
        self._test = test
        with QSignalBlocker(self.which):
            self.which.setRange(1, len(test.trials))
            self.which.setSuffix(f" of {len(test.trials)}")
            self.which.setValue(1)
        self._show()

    def _show(self, *_: object) -> None:
        from ..selftest.advice import TITLES, digits
        from ..selftest.sheet import copy_pictures

        test = self._test
        if test is None:
            return
        number = self.which.value() - 1
        methods = [name for name in (test.advice.method, test.advice.ahead_of) if name is not None]
        figures = test.trials[number].figures
        errors = [f"{TITLES[name]} ±{digits(float(figures[name]['rms'] or 0))}" for name in methods]
        shown = zip(["damaged copy", *errors, "truth"], copy_pictures(test, number, methods), strict=True)
        for picture, title in zip(self.pictures, self.titles, strict=True):
            words, pixels = next(shown, ("", None))
            title.setText(words)
            if pixels is None:
                picture.clear()
            else:
                size = self.pictures[0].size()
                picture.setPixmap(pixmap(pixels).scaled(size, Qt.AspectRatioMode.KeepAspectRatio))
            picture.setVisible(pixels is not None)
            title.setVisible(pixels is not None)
