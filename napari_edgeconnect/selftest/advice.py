"""What the trials say: which method to take, how sure that is, and which errors to expect."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.settings import CLASSICAL_METHODS
from ..evaluation.names import HALLUCINATED, NO_EDGES

#: What every method must beat; it is never advised.
FLOOR = "mean"
#: In the table's order.
METHODS = (HALLUCINATED, NO_EDGES, *CLASSICAL_METHODS)
TITLES = {
    HALLUCINATED: "EdgeConnect",
    NO_EDGES: "EdgeConnect without edges",
    "telea": "Telea",
    "navier-stokes": "Navier–Stokes",
    "biharmonic": "biharmonic",
    "patchmatch": "PatchMatch",
    FLOOR: "the mean of the surroundings",
}
#: What a lead on a single copy must be.
_DOUBT_OF_ONE_DB = 1.0
#: A repair that leaves more of the squared contrast inside the hole unexplained than this is a guess, unless it is
#: as good as the image's noise lets anything be.
_MOST_UNEXPLAINED = 0.5
_NOISE_ALLOWANCE = 1.5
_RESAMPLES = 2000
#: Of fewer copies all are on one side by chance too often (five: once in sixteen).
_FEWEST_FOR_SURE = 5


@dataclass(frozen=True)
class Interval:
    """A mean over the trials with its 95 % interval (bootstrap); None for a single trial."""

    mean: float
    low: float | None
    high: float | None
    n: int


@dataclass(frozen=True)
class Advice:
    """What to do about this damage in this image.

    Attributes
    ----------
    method : str
        The one to take, also where that is a classical one: EdgeConnect unless another leads it by more than one
        standard error over the copies.
    ahead_of : str or None
        The best of the others.
    ahead_db : Interval or None
        By how much, paired; negative where the other was better, but not beyond doubt.
    sure : bool
        Whether the interval leaves out 0, of at least 5 copies.
    good_enough : bool
        False where no method does much better than a flat fill, and noise is no excuse.
    rms, error_90 : float
        To be expected of the method inside the hole, in the image's units: root mean square, and what nine of ten
        pixels stay within.
    sentences : tuple of str
    """

    method: str
    ahead_of: str | None
    ahead_db: Interval | None
    sure: bool
    good_enough: bool
    rms: float
    error_90: float
    sentences: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for a record."""
        return {**asdict(self), "sentences": list(self.sentences)}


def interval(values: Sequence[float | None], seed: int = 0) -> Interval | None:
    """The mean of those values that there are, with its interval; None where there are none."""
    known = np.array([v for v in values if v is not None], dtype=np.float64)
    if not known.size:
        return None
    if known.size == 1:
        return Interval(float(known[0]), None, None, 1)
    drawn = np.random.default_rng(seed).integers(0, known.size, (_RESAMPLES, known.size))
    low, high = np.percentile(known[drawn].mean(axis=1), (2.5, 97.5))
    return Interval(float(known.mean()), float(low), float(high), known.size)


def advise(figures: Sequence[Mapping[str, Mapping[str, float | None]]], contrast: float, noise: float) -> Advice:
    """Choose a method.

    Parameters
    ----------
    figures : sequence of dict of dict
        By trial, method and figure; at least one trial, and a method besides ``FLOOR``.
    contrast : float
        Root mean square over the trials of what lies inside the holes, less its own mean, in the image's units.
    noise : float
        Standard deviation of the image's noise, in its units.
    """
    names = [name for name in figures[0] if name != FLOOR]
    psnr = {name: _values(figures, name, "psnr_db") for name in names}
    method = _best(psnr)
    rms = float(np.sqrt(np.mean(_values(figures, method, "rms") ** 2)))
    error_90 = float(np.mean(_values(figures, method, "error_90")))
    others = sorted((name for name in names if name != method), key=lambda name: -psnr[name].mean())
    ahead = interval((psnr[method] - psnr[others[0]]).tolist()) if others else None
    sure = ahead is not None and ahead.low is not None and ahead.low > 0 and ahead.n >= _FEWEST_FOR_SURE
    good = rms**2 <= max(_MOST_UNEXPLAINED * contrast**2, (_NOISE_ALLOWANCE * noise) ** 2)
    choice = _choice(method, others[0] if others else None, ahead, sure=sure, trials=len(figures))
    errors = (
        f"Errors of ±{digits(rms)} grey values are to be expected (root mean square); nine of ten pixels stay within "
        f"±{digits(error_90)}. The image's noise is about ±{digits(noise)}."
    )
    sentences = (choice, errors) if good else (choice, errors, _WARNING)
    return Advice(method, others[0] if others else None, ahead, sure, good, rms, error_90, sentences)


_WARNING = (
    "None of the methods is good enough to be measured on: what is inside the copies is hardly better repaired than by "
    "one flat value. Take the fill for a picture, or leave these pixels out."
)


def _best(psnr: Mapping[str, NDArray[np.float64]]) -> str:
    """The method whose lead over the usual best is greatest beyond one standard error; that one where none leads.

    A few copies are not many, and over all kinds of images EdgeConnect with its edges is ahead.
    """
    usual = HALLUCINATED if HALLUCINATED in psnr else max(psnr, key=lambda name: float(psnr[name].mean()))

    def lead(name: str) -> float:
        gain = psnr[name] - psnr[usual]
        doubt = gain.std(ddof=1) / np.sqrt(gain.size) if gain.size > 1 else _DOUBT_OF_ONE_DB
        return float(gain.mean() - doubt) if name != usual else 0.0

    return max(psnr, key=lead)


def _choice(method: str, other: str | None, ahead: Interval | None, *, sure: bool, trials: int) -> str:
    on = f"on {trials} cop{'y' if trials == 1 else 'ies'} of the damage"
    if other is None or ahead is None:
        return f"{TITLES[method]} was the only method that ran, {on}."
    if sure:
        return f"Take {TITLES[method]}: {ahead.mean:.1f} dB ahead of {TITLES[other]}, the next best, {on}."
    by = f"{abs(ahead.mean):.1f} dB {'ahead' if ahead.mean < 0 else 'behind'}"
    return f"Take {TITLES[method]}; {TITLES[other]}, {by} {on}, may be as good."


def _values(figures: Sequence[Mapping[str, Mapping[str, float | None]]], method: str, figure: str) -> NDArray[Any]:
    return np.array([trial[method][figure] for trial in figures], dtype=np.float64)


def digits(value: float) -> str:
    """A value in the image's units as people read it: three digits, and no powers of ten."""
    if value >= 1000:
        return f"{value:.0f}"
    return f"{value:.3g}" if value == 0 or value >= 1e-4 else f"{value:.2e}"
