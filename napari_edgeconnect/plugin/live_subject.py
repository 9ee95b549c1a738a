"""What the picture follows while it is live, what was made of it so far, and one update of it.

Apart from ``live``, which decides when an update begins, and shows what it gives.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..core.edges import EdgeMap
from ..core.holes import grown
from ..core.live import LiveCompletion, Patch
from ..core.refusals import Reason
from ..core.results import Repair
from ..core.settings import Settings
from . import layers as ours
from .layer_plane import Plane, read_plane
from .preferences import DEFAULTS
from .reasons import reasons_for, with_reasons
from .worker import Failure, LoadedModels

if TYPE_CHECKING:
    from napari.layers import Image

LOADING = "Loading the model…"
OUTGROWN = (
    "The damage has grown since its edges were hallucinated: hallucinate again, and the picture follows; "
    "your edits are kept."
)


@dataclass(frozen=True, eq=False)
class Update:
    """What to follow: edges, and all that the picture depends on beside them."""

    plane: Plane
    mask: NDArray[np.bool_]
    settings: Settings
    model: str
    device: str
    edges: EdgeMap

    def has_subject_of(self, other: Update) -> bool:
        """True where one live completion serves both."""
        mine, its = self.plane, other.plane
        return (
            (mine.layer is its.layer and mine.source is its.source)
            and (mine.axes, mine.index, mine.box) == (its.axes, its.index, its.box)
            and _for_stage_two(self.settings) == _for_stage_two(other.settings)
            and (self.model, self.device) == (other.model, other.device)
            and np.array_equal(self.mask, other.mask)
        )

    def is_like(self, other: Update) -> bool:
        """True where picture and record would be the same."""
        return (
            self.settings == other.settings and self.has_subject_of(other) and _are_same_edges(self.edges, other.edges)
        )


@dataclass(eq=False)
class Subject:
    """One plane in one model's hands, and what was made of it so far.

    Attributes
    ----------
    update : Update
        The last that was begun.
    image : (H, W) or (H, W, channels) array
    shown : array like ``image``
        The picture, as all patches so far have made it.
    array : array
        ``shown`` as the completed layer's data, once it is.
    details : dict or None
        Record, edges and altered pixels of ``shown``; None while it follows no edges to the end.
    is_followed : bool
        The last update has come to its end.
    is_whole : bool
        Some update has.
    hole : (H, W) bool
        The grown mask.
    completion : LiveCompletion
        Both made by the first update, beside the interface.
    reasons : dict
        What speaks against the repair, by sigma.
    """

    update: Update
    image: NDArray[Any]
    shown: NDArray[Any]
    array: Any = None
    details: dict[str, Any] | None = None
    is_followed: bool = False
    is_whole: bool = False
    hole: NDArray[np.bool_] | None = None
    completion: LiveCompletion | None = None
    reasons: dict[float | None, list[Reason]] = field(default_factory=dict)

    @classmethod
    def of(cls, update: Update, completed: Image | None) -> Subject:
        """Begin with what the completed layer shows in the hole, so that no damage reappears in it meanwhile."""
        image = read_plane(update.plane)
        shown, hole = image.copy(), update.edges.hole
        if completed is not None:
            pixels = ours.pixels_of(completed, update.plane)
            if (pixels.shape, pixels.dtype) == (shown.shape, shown.dtype):
                shown[hole] = pixels[hole]
        return cls(update, image, shown)

    def is_up_to_date(self, wanted: Update) -> bool:
        """True where nothing is to be done."""
        return self.is_followed and self.update.is_like(wanted)

    def is_shown_by(self, layer: Image) -> bool:
        """True for a layer whose pixels are those of ``shown``, not a copy."""
        return self.array is not None and layer.data is self.array


def live_steps(
    subject: Subject, edges: EdgeMap, models: LoadedModels
) -> Generator[str | Patch, None, Repair | Failure | str]:
    """Run one update; between any two patches it can be given up.

    An error is returned, not raised: see ``worker.repair_steps``.

    Yields
    ------
    str or Patch
        What is being done, in words, or the new pixels of a window.

    Returns
    -------
    Repair, Failure or str
        The completed plane, what went wrong, or what has to be done first.
    """
    asked = subject.update
    try:
        if subject.hole is None:
            subject.hole = grown(asked.mask, asked.settings.grow_px)
        if (subject.hole & ~edges.hole).any():
            return OUTGROWN
        if subject.completion is None:
            if (asked.model, asked.device) not in models:
                yield LOADING
            model = models.get(asked.model, asked.device)
            subject.completion = LiveCompletion(model, subject.image, asked.mask, asked.settings)
        repair = yield from subject.completion.update(edges)
        sigma = asked.settings.sigma
        if sigma not in subject.reasons:
            model = models.get(asked.model, asked.device)
            subject.reasons[sigma] = reasons_for(subject.image, asked.mask, asked.settings, model)
        return replace(repair, record=with_reasons(repair.record, subject.reasons[sigma]))
    except Exception as error:  # noqa: BLE001 - whatever it is, it goes to the user
        return Failure(None, error)


def _for_stage_two(settings: Settings) -> Settings:
    """Without what only finds edges: stage 2 is given them."""
    return replace(settings, sigma=DEFAULTS.sigma, threshold=DEFAULTS.threshold)


def _are_same_edges(first: EdgeMap, second: EdgeMap) -> bool:
    names = ("labels", "decided", "measured", "probability", "hole")
    planes = [(getattr(first, name), getattr(second, name)) for name in names]
    return first.threshold == second.threshold and all(a is b or np.array_equal(a, b) for a, b in planes)
