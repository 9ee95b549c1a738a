"""From a spread to an interval: how far the truth lies from a repair, by the errors on the image's own copies.

The spread says where a repair is unsure, not by how much it is wrong: a network that is wrong in the same way eight
times has no spread. So the spread is scaled to contain the stated share of true values where these are known. Every
level is calibrated by itself: errors are not normal, so no interval follows from another.

Copies are few and unlike each other, so the share is right on average over images and not in each. A correction for
their number (split conformal prediction with copies as its units) would be right in each, at the price of intervals
that for 6 copies and nine of ten values have no end; ``benchmarks/coverage.py`` says what holds without it.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..core.edgeconnect import EdgeConnect
from ..core.planes import colours
from ..core.results import Step
from ..core.settings import Settings
from ..core.uncertainty import Spread, repair_spread_steps
from .placing import place_copies
from .run import Damaged

#: Copies on which an interval is calibrated.
CALIBRATION_TRIALS = 6
LEVEL = 0.9
#: Of a sum of weights.
_ROUNDING = 1e-9


@dataclass(frozen=True)
class Calibration:
    """What turns a spread into an interval: its half width is ``factor * (spread + floor)``.

    Attributes
    ----------
    factor : float
    floor : float
        In the image's units: the usual spread, so that pixels without any have an interval, too.
    level : float
        The share of true values that lay inside, on the copies.
    trials, pixels : int
        On how many copies and pixels.
    """

    factor: float
    floor: float
    level: float
    trials: int
    pixels: int

    def half_width(self, spread: NDArray[np.floating], hole: NDArray[np.bool_]) -> NDArray[np.float32]:
        """(H, W) float32 in the image's units; 0 outside the hole."""
        return np.where(hole, self.factor * (spread + self.floor), 0).astype(np.float32)

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for a record."""
        return asdict(self)


@dataclass(frozen=True)
class Uncertainty:
    """A repair, and the interval in which the truth is expected around it.

    Attributes
    ----------
    spread : Spread
        With the repair itself.
    half_width : (H, W) float32
        The truth is expected within ``spread.repaired`` ± this, in the image's units, as often as
        ``calibration.level`` says; 0 outside the hole.
    calibration : Calibration
    copies : tuple of (spread, errors)
        By copy of the damage: of its pixels, what the repair's variants and what the truth said.
    """

    spread: Spread
    half_width: NDArray[np.float32]
    calibration: Calibration
    copies: tuple[tuple[NDArray[np.float32], NDArray[np.float64]], ...] = field(repr=False)

    def at(self, level: float) -> Uncertainty:
        """The same repair with the interval of another level, from the same copies: nothing is repaired again.

        Raises
        ------
        ValueError
            For a level that is no share.
        """
        return _calibrated(self.spread, self.copies, level)


def errors(repaired: NDArray[Any], truth: NDArray[Any], hole: NDArray[np.bool_]) -> NDArray[np.float64]:
    """(n,) float64: of each pixel in the hole, the root mean square over colours of repair minus truth."""
    off = colours(repaired)[hole].astype(np.float64) - colours(truth)[hole]
    return np.asarray(np.sqrt(np.mean(off**2, axis=1)))


def calibrate(
    spreads: Sequence[NDArray[np.floating]], off: Sequence[NDArray[np.floating]], level: float = LEVEL
) -> Calibration:
    """The factor with which ``level`` of the errors lie inside; every copy counts alike, whatever its size.

    Parameters
    ----------
    spreads, off : sequence of (n,) arrays
        By copy: spread and error of its pixels, in the image's units.
    level : float in (0, 1)

    Raises
    ------
    ValueError
        For another level.
    """
    _check_level(level)
    every, wrong = np.concatenate(spreads).astype(np.float64), np.concatenate(off).astype(np.float64)
    weight = np.concatenate([np.full(len(each), 1 / len(each)) for each in spreads])
    # Where nothing varies, errors alone say how wide an interval is.
    floor = float(np.median(every)) or float(np.mean(wrong)) or 1.0
    ratio = wrong / (every + floor)
    order = np.argsort(ratio)
    inside = np.cumsum(weight[order]) / weight.sum()
    factor = float(ratio[order][np.searchsorted(inside, level - _ROUNDING)])
    return Calibration(factor, floor, level, len(spreads), len(every))


def uncertainty_steps(
    image: ArrayLike,
    mask: ArrayLike,
    model: EdgeConnect,
    settings: Settings | None = None,
    *,
    trials: int = CALIBRATION_TRIALS,
    level: float = LEVEL,
    seed: int = 0,
) -> Generator[Step, None, Uncertainty]:
    """The repair with its interval, step by step: the copies first, then the damage itself.

    Parameters
    ----------
    image, mask, settings
        As for ``run.self_test``.
    model : EdgeConnect
    trials : int
        Copies to calibrate on; fewer where no more fit.
    level : float in (0, 1)
        The share of true values that shall lie in the interval.
    seed : int

    Raises
    ------
    TypeError, ValueError
        As for ``run.self_test``.
    """
    if trials < 1:
        raise ValueError(f"{trials} copies were asked for: give at least 1.")
    _check_level(level)
    settings = settings or Settings()
    damaged = Damaged.read(image, mask, settings.grow_px)
    settings = replace(settings, grow_px=0.0)
    copies = place_copies(damaged.image, damaged.hole, trials, seed)
    measured = []
    for number, placed in enumerate(copies):
        box, loaded = damaged.window(placed, settings)
        steps = repair_spread_steps(model, loaded.damaged, loaded.hole, settings)
        spread = yield from _as_part(steps, number, len(copies) + 1, f"Copy {number + 1} of {len(copies)}")
        hole = placed.hole[box.slices]
        measured.append((spread.spread[hole], errors(spread.repaired, loaded.truth, hole)))
    steps = repair_spread_steps(model, image, damaged.hole, settings)
    spread = yield from _as_part(steps, len(copies), len(copies) + 1, "The damage")
    return _calibrated(spread, tuple(measured), level)


def _calibrated(
    spread: Spread, copies: tuple[tuple[NDArray[np.float32], NDArray[np.float64]], ...], level: float
) -> Uncertainty:
    spreads, off = zip(*copies, strict=True)
    calibration = calibrate(spreads, off, level)
    return Uncertainty(spread, calibration.half_width(spread.spread, spread.hole), calibration, copies)


def _check_level(level: float) -> None:
    if not 0 < level < 1:
        raise ValueError(f"The level is {level!r}: give the share of true values that shall lie inside, such as 0.9.")


def _as_part(steps: Generator[Step, None, Spread], part: int, parts: int, what: str) -> Generator[Step, None, Spread]:
    """Steps of one of several runs of equal length, counted together."""
    while True:
        try:
            step = next(steps)
        except StopIteration as stop:
            return stop.value
        yield Step(part * step.total + step.done, parts * step.total, f"{what}: {step.what}")
