"""Damage tools: what an image or a label says is damaged, put into a mask that can be edited and undone.

No Qt. A tool's result goes into the mask as one step of that layer's own undo
history; a mask on another pixel grid than the image's is left alone, and a new
one is made.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..core import masking, stack_masks
from ..core.find import FINDERS, Finder, find_damage
from . import layers as ours
from .layer_plane import Plane, read_plane, spatial
from .onto_plane import plane_mask
from .placing import add_mask

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Labels, Layer

Mask = NDArray[np.bool_]


class Tool(NamedTuple):
    """One entry of the menu.

    Attributes
    ----------
    title : str
    explanation : str
        For the tooltip.
    mask : callable
        From the plane and its present mask to the new one, (H, W) bool each.
    """

    title: str
    explanation: str
    mask: Callable[[Plane, Mask], Mask]


def _adding(finder: Finder) -> Tool:
    """What an exact finder finds, added at once; the graded ones have a preview (``finding``)."""
    return Tool(
        f"Add {finder.title}",
        finder.explanation,
        lambda plane, mask: mask | find_damage(read_plane(plane), finder.name),
    )


TOOLS = (
    *(_adding(finder) for finder in FINDERS.values() if not finder.graded),
    Tool("Invert", "Exchange damaged and known pixels.", lambda plane, mask: masking.inverted(mask)),
)


class StackTool(NamedTuple):
    """One entry of the menu for a stack, which changes other slices than the one on display.

    Attributes
    ----------
    title : str
        The axis along which it works is added.
    explanation : str
        For the tooltip.
    masks : callable
        From all slices along the axis, (N, H, W) bool, and the number of the displayed one to the new ones.
    """

    title: str
    explanation: str
    masks: Callable[[Mask, int], Mask]


STACK_TOOLS = (
    StackTool(
        "This slice's damage in all slices",
        "Copy the damage of this slice into all others, beside what is there: dust on a camera.",
        stack_masks.everywhere,
    ),
    StackTool(
        "Fill in between painted slices",
        "In the empty slices between two painted ones the damage changes evenly from one into the other.",
        lambda masks, at: stack_masks.in_between(masks),
    ),
)


def label_tool(layer: Layer | None) -> Tool | None:
    """A tool that adds the selected label of a Labels layer, or None for any other layer."""
    from napari.layers import Labels

    if not isinstance(layer, Labels):
        return None
    label = int(layer.selected_label)
    return Tool(
        f"Add label {label} of “{layer.name}”",
        "The label that is selected in the layer's controls.",
        lambda plane, mask: mask | plane_mask(plane, layer, label=label),
    )


def apply(viewer: ViewerModel, plane: Plane, layer: Layer | None, tool: Tool) -> tuple[Labels, int]:
    """Use a tool on a plane's mask.

    Parameters
    ----------
    viewer : ViewerModel
    plane : Plane
    layer : Labels, Shapes or None
        The present mask.
    tool : Tool

    Returns
    -------
    layer : Labels
        The mask now: ``layer``, or a new one where that can't hold the image's pixels.
    changed : int
        Pixels that are damaged now and were not, or the other way round.
    """
    before = np.zeros(plane.shape, bool) if layer is None else plane_mask(plane, layer)
    after = tool.mask(plane, before)
    changed = int(np.count_nonzero(after != before))
    if layer is None or not _holds(layer, plane):
        layer, before = add_mask(viewer, plane.layer), np.zeros(plane.shape, bool)
    _write(layer, plane, before, after)
    return layer, changed


def stack_axis(viewer: ViewerModel, plane: Plane) -> int | None:
    """The image's axis of the slider that was moved last, if it is one of several slices; else the last such axis."""
    long = [axis for axis in plane.across if plane.level.shape[axis] > 1]
    last_used = viewer.dims.last_used - (viewer.dims.ndim - len(plane.index))
    return last_used if last_used in long else long[-1] if long else None


def apply_to_stack(plane: Plane, layer: Any, tool: StackTool, axis: int) -> int:
    """Use a tool on the mask's slices along an axis, as one step of its undo history.

    Returns
    -------
    changed : int
        Pixels, of all slices.

    Raises
    ------
    ValueError
        If the mask has no slices of its own.
    """
    if not _holds(layer, plane):
        raise ValueError(
            f"The mask has no slices of its own: press New mask over “{plane.layer.name}”. A mask with two axes holds "
            f"for all slices already."
        )
    cut = list(plane.cut())
    cut[axis] = slice(None)
    lead = sum(a < axis for a in plane.axes)
    labels = np.moveaxis(np.asarray(layer.data[tuple(cut)]), lead, 0)
    before = labels != 0
    after = tool.masks(before, plane.index[axis])
    return _write(layer, plane, before, after, along=axis)


def _holds(layer: Any, plane: Plane) -> bool:
    """Whether the pixels of a mask are those of the image, one for one, and can be edited."""
    from napari.layers import Labels

    if not isinstance(layer, Labels) or layer.multiscale or not layer.editable:
        return False
    expected = spatial(plane.layer)
    return tuple(layer.data.shape) == ours.mask_shape(plane.layer) and all(
        np.array_equal(np.asarray(getattr(layer, name)), np.asarray(expected[name]))
        for name in ("scale", "translate", "rotate", "shear")
    )


def _write(layer: Labels, plane: Plane, before: Mask, after: Mask, *, along: int | None = None) -> int:
    """Put what has changed into the layer, and say how many pixels that was.

    Both masks are (H, W), or (N, H, W) of all slices along an axis.
    """
    changed = np.nonzero(before != after)
    if len(changed[0]):
        place: list[Any] = [np.full(len(changed[0]), position) for position in plane.index]
        for axis, positions in zip((*([] if along is None else [along]), *plane.axes), changed, strict=True):
            place[axis] = positions if axis == along else positions + plane.origin[axis]
        layer.data_setitem(tuple(place), np.where(after[changed], max(1, int(layer.selected_label)), 0))
    return len(changed[0])
