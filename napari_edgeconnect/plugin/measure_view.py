"""What a repair does to a measurement, beside the picture: the conclusion, the totals, and the objects at the damage.

Everything that is said and every figure comes from ``measurement.table``, as in the command's files. That room is
imported when there is something to show: it takes an eighth of a second.
"""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import fill

from qtpy.QtCore import QSignalBlocker, Qt, Signal
from qtpy.QtGui import QColor, QIcon, QPixmap
from qtpy.QtWidgets import (
    QAbstractItemView,
    QApplication,
    QHeaderView,
    QLabel,
    QScrollArea,
    QTableWidget,
    QTableWidgetItem,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from ..core.methods_text import methods_text
from .measured import STEADY, UNSTEADY, Measured, colour_of
from .parts import button, combo, form, menu_of, note, row

#: Headings and titles are broken, so that more of the table is seen beside a picture.
_HEADING_LETTERS = 13
#: What these words are in comes first, and is seen in a tab as narrow as a panel: the repair and its range.
_FIRST = ("fill", "interval")
_FIRST_UNCALIBRATED = ("fill", "variants")


class MeasureView(QWidget):
    """The last measurement of a viewer."""

    #: An object is to be looked at: its label.
    chosen = Signal(int)
    #: The files are to be written.
    saved = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.measured: Measured | None = None
        self.conclusion = _wrapped()
        self.about = note()
        self.about.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.totals = _table()
        self.quantity = combo()
        self.quantity.currentIndexChanged.connect(self._fill_objects)
        self.objects = _table()
        self.objects.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.objects.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.objects.itemSelectionChanged.connect(self._choose)
        self.legend = note()
        self.legend.setText(
            f'<span style="color: {STEADY}">■</span>&nbsp;the same in all repairs&nbsp;&nbsp; '
            f'<span style="color: {UNSTEADY}">■</span>&nbsp;split, merged or lost in some. Click a row to go there.'
        )
        self.reading = _wrapped()
        self.tabs = QTabWidget()
        self.tabs.addTab(self.totals, "All objects")
        self.tabs.addTab(self._objects_tab(), "At the damage")
        self.tabs.addTab(_scrolling(self.reading), "How to read it")
        self.copy = button("Copy", "Copy the measurement to the clipboard.")
        self._make_copies()
        self.save = button("Save…", "Write measurement.csv, measurement.json and measurement.md into a folder.")
        self.save.clicked.connect(self.saved)
        buttons = row(self.copy, self.save)
        buttons.addStretch()
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 4, 8, 4)
        column.setSpacing(6)
        column.addWidget(self.conclusion)
        column.addWidget(self.about)
        column.addWidget(self.tabs, stretch=1)
        column.addLayout(buttons)

    def _objects_tab(self) -> QWidget:
        page = QWidget()
        column = QVBoxLayout(page)
        column.setContentsMargins(0, 4, 0, 0)
        column.setSpacing(4)
        column.addLayout(form(("Quantity", self.quantity)))
        column.addWidget(self.objects, stretch=1)
        column.addWidget(self.legend)
        return page

    def _make_copies(self) -> None:
        menu = menu_of(self.copy)
        for title, tip, text in (
            ("Table", "All rows of measurement.csv with tabs between them, to be pasted into a spreadsheet.", self.tsv),
            ("Text", "The conclusion and both tables, as in measurement.md.", self.text),
            ("Methods sentences", "What was measured, and how, for the methods section.", self.methods),
        ):
            action = menu.addAction(title)
            action.setToolTip(tip)
            action.triggered.connect(lambda *_, text=text: QApplication.clipboard().setText(text()))

    # ---- what can be copied

    def tsv(self) -> str:
        """Every figure, in the rows of ``measurement.csv``."""
        from ..measurement.table import as_csv

        return as_csv(self._shown.effect, delimiter="\t")

    def text(self) -> str:
        """What ``measurement.md`` holds."""
        from ..measurement.written import READ, contents

        return contents(self._shown.effect, self._shown.record)[READ]

    def methods(self) -> str:
        """Sentences for a methods section."""
        return methods_text([self._shown.record])

    @property
    def _shown(self) -> Measured:
        assert self.measured is not None
        return self.measured

    # ---- what is shown

    def show_measured(self, measured: Measured, of: str, which: str) -> None:
        """Show a measurement in place of the one before it.

        Parameters
        ----------
        measured : Measured
        of : str
            The image's name.
        which : str
            A sentence, where this is not about the repair on display.
        """
        from ..measurement.objects import QUANTITIES, TOTALS
        from ..measurement.table import cells, conclusion, headings, reading, unit_of

        self.measured = measured
        effect = measured.effect
        how_many, semicolon, rest = conclusion(effect).partition(";")
        self.conclusion.setText(f"<b>{how_many}</b>{semicolon}{rest}")
        why_not = f"There is no interval: {measured.why_not}" if measured.why_not else ""
        about = f"“{of}”; objects are {measured.record['segmentation']}."
        self.about.setText(" ".join(part for part in (about, which, why_not) if part))
        _fill(
            self.totals,
            headings(effect, objects=True),
            [f"{name}, {unit_of(name, effect)}" if name.endswith("area") else name for name in TOTALS],
            [cells(effect.totals[name], objects=True) for name in TOTALS],
            first=_FIRST if effect.level else _FIRST_UNCALIBRATED,
        )
        self.tabs.setTabText(1, f"At the damage ({len(effect.objects)})")
        self.reading.setText(reading(effect))
        quantity = self.quantity.currentData() or QUANTITIES[0]
        with QSignalBlocker(self.quantity):
            self.quantity.clear()
            for name in QUANTITIES:
                self.quantity.addItem(f"{name}, {unit_of(name, effect)}", name)
            self.quantity.setCurrentIndex(QUANTITIES.index(quantity))
        self._fill_objects()

    def _fill_objects(self, *_: object) -> None:
        from ..measurement.table import cells, fates_of, headings

        effect, quantity = self._shown.effect, self.quantity.currentData()
        with QSignalBlocker(self.objects):
            _fill(
                self.objects,
                ["reconstructed px", *headings(effect), "in the other repairs"],
                [str(each.label) for each in effect.objects],
                [[str(each.touched_px), *cells(each.values[quantity]), fates_of(each)] for each in effect.objects],
                first=_FIRST if effect.level else _FIRST_UNCALIBRATED,
            )
            self.objects.clearSelection()
        for number, each in enumerate(effect.objects):
            self.objects.verticalHeaderItem(number).setIcon(_square(colour_of(each)))
            for column in range(self.objects.columnCount()):
                self.objects.item(number, column).setToolTip(f"In the other repairs: {fates_of(each)}.")

    def _choose(self) -> None:
        chosen = self.objects.selectionModel().selectedRows()
        if chosen:
            self.chosen.emit(self._shown.effect.objects[chosen[0].row()].label)


def _square(colour: str) -> QIcon:
    picture = QPixmap(10, 10)
    picture.fill(QColor(colour))
    return QIcon(picture)


def _fill(
    table: QTableWidget,
    heads: Sequence[str],
    titles: Sequence[str],
    lines: Sequence[Sequence[str]],
    *,
    first: tuple[str, ...],
) -> None:
    """Put lines under their headings; columns whose headings end with these words come first."""
    order = sorted(range(len(heads)), key=lambda column: not heads[column].endswith(first))
    table.clear()
    table.setRowCount(len(lines))
    table.setColumnCount(len(heads))
    table.setHorizontalHeaderLabels([fill(heads[column], _HEADING_LETTERS) for column in order])
    table.setVerticalHeaderLabels([fill(title, _HEADING_LETTERS) for title in titles])
    for number, line in enumerate(lines):
        for place, column in enumerate(order):
            item = QTableWidgetItem(line[column])
            item.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            table.setItem(number, place, item)
    table.resizeColumnsToContents()
    table.resizeRowsToContents()


def _table() -> QTableWidget:
    table = QTableWidget()
    table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
    table.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
    table.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
    table.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
    return table


def _wrapped() -> QLabel:
    label = QLabel()
    label.setWordWrap(True)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    label.setAlignment(Qt.AlignmentFlag.AlignTop)
    return label


def _scrolling(part: QWidget) -> QScrollArea:
    area = QScrollArea()
    area.setWidget(part)
    area.setWidgetResizable(True)
    return area
