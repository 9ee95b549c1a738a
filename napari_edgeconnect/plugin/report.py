"""What goes into a paper from the repair on display: sentences for its methods section, and a figure."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from qtpy.QtWidgets import QApplication, QDialog, QDialogButtonBox, QPlainTextEdit, QVBoxLayout, QWidget

from ..core.figure import caption_of, figure_of
from ..core.methods_text import methods_text
from . import layers as ours
from .layer_plane import Plane
from .parts import button, note

if TYPE_CHECKING:
    from napari.components import ViewerModel


class ShownRepair(NamedTuple):
    """A repair of one plane, as its layer shows it.

    ``records`` are those of all planes of the layer: one, unless it holds a whole stack.
    """

    layer: Any
    image: NDArray[Any]
    altered: NDArray[np.bool_]
    record: dict[str, Any]
    records: list[dict[str, Any]]


def shown_repair(viewer: ViewerModel, plane: Plane | None) -> ShownRepair | None:
    """The repair of a plane that is selected in the layer list, or else the topmost one; None where there is none."""
    if plane is None:
        return None
    # What follows its edges for the first time knows its altered pixels at the end.
    found = [layer for layer in ours.results_of(viewer.layers, plane) if "altered" in ours.details_of(layer, plane)]
    if not found:
        return None
    active = viewer.layers.selection.active
    layer = active if active in found else found[-1]
    details = ours.details_of(layer, plane)
    every = layer.metadata[ours.KEY].get("records", {plane.index: details}).values()
    pixels = ours.pixels_of(layer, plane)
    return ShownRepair(layer, pixels, details["altered"], details["record"], [each["record"] for each in every])


class MethodsDialog(QDialog):
    """The paragraph, to be read, corrected and copied."""

    def __init__(self, repair: ShownRepair, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Methods paragraph")
        self.setMinimumSize(520, 300)
        about = note()
        adds = {
            "self_test": "“Test on this image” would add expected errors",
            "uncertainty": "“How sure?” would add an interval",
        }
        missing = [said for name, said in adds.items() if not any(name in each for each in repair.records)]
        about.setText(f"Of “{repair.layer.name}”." + (f" {', '.join(missing)}." if missing else ""))
        self.text = QPlainTextEdit(methods_text(repair.records))
        self.copy = button("Copy", "Copy the text to the clipboard.")
        self.copy.clicked.connect(lambda: QApplication.clipboard().setText(self.text.toPlainText()))
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.addButton(self.copy, QDialogButtonBox.ButtonRole.ActionRole)
        buttons.rejected.connect(self.close)
        column = QVBoxLayout(self)
        column.addWidget(about)
        column.addWidget(self.text, stretch=1)
        column.addWidget(buttons)


def write_figure(repair: ShownRepair, path: Path) -> None:
    """Write a PNG file of a repair in the contrast in which it is on display, outlined and with its caption.

    The caption is in the file's description, too, for whoever cuts it off.
    """
    layer = repair.layer
    low, high = (None, None) if layer.rgb else (float(limit) for limit in layer.contrast_limits)
    contrast = None if low is None or high is None else (low, high)
    figure = figure_of(repair.image, repair.altered, repair.record, contrast=contrast)
    about = PngInfo()
    about.add_itxt("Description", caption_of(repair.record, repair.altered))
    Image.fromarray(figure).save(path, format="PNG", pnginfo=about)
