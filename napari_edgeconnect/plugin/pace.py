"""How long a run will take, from how long the last ones took here."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..core.holes import plan_windows
from ..core.models import ModelInfo
from ..core.settings import Settings

#: A pass of one network of width 1 on two CPU cores: ``python benchmarks/live.py`` has it for width 16.
_SECONDS_PER_PX = 0.148 / 256**2 / 16**2


class Expected(NamedTuple):
    """Seconds of one pass over the damage, and whether that was measured on this machine."""

    seconds: float
    measured: bool

    @property
    def in_words(self) -> str:
        """For a person: "about 4 s"."""
        if self.seconds < 1:
            return "less than a second"
        if self.seconds < 90:
            return f"about {self.seconds:.0f} s"
        return f"about {self.seconds / 60:.0f} min"


class Pace:
    """What runs have taken per pixel of their windows, by model and device."""

    def __init__(self) -> None:
        self._seconds_per_px: dict[tuple[str, str], float] = {}

    def note(self, model: str, device: str, windows_px: int, seconds: float) -> None:
        """Remember one pass of the completion network."""
        if windows_px:
            self._seconds_per_px[model, device] = seconds / windows_px

    def expected(self, model: ModelInfo, device: str, windows_px: int) -> Expected:
        """One pass over windows of so many pixels.

        Before anything was measured here, it is what two laptop cores take; the
        networks' cost grows with the square of their width.
        """
        measured = self._seconds_per_px.get((model.name, device))
        if measured is None:
            return Expected(_SECONDS_PER_PX * model.width**2 * windows_px, measured=False)
        return Expected(measured * windows_px, measured=True)


def windows_px(hole: NDArray[np.bool_], settings: Settings) -> int:
    """Pixels of all windows that a repair looks at.

    Parameters
    ----------
    hole : (H, W) bool
        The mask as it is repaired, grown.
    settings : Settings
    """
    boxes = [window.box.shape for window in plan_windows(hole, settings).windows]
    return sum(height * width for height, width in boxes)
