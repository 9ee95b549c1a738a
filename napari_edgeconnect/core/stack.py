"""Stacks: planes that are repaired one by one, each as it would be alone.

What all planes share (a mapping, the channel whose edges guide the others) is
decided once, from known pixels, and is then part of each plane's settings. So
a plane of a stack is repaired by the same calls as a single image, in any
order, here or on another machine, and comes out the same to the last bit.
Planes are read when it is their turn, and forgotten after it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .axes import Axes, Place, Readable
from .cutouts import Cutout, cutouts_of, is_large, tiles
from .edges import EdgeMap
from .holes import Box, grown, read_mask
from .neighbours import Neighbour, reach_px
from .planes import nonfinite
from .settings import Settings, StackSettings
from .stack_chosen import Selection, is_chosen, selections
from .stack_masks import SpreadMask
from .stack_shared import common_contrast, contrast_of_cutouts, has_fixed_contrast, strongest_channel


@dataclass(frozen=True, eq=False)
class GivenEdges:
    """Edges that a person brings for a stack's planes.

    Attributes
    ----------
    edges : array-like
        As for :meth:`EdgeConnect.complete`: label images, drawings or probabilities.
    axes : Axes
    probability : array-like or None
        Of the same axes, with labels: proposals that are still there keep their soft values.
    """

    edges: Readable
    axes: Axes
    probability: Readable | None = None

    def at(
        self, where: Mapping[str, int], hole: NDArray[np.bool_], threshold: float, box: Box | None = None
    ) -> EdgeMap | NDArray[Any]:
        """Those of one plane or a box of it, of which the hole is (H, W) bool, as ``complete`` takes them."""
        edges = self.axes.read_at(self.edges, where, box)
        if edges.dtype.kind not in "ui":
            # Stage 1 says something about the known region, too; edges there are measured.
            return np.where(hole, edges, np.zeros((), edges.dtype))
        if self.probability is None:
            return edges
        return EdgeMap(edges.astype(np.uint8), self.axes.read_at(self.probability, where, box), hole, threshold)


@dataclass(frozen=True, eq=False)
class Stack:
    """An image of any axes, its mask, and all that is decided once for its planes.

    Attributes
    ----------
    image, mask : array-like
        Anything that gives parts of itself; never written to.
    axes, mask_axes : Axes
    settings : Settings
        Of every plane.
    choices : StackSettings
    contrasts : tuple of (low, high) or None
        One per channel, where planes share a mapping.
    guide : int or None
        The channel whose edges guide all.
    given : GivenEdges or None
        Edges to complete from; without them stage 1 proposes.
    keeps_edges : bool
        Whether fills have their edges with them.
    """

    image: Readable
    mask: Readable
    axes: Axes
    mask_axes: Axes
    settings: Settings
    choices: StackSettings
    contrasts: tuple[tuple[float, float] | None, ...]
    guide: int | None
    given: GivenEdges | None = None
    keeps_edges: bool = False

    @classmethod
    def prepare(
        cls,
        image: Readable,
        mask: Readable,
        axes: str,
        *,
        plane: str = "YX",
        mask_axes: str | None = None,
        settings: Settings | None = None,
        choices: StackSettings | None = None,
    ) -> Stack:
        """Check the input, and decide what all planes share.

        Parameters
        ----------
        image : array-like of any axes
            numpy, a memory map, zarr, dask: planes are read one by one.
        mask : array-like
            As for :meth:`EdgeConnect.inpaint`; axes that it lacks do not matter to it.
        axes : str
            The image's, a letter each; see :class:`Axes`.
        plane : str
            Its rows and its columns.
        mask_axes : str, optional
            See :meth:`Axes.of_mask`.
        settings : Settings, optional
        choices : StackSettings, optional

        Raises
        ------
        TypeError, ValueError
            For input that can't be repaired, in one sentence.
        """
        named = Axes(axes, tuple(image.shape), plane)
        choices = choices or StackSettings()
        if isinstance(choices.edges_from, int) and choices.edges_from >= named.channels:
            raise ValueError(
                f"edges_from is {choices.edges_from}, but the image has {named.channels} channels: give 0 to "
                f"{named.channels - 1}, 'own' or 'strongest'."
            )
        masked = named.of_mask(tuple(mask.shape), mask_axes)
        selections(named, choices.planes)
        if choices.neighbours != "off":
            named.along(choices.neighbour_axis, "neighbours", "neighbour_axis")
        if choices.spread_mask != "no":
            if choices.spread_mask == "between" and is_large(named.plane_shape):
                raise ValueError(
                    f"The planes have {named.plane_shape[0]} x {named.plane_shape[1]} pixels: masks of planes as large "
                    f"as this can't be filled in between; give a mask for each plane."
                )
            along = masked.along(choices.spread_axis, "masks", "spread_axis")
            mask = SpreadMask(mask, masked, along, choices.spread_mask)
        stack = cls(
            image=image,
            mask=mask,
            axes=named,
            mask_axes=masked,
            settings=settings or Settings(),
            choices=choices,
            contrasts=(None,) * named.channels,
            guide=choices.edges_from if isinstance(choices.edges_from, int) else None,
        )
        if choices.mapping == "stack" and stack.settings.contrast is None:
            stack = replace(stack, contrasts=tuple(common_contrast(stack, c) for c in range(named.channels)))
        if choices.edges_from == "strongest":
            stack = replace(stack, guide=strongest_channel(stack))
        return stack

    def with_edges(self, edges: Readable, names: str | None = None, *, probability: Readable | None = None) -> Stack:
        """The same stack, to be completed from given edges.

        Parameters
        ----------
        edges : array-like
            See :class:`GivenEdges`. Like a mask it may lack axes: one edge map for all channels, say.
        names : str, optional
            Its axes, as for :meth:`Axes.of_mask`.
        probability : array-like, optional
            Of the same shape; with labels only.

        Raises
        ------
        ValueError
            For edges that do not fit, or where a channel is chosen to guide.
        """
        if self.guide is not None:
            raise ValueError(f"edges_from is {self.choices.edges_from!r}, but edges are given: leave it at 'own'.")
        if probability is not None and np.dtype(edges.dtype).kind not in "ui":
            raise ValueError(f"The edges have dtype {edges.dtype}: probabilities go with labels (integers) only.")
        if probability is not None and tuple(probability.shape) != tuple(edges.shape):
            raise ValueError(
                f"The probabilities have shape {tuple(probability.shape)}, but the edges {tuple(edges.shape)}: "
                f"give both in one."
            )
        axes = self.axes.of_mask(tuple(edges.shape), names, what="edge image")
        return replace(self, given=GivenEdges(edges, axes, probability))

    @property
    def in_cutouts(self) -> bool:
        """Whether planes are so large that they are repaired cutout by cutout."""
        return is_large(self.axes.plane_shape)

    def pixels(self, place: Place, channel: int = 0, box: Box | None = None) -> NDArray[Any]:
        """One plane of the image or a box of it, (H, W) or (H, W, colours)."""
        return self.axes.read(self.image, place, channel, box)

    def marked(self, place: Place, channel: int = 0, box: Box | None = None) -> NDArray[np.bool_]:
        """One plane of the mask or a box of it, (H, W) bool."""
        plane = self.mask_axes.read_at(self.mask, self.axes.where(place, channel), box)
        return read_mask(plane, box.shape if box else self.axes.plane_shape)

    def edges_given(self, place: Place, channel: int = 0, box: Box | None = None) -> EdgeMap | NDArray[Any] | None:
        """What a plane or a box of it is completed from; None where stage 1 proposes."""
        if self.given is None:
            return None
        _, hole = self.pixels_and_hole(place, channel, box)
        return self.given.at(self.axes.where(place, channel), hole, self.settings.threshold, box)

    def pixels_and_hole(
        self, place: Place, channel: int = 0, box: Box | None = None
    ) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        """As :meth:`pixels`, with (H, W) bool: what is to be repaired there."""
        pixels, by_px = self.pixels(place, channel, box), self.settings.grow_px
        if box is None:
            return pixels, grown(self.marked(place, channel), by_px) | nonfinite(pixels)
        around = box.widened(ceil(by_px), self.axes.plane_shape)  # what grows into it
        return pixels, grown(self.marked(place, channel, around), by_px)[box.within(around)] | nonfinite(pixels)

    def tiles(self) -> list[Box]:
        """The boxes in which a plane is read where all of it is: one, or those of a large plane."""
        height, width = self.axes.plane_shape
        return list(tiles((height, width))) if self.in_cutouts else [Box(0, height, 0, width)]

    def chosen(self, place: Place) -> list[int]:
        """The channels that are to be repaired in a place if they are damaged: all, unless planes are chosen."""
        chosen: list[Selection] = selections(self.axes, self.choices.planes)
        channels = range(self.axes.channels)
        return [channel for channel in channels if is_chosen(chosen, self.axes.where(place, channel))]

    def neighbours(self, place: Place, channel: int = 0, box: Box | None = None) -> list[Neighbour]:
        """The planes beside one, or what is needed of them to repair a box of it: as they are in the source."""
        if self.choices.neighbours == "off":
            return []
        along = self.axes.along(self.choices.neighbour_axis, "neighbours", "neighbour_axis")
        at, reach = self.axes.place_names.index(along), self.choices.neighbour_reach
        around = box and box.widened(reach_px(self.settings.canny_reach_px), self.axes.plane_shape)
        top, left = (around.top - box.top, around.left - box.left) if box and around else (0, 0)
        found = []
        for offset in (step for step in range(-reach, reach + 1) if step):
            if 0 <= place[at] + offset < self.axes.size(along):
                beside = (*place[:at], place[at] + offset, *place[at + 1 :])
                found.append(Neighbour(offset, *self.pixels_and_hole(beside, channel, around), top, left))
        return found

    def damaged(self, place: Place) -> list[int]:
        """The chosen channels with something to repair. Where the mask marks nothing, only floats are read for it."""
        found = []
        for channel in self.chosen(place):
            if any(self.marked(place, channel, box).any() for box in self.tiles()) or (
                self._may_lack and any(nonfinite(self.pixels(place, channel, box)).any() for box in self.tiles())
            ):
                found.append(channel)
        return found

    def cutouts(self, place: Place) -> list[Cutout]:
        """Where a large plane is repaired: parts that hold the damage of all channels of a place."""

        def marked_in(box: Box) -> NDArray[np.bool_]:
            channels = range(self.axes.channels)
            return np.logical_or.reduce([self._damage(place, channel, box) for channel in channels])

        return cutouts_of(marked_in, self.axes.plane_shape, self.settings)

    def settings_at(self, place: Place, channel: int = 0, cutouts: Sequence[Cutout] | None = None) -> Settings:
        """A plane's own settings: repaired alone with these, it comes out the same.

        Of a large plane they hold a contrast, for which its cutouts are read; they may be given where they are known.
        """
        settings = self.settings
        if self.contrasts[channel] is not None:
            settings = replace(settings, contrast=self.contrasts[channel])
        elif self.in_cutouts and settings.contrast is None and not has_fixed_contrast(self):
            cutouts = self.cutouts(place) if cutouts is None else cutouts
            settings = replace(settings, contrast=contrast_of_cutouts(self, place, channel, cutouts))
        if settings.match_noise:  # or all frames of a film would have the same noise
            words = np.random.SeedSequence([settings.seed, self.axes.number(place), channel]).generate_state(1)
            settings = replace(settings, seed=int(words[0]))
        return settings

    @property
    def _may_lack(self) -> bool:
        """Whether pixels can be NaN or infinite."""
        return np.dtype(self.image.dtype).kind == "f"

    def _damage(self, place: Place, channel: int, box: Box) -> NDArray[np.bool_]:
        """(h, w) bool: what is marked in a box, or not finite."""
        marked = self.marked(place, channel, box)
        return marked | nonfinite(self.pixels(place, channel, box)) if self._may_lack else marked
