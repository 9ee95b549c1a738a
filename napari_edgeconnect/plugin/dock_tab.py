"""A view of a viewer's own in a tab beside the panel: made when there is something to show, back when it was closed."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from qtpy.QtWidgets import QWidget

if TYPE_CHECKING:
    from napari.components import ViewerModel

View = TypeVar("View", bound=QWidget)


class DockTab(Generic[View]):
    """Brings a view into a viewer's window, once; a viewer without a window has the view alone.

    Parameters
    ----------
    viewer : ViewerModel
    title : str
    make : callable
        Makes the view, the first time and whenever its dock was closed.
    """

    def __init__(self, viewer: ViewerModel, title: str, make: Callable[[], View]) -> None:
        self._viewer, self._title, self._make = viewer, title, make
        self.view: View | None = None
        self._dock: Any = None

    def shown(self) -> View:
        """The view, in a dock that is there and in front."""
        if self.view is None or self._is_closed:
            self.view = self._make()
            window = getattr(self._viewer, "window", None)
            if window is not None:
                # A tab beside the panel: below the picture it would take the height that a laptop does not have.
                self._dock = window.add_dock_widget(self.view, name=self._title, area="right", tabify=True)
        if self._dock is not None:
            self._dock.show()
            self._dock.raise_()
        return self.view

    @property
    def _is_closed(self) -> bool:
        """A dock that is closed loses its view: napari takes it out, and deletes the dock."""
        try:
            return self._dock is not None and self.view is not None and self.view.parent() is None
        except RuntimeError:  # it went with its window
            return True
