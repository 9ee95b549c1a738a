"""Measure objects: asks which, starts the run, and brings what was found out beside and over the picture."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QObject
from qtpy.QtWidgets import QFileDialog, QMessageBox

from .dock_tab import DockTab
from .layer_plane import Plane, read_plane
from .measure_dialog import MeasureDialog
from .measure_view import MeasureView
from .measured import VIEW, Measured, go_to_object
from .placing import another_repair
from .preferences import preferred
from .session import Session
from .worker import Outcome, Task

if TYPE_CHECKING:
    from .trust import Start


class Measuring(QObject):
    """One viewer's measurements.

    Parameters
    ----------
    session : Session
    start : callable
        Starts a run.
    """

    def __init__(self, session: Session, start: Start) -> None:
        super().__init__(session.panel)
        self._session, self._start = session, start
        self.dialog: MeasureDialog | None = None
        self._tab = DockTab(session.viewer, VIEW, self._made)
        #: Where what is shown was measured.
        self._plane: Plane | None = None
        session.panel.measure.triggered.connect(self.ask)

    @property
    def view(self) -> MeasureView | None:
        """What shows the last measurement; None before there was one."""
        return self._tab.view

    def ask(self, *_: object) -> None:
        """Open the dialog about the displayed plane."""
        now, panel = self._session.situation(), self._session.panel
        if now.plane is None or now.missing or self._session.is_busy:
            return
        if self.dialog is not None:
            self.dialog.close()
        assert now.mask is not None
        self.dialog = MeasureDialog(
            now.plane,
            self._session.viewer.layers,
            mask=panel.mask.layer,
            threshold=_otsu(now.plane, self._session.hole(now.mask)),
            level=preferred().level,
            parent=panel,
        )
        self.dialog.accepted.connect(self._measure)
        self.dialog.open()

    def _measure(self) -> None:
        assert self.dialog is not None
        self._start(Task.MEASURE, wanted=self.dialog.wanted)

    def take(self, outcome: Outcome) -> None:
        """Show what a run has measured."""
        if outcome.measured is not None:
            plane = self._plane = outcome.request.plane
            which = another_repair(self._session.viewer, plane, outcome.measured.repairs.spread)
            self._tab.shown().show_measured(outcome.measured, _name_of(plane), which)

    def _made(self) -> MeasureView:
        view = MeasureView()
        view.chosen.connect(self._go_to)
        view.saved.connect(self._ask_for_folder)
        return view

    def _go_to(self, label: int) -> None:
        if self._plane is not None:
            go_to_object(self._session.viewer, self._plane, label)

    # ---- files

    def _ask_for_folder(self) -> None:
        view = self.view
        chosen = QFileDialog.getExistingDirectory(view, "A folder for measurement.csv, .json and .md")
        if not chosen:
            return
        there = [name for name in self._contents() if (Path(chosen) / name).exists()]
        question = f"{' and '.join(there)} exist{'s' if len(there) == 1 else ''} in {chosen}. Replace?"
        yes = QMessageBox.StandardButton.Yes
        if not there or QMessageBox.question(view, "Save measurement", question) == yes:
            self.save(Path(chosen))

    def save(self, folder: Path) -> None:
        """Write the files of what is shown into a folder; those of these names in it are replaced."""
        try:
            _write(folder, self._contents())
        except OSError as error:
            self._session.fail(error)
            return
        self._session.say(f"The measurement was written into {folder.name}, as measurement.csv, .json and .md.")

    def _contents(self) -> dict[str, str]:
        from ..measurement.written import contents

        assert self.view is not None
        shown = self.view.measured
        assert isinstance(shown, Measured)
        return contents(shown.effect, shown.record)


def _name_of(plane: Plane) -> str:
    return f"{plane.layer.name}, {plane.where}" if plane.where else str(plane.layer.name)


def _otsu(plane: Plane, hole: NDArray[np.bool_]) -> float | None:
    from ..core.planes import nonfinite
    from ..measurement.segmentation import above_otsu

    image = read_plane(plane)
    try:
        return above_otsu(image, hole | nonfinite(image))[1]
    except ValueError:  # one value alone: whatever a person gives is as good
        return None


def _write(folder: Path, contents: Mapping[str, str]) -> None:
    """All files or none: each under another name first."""
    parts = {name: folder / f".{name}.part" for name in contents}
    try:
        for name, part in parts.items():
            part.write_text(contents[name], encoding="utf-8", newline="\n")
        for name, part in parts.items():
            os.replace(part, folder / name)
    finally:
        for part in parts.values():
            part.unlink(missing_ok=True)
