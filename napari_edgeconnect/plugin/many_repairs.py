"""One repair in many ways that are as good, calibrated on copies of the damage: what several questions start from.

How sure a repair is and what it does to a measurement are answered from the same repairs, which take minutes. So the
last ones are kept, with what they are of, and whoever asks about the same again has them at once. No Qt.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ..core.record import digests_of_input
from ..core.results import Step
from ..core.uncertainty import Spread, repair_spread_steps

if TYPE_CHECKING:
    from ..core.edgeconnect import EdgeConnect
    from ..selftest.calibration import Uncertainty
    from .worker import Request


@dataclass(frozen=True, eq=False)
class ManyRepairs:
    """Repairs of one image and mask.

    Attributes
    ----------
    found : Uncertainty or Spread
        A bare spread where nothing could be calibrated, or was to be.
    why_not : str
        Why nothing could be; otherwise empty.
    asked : dict
        What they are of, as records say it: ``pixels``, ``model`` and ``settings``.
    """

    found: Uncertainty | Spread
    why_not: str
    asked: dict[str, Any]

    @property
    def spread(self) -> Spread:
        """The repair in all its variants."""
        return self.found if isinstance(self.found, Spread) else self.found.spread

    def answer(self, *, calibrated: bool, level: float) -> ManyRepairs | None:
        """The same for another question about the same repair; None where more has to be repaired for it."""
        if not isinstance(self.found, Spread):
            return replace(self, found=self.found.at(level)) if calibrated else self
        return self if self.why_not or not calibrated else None


def many_repairs_steps(
    request: Request, model: EdgeConnect, *, calibrated: bool = True
) -> Generator[Step, None, ManyRepairs]:
    """Repair in all variants, and copies of the damage, too, where these fit; or take what is known from before.

    Parameters
    ----------
    request : Request
        ``level`` is that of the interval; ``known`` is what was found before, of whatever image.
    model : EdgeConnect
    calibrated : bool
        False: copies are not needed, and what comes back may be a bare spread.
    """
    from ..selftest.calibration import uncertainty_steps

    image, mask, settings = request.image, request.mask, request.settings
    asked = {
        "pixels": digests_of_input(image, mask),
        "model": {**model.info.as_dict(), "device": str(model.device)},
        "settings": settings.as_dict(),
    }
    if request.known is not None and request.known.asked == asked:
        answer = request.known.answer(calibrated=calibrated, level=request.level)
        if answer is not None:
            return answer
    why_not = ""
    if calibrated:
        try:
            found = yield from uncertainty_steps(image, mask, model, settings, level=request.level)
        except ValueError as error:  # no copy fits; whatever else is wrong is refused once more
            why_not = str(error)
        else:
            return ManyRepairs(found, "", asked)
    spread = yield from repair_spread_steps(model, image, mask, settings)
    return ManyRepairs(spread, why_not, asked)
