"""Edge maps: where the edges are, and where each of them came from.

Known edges are measured (Canny). Inside the hole they are proposed by stage 1
and edited by a person. An ``EdgeMap`` holds the labels a person sees and edits,
what the machine would draw, and which pixels the person has decided: these
stay as they are, whatever the machine draws next. It says what stage 2 gets.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage
from skimage.feature import canny
from skimage.morphology import thin

from .settings import DEFAULT_THRESHOLD


class EdgeSource(IntEnum):
    """The values of an edge label image."""

    NONE = 0
    MEASURED = 1
    PROPOSED = 2
    DRAWN = 3


def known_edges(gray: NDArray[np.floating], hole: NDArray[np.bool_], sigma: float | None) -> NDArray[np.bool_]:
    """Canny edges of the known region; the hole's own border is no edge.

    Parameters
    ----------
    gray : (H, W) float in [0, 1]
    hole : (H, W) bool, True inside the hole
    sigma : float or None
        None: no edges.

    Returns
    -------
    edges : (H, W) bool, False inside the hole
    """
    if sigma is None or hole.all():
        return np.zeros(hole.shape, dtype=bool)
    return canny(gray, sigma=sigma, mask=~hole)


#: What a map built from labels alone has instead of a memory.
_FROM_LABELS: Any = None


@dataclass(frozen=True)
class EdgeMap:
    """The edges of one plane, with their sources.

    The machine draws measured edges outside the hole and proposals inside it;
    a person decides pixels by drawing or erasing, anywhere. Methods give new
    maps: ``edited`` takes a person's labels, all others redraw what is
    undecided.

    Attributes
    ----------
    labels : (H, W) uint8
        Values of :class:`EdgeSource`: what a person sees and edits.
    probability : (H, W) float32 in [0, 1]
        Stage 1's output; 0 where no window looked.
    hole : (H, W) bool
        Where stage 1 proposed.
    threshold : float
        A proposal is at least this probable.
    measured : (H, W) bool
        Canny edges of the known region. When not given: those in ``labels``.
    decided : (H, W) bool
        Pixels drawn or erased by hand. When not given: where ``labels`` are
        not what the machine would draw.
    """

    labels: NDArray[np.uint8]
    probability: NDArray[np.float32]
    hole: NDArray[np.bool_]
    threshold: float = DEFAULT_THRESHOLD
    measured: NDArray[np.bool_] = _FROM_LABELS
    decided: NDArray[np.bool_] = _FROM_LABELS

    def __post_init__(self) -> None:
        if self.measured is _FROM_LABELS:
            object.__setattr__(self, "measured", ~self.hole & (self.labels == EdgeSource.MEASURED))
        if self.decided is _FROM_LABELS:
            object.__setattr__(self, "decided", self.labels != self.proposal)

    @property
    def shape(self) -> tuple[int, int]:
        """(H, W)."""
        return self.labels.shape[0], self.labels.shape[1]

    @property
    def proposal(self) -> NDArray[np.uint8]:
        """(H, W) uint8: the labels as the machine draws them."""
        labels = np.zeros(self.shape, np.uint8)
        labels[self.measured & ~self.hole] = EdgeSource.MEASURED
        labels[self.hole & (self.probability >= self.threshold)] = EdgeSource.PROPOSED
        return labels

    @property
    def drawn(self) -> NDArray[np.bool_]:
        """(H, W) bool: edges set by hand, in whatever colour, inside the hole or outside."""
        return self.decided & (self.labels != EdgeSource.NONE)

    @property
    def erased(self) -> NDArray[np.bool_]:
        """(H, W) bool: pixels kept clear by hand, of proposals inside the hole or measured edges outside."""
        return self.decided & (self.labels == EdgeSource.NONE)

    def cropped(self, slices: tuple[slice, slice]) -> EdgeMap:
        """The map of a part of the plane."""
        planes = ("labels", "probability", "hole", "measured", "decided")
        return replace(self, **{name: getattr(self, name)[slices] for name in planes})

    def edited(self, labels: ArrayLike) -> EdgeMap:
        """The same map after a person's edits.

        Decided is what differs from the machine's drawing, and what was decided
        before and has not changed since. So a stroke that is taken back leaves
        nothing behind, and an erased proposal that a higher threshold would not
        draw anyway stays erased.

        Parameters
        ----------
        labels : (H, W) integers 0 to 3
            The edited label image; 0 where an edge stood erases it.
        """
        new = _checked_labels(np.asarray(labels), self.shape)
        return replace(self, labels=new, decided=(new != self.proposal) | (self.decided & (new == self.labels)))

    def at_threshold(self, threshold: float) -> EdgeMap:
        """The same map with its proposals redrawn from their probabilities; stage 1 does not run."""
        return self.again(replace(self, threshold=threshold))

    def with_measured(self, measured: NDArray[np.bool_]) -> EdgeMap:
        """The same map with other measured edges, (H, W) bool, such as those of another sigma."""
        return self.again(replace(self, measured=measured))

    def again(self, new: EdgeMap) -> EdgeMap:
        """What the machine draws in ``new``, with what is decided in this map.

        Parameters
        ----------
        new : EdgeMap
            Of the same plane; its hole may be another. Decisions of its own do not count.
        """
        if new.shape != self.shape:
            raise ValueError(f"The new edge map has shape {new.shape}, but the plane is {self.shape}.")
        labels = np.where(self.decided, self.labels, new.proposal)
        return replace(new, labels=labels, decided=self.decided)

    def reset(self) -> EdgeMap:
        """The machine's own proposal, without any edit."""
        return replace(self, labels=self.proposal, decided=np.zeros(self.shape, dtype=bool))

    def for_stage_two(self, *, merge_known_edges: bool = True) -> NDArray[np.float32]:
        """The completed edge map that the completion network gets.

        Inside the hole undecided pixels keep their soft probability, decided
        ones are exactly 0 or 1 and thick strokes are thinned, because the
        networks' edges are one pixel wide. Outside it the labels decide, or,
        with ``merge_known_edges=False``, stage 1's own output.

        Returns
        -------
        edges : (H, W) float32 in [0, 1]
        """
        outside = (self.labels > 0).astype(np.float32) if merge_known_edges else self.probability
        edges = np.where(self.hole, self.probability, outside)
        edges[self.decided] = 0
        drawn = self.drawn
        if drawn.any():
            # Not skeletonize: it eats two-pixel-wide diagonals from their ends.
            (box,) = ndimage.find_objects(drawn.astype(np.uint8))
            edges[box][thin(drawn[box])] = 1
        return edges


def as_edge_map(
    edges: EdgeMap | ArrayLike,
    hole: NDArray[np.bool_],
    measured: Callable[[], NDArray[np.bool_]],
    threshold: float = DEFAULT_THRESHOLD,
) -> EdgeMap:
    """Read edges in any form that a person or a program has them in.

    Parameters
    ----------
    edges : EdgeMap or (H, W) array
        An ``EdgeMap`` is taken as it is. Integers are an edge label image
        (values of :class:`EdgeSource`) and describe the whole plane. bool marks
        drawn edges, which are added to the measured ones. float gives
        probabilities, of which those inside the hole count.
    hole : (H, W) bool, True inside the hole
    measured : callable
        Gives the Canny edges of the known region, (H, W) bool; asked only where they are needed.
    threshold : float
        For probabilities.

    Raises
    ------
    TypeError, ValueError
        For another dtype, shape or range.
    """
    if isinstance(edges, EdgeMap):
        if edges.shape != hole.shape:
            raise ValueError(f"The edge map has shape {edges.shape}, but the image's plane is {hole.shape}.")
        return edges
    array = np.asarray(edges)
    kind = array.dtype.kind
    if kind in "ui":
        labels = _checked_labels(array, hole.shape)
        return EdgeMap(labels, np.zeros(hole.shape, np.float32), hole, threshold)
    if kind not in "bf":
        raise TypeError(f"The edges have dtype {array.dtype}: give bool, integer labels, floats or an EdgeMap.")
    if array.shape != hole.shape:
        raise ValueError(f"The edges have shape {array.shape}, but the image's plane is {hole.shape}.")
    if kind == "f" and not ((array >= 0) & (array <= 1)).all():
        raise ValueError(f"The edge probabilities reach from {array.min()} to {array.max()}: give values from 0 to 1.")
    labels = np.zeros(hole.shape, np.uint8)
    if kind == "f":
        labels[hole & (array >= threshold)] = EdgeSource.PROPOSED
    else:
        labels[array] = EdgeSource.DRAWN
    labels[measured() & ~hole] = EdgeSource.MEASURED
    return EdgeMap(labels, array.astype(np.float32), hole, threshold)


def _checked_labels(labels: NDArray[Any], shape: tuple[int, ...]) -> NDArray[np.uint8]:
    if labels.shape != shape:
        raise ValueError(f"The edge labels have shape {labels.shape}, but the image's plane is {shape}.")
    if labels.dtype.kind not in "bui":
        raise TypeError(f"The edge labels have dtype {labels.dtype}: give integers.")
    if labels.size and (labels.min() < 0 or labels.max() > max(EdgeSource)):
        raise ValueError(
            f"The edge labels reach from {labels.min()} to {labels.max()}: give 0 (none), 1 (measured), "
            f"2 (proposed) or 3 (drawn)."
        )
    return labels.astype(np.uint8)
