"""Keys of the canvas for what the panel's buttons do; each button's tooltip names its key.

napari ignores a manifest's key bindings, so the widget binds them to its
viewer. No key here is one of napari's own for images, labels or the viewer.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any

from qtpy.QtWidgets import QAbstractButton

if TYPE_CHECKING:
    from napari.components import ViewerModel

    from .panel import Panel

#: The panel's buttons by name, and their keys.
KEYS = {
    "hallucinate": "Shift-H",
    "complete": "Shift-C",
    "inpaint": "Shift-I",
    "live": "Shift-F",
    "strokes": "Shift-S",
    "bridge": "Shift-B",
    "erase_edge": "Shift-E",
    "keep": "Shift-K",
    "test": "Shift-T",
    "how_sure": "Shift-U",
}
#: Shows the image before the repair while it is held down.
BEFORE_KEY = "W"


class Shortcuts:
    """The keys of one panel on one viewer.

    Parameters
    ----------
    viewer : ViewerModel
    panel : Panel
    before : callable
        Called with True when ``BEFORE_KEY`` goes down, and with False when it comes up.
    """

    def __init__(self, viewer: ViewerModel, panel: Panel, before: Callable[[bool], None]) -> None:
        self._viewer = viewer
        self._bound: dict[str, Callable[..., Any]] = {}
        for name, key in KEYS.items():
            button: QAbstractButton = getattr(panel, name)
            button.setToolTip(f"{button.toolTip()} [{key.replace('-', '+')}]")
            self._bind(key, _press(button))
        self._bind(BEFORE_KEY, _hold(before))

    def _bind(self, key: str, action: Callable[..., Any]) -> None:
        self._bound[key] = action
        self._viewer.bind_key(key, action, overwrite=True)

    def release(self, *_: object) -> None:
        """Take the keys off, except where another panel has taken them over."""
        for key, action in self._bound.items():
            if action in self._viewer.keymap.values():
                self._viewer.bind_key(key, None)
        self._bound.clear()


def _press(button: QAbstractButton) -> Callable[..., None]:
    def press(_: object) -> None:
        button.click()  # nothing happens while it is disabled

    return press


def _hold(before: Callable[[bool], None]) -> Callable[..., Generator[None, None, None]]:
    def hold(_: object) -> Generator[None, None, None]:
        before(True)
        yield
        before(False)

    return hold
