"""What the dock widget looks like: its parts, in the order of the work, without what they do."""

from __future__ import annotations

from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QAbstractSpinBox,
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLayout,
    QMenu,
    QProgressBar,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)
from superqt import QLabeledDoubleSlider

from ..core.edges import EdgeSource
from ..core.settings import Settings
from .layer_combo import LayerCombo
from .layers import EDGE_COLOURS, EDGES, GROWN, PROBABILITY, is_own

NO_EDGES = "none"


class Panel(QWidget):
    """One column that fits a laptop's dock; every control says in its tooltip what it does, and its unit."""

    def __init__(self, defaults: Settings, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.image = LayerCombo(_is_image, none="no image is open")
        self.image.setToolTip("The image to repair. It is never changed: results become new layers.")
        self.about_image = _note()

        self.mask = LayerCombo(_is_mask, none="no mask yet")
        self.mask.setToolTip("Labels (any label but 0) or Shapes that cover the damage.")
        self.new_mask = QPushButton("New mask")
        self.new_mask.setToolTip("Add a Labels layer over the image and start painting the damage on it.")
        self.find = QPushButton("Find")
        self.find.setToolTip("Add pixels to the mask that are saturated, dead or not finite, or a label; invert it.")
        self.find_menu = QMenu(self.find)
        self.find_menu.setToolTipsVisible(True)
        self.find.setMenu(self.find_menu)
        self.grow = _spin(defaults.grow_px, 0, 100, step=1, decimals=0, suffix=" px")
        self.grow.setToolTip("Widen the damage by this many image pixels. A mask that is too tight leaves a rim.")
        self.show_grown = QCheckBox("show")
        self.show_grown.setToolTip("Outline the damage as it will be repaired, grown.")
        self.about_mask = _note()
        self.warning = _note()
        self.warning.hide()

        self.sigma = _spin(defaults.sigma or 0, 0, 50, step=0.5, decimals=1, suffix=" px")
        self.sigma.setSpecialValueText(NO_EDGES)
        self.sigma.setToolTip(
            "Smoothing before edges are measured, in image pixels: little gives many fine edges, "
            "much gives few strong ones, 0 gives none."
        )
        self.threshold = QLabeledDoubleSlider(Qt.Orientation.Horizontal)
        self.threshold.setRange(0.05, 0.95)
        self.threshold.setDecimals(2)
        self.threshold.setSingleStep(0.05)
        self.threshold.setValue(defaults.threshold)
        self.threshold.setToolTip(
            "Edges that are at least this probable are proposed: low finds more, high is surer. Redraws the "
            "proposals at once; what you drew or erased stays."
        )
        self.show_probability = QCheckBox("show probability")
        self.show_probability.setToolTip("Show how probable an edge is to the model, under the edges.")
        self.reset = QPushButton("Reset")
        self.reset.setToolTip("Take back all that you drew or erased: the model's own proposal. Ctrl+Z brings it back.")
        self.hallucinate = QPushButton("Hallucinate edges")
        self.hallucinate.setToolTip("Propose the edges inside the damage, as a layer that you can correct.")
        self.legend = QLabel(_legend())
        self.legend.setToolTip("Colours of the edge layer. Paint with label 3 to draw, with the eraser to erase.")

        self.complete = QPushButton("Complete")
        self.complete.setToolTip("Fill the damage so that it follows the edges as they now stand.")
        self.inpaint = QPushButton("Inpaint in one go")
        self.inpaint.setToolTip("Hallucinate the edges and complete the image, without a look in between.")

        self.model = _combo()
        self.model.setToolTip("The networks' weights. Import more with: napari-edgeconnect models import")
        self.about_model = _note()
        self.device = _combo()
        self.device.addItem("auto")
        self.device.setToolTip("What the networks run on. auto takes a GPU where there is one.")
        self.about_device = _note()

        self.progress = QProgressBar()
        self.progress.setTextVisible(False)
        self.cancel = QPushButton("Cancel")
        self.cancel.setToolTip("Stop after the window that is being computed. Nothing is changed.")
        self.status = QLabel()
        self.status.setWordWrap(True)
        self.status.setMinimumHeight(3 * self.status.fontMetrics().lineSpacing())
        self.status.setAlignment(Qt.AlignmentFlag.AlignTop)
        self._arrange()

    def _arrange(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(10, 6, 10, 6)
        column.setSpacing(5)
        column.addWidget(_header(1, "Image"))
        column.addWidget(self.image)
        column.addWidget(self.about_image)
        column.addWidget(_header(2, "Damage"))
        column.addLayout(_row(self.mask, self.new_mask, self.find))
        column.addLayout(_form(("Grow by", _row(self.grow, self.show_grown))))
        column.addWidget(self.about_mask)
        column.addWidget(self.warning)
        column.addWidget(_header(3, "Edges"))
        column.addLayout(_form(("Sigma", self.sigma)))
        column.addLayout(_row(self.hallucinate, self.reset))
        column.addLayout(_form(("Threshold", self.threshold), ("", self.show_probability)))
        column.addWidget(self.legend)
        column.addWidget(_header(4, "Completion"))
        column.addLayout(_row(self.complete, self.inpaint))
        column.addLayout(
            _form(("Model", self.model), ("", self.about_model), ("Device", self.device), ("", self.about_device))
        )
        column.addSpacing(6)
        column.addLayout(_row(self.progress, self.cancel))
        column.addWidget(self.status)
        column.addStretch()
        for part in (self.progress, self.cancel):
            policy = part.sizePolicy()
            policy.setRetainSizeWhenHidden(True)
            part.setSizePolicy(policy)
            part.hide()


def _is_image(layer: object) -> bool:
    from napari.layers import Image

    return isinstance(layer, Image) and not is_own(layer, PROBABILITY)


def _is_mask(layer: object) -> bool:
    from napari.layers import Labels, Shapes

    return isinstance(layer, Labels | Shapes) and not (is_own(layer, EDGES) or is_own(layer, GROWN))


def _header(number: int, title: str) -> QLabel:
    label = QLabel(f"<b>{number}&nbsp;&nbsp;{title}</b>")
    label.setContentsMargins(0, 6, 0, 0)
    return label


def _note() -> QLabel:
    """A line of small text that says what is known about the control above it."""
    label = QLabel()
    label.setWordWrap(True)
    font = label.font()
    font.setPointSizeF(0.9 * font.pointSizeF())
    label.setFont(font)
    return label


def _legend() -> str:
    words = {EdgeSource.MEASURED: "measured", EdgeSource.PROPOSED: "proposed", EdgeSource.DRAWN: "drawn"}
    return "&nbsp;&nbsp; ".join(
        f'<span style="color: {EDGE_COLOURS[source]}">■</span>&nbsp;{word}' for source, word in words.items()
    )


def _spin(value: float, low: float, high: float, *, step: float, decimals: int, suffix: str) -> QDoubleSpinBox:
    spin = QDoubleSpinBox()
    spin.setRange(low, high)
    spin.setDecimals(decimals)
    spin.setSingleStep(step)
    spin.setSuffix(suffix)
    spin.setValue(value)
    spin.setStepType(QAbstractSpinBox.StepType.DefaultStepType)
    spin.setKeyboardTracking(False)
    return spin


def _combo() -> QComboBox:
    combo = QComboBox()
    combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    combo.setMinimumContentsLength(8)
    combo.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
    return combo


def _row(*widgets: QWidget) -> QLayout:
    row = QHBoxLayout()
    row.setSpacing(6)
    for widget in widgets:
        row.addWidget(widget)
    return row


def _form(*rows: tuple[str, QWidget | QLayout]) -> QLayout:
    """Labels of one width on the left, controls that fill the rest."""
    grid = QGridLayout()
    grid.setHorizontalSpacing(8)
    grid.setVerticalSpacing(3)
    grid.setColumnMinimumWidth(0, 64)
    grid.setColumnStretch(1, 1)
    for row, (text, widget) in enumerate(rows):
        if text:
            grid.addWidget(QLabel(text), row, 0)
        if isinstance(widget, QLayout):
            grid.addLayout(widget, row, 1)
        else:
            grid.addWidget(widget, row, 1)
    return grid
