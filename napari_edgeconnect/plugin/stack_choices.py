"""The controls for all slices at once: what they share, and which axis is channels."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import QSignalBlocker
from qtpy.QtWidgets import QVBoxLayout, QWidget

from ..core.settings import StackSettings
from .layer_plane import Plane
from .parts import boxed, combo, form
from .whole_stack import Shared

#: Axis labels that mean channels; what an axis means is never guessed from how long it is.
_CHANNEL_LABELS = ("c", "ch", "channel", "channels")


class StackChoices(QWidget):
    """Mapping, channels, and the channel whose edges guide the others; shown where a whole stack is repaired."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.mapping = combo([("each slice's own", "plane"), ("one for all slices", "stack")])
        self.mapping.setToolTip(
            "Grey values are mapped for the networks by the known pixels. Each slice's own suits stacks whose slices "
            "differ in brightness. In a film it differs a little from frame to frame, and the repairs flicker with it: "
            "take one for all. With channels, each channel has its own."
        )
        self.channels = combo()
        self.channels.setToolTip("The axis along which slices are channels of the same place, if there is one.")
        self.guide = combo()
        self.guide.setToolTip(
            "Whose edges the repairs of all channels of a place follow: each channel's own; those of the channel that "
            "stands out most from its noise; or those of one channel. Edges that you corrected come first."
        )
        self._guide_row = boxed(form(("Edges of", self.guide)))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(form(("Mapping", self.mapping), ("Channels", self.channels)))
        layout.addWidget(self._guide_row)
        self._offered: tuple[object, ...] = ()
        self.channels.currentIndexChanged.connect(self._offer_guides)
        self.hide()

    @property
    def shared(self) -> Shared:
        """What is chosen."""
        axis = self.channels.currentData()
        guide: Any = "own" if axis is None else self.guide.currentData()
        return Shared(StackSettings(mapping=self.mapping.currentData(), edges_from=guide), axis)

    def offer(self, plane: Plane | None) -> None:
        """Offer the axes along which a plane is one of several; the choice stays while these do."""
        if plane is None:
            return
        axes = [(plane.word(axis), axis, int(plane.level.shape[axis])) for axis in plane.across]
        offered = (plane.layer, *axes)
        if offered == self._offered:
            return
        self._offered = offered
        self._sizes = {axis: size for _, axis, size in axes}
        with QSignalBlocker(self.channels):
            self.channels.clear()
            self.channels.addItem("none", None)
            for word, axis, size in axes:
                self.channels.addItem(f"{word} ({size})", axis)
            named = next((row for row, (word, *_) in enumerate(axes, 1) if word.lower() in _CHANNEL_LABELS), 0)
            self.channels.setCurrentIndex(named)
        self._offer_guides()

    def _offer_guides(self, *_: object) -> None:
        axis = self.channels.currentData()
        self.guide.clear()
        self.guide.addItem("each channel's own", "own")
        if axis is not None:
            self.guide.addItem("the clearest channel", "strongest")
            for number in range(self._sizes[axis]):
                self.guide.addItem(f"channel {number}", number)
        self._guide_row.setVisible(axis is not None)
