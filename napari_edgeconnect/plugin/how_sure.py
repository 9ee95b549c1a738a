"""How sure a repair is, as a layer: the half width of an interval at each altered pixel, in the image's grey values.

Where no copy of the damage fits into the image nothing can be calibrated: then the layer holds the bare spread, and
its name, its record and the status line say that it is none of an interval.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..core.digests import array_sha256
from ..core.record import origin
from ..core.results import Step
from ..core.uncertainty import Spread
from . import layers as ours
from .many_repairs import ManyRepairs, many_repairs_steps
from .reasons import reasons_for, with_reasons

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image

    from ..core.edgeconnect import EdgeConnect
    from .layer_plane import Plane
    from .worker import Request

#: magma without its black end, which can't be told from a dark image.
_COLOURS = "magma"
_FIRST_COLOUR = 50


@dataclass(frozen=True, eq=False)
class HowSure:
    """What was found out about a repair.

    Attributes
    ----------
    values : (H, W) float32
        In the image's units: the interval's half width, or where nothing could be calibrated the spread; 0 outside
        the hole.
    repairs : ManyRepairs
        With the repair that this is about.
    level : float or None
        The interval's; None for a spread that is not calibrated.
    record : dict
        Plain values; ``meaning`` says what the layer holds.
    """

    values: NDArray[np.float32]
    repairs: ManyRepairs
    level: float | None
    record: dict[str, Any]

    @property
    def sentence(self) -> str:
        """For the status line."""
        return str(self.record["meaning"])


def how_sure_steps(request: Request, model: EdgeConnect) -> Generator[Step, None, HowSure]:
    """Find out how sure a repair is, calibrated on copies of the damage where these fit."""
    from ..selftest.advice import digits

    repairs = yield from many_repairs_steps(request, model)
    found, spread = repairs.found, repairs.spread
    values, calibration = (found.spread, None) if isinstance(found, Spread) else (found.half_width, found.calibration)
    inside = values[spread.hole]
    usual, largest = (float(inside.mean()), float(inside.max())) if inside.size else (0.0, 0.0)
    if calibration is None:
        meaning = (
            f"Repaired in {len(spread.variants)} equally good ways, the pixels differ by ±{digits(usual)} grey values "
            f"on average. This spread is not calibrated, and no interval: {repairs.why_not}"
        )
    else:
        meaning = (
            f"The truth is expected within ±{digits(usual)} grey values of the repair on average, within "
            f"±{digits(largest)} at the least sure pixel ({100 * calibration.level:g} % interval, calibrated on "
            f"{calibration.trials} cop{'y' if calibration.trials == 1 else 'ies'} of the damage)."
        )
    record = {
        **origin("uncertainty"),
        # A bare spread is no uncertainty that a repair's record could hold.
        **({} if calibration else {"kind": "spread"}),
        **repairs.asked,
        "result_sha256": array_sha256(spread.repaired[spread.hole]),
        "seed": 0,
        "variants": list(spread.variants),
        "meaning": meaning,
    }
    if calibration is None:
        record |= {"mean_spread": usual, "largest_spread": largest}
    else:
        record |= {"level": calibration.level, "calibration": calibration.as_dict()}
        record |= {"mean_half_width": usual, "largest_half_width": largest}
    record = with_reasons(record, reasons_for(request.image, request.mask, request.settings, model))
    return HowSure(values, repairs, record.get("level"), record)


def show_how_sure(viewer: ViewerModel, plane: Plane, found: HowSure) -> Image:
    """Put it into its plane's layer, which napari's status bar then reads out under the mouse."""
    from .placing import add

    title = _title(found.level)
    details = {"record": found.record, "level": found.level}
    highest = float(found.values.max()) or 1.0
    layer: Image | None = ours.find_own(viewer.layers, plane, ours.UNCERTAINTY)
    made = ours.layer_tuple(
        found.values,
        "image",
        plane=plane,
        kind=ours.UNCERTAINTY,
        title=title,
        details=details,
        colormap=_colormap(),
        contrast_limits=(0.0, highest),
        opacity=0.85,
    )
    if layer is None:
        layer = add(viewer, made)
        layer.colorbar.visible = True
    else:
        layer.data, layer.name = made[0], made[1]["name"]
        layer.contrast_limits_range = layer.contrast_limits = (0.0, highest)
        layer.metadata[ours.KEY].update(details)
        layer.visible = True
    viewer.layers.selection.active = layer
    return layer


def under_mouse(viewer: ViewerModel, plane: Plane | None, position: Any) -> str:
    """What a plane's layer says of the pixel at a position of the world, in words; empty where it says nothing."""
    layer = None if plane is None else ours.find_own(viewer.layers, plane, ours.UNCERTAINTY)
    value = None if layer is None or not layer.visible else layer.get_value(position, world=True)
    if not value:
        return ""
    from ..selftest.advice import digits

    level = layer.metadata[ours.KEY]["level"]
    if level is None:
        return f"Here equally good repairs differ by ±{digits(float(value))} grey values (not calibrated)."
    return f"Here: ±{digits(float(value))} grey values ({100 * level:g} % interval)."


def _title(level: float | None) -> str:
    what = "spread, not calibrated" if level is None else f"± of the {100 * level:g} % interval"
    return f"{ours.TITLES[ours.COMPLETED]} · {ours.UNCERTAINTY}, {what}"


def _colormap() -> Any:
    """Clear at 0, where nothing was invented; colours for all else."""
    from napari.utils.colormaps import Colormap, ensure_colormap

    colours = np.asarray(ensure_colormap(_COLOURS).colors)[_FIRST_COLOUR:]
    steps = np.linspace(1 / 512, 1, len(colours))
    return Colormap(np.vstack([[0, 0, 0, 0], colours]), name="uncertainty", controls=[0, *steps])
