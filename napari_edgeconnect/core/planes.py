"""Any image <-> the networks' [0, 1], there and back.

A plane is one 2-D image, gray or colour. This room checks it, finds the
contrast mapping that leads into [0, 1] (Canny's thresholds are absolute: 12-bit
data in a 16-bit file has no edges until it is mapped) and leads invented
pixels back into the source's dtype. Known pixels never make the journey back.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

#: Shares of known pixels, in per cent, that map to 0 and 1.
PERCENTILES = (0.5, 99.5)
#: Percentiles of a larger plane are taken on a regular subsample of about this many pixels.
SAMPLE_PX = 1_000_000
#: A value this many contrast ranges away looks to the networks like this.
_FARTHEST = 1000.0
_SMALLEST_SPAN = 1e-300
_LARGEST = float(np.finfo(np.float64).max)


def checked_image(image: ArrayLike) -> NDArray[Any]:
    """The image as an array, or a sentence about why it can't be one.

    Parameters
    ----------
    image : (H, W), (H, W, 3) or (H, W, 4) bool, integer or float
        The fourth channel is alpha.

    Raises
    ------
    TypeError
        For a dtype that is none of these.
    ValueError
        For another shape, or no pixels.
    """
    array = np.asarray(image)
    if array.dtype.kind not in "buif" or array.dtype.itemsize > 8:
        raise TypeError(f"The image has dtype {array.dtype}: give bool, integers or floats of up to 64 bits.")
    if not (array.ndim == 2 or (array.ndim == 3 and array.shape[2] in (3, 4))):
        raise ValueError(
            f"The image has shape {array.shape}: give one plane, (H, W), (H, W, 3) or (H, W, 4); "
            f"repair a stack plane by plane, or with core.stack."
        )
    if 0 in array.shape:
        raise ValueError(f"The image has shape {array.shape}: it holds no pixels.")
    return array


def colours(image: NDArray[Any]) -> NDArray[Any]:
    """A view of the channels to repair, (H, W, 1) or (H, W, 3): alpha is kept as it is."""
    return image[..., None] if image.ndim == 2 else image[..., :3]


def nonfinite(image: NDArray[Any]) -> NDArray[np.bool_]:
    """(H, W) bool, True where any colour is NaN or infinite."""
    if image.dtype.kind != "f":
        return np.zeros(image.shape[:2], dtype=bool)
    finite = np.isfinite(colours(image))
    return ~finite.all(axis=2)


@dataclass(frozen=True)
class ContrastMapping:
    """The straight line that takes ``low`` to 0 and ``high`` to 1.

    Attributes
    ----------
    kind : str
        How the two were found: "divide by 255", "bool", "percentiles", or "given".
    low, high : float
        In the source's units.
    """

    kind: str
    low: float
    high: float

    def to_unit(self, pixels: NDArray[Any]) -> NDArray[np.float64]:
        """Source values to [0, 1]; values beyond ``low`` and ``high`` lie outside it."""
        # Halves, because the difference of two float64 extremes overflows.
        half_span = self.high / 2 - self.low / 2
        with np.errstate(over="ignore"):  # clipped below
            unit = (pixels.astype(np.float64) / 2 - self.low / 2) / half_span
        return np.clip(unit, -_FARTHEST, _FARTHEST)

    def from_unit(self, unit: NDArray[np.floating], dtype: np.dtype[Any]) -> NDArray[Any]:
        """The way back: rounded for integers, and always within the dtype's range."""
        with np.errstate(over="ignore"):  # clipped below
            half = unit.astype(np.float64) * (self.high / 2 - self.low / 2) + self.low / 2
        if dtype.kind == "b":
            return (2 * half >= 0.5).astype(dtype)
        lowest, highest = _range(dtype)
        values = 2 * np.clip(half, lowest / 2, highest / 2)
        if dtype.kind in "ui":
            values = np.clip(np.rint(values), lowest, highest)
        return values.astype(dtype)

    def to_source_span(self, unit: float) -> float:
        """A distance on the unit scale in the source's units; never infinite."""
        return float(np.clip(unit * (self.high / 2 - self.low / 2), -_LARGEST / 2, _LARGEST / 2) * 2)

    @property
    def is_fixed(self) -> bool:
        """True where [0, 1] is the dtype's whole range, so that outputs are limited by it alone."""
        return self.kind in ("divide by 255", "bool")

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for a record."""
        return asdict(self)


def contrast_mapping(image: NDArray[Any], hole: NDArray[np.bool_]) -> ContrastMapping:
    """Find the mapping of a plane from its known pixels alone.

    8-bit colour is divided by 255 and nothing else; bool is 0 and 1; everything
    else takes the percentiles ``PERCENTILES`` over all colours together. A
    plane without contrast keeps its one value at an end of a range that holds 0.

    Parameters
    ----------
    image : (H, W), (H, W, 3) or (H, W, 4)
    hole : (H, W) bool, True inside the hole
        At least one pixel is known, and all known ones are finite.
    """
    fixed = fixed_mapping(image.dtype, colour=image.ndim == 3)
    return fixed or percentile_mapping(known_sample(image, hole))


def fixed_mapping(dtype: np.dtype[Any], *, colour: bool) -> ContrastMapping | None:
    """The mapping of images whose dtype alone decides it; None where their pixels do."""
    if dtype == np.uint8 and colour:
        return ContrastMapping("divide by 255", 0.0, 255.0)
    return ContrastMapping("bool", 0.0, 1.0) if dtype.kind == "b" else None


def percentile_mapping(values: NDArray[Any]) -> ContrastMapping:
    """The mapping that takes ``PERCENTILES`` of at least one finite value to 0 and 1."""
    known = values.astype(np.float64)
    # Interpolating between sorted neighbours could overflow near float64's ends.
    low, high = np.percentile(known, PERCENTILES, method="nearest")
    if not high / 2 - low / 2 > _SMALLEST_SPAN:
        low, high = known.min(), known.max()
    if not high / 2 - low / 2 > _SMALLEST_SPAN:
        low, high = min(0.0, low), max(0.0, high)
    if not high / 2 - low / 2 > _SMALLEST_SPAN:
        low, high = 0.0, 1.0
    return ContrastMapping("percentiles", float(low), float(high))


def known_sample(image: NDArray[Any], hole: NDArray[np.bool_], most_px: int = SAMPLE_PX) -> NDArray[Any]:
    """Known pixels of a plane, (n,) or (n, 3): all, or of a larger plane about ``most_px`` on a regular grid."""
    stride = max(1, int(np.ceil(np.sqrt(hole.size / most_px))))
    known = ~hole[::stride, ::stride]
    if not known.any():
        stride, known = 1, ~hole
    return colours(image)[::stride, ::stride][known]


def _range(dtype: np.dtype[Any]) -> tuple[float, float]:
    if dtype.kind == "f":
        return float(np.finfo(dtype).min), float(np.finfo(dtype).max)
    limits = np.iinfo(dtype)
    # float64 can't hold 2**63 - 1: the next one below it is the largest that casts back.
    highest = float(limits.max)
    return float(limits.min), highest if int(highest) <= limits.max else float(np.nextafter(highest, 0))
