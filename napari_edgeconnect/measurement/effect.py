"""How far a measurement moves with the fill: each object's values, and those of all objects together."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ..core.results import Step, result_of
from ..core.uncertainty import Spread
from ..selftest.calibration import Calibration, Uncertainty
from .objects import FATES, QUANTITIES, TOTALS, Match, Objects, match, measured
from .samples import sampled_repairs
from .segmentation import Segmentation, gray_of, labels_of

SAMPLES = 100
#: Objects at most this far from a reconstructed pixel are listed, too: a fill may join or part them.
NEAR_PX = 2


@dataclass(frozen=True)
class Value:
    """One figure, without what was reconstructed and with it.

    Attributes
    ----------
    without_pixels : float or None
        Of known pixels alone; None where there are none.
    without_objects : float or None
        Of those objects alone that touch no reconstructed pixel; None for single objects.
    with_fill : float or None
    low, high : float or None
        Between which ``Effect.level`` of the sampled repairs have it; None without calibration.
    lowest, highest : float or None
        Over the variants of ``core.uncertainty``: each a complete repair, none of which is better than the others.
    """

    without_pixels: float | None
    without_objects: float | None
    with_fill: float | None
    low: float | None
    high: float | None
    lowest: float | None
    highest: float | None


@dataclass(frozen=True)
class ObjectEffect:
    """One object that touches or is near to what was reconstructed.

    Attributes
    ----------
    label : int
        In ``Effect.labels``; given labels keep their numbers.
    touched_px : int
        Its reconstructed pixels; 0 where it is near alone.
    values : dict of Value
        By ``QUANTITIES``; intervals are over those repairs in which the object is matched one to one.
    fates : dict of int
        Repairs (variants besides the first, and samples) by ``FATES``: how often it was matched, split, merged, lost.
    """

    label: int
    touched_px: int
    values: dict[str, Value]
    fates: dict[str, int]


@dataclass(frozen=True)
class Effect:
    """What a repair does to a measurement.

    Attributes
    ----------
    totals : dict of Value
        By ``TOTALS``.
    objects : tuple of ObjectEffect
        Those that touch or are near to the hole, by label.
    touched : int
        How many touch reconstructed pixels.
    new : int
        The most objects that were in one of the repairs and are none of these.
    labels : (H, W) int
        The objects of the repair as asked for, as the segmentation numbers them.
    hole : (H, W) bool
    variants, samples : int
        How many repairs were measured.
    level : float or None
        Of the intervals; None without calibration.
    calibration : Calibration or None
    pixel_size : (height, width)
        In ``unit``; areas are in its square.
    unit : str
    """

    totals: dict[str, Value]
    objects: tuple[ObjectEffect, ...]
    touched: int
    new: int
    labels: NDArray[np.int64] = field(repr=False)
    hole: NDArray[np.bool_] = field(repr=False)
    variants: int
    samples: int
    level: float | None
    calibration: Calibration | None
    pixel_size: tuple[float, float]
    unit: str

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for a record."""
        return {
            "objects_touched": self.touched,
            "totals": {name: asdict(value) for name, value in self.totals.items()},
            "objects": [asdict(each) for each in self.objects],
            "new_objects": self.new,
            "variants": self.variants,
            "samples": self.samples,
            "level": self.level,
            "calibration": None if self.calibration is None else self.calibration.as_dict(),
            "pixel_size": list(self.pixel_size),
            "unit": self.unit,
        }


def effect_on_measurements(
    found: Uncertainty | Spread,
    segmentation: Segmentation,
    *,
    pixel_size: float | tuple[float, float] = 1.0,
    unit: str = "px",
    samples: int = SAMPLES,
    seed: int = 0,
) -> Effect:
    """Measure the objects of a repair, and of many others that are as possible.

    Parameters
    ----------
    found : Uncertainty or Spread
        The repair with its variants (``core.uncertainty.repair_spread``), and with calibration
        (``selftest.calibration.uncertainty_steps``) an interval. How far variants differ says where a repair is
        unsure, not how wrong it is: without calibration ``lowest`` and ``highest`` are all there is, and are no
        interval of any level.
    segmentation : Segmentation
        Of ``measurement.segmentation``, or any function from an image to labels; it is called for every repair.
    pixel_size : float or (height, width)
        Of one pixel.
    unit : str
        In which that is: areas are in its square.
    samples : int
        How many repairs are drawn within the calibrated interval.
    seed : int

    Raises
    ------
    ValueError
        For a pixel size or a number of samples that is none, and for a segmentation that gives no labels.

    Examples
    --------
    >>> from skimage import data
    >>> from napari_edgeconnect import EdgeConnect
    >>> from napari_edgeconnect.core.uncertainty import repair_spread
    >>> from napari_edgeconnect.measurement.segmentation import above
    >>> image = data.coins()[:96, :128]
    >>> mask = np.zeros(image.shape, dtype=bool)
    >>> mask[40:48, 20:90] = True
    >>> effect = effect_on_measurements(repair_spread(EdgeConnect.load(device="cpu"), image, mask), above(120))
    >>> area = effect.totals["total area"]
    >>> area.without_pixels < area.lowest <= area.with_fill <= area.highest
    True
    """
    return result_of(effect_steps(found, segmentation, pixel_size=pixel_size, unit=unit, samples=samples, seed=seed))


def effect_steps(
    found: Uncertainty | Spread,
    segmentation: Segmentation,
    *,
    pixel_size: float | tuple[float, float] = 1.0,
    unit: str = "px",
    samples: int = SAMPLES,
    seed: int = 0,
) -> Generator[Step, None, Effect]:
    """:func:`effect_on_measurements`, repair by repair; closing it stops within one."""
    size = _pixel_size(pixel_size)
    if samples < 2:
        raise ValueError(f"{samples} samples were asked for: give at least 2.")
    spread = found.spread if isinstance(found, Uncertainty) else found
    samples = samples if isinstance(found, Uncertainty) else 0
    variants = len(spread.variants) - 1
    ours = _measured(segmentation, spread.repaired)
    number = variants + samples
    others: list[tuple[Objects, Match]] = []
    for done, image in enumerate(_other_repairs(found, samples, seed)):
        yield Step(done, number, "Measuring the variants" if done < variants else "Measuring sampled repairs")
        theirs = _measured(segmentation, image)
        others.append((theirs, match(ours, theirs)))
    yield Step(number, number, "Done")
    calibration = found.calibration if isinstance(found, Uncertainty) else None
    table = _Table(ours, spread, others, variants, calibration.level if calibration else None)
    scale = size[0] * size[1]
    return Effect(
        totals=table.totals(scale),
        objects=tuple(table.object(int(index), scale) for index in np.flatnonzero(table.near)),
        touched=int(np.count_nonzero(table.touched_px)),
        new=max((matched.new for _, matched in others), default=0),
        labels=ours.numbered(),
        hole=spread.hole,
        variants=variants + 1,
        samples=samples,
        level=table.level,
        calibration=calibration,
        pixel_size=size,
        unit=unit,
    )


def _other_repairs(found: Uncertainty | Spread, samples: int, seed: int) -> Iterator[NDArray[Any]]:
    """The variants besides the repair itself, and then the samples."""
    spread = found.spread if isinstance(found, Uncertainty) else found
    for variant in range(1, len(spread.variants)):
        yield spread.image_of(variant)
    if isinstance(found, Uncertainty):
        yield from sampled_repairs(found, samples, seed)


def _measured(segmentation: Segmentation, image: NDArray[Any]) -> Objects:
    return measured(labels_of(segmentation, image), gray_of(image))


def _pixel_size(size: float | tuple[float, float]) -> tuple[float, float]:
    height, width = (size, size) if isinstance(size, int | float) else size
    if not (np.isfinite([height, width]).all() and min(height, width) > 0):
        raise ValueError(f"The pixel size is {size!r}: give one or two lengths above 0.")
    return float(height), float(width)


class _Table:
    """Everything that was measured, and what is asked of it."""

    def __init__(
        self, ours: Objects, spread: Spread, others: Sequence[tuple[Objects, Match]], variants: int, level: float | None
    ) -> None:
        self._ours, self._others, self._variants, self.level = ours, others, variants, level
        known = np.where(spread.hole, 0, ours.labels)
        kept = np.unique(known[known > 0]) - 1
        self._known = measured(known, gray_of(spread.repaired))
        self._place = np.full(ours.count, -1)
        self._place[kept] = np.arange(len(kept))
        self.touched_px = np.bincount(ours.labels[spread.hole], minlength=ours.count + 1)[1:]
        around = ndimage.binary_dilation(spread.hole, np.ones((3, 3), bool), iterations=NEAR_PX)
        self.near = np.bincount(ours.labels[around], minlength=ours.count + 1)[1:] > 0

    def totals(self, scale: float) -> dict[str, Value]:
        filled, without = self._ours.totals(), self._known.totals()
        untouched = self._ours.totals(self.touched_px == 0)
        every = [theirs.totals() for theirs, _ in self._others]
        return {
            name: _value(
                filled[name], [each[name] for each in every[: self._variants]],
                [each[name] for each in every[self._variants :]], self.level,
                without=without[name], untouched=untouched[name], scale=scale if name.endswith("area") else 1.0,
            )
            for name in TOTALS
        }  # fmt: skip

    def object(self, index: int, scale: float) -> ObjectEffect:
        fates = [matched.fate[index] for _, matched in self._others]
        return ObjectEffect(
            label=int(self._ours.numbers[index]),
            touched_px=int(self.touched_px[index]),
            values={quantity: self._of_object(index, quantity, scale) for quantity in QUANTITIES},
            fates={name: fates.count(number) for number, name in enumerate(FATES)},
        )

    def _of_object(self, index: int, quantity: str, scale: float) -> Value:
        def matched_values(others: Sequence[tuple[Objects, Match]]) -> list[float]:
            return [
                float(theirs.values[quantity][matched.partner[index]])
                for theirs, matched in others
                if matched.partner[index] >= 0
            ]

        place = self._place[index]
        return _value(
            float(self._ours.values[quantity][index]),
            matched_values(self._others[: self._variants]),
            matched_values(self._others[self._variants :]),
            self.level,
            without=float(self._known.values[quantity][place]) if place >= 0 else np.nan,
            untouched=np.nan,
            scale=scale if quantity == "area" else 1.0,
        )


def _value(
    filled: float,
    variants: Sequence[float],
    samples: Sequence[float],
    level: float | None,
    *,
    without: float,
    untouched: float,
    scale: float,
) -> Value:
    every = np.array([filled, *variants])
    every, drawn = every[np.isfinite(every)], np.array(samples)
    drawn = drawn[np.isfinite(drawn)]
    low = high = np.nan
    if level is not None and drawn.size:
        low, high = np.quantile(drawn, ((1 - level) / 2, (1 + level) / 2))
    ends = (every.min(), every.max()) if every.size else (np.nan, np.nan)
    figures = (without, untouched, filled, low, high, *ends)
    return Value(*(float(scale * figure) if np.isfinite(figure) else None for figure in figures))
