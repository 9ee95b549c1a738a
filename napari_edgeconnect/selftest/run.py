"""The run: copy after copy, method after method, with progress between them."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..core.edgeconnect import EdgeConnect
from ..core.holes import Box, grown, read_mask
from ..core.noise_level import white_noise
from ..core.planes import ContrastMapping, checked_image, colours, contrast_mapping, nonfinite
from ..core.record import digests_of_input, origin
from ..core.refusals import Reason, reasons_against
from ..core.results import Step, result_of
from ..core.settings import CLASSICAL_METHODS, Settings
from ..evaluation.cases import Loaded
from ..evaluation.figures import rounded
from ..evaluation.methods import chosen_methods, repaired
from ..evaluation.names import EDGECONNECT
from .advice import FLOOR, METHODS, Advice, advise
from .figures import trial_figures
from .placing import Placed, place_copies

#: Copies that are placed unless others are asked for.
TRIALS = 8
#: SSIM's window.
_SMALLEST_SIDE_PX = 11


@dataclass(frozen=True)
class Trial:
    """One copy, repaired by every method.

    Attributes
    ----------
    placed : Placed
    window : Box
        What the methods saw.
    truth : (h, w), (h, w, 3) or (h, w, 4)
        The window of the image, old damage included, which is in no figure.
    hole : (h, w) bool
        The copy alone.
    results : dict
        By method, an array like ``truth``.
    figures : dict of dict
        By method and figure (``figures.FIGURES``); None where a figure says nothing.
    """

    placed: Placed
    window: Box
    truth: NDArray[Any]
    hole: NDArray[np.bool_]
    results: dict[str, NDArray[Any]]
    figures: dict[str, dict[str, float | None]]


@dataclass(frozen=True)
class SelfTest:
    """What a self-test found.

    Attributes
    ----------
    trials : tuple of Trial
    advice : Advice
    methods, missing : tuple of str
        What ran, and what did not because its package is not installed.
    reasons : tuple of Reason
        What speaks against a repair, whatever the copies say.
    record : dict
        Plain values: places, figures, advice, settings, model, seed.
    """

    trials: tuple[Trial, ...]
    advice: Advice
    methods: tuple[str, ...]
    missing: tuple[str, ...]
    reasons: tuple[Reason, ...]
    record: dict[str, Any] = field(repr=False)


@dataclass(frozen=True)
class Damaged:
    """An image with its damage, as trials need it: checked once.

    Attributes
    ----------
    image : (H, W), (H, W, 3) or (H, W, 4)
        Pixels that are not finite are 0.
    hole : (H, W) bool
        The grown mask, and what was not finite.
    mapping : ContrastMapping
    """

    image: NDArray[Any]
    hole: NDArray[np.bool_]
    mapping: ContrastMapping

    @classmethod
    def read(cls, image: ArrayLike, mask: ArrayLike, grow_px: float) -> Damaged:
        """Check an image and its mask.

        Raises
        ------
        TypeError, ValueError
            For bad input, one side below 11 px, and where nothing is known.
        """
        array = checked_image(image)
        if min(array.shape[:2]) < _SMALLEST_SIDE_PX:
            raise ValueError(
                f"The image has shape {array.shape}: a self-test needs at least {_SMALLEST_SIDE_PX} pixels a side."
            )
        missing = nonfinite(array)
        hole = grown(read_mask(mask, array.shape[:2]), grow_px) | missing
        if hole.all():
            raise ValueError("Everything is damage: nothing is known that a repair could be compared with.")
        if missing.any():
            array = array.copy()
            array[missing] = 0
        return cls(array, hole, contrast_mapping(array, hole))

    def window(self, placed: Placed, settings: Settings) -> tuple[Box, Loaded]:
        """What methods see of a copy: its surroundings, with old damage and copy alike unknown."""
        height, width = placed.box.shape
        margin = max(settings.margin_px, -(-(settings.smallest_window_px - min(height, width)) // 2))
        box = placed.box.widened(margin, self.hole.shape)
        truth = np.ascontiguousarray(self.image[box.slices])
        unknown = (self.hole | placed.hole)[box.slices]
        damaged = truth.copy()
        damaged[unknown] = 0
        return box, Loaded(truth, unknown, damaged, box.top, box.left)


def self_test(
    image: ArrayLike,
    mask: ArrayLike,
    model: EdgeConnect | None,
    settings: Settings | None = None,
    *,
    methods: Sequence[str] | None = None,
    trials: int = TRIALS,
    seed: int = 0,
) -> SelfTest:
    """Test every method on copies of the damage, where the truth is known.

    Parameters
    ----------
    image : (H, W), (H, W, 3) or (H, W, 4) bool, integer or float
    mask : (H, W) bool, integer (not 0 = hole) or float (above 0.5 = hole)
        The damage; ``settings.grow_px`` widens it first, as in a repair.
    model : EdgeConnect or None
        None: the classical methods alone.
    settings : Settings, optional
    methods : sequence of str, optional
        Of ``advice.METHODS``; by default all that can run. "mean" always runs along: every method must beat it.
    trials : int
        How many copies are placed; fewer where no more fit.
    seed : int
        The same copies, figures and advice for the same seed.

    Raises
    ------
    TypeError, ValueError
        For bad input, an empty mask, a method that can't run, or damage that fits nowhere else in the image.

    Examples
    --------
    >>> from skimage import data
    >>> image = data.camera()[:128, :128]
    >>> mask = np.zeros(image.shape, dtype=bool)
    >>> mask[60:66, 20:80] = True
    >>> test = self_test(image, mask, None, methods=["telea", "biharmonic"], trials=2)
    >>> test.advice.method in ("telea", "biharmonic")
    True
    """
    return result_of(self_test_steps(image, mask, model, settings, methods=methods, trials=trials, seed=seed))


def self_test_steps(
    image: ArrayLike,
    mask: ArrayLike,
    model: EdgeConnect | None,
    settings: Settings | None = None,
    *,
    methods: Sequence[str] | None = None,
    trials: int = TRIALS,
    seed: int = 0,
) -> Generator[Step, None, SelfTest]:
    """:func:`self_test`, step by step; closing it stops within one method's run on one copy."""
    if trials < 1:
        raise ValueError(f"{trials} trials were asked for: give at least 1.")
    settings = settings or Settings()
    names, missing = _methods(methods, model)
    damaged = Damaged.read(image, mask, settings.grow_px)
    as_given = replace(settings, grow_px=0.0)  # the copies are of what has grown already
    copies = place_copies(damaged.image, damaged.hole, trials, seed)
    runs = _runs(names)
    done: list[Trial] = []
    for number, placed in enumerate(copies):
        box, loaded = damaged.window(placed, as_given)
        results: dict[str, NDArray[Any]] = {}
        for place, run in enumerate(runs):
            yield Step(
                number * len(runs) + place, len(copies) * len(runs), f"Copy {number + 1} of {len(copies)}: {run[0]}"
            )
            results |= repaired(loaded, run, model, as_given).results
        done.append(_trial(placed, box, loaded, results, damaged, as_given))
    yield Step(len(copies) * len(runs), len(copies) * len(runs), "Done")
    noise = white_noise(colours(damaged.image).astype(np.float64), ~damaged.hole) or 0.0
    reasons = reasons_against(damaged.image, damaged.hole, as_given, model=model)
    advice = advise([trial.figures for trial in done], _contrast(done), noise)
    record = {
        **origin("self_test"),
        "pixels": digests_of_input(checked_image(image), read_mask(mask, damaged.hole.shape)),
        "seed": seed,
        "trials_wanted": trials,
        "settings": settings.as_dict(),
        "model": None if model is None else {**model.info.as_dict(), "device": str(model.device)},
        "methods": list(names),
        "not_installed": list(missing),
        "hole_px": int(np.count_nonzero(damaged.hole)),
        "mapping": damaged.mapping.as_dict(),
        "noise": rounded(noise),
        "trials": [{**trial.placed.as_dict(), "figures": trial.figures} for trial in done],
        "advice": advice.as_dict(),
        "reasons_against": {reason.name: reason.sentence for reason in reasons},
    }
    return SelfTest(tuple(done), advice, names, missing, reasons, record)


def _methods(wanted: Sequence[str] | None, model: EdgeConnect | None) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What runs, and what is not installed; the floor comes last."""
    known = [name for name in METHODS if model is not None or name not in EDGECONNECT]
    unknown = [name for name in wanted or () if name not in known]
    if unknown or (wanted is not None and not set(wanted) - {FLOOR}):
        said = f"There is no method {unknown[0]!r} here" if unknown else "No method to be compared was given"
        raise ValueError(f"{said}: known are {', '.join(known)}{'' if model else ' (and no model was given)'}.")
    if wanted is None:
        available, missing = chosen_methods(None)
        return tuple(name for name in known if name in available), missing
    available, _ = chosen_methods([*wanted, FLOOR])
    return tuple(name for name in known if name in available), ()


def _runs(names: Sequence[str]) -> list[tuple[str, ...]]:
    """Methods that run together: EdgeConnect's share their edges."""
    networks = tuple(name for name in names if name in EDGECONNECT)
    classical = [(name,) for name in names if name in CLASSICAL_METHODS]
    return [*([networks] if networks else []), *classical]


def _trial(
    placed: Placed, box: Box, loaded: Loaded, results: dict[str, NDArray[Any]], damaged: Damaged, settings: Settings
) -> Trial:
    hole = placed.hole[box.slices]
    old = loaded.hole & ~hole
    figures = {}
    for name, result in results.items():
        truth = loaded.truth.copy()
        truth[old] = result[old]  # nobody knows, so it counts for nothing
        values = trial_figures(result, truth, hole, damaged.mapping, settings.sigma)
        figures[name] = {key: rounded(value) for key, value in values.items()}
    return Trial(placed, box, loaded.truth, hole, results, figures)


def _contrast(trials: Sequence[Trial]) -> float:
    """Root mean square of what lies inside the copies, each less its own mean, in the image's units."""
    inside = [colours(trial.truth)[trial.hole].astype(np.float64) for trial in trials]
    return float(np.sqrt(np.mean([np.mean((pixels - pixels.mean(axis=0)) ** 2) for pixels in inside])))
