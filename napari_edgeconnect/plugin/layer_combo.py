"""A combo box of a viewer's layers that keeps up with them, and the watch on those layers.

magicgui's own layer combo finds its choices only inside a docked window, and
takes one layer type; this one works on any ``ViewerModel``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QSignalBlocker, Qt
from qtpy.QtWidgets import QComboBox, QSizePolicy, QStyle, QStyleOptionComboBox, QStylePainter, QWidget

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Layer
    from qtpy.QtGui import QPaintEvent

#: What changes a layer's pixels or place; not every kind of layer has all of these.
_CONTENT = ("data", "set_data", "paint", "labels_update", "scale", "translate", "rotate", "shear", "affine")


class LayerCombo(QComboBox):
    """The layers that ``accepts`` lets through, the topmost first, as objects and not as names."""

    def __init__(self, accepts: Callable[[Layer], bool], *, none: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._accepts = accepts
        self.setPlaceholderText(none)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(8)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Shorten a long name in its middle: what tells layers apart is often at its end."""
        painter, option = QStylePainter(self), QStyleOptionComboBox()
        self.initStyleOption(option)
        painter.drawComplexControl(QStyle.ComplexControl.CC_ComboBox, option)
        field = self.style().subControlRect(
            QStyle.ComplexControl.CC_ComboBox, option, QStyle.SubControl.SC_ComboBoxEditField, self
        )
        text = self.currentText() or self.placeholderText()
        option.currentText = self.fontMetrics().elidedText(text, Qt.TextElideMode.ElideMiddle, field.width())
        painter.drawControl(QStyle.ControlElement.CE_ComboBoxLabel, option)

    @property
    def layer(self) -> Any:
        """The chosen layer, or None."""
        return self.currentData(Qt.ItemDataRole.UserRole)

    def offers(self, layer: Layer) -> bool:
        """True for a layer that can be chosen now."""
        return layer in self._layers()

    def choose(self, layer: Layer) -> None:
        """Choose a layer that is on offer."""
        self.setCurrentIndex(self._layers().index(layer))

    def offer(self, layers: Iterable[Layer], *, prefer: Callable[[Layer], bool] = lambda _: True) -> None:
        """Show these layers; the choice stays while its layer does, else falls on the topmost preferred one."""
        chosen = self.layer
        offered = [layer for layer in reversed(list(layers)) if self._accepts(layer)]
        with QSignalBlocker(self):
            self.clear()
            for layer in offered:
                self.addItem(layer.name, layer)
            if chosen not in offered:
                chosen = next(filter(prefer, offered), offered[0] if offered else None)
            self.setCurrentIndex(offered.index(chosen) if offered else -1)
        self.currentIndexChanged.emit(self.currentIndex())

    def _layers(self) -> list[Layer]:
        return [self.itemData(row, Qt.ItemDataRole.UserRole) for row in range(self.count())]


class LayerWatch:
    """Calls back when layers come, go or are renamed, and when what they show or where they lie changes.

    napari holds it weakly, and lets go of it when a callback's widget is gone.
    """

    def __init__(self, viewer: ViewerModel, on_list: Callable[[], None], on_content: Callable[[], None]) -> None:
        self._on_list = on_list
        self._on_content = on_content
        layers = viewer.layers.events
        layers.inserted.connect(self._inserted)
        layers.removed.connect(self._removed)
        layers.reordered.connect(self._listed)
        viewer.dims.events.connect(self._changed)
        for layer in viewer.layers:
            self._follow(layer)

    def _inserted(self, event: Any) -> None:
        self._follow(event.value)
        self._on_list()

    def _removed(self, event: Any) -> None:
        self._leave(event.value)
        self._on_list()

    def _listed(self, event: Any = None) -> None:
        self._on_list()

    def _changed(self, event: Any = None) -> None:
        self._on_content()

    def _follow(self, layer: Layer) -> None:
        layer.events.name.connect(self._listed)
        for name in _CONTENT:
            if name in layer.events.emitters:
                layer.events[name].connect(self._changed)

    def _leave(self, layer: Layer) -> None:
        layer.events.name.disconnect(self._listed)
        for name in _CONTENT:
            if name in layer.events.emitters:
                layer.events[name].disconnect(self._changed)
