"""What a self-test found, beside the picture: the advice first, then every figure, then the copies to be looked at.

The self-test's own rooms are imported when there is something to show: they take an eighth of a second.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Qt, Signal
from qtpy.QtGui import QFont
from qtpy.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QLabel,
    QScrollArea,
    QTableWidget,
    QTableWidgetItem,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from .copy_pictures import CopyPictures
from .dock_tab import DockTab
from .error_plot import ErrorPlot
from .parts import button, note, pixmap

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from numpy.typing import NDArray

    from ..selftest.run import SelfTest

TITLE = "Self-test"


class SelfTestView(QWidget):
    """The last self-test of a viewer."""

    #: The advice is to be followed: by which method.
    taken = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._method = ""
        self.advice = QLabel()
        self.advice.setWordWrap(True)
        self.take = button("Take it", "")
        self.take.clicked.connect(lambda: self.taken.emit(self._method))
        self.about = note()
        self.plot = ErrorPlot()
        self.copies = CopyPictures()
        self.table = QTableWidget()
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.table.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.sheet = QLabel()
        self.sheet.setAlignment(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft)
        tabs = QTabWidget()
        tabs.addTab(_scrolling(self._first_tab()), "Errors")
        tabs.addTab(self.table, "Figures")
        tabs.addTab(_scrolling(self.sheet), "All copies")
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 4, 8, 4)
        column.setSpacing(6)
        for part in (self.advice, self.take, self.about):
            column.addWidget(part)
        column.addWidget(tabs, stretch=1)

    def _first_tab(self) -> QWidget:
        page = QWidget()
        column = QVBoxLayout(page)
        column.setContentsMargins(4, 4, 4, 4)
        column.addWidget(self.plot)
        column.addWidget(self.copies.which, alignment=Qt.AlignmentFlag.AlignLeft)
        column.addWidget(self.copies)
        column.addStretch()
        return page

    def show_test(self, test: SelfTest, sheet: NDArray[Any], of: str) -> None:
        """Show a test in place of the one before it.

        Parameters
        ----------
        test : SelfTest
        sheet : (H, W, 3) uint8
            Its contact sheet.
        of : str
            The image's name.
        """
        from ..selftest.advice import TITLES

        choice, *others = (*test.advice.sentences, *(reason.sentence for reason in test.reasons))
        self.advice.setText("<br>".join([f"<b>{choice}</b>", *others]))
        self._method = test.advice.method
        self.take.setText(f"Take {TITLES[self._method]}")
        self.take.setToolTip(
            "Repair the image with it now, into a layer with its record. Image and mask must be those of the test."
        )
        missing = f" Not installed: {', '.join(TITLES[name] for name in test.missing)}." if test.missing else ""
        self.about.setText(
            f"“{of}”: means over {len(test.trials)} copies of its own damage, placed where the truth is known (seed "
            f"{test.record['seed']}), with 95 % intervals. Errors are in the image's own values, inside the hole."
            f"{missing}"
        )
        self.plot.show_test(test)
        self.copies.show_test(test)
        self._fill_table(test)
        self.sheet.setPixmap(pixmap(sheet))

    def _fill_table(self, test: SelfTest) -> None:
        from ..selftest.advice import TITLES
        from ..selftest.figures import FIGURES
        from ..selftest.table import cell

        table = self.table
        table.setRowCount(len(test.methods))
        table.setColumnCount(len(FIGURES))
        table.setHorizontalHeaderLabels([figure.label for figure in FIGURES])
        table.setVerticalHeaderLabels([TITLES[method] for method in test.methods])
        for column, figure in enumerate(FIGURES):
            table.horizontalHeaderItem(column).setToolTip(f"{figure.meaning}: {_BETTER[figure.better]}")
            for row, method in enumerate(test.methods):
                item = QTableWidgetItem(cell(test, method, figure))
                if method == test.advice.method:
                    item.setFont(_bold(table.font()))
                table.setItem(row, column, item)
        table.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        table.resizeRowsToContents()


_BETTER = {"higher": "higher is better", "lower": "lower is better", "one": "1 is best"}


class SelfTestDock:
    """The view in a tab beside the panel.

    Parameters
    ----------
    viewer : ViewerModel
    take : callable
        Called with a method's name when its advice is to be followed.
    """

    def __init__(self, viewer: ViewerModel, take: Callable[[str], None]) -> None:
        self._take = take
        self._tab = DockTab(viewer, TITLE, self._made)
        #: Digests of the image and the mask that are shown a test of.
        self.pixels: dict[str, str] | None = None

    @property
    def view(self) -> SelfTestView | None:
        """What shows the last test; None before there was one."""
        return self._tab.view

    def show(self, test: SelfTest, sheet: NDArray[Any], of: str) -> None:
        """Show a test; a dock that was closed or hidden comes back."""
        self.pixels = test.record["pixels"]
        self._tab.shown().show_test(test, sheet, of)

    def _made(self) -> SelfTestView:
        view = SelfTestView()
        view.taken.connect(self._take)
        return view


def _scrolling(part: QWidget) -> QScrollArea:
    area = QScrollArea()
    area.setWidget(part)
    area.setWidgetResizable(True)
    return area


def _bold(font: QFont) -> QFont:
    bold = QFont(font)
    bold.setBold(True)
    return bold
