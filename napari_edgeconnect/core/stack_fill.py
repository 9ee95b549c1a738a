"""What was invented in one plane of a stack: small, so that it can be kept or sent somewhere.

Apart from ``stack``, which says what there is to repair, because whoever writes
results needs nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from .axes import Place
from .holes import Box


@dataclass(frozen=True, eq=False)
class Fill:
    """What was invented in one plane.

    Attributes
    ----------
    place : tuple of int
        One of ``Axes.places``.
    channel : int
    altered : (H, W) bool
    values : (n,) or (n, channels) array
        The altered pixels, row by row, in the image's dtype.
    record : dict
        Of the repair, as plain values, with the plane's place.
    labels, probability : (H, W) uint8 and float32 in [0, 1], or None
        Of the edge map that it was completed from, where the stack keeps edges.
    box : Box or None
        The part of a large plane that all these arrays are of; other fills may be of the same plane. None: the whole.
    """

    place: Place
    channel: int
    altered: NDArray[np.bool_]
    values: NDArray[Any]
    record: dict[str, Any] = field(default_factory=dict)
    labels: NDArray[np.uint8] | None = None
    probability: NDArray[np.float32] | None = None
    box: Box | None = None

    def into(self, plane: NDArray[Any]) -> NDArray[Any]:
        """A copy of the plane with the invented pixels: every other one is the plane's own."""
        filled = plane.copy()
        self.put_into(filled, Box(0, plane.shape[0], 0, plane.shape[1]))
        return filled

    def put_into(self, pixels: NDArray[Any], box: Box) -> None:
        """Write the invented pixels to what a box shows of the plane, as far as they lie in it."""
        ours = self._of()
        if ours.overlaps(box):
            shared = ours.shared(box)
            here = np.zeros_like(self.altered)
            here[shared.within(ours)] = True
            where = self.altered[shared.within(ours)]
            pixels[shared.within(box)][where] = self.values[here[self.altered]]

    def shown(self, name: Literal["altered", "labels", "probability"], into: NDArray[Any], box: Box) -> None:
        """Write one of the fill's arrays to what a box shows of the plane, as far as it lies in it."""
        ours, array = self._of(), getattr(self, name)
        if ours.overlaps(box):
            shared = ours.shared(box)
            part = array[shared.within(ours)]
            # Cutouts may show the same pixels beside their damage; what one says is 0 where it did not look.
            np.maximum(into[shared.within(box)], part, out=into[shared.within(box)])

    def _of(self) -> Box:
        return self.box or Box(0, self.altered.shape[0], 0, self.altered.shape[1])
