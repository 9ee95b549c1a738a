"""What is asked before objects are measured: which they are, how large a pixel is, whether an interval is wanted."""

from __future__ import annotations

from collections.abc import Iterable
from math import isfinite

from qtpy.QtWidgets import QDialog, QDialogButtonBox, QLabel, QLineEdit, QVBoxLayout, QWidget

from . import layers as ours
from .layer_combo import LayerCombo
from .layer_plane import Plane
from .measured import Wanted, labels_on, pixel_size_of
from .parts import boxed, combo, fit_height, form, note, row

OTSU, VALUE, LAYER = "brighter than Otsu's threshold", "brighter than a value", "the labels of a layer"
_EXPLANATIONS = {
    OTSU: "What is connected and brighter than Otsu's threshold of the known pixels: nothing invented has a say in it.",
    VALUE: "What is connected and brighter than this, in the image's own values.",
    LAYER: "The same objects whatever the fill: their areas stay, their intensities alone can change.",
}
_NONE = "none: how far variants of the repair differ"
_TIMES = {
    True: "Takes as long as “How sure?”: the damage and copies of it are repaired many times. At once where that, or a "
    "measurement with an interval, has just been made of this image and mask with these settings.",
    False: "Takes a seventh of the time of “How sure?”. Variants say where a repair is unsure, not how wrong it is.",
}
_NO_OBJECTS = (ours.ALTERED, ours.EDGES, ours.FOUND, ours.GROWN, ours.OBJECTS)


class MeasureDialog(QDialog):
    """Asks, and says what will be done; ``accepted`` is emitted when ``wanted`` can be measured.

    Parameters
    ----------
    plane : Plane
        Whose objects are to be measured.
    layers : iterable of Layer
        Those of the viewer.
    mask : Layer or None
        The damage: never the objects.
    threshold : float or None
        Where a value starts.
    level : float
        Of the interval.
    parent : QWidget
    """

    def __init__(
        self,
        plane: Plane,
        layers: Iterable[object],
        *,
        mask: object | None,
        threshold: float | None,
        level: float,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._plane = plane
        self.wanted: Wanted | None = None
        self.setWindowTitle("Measure objects")
        self.setMinimumWidth(460)
        self.objects = combo([(title, title) for title in _EXPLANATIONS])
        self.value = QLineEdit("" if threshold is None else f"{threshold:g}")
        self.layer = LayerCombo(lambda layer: layer is not mask and _is_objects(layer), none="there is no Labels layer")
        self.layer.offer(layers)
        self.about = note()
        (height, width), unit = pixel_size_of(plane)
        self.height_, self.width_, self.unit = QLineEdit(f"{height:g}"), QLineEdit(f"{width:g}"), QLineEdit(unit)
        for part, tip in (
            (self.height_, "Height of a pixel, as the layer's scale says."),
            (self.width_, "Width of a pixel, as the layer's scale says."),
            (self.unit, "In which that is: areas are in its square."),
        ):
            part.setToolTip(tip)
        self.interval = combo([(f"{100 * level:g} %, calibrated on copies of the damage", True), (_NONE, False)])
        self.refusal = QLabel()
        self.refusal.setWordWrap(True)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        self.measure = buttons.addButton("Measure", QDialogButtonBox.ButtonRole.AcceptRole)
        buttons.accepted.connect(self._take)
        buttons.rejected.connect(self.reject)
        self._lay_out(buttons)
        self.objects.currentIndexChanged.connect(self._show_choice)
        self.interval.currentIndexChanged.connect(self._show_choice)
        self._show_choice()

    def _lay_out(self, buttons: QDialogButtonBox) -> None:
        where = f", {self._plane.where}" if self._plane.where else ""
        about = QLabel(
            f"Measures objects of “{self._plane.layer.name}”{where} without the damage, with its repair, and in many "
            "other repairs that are as possible."
        )
        about.setWordWrap(True)
        self._value_row = boxed(form(("Value", self.value)))
        self._layer_row = boxed(form(("Layer", self.layer)))
        self._time = note()
        column = QVBoxLayout(self)
        column.setSpacing(6)
        column.addWidget(about)
        column.addLayout(form(("Objects", self.objects)))
        column.addWidget(self._value_row)
        column.addWidget(self._layer_row)
        column.addWidget(self.about)
        column.addLayout(form(("A pixel is", row(self.height_, QLabel("×"), self.width_, self.unit))))
        column.addLayout(form(("Interval", self.interval)))
        column.addWidget(self._time)
        column.addWidget(self.refusal)
        column.addStretch()
        column.addWidget(buttons)

    def _show_choice(self, *_: object) -> None:
        kind = self.objects.currentData()
        self._value_row.setVisible(kind == VALUE)
        self._layer_row.setVisible(kind == LAYER)
        self.about.setText(_EXPLANATIONS[kind])
        self._time.setText(_TIMES[self.interval.currentData()])
        self.measure.setEnabled(kind != LAYER or self.layer.layer is not None)
        self.refusal.hide()
        fit_height(self)

    def _take(self) -> None:
        """Read what was chosen; a refusal is said here, and nothing starts."""
        kind = self.objects.currentData()
        try:
            size = tuple(_number(part, "pixel size", positive=True) for part in (self.height_, self.width_))
            self.wanted = Wanted(
                labels=labels_on(self._plane, self.layer.layer) if kind == LAYER else None,
                labels_name=f"“{self.layer.layer.name}”" if kind == LAYER else "",
                threshold=_number(self.value, "value") if kind == VALUE else None,
                pixel_size=(size[0], size[1]),
                unit=self.unit.text().strip() or "px",
                calibrated=self.interval.currentData(),
            )
        except ValueError as error:
            self.refusal.setText(f"⚠ {error}")
            self.refusal.show()
            fit_height(self)
            return
        self.accept()


def _is_objects(layer: object) -> bool:
    from napari.layers import Labels

    return isinstance(layer, Labels) and not any(ours.is_own(layer, kind) for kind in _NO_OBJECTS)


def _number(field: QLineEdit, what: str, *, positive: bool = False) -> float:
    try:
        number = float(field.text())
    except ValueError:
        number = float("nan")
    if not isfinite(number) or (positive and number <= 0):
        raise ValueError(f"The {what} is {field.text()!r}: give a number{' above 0' if positive else ''}.")
    return number
