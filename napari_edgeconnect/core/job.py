"""One plane under repair: what is known about it, asked for window by window.

A ``Job`` holds everything that is decided once per image (the hole, the
contrast mapping, the plan of windows) and gives the networks their views of
it. It computes nothing with torch, and touches pixels inside windows only.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from skimage.color import rgb2gray

from .coarse import CoarseGuess
from .cutouts import Cutout
from .device import OutOfMemoryError
from .digests import array_sha256
from .edges import known_edges
from .fill import biharmonic_fill
from .holes import Box, Plan, Window, grown, plan_windows, read_mask
from .planes import ContrastMapping, checked_image, colours, contrast_mapping, nonfinite
from .settings import Settings

_SMALLEST_MARGIN_PX = 32


@dataclass(frozen=True)
class View:
    """One window as the networks get it.

    Attributes
    ----------
    unit : (h, w, C) float64
        Contrast-mapped pixels, gray (C = 1) or colour (C = 3).
    unknown : (h, w) bool
        What the networks shall treat as hole; ``unit`` is ignored there.
    fill : (h, w, C) float64
        ``unit`` with the unknown filled smoothly.
    edges : (h, w) float32 in [0, 1]
        Known edges for stage 1, the completed edge map for stage 2.
    """

    unit: NDArray[np.float64]
    unknown: NDArray[np.bool_]
    fill: NDArray[np.float64]
    edges: NDArray[np.float32]


@dataclass(frozen=True)
class Job:
    """An image, its hole, and how it will be repaired.

    Attributes
    ----------
    image : (H, W), (H, W, 3) or (H, W, 4)
        The user's array; never written to.
    hole : (H, W) bool
        The grown mask and all pixels that are NaN or infinite.
    mask_px, nonfinite_px : int
        Pixels of the mask as given, and pixels that became hole because they were not finite.
    notes : tuple of str
        What a person should know, in sentences.
    cutout : Cutout or None
        Which part of a larger plane the image is.
    mask_sha256 : str
        Of the mask as given, (H, W) bool, before anything was added to it.
    start : callable or None
        Gives for a box what holes start from there in place of the smooth fill: (h, w, C) float64, and where, (h, w)
        bool.
    """

    image: NDArray[Any]
    hole: NDArray[np.bool_]
    mapping: ContrastMapping
    plan: Plan
    settings: Settings
    mask_px: int
    nonfinite_px: int
    notes: tuple[str, ...] = field(default=())
    cutout: Cutout | None = None
    mask_sha256: str = ""
    start: Callable[[Box], tuple[NDArray[np.float64], NDArray[np.bool_]]] | None = None

    @classmethod
    def prepare(cls, image: ArrayLike, mask: ArrayLike, settings: Settings, cutout: Cutout | None = None) -> Job:
        """Check the input and plan the work; with a cutout, image and mask are what it shows of a plane.

        Raises
        ------
        TypeError, ValueError
            For input that can't be repaired: the message says what was wrong and what to do.
        """
        pixels = checked_image(image)
        marked = read_mask(mask, pixels.shape[:2])
        missing = nonfinite(pixels)
        hole = grown(marked, settings.grow_px) | missing
        if hole.all():
            raise ValueError(
                "Every pixel is masked: nothing is known to repair the image from. "
                "1 (or True) marks the damage; is the mask inverted?"
            )
        return cls(
            image=pixels,
            hole=hole,
            mapping=ContrastMapping("given", *settings.contrast)
            if settings.contrast
            else contrast_mapping(pixels, hole),
            plan=plan_windows(hole, settings),
            settings=settings,
            mask_px=int(np.count_nonzero(marked)),
            nonfinite_px=int(np.count_nonzero(missing & ~marked)),
            notes=() if cutout else notes_on(float(hole.mean())),
            cutout=cutout,
            mask_sha256=array_sha256(marked),
        )

    @cached_property
    def image_sha256(self) -> str:
        """Of the user's array."""
        return array_sha256(self.image)

    @cached_property
    def hole_sha256(self) -> str:
        """Of ``hole``."""
        return array_sha256(self.hole)

    @cached_property
    def hole_sizes(self) -> NDArray[np.int64]:
        """Pixels of each hole; those that touch at a corner are one."""
        return np.bincount(self.plan.labels[self.hole])[1:]

    def with_smaller_windows(self) -> Job:
        """The same job in windows of half the side, for a device without enough memory.

        Raises
        ------
        OutOfMemoryError
            When they are as small as they can usefully be.
        """
        now = self.settings
        if now.margin_px // 2 < _SMALLEST_MARGIN_PX:
            raise OutOfMemoryError(
                f"There is not enough memory even for windows of {now.largest_window_px} px: "
                f"close other programs, or choose another device or a narrower model."
            )
        margin = min(now.margin_px, now.largest_window_px // 8)
        smaller = replace(
            now,
            margin_px=margin,
            largest_window_px=max(now.largest_window_px // 2, 4 * margin),
            smallest_window_px=max(16, min(now.smallest_window_px, now.largest_window_px // 4)),
        )
        note = f"Memory ran out: repaired in windows of at most {smaller.largest_window_px} px."
        cutout = self.cutout and replace(self.cutout, numbers=None)
        plan = plan_windows(self.hole, smaller)
        return replace(self, settings=smaller, plan=plan, notes=(*self.notes, note), cutout=cutout)

    def window_seeds(self) -> list[list[int]]:
        """For each window, what makes its random numbers its own: its number in the plan of the whole plane."""
        count = len(self.plan.windows)
        if self.cutout is None:
            return [[number] for number in range(count)]
        if self.cutout.numbers is None:
            return [[self.cutout.box.top, self.cutout.box.left, number] for number in range(count)]
        return [[number] for number in self.cutout.numbers]

    def unit(self, box: Box) -> NDArray[np.float64]:
        """A window's contrast-mapped pixels, (h, w, C), 0 inside the hole."""
        pixels, hole = colours(self.image)[box.slices].copy(), self.hole[box.slices]
        pixels[hole] = 0  # it may be NaN
        unit = self.mapping.to_unit(pixels)
        unit[hole] = 0
        return unit

    def measured(self, box: Box) -> NDArray[np.bool_]:
        """Canny edges of a window's known region, (h, w) bool."""
        seen = box.widened(self.settings.canny_reach_px, self.hole.shape)
        gray = gray_of(self.unit(seen))
        return known_edges(gray, self.hole[seen.slices], self.settings.sigma)[box.within(seen)]

    def measured_edges(self) -> NDArray[np.bool_]:
        """Canny edges of the known region in all windows, on the whole plane: (H, W) bool."""
        measured = np.zeros(self.hole.shape, dtype=bool)
        for window in self.plan.windows:
            measured[window.box.slices] |= self.measured(window.box)
        return measured

    def limits(self, unit: NDArray[np.float64], unknown: NDArray[np.bool_]) -> tuple[Any, Any]:
        """Between which values a window's invented pixels may lie.

        Where [0, 1] is not the dtype's own range, nothing is invented that is
        darker or brighter than everything known in the window.
        """
        if self.mapping.is_fixed:
            return 0.0, 1.0
        known = unit[~unknown]
        return known.min(axis=0), known.max(axis=0)

    def view(
        self,
        window: Window,
        edges: NDArray[np.float32],
        guess: CoarseGuess | None,
        *,
        result: NDArray[Any] | None = None,
    ) -> View:
        """What the networks get of a window.

        In a tile of a large hole (the one with a ``guess``) only the core is
        unknown. The rest of the hole shows the coarse guess or, with a
        ``result`` like ``image``, what earlier windows have repaired there; and
        the fill continues what the guess leaves unexplained.
        """
        box = window.box
        unit, unknown = self.unit(box), self.hole[box.slices]
        if guess is None or window.core is None:
            return View(unit, unknown, self._started(box, biharmonic_fill(unit, unknown), unknown), edges)
        inside = np.zeros_like(unknown)
        inside[window.core.within(box)] = True
        stretched = guess.at(box)
        elsewhere = unknown & ~inside
        unit[elsewhere] = self._started(box, stretched, elsewhere)[elsewhere]
        if result is not None:
            done = elsewhere & self.plan.repaired_before(window)
            unit[done] = self.mapping.to_unit(colours(result)[box.slices][done])
        unknown = unknown & inside
        fill = stretched + biharmonic_fill(unit - stretched, unknown)
        return View(unit, unknown, self._started(box, fill, unknown), edges)

    def _started(self, box: Box, fill: NDArray[np.float64], unknown: NDArray[np.bool_]) -> NDArray[np.float64]:
        """A fill, or what ``start`` says where it says something."""
        if self.start is None:
            return fill
        pixels, where = self.start(box)
        return np.where((where & unknown)[..., None], pixels, fill)

    def composite(
        self, result: NDArray[Any], window: Window, unit: NDArray[np.floating], limits: tuple[Any, Any]
    ) -> NDArray[np.bool_]:
        """Put a window's invented pixels into the result; known ones are never touched.

        Parameters
        ----------
        result : array like ``image``
            Written to, at this window's target only.
        window : Window
        unit : (h, w, C) float
            What was invented, contrast-mapped.
        limits : (lowest, highest)
            What ``limits`` gave for the window.

        Returns
        -------
        target : (h, w) bool, True where pixels were written
        """
        target = self.plan.target(window)
        self.put(result, window.box, target, unit, limits)
        return target

    def put(
        self,
        result: NDArray[Any],
        box: Box,
        target: NDArray[np.bool_],
        unit: NDArray[np.floating],
        limits: tuple[Any, Any],
    ) -> None:
        """As :meth:`composite`, at the pixels of a box that are told, (h, w) bool, of the hole."""
        invented = np.clip(unit, *limits)[target]
        colours(result)[box.slices][target] = self.mapping.from_unit(invented, result.dtype)


def measured_edges(
    image: ArrayLike, mask: ArrayLike, settings: Settings | None = None, **changes: Any
) -> NDArray[np.bool_]:
    """The measured edges that hallucinating would show, at once: without stage 1, a model or torch.

    Parameters
    ----------
    image, mask, settings, **changes
        As for :meth:`EdgeConnect.hallucinate_edges`; ``sigma`` counts above all.

    Returns
    -------
    measured : (H, W) bool, for :meth:`EdgeMap.with_measured`

    Raises
    ------
    TypeError, ValueError
        For bad input, in one sentence.
    """
    return Job.prepare(image, mask, replace(settings or Settings(), **changes)).measured_edges()


def notes_on(hole_fraction: float) -> tuple[str, ...]:
    """What a person should know about how much of a plane is hole, in sentences."""
    if not hole_fraction:
        return ("The mask is empty: nothing was repaired.",)
    if hole_fraction > 0.5:
        share = f"{100 * hole_fraction:.0f} %"
        return (f"The hole covers {share} of the image: expect invention, or check the mask's polarity.",)
    return ()


def gray_of(unit: NDArray[np.float64]) -> NDArray[np.float64]:
    """(h, w, C) to the (h, w) that edges are found in."""
    return unit[..., 0] if unit.shape[2] == 1 else rgb2gray(unit)
