"""A run in napari's activity dock, with a cancel button that works at once."""

from __future__ import annotations

from collections.abc import Callable

from napari.utils.progress import cancelable_progress

from ..core.results import Step


class Activity(cancelable_progress):
    """napari's own asks its callback at the next step of a loop; a worker has no loop here to ask it."""

    def __init__(self, what: str, on_cancel: Callable[[], None]) -> None:
        super().__init__(desc=what, total=0, cancel_callback=on_cancel, leave=False)

    def cancel(self) -> None:
        """Called by the button in the activity dock."""
        super().cancel()
        self.cancel_callback()

    def show_step(self, step: Step) -> None:
        """Move the bar, and say what is done next."""
        self.total = step.total
        self.update(step.done - self.n)
        self.set_description(step.what)
