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

from ..core import masking
from . import layers as ours
from .geometry import Plane, plane_mask, read_plane
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


TOOLS = (
    Tool(
        "Add pixels that are not finite",
        "NaN and infinite pixels are repaired in any case; this shows which they are.",
        lambda plane, mask: mask | masking.from_nan(read_plane(plane)),
    ),
    Tool(
        "Add saturated pixels",
        "As bright as the image's type can be; of floats, the brightest value if at least 20 pixels share it.",
        lambda plane, mask: mask | masking.from_saturation(read_plane(plane)),
    ),
    Tool(
        "Add dead pixels",
        "As dark as the image's type can be; of floats, the darkest value if at least 20 pixels share it.",
        lambda plane, mask: mask | masking.from_saturation(read_plane(plane), low=True, high=False),
    ),
    Tool("Invert", "Exchange damaged and known pixels.", lambda plane, mask: masking.inverted(mask)),
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


def _holds(layer: Any, plane: Plane) -> bool:
    """Whether the pixels of a mask are those of the image, one for one, and can be edited."""
    from napari.layers import Labels

    if not isinstance(layer, Labels) or layer.multiscale or not layer.editable:
        return False
    expected = ours.mask_tuple(plane.layer)
    return layer.data.shape == expected[0].shape and all(
        np.array_equal(np.asarray(getattr(layer, name)), np.asarray(expected[1][name]))
        for name in ("scale", "translate", "rotate", "shear")
    )


def _write(layer: Labels, plane: Plane, before: Mask, after: Mask) -> None:
    rows, columns = np.nonzero(before != after)
    if not len(rows):
        return
    place: list[Any] = [np.full(len(rows), position) for position in plane.index]
    place[plane.axes[0]], place[plane.axes[1]] = rows, columns
    layer.data_setitem(tuple(place), np.where(after[rows, columns], max(1, int(layer.selected_label)), 0))
