"""How sure a repair is: how far it moves when what should make no difference is changed.

Turned and mirrored, an image is the same image; another sigma or threshold is as good a choice; and other edges are
as possible. Where the network's answers to all of these lie apart, it does not know. How far apart answers and
truth lie is another question, which ``selftest.calibration`` answers on the image's own copies.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .holes import grown, read_mask
from .planes import checked_image, colours, nonfinite
from .results import Step, result_of
from .settings import Settings

if TYPE_CHECKING:
    from .edgeconnect import EdgeConnect
    from .edges import EdgeMap

#: Of the asked-for sigma.
SIGMA_FACTORS = (0.75, 1.5)
#: At which proposals are taken for edges, all or nothing; a repair itself gets their soft probabilities.
HARD_THRESHOLDS = (0.2, 0.5)


@dataclass(frozen=True)
class Spread:
    """How far the answers to one question lie apart.

    Attributes
    ----------
    spread : (H, W) float32
        Standard deviation over the variants in the image's own units, root mean square over colours; 0 outside the
        hole.
    hole : (H, W) bool
        Where pixels are invented.
    repaired : (H, W), (H, W, 3) or (H, W, 4)
        The repair as asked for, in the image's dtype.
    variants : tuple of str
    answers : (V, n, C)
        What each variant has in the hole's n pixels, in the image's dtype; the first is the repair.
    """

    spread: NDArray[np.float32]
    hole: NDArray[np.bool_]
    repaired: NDArray[Any]
    variants: tuple[str, ...]
    answers: NDArray[Any]

    def image_of(self, variant: int) -> NDArray[Any]:
        """A variant's whole image: each of them is a complete repair."""
        image = self.repaired.copy()
        colours(image)[self.hole] = self.answers[variant]
        return image


def repair_spread(
    model: EdgeConnect, image: ArrayLike, mask: ArrayLike, settings: Settings | None = None, **changes: Any
) -> Spread:
    """Repair an image in many ways that are as good, and say where they differ.

    The variants: the eight flips and rotations, two other sigmas, edges at two hard thresholds, and no edges.

    Parameters
    ----------
    model : EdgeConnect
    image : (H, W), (H, W, 3) or (H, W, 4) bool, integer or float
    mask : (H, W) bool, integer (not 0 = hole) or float (above 0.5 = hole)
    settings : Settings, optional
    **changes
        Any field of :class:`Settings` by its name.

    Raises
    ------
    TypeError, ValueError, OutOfMemoryError
        As for ``EdgeConnect.inpaint``.

    Examples
    --------
    >>> from skimage import data
    >>> from napari_edgeconnect import EdgeConnect
    >>> image = data.camera()[:64, :64]
    >>> mask = np.zeros(image.shape, dtype=bool)
    >>> mask[20:30, 20:30] = True
    >>> result = repair_spread(EdgeConnect.load(device="cpu"), image, mask)
    >>> len(result.variants), bool((result.spread[~mask] == 0).all())
    (13, True)
    """
    return result_of(repair_spread_steps(model, image, mask, settings, **changes))


def repair_spread_steps(
    model: EdgeConnect, image: ArrayLike, mask: ArrayLike, settings: Settings | None = None, **changes: Any
) -> Generator[Step, None, Spread]:
    """:func:`repair_spread`, step by step; closing it stops within one variant."""
    settings = replace(settings or Settings(), **changes)
    array = checked_image(image)
    hole = grown(read_mask(mask, array.shape[:2]), settings.grow_px) | nonfinite(array)
    settings = replace(settings, grow_px=0.0)
    variants = _variants(model, array, hole, settings)
    repaired, answers = array, []
    total, squares = np.zeros(0), np.zeros(0)
    for number, (name, repair) in enumerate(variants.items()):
        yield Step(number, len(variants), f"Repairing: {name}")
        answer = repair()
        answers.append(colours(answer)[hole])
        inside = answers[-1].astype(np.float64)
        if number == 0:
            repaired = answer
            total, squares = np.zeros_like(inside), np.zeros_like(inside)
        # From the first answer, because squares of large values would lose what differs.
        total += inside - answers[0]
        squares += (inside - answers[0]) ** 2
    yield Step(len(variants), len(variants), "Done")
    variance = np.clip(squares / len(variants) - (total / len(variants)) ** 2, 0, None)
    spread = np.zeros(hole.shape, np.float32)
    spread[hole] = np.sqrt(variance.mean(axis=1))
    return Spread(spread, hole, repaired, tuple(variants), np.array(answers))


def _variants(
    model: EdgeConnect, image: NDArray[Any], hole: NDArray[np.bool_], settings: Settings
) -> dict[str, Callable[[], NDArray[Any]]]:
    """Repairs by name; the first is the one that was asked for."""

    @cache
    def edges() -> EdgeMap:
        return model.hallucinate_edges(image, hole, settings)

    def given(planes: Callable[[], EdgeMap | NDArray[np.float32]]) -> Callable[[], NDArray[Any]]:
        return lambda: model.complete(image, hole, planes(), settings)

    def hard(threshold: float) -> Callable[[], NDArray[np.float32]]:
        return lambda: (edges().probability >= threshold).astype(np.float32)

    def turned(turns: int, mirrored: bool) -> Callable[[], NDArray[Any]]:
        def repair() -> NDArray[Any]:
            answer = model.inpaint(_turn(image, turns, mirrored), _turn(hole, turns, mirrored), settings)
            return _turn_back(answer, turns, mirrored)

        return repair

    repairs: dict[str, Callable[[], NDArray[Any]]] = {"as asked for": given(edges)}
    for mirrored in (False, True):
        for turns in range(4):
            if turns or mirrored:
                name = f"turned by {90 * turns}°" + (", mirrored" if mirrored else "")
                repairs[name] = turned(turns, mirrored)
    if settings.sigma is not None:
        for factor in SIGMA_FACTORS:
            other = replace(settings, sigma=min(50.0, factor * settings.sigma))
            repairs[f"sigma {other.sigma:g}"] = lambda other=other: model.inpaint(image, hole, other)  # type: ignore[misc]
    for threshold in HARD_THRESHOLDS:
        repairs[f"edges at {threshold:g}"] = given(hard(threshold))
    repairs["no edges"] = given(lambda: np.zeros(hole.shape, np.float32))
    return repairs


def _turn(plane: NDArray[Any], turns: int, mirrored: bool) -> NDArray[Any]:
    return np.ascontiguousarray(np.rot90(plane[:, ::-1] if mirrored else plane, turns))


def _turn_back(plane: NDArray[Any], turns: int, mirrored: bool) -> NDArray[Any]:
    upright = np.rot90(plane, -turns)
    return np.ascontiguousarray(upright[:, ::-1] if mirrored else upright)
