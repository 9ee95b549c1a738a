"""Layers and arrays: what becomes a layer, how it looks, and which layers are ours.

No Qt. Our layers say in ``layer.metadata["napari-edgeconnect"]`` what they
are, which image and slice they belong to, and how they came about.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..core.edges import EdgeMap, EdgeSource
from .edge_steps import EdgeSteps
from .geometry import Plane, spatial

if TYPE_CHECKING:
    from napari.layers import Image, Labels, Layer
    from napari.utils.colormaps import DirectLabelColormap

KEY = "napari-edgeconnect"
EDGES = "edges"
COMPLETED = "completed"
CANDIDATE = "candidate"
COMPARED = "compared"
GROWN = "grown damage"
FOUND = "found"
PROBABILITY = "edge probability"
STROKES = "edge strokes"
ALTERED = "altered"
UNCERTAINTY = "uncertainty"
CLASSICAL = "by another method"
#: What layers' names say of a kind; by default its own name. What was invented is never called by anything else.
TITLES = {COMPLETED: "reconstructed", ALTERED: "altered pixels"}
#: In place of a slice's index, for a layer of all slices.
EVERY_SLICE = "every slice"

#: From Okabe and Ito's palette, which colour-blind people can tell apart.
EDGE_COLOURS = {
    EdgeSource.MEASURED: "#b5b5b5",
    EdgeSource.PROPOSED: "#56b4e9",
    EdgeSource.DRAWN: "#e69f00",
}
MASK_COLOUR = "#cc3f8f"
#: A preview is no mask yet.
FOUND_COLOUR = "#009e73"
#: Enough to be seen on any image, little enough to see the image.
MASK_OPACITY = 0.45

_LOOK = ("contrast_limits", "gamma", "interpolation2d", "opacity", "blending")
LayerTuple = tuple[Any, dict[str, Any], str]


def layer_tuple(
    data: NDArray[Any] | None,
    layer_type: str,
    *,
    plane: Plane,
    kind: str,
    title: str = "",
    details: dict[str, Any],
    **attributes: Any,
) -> LayerTuple:
    """The one place where a result becomes a layer: it lies on the plane that it was made from.

    Parameters
    ----------
    data : (H, W) or (H, W, channels) array, or None for an empty layer
    layer_type : "image", "labels" or "shapes"
    plane : Plane
        Gives the layer its place and its name.
    kind : str
        ``EDGES`` or ``COMPLETED``.
    title : str
        What the layer's name says of it; by default the kind.
    details : dict
        What else ``layer.metadata["napari-edgeconnect"]`` holds.
    **attributes
        How the layer looks.
    """
    place = f", {plane.where}" if plane.where else ""
    kwargs = {
        "name": f"{plane.layer.name} [{title or TITLES.get(kind, kind)}{place}]",
        "metadata": {KEY: {"kind": kind, "of": belongs_to(plane), **details}},
        **plane.spatial(),
        **attributes,
    }
    return None if data is None else plane.raised(data), kwargs, layer_type


def edges_tuple(plane: Plane, edge_map: EdgeMap, *, details: dict[str, Any]) -> LayerTuple:
    """The edge map as a Labels layer: measured, proposed and drawn in three colours."""
    return layer_tuple(
        edge_map.labels.copy(),
        "labels",
        plane=plane,
        kind=EDGES,
        details={**details, "steps": EdgeSteps(edge_map)},
        opacity=1.0,
        colormap=direct_colormap({int(source): colour for source, colour in EDGE_COLOURS.items()}),
    )


def completed_tuple(
    plane: Plane, image: NDArray[Any], *, details: dict[str, Any], kind: str = COMPLETED, title: str = ""
) -> LayerTuple:
    """The completed plane as an Image layer that looks as its source does."""
    look = _look_of(plane.layer)
    return layer_tuple(image, "image", plane=plane, kind=kind, title=title, details=details, **look)


def completed_stack_tuple(plane: Plane) -> LayerTuple:
    """A copy of the plane's whole image, for the completed planes of many slices to be put into."""
    details = {"kind": COMPLETED, "of": {**belongs_to(plane), "index": EVERY_SLICE}, "records": {}}
    kwargs = {
        "name": f"{plane.layer.name} [{TITLES[COMPLETED]}]",
        "metadata": {KEY: details},
        **spatial(plane.layer),
        **_look_of(plane.layer),
    }
    return np.array(plane.level), kwargs, "image"


def _look_of(source: Image) -> dict[str, Any]:
    look = {name: getattr(source, name) for name in _LOOK} | {"rgb": source.rgb}
    return look if source.rgb else look | {"colormap": source.colormap}


def grown_tuple(plane: Plane, hole: NDArray[np.bool_]) -> LayerTuple:
    """The hole as it will be repaired, as an outline."""
    return layer_tuple(
        hole.astype(np.uint8), "labels", plane=plane, kind=GROWN, details={}, opacity=1.0, colormap=mask_colormap()
    )


def found_tuple(plane: Plane, found: NDArray[np.bool_], title: str) -> LayerTuple:
    """What a finder takes for damage, as a preview that can be painted on."""
    return layer_tuple(
        found.astype(np.uint8),
        "labels",
        plane=plane,
        kind=FOUND,
        title=f"found: {title}",
        details={},
        opacity=0.8,
        colormap=direct_colormap({1: FOUND_COLOUR}),
    )


def probability_tuple(plane: Plane, probability: NDArray[np.float32]) -> LayerTuple:
    """How probable an edge is to the model, added to what lies under it."""
    return layer_tuple(
        probability,
        "image",
        plane=plane,
        kind=PROBABILITY,
        details={},
        colormap="inferno",
        contrast_limits=(0.0, 1.0),
        blending="additive",
    )


def strokes_tuple(plane: Plane) -> LayerTuple:
    """An empty Shapes layer to draw edges in."""
    colour = EDGE_COLOURS[EdgeSource.DRAWN]
    look = {"ndim": len(plane.index), "edge_color": colour, "face_color": "transparent", "edge_width": 1}
    return layer_tuple(None, "shapes", plane=plane, kind=STROKES, details={}, **look)


def mask_tuple(image: Image) -> LayerTuple:
    """An empty mask to paint on, with the image's geometry and axes."""
    shape = (image.data[0] if image.multiscale else image.data).shape[: image.ndim]
    attributes = {"name": f"{image.name} [damage]", "opacity": MASK_OPACITY, "colormap": mask_colormap()}
    return np.zeros(shape, np.uint8), spatial(image) | attributes, "labels"


def mask_colormap() -> DirectLabelColormap:
    """One colour for every label: any of them means damage."""
    return direct_colormap({1: MASK_COLOUR})


def direct_colormap(colours: dict[int, str]) -> DirectLabelColormap:
    """These colours; 0 is clear, and any label beyond them looks like the last."""
    from napari.utils.colormaps import DirectLabelColormap

    return DirectLabelColormap(color_dict={None: colours[max(colours)], 0: "transparent", **colours})


def brush_size(shape: tuple[int, int]) -> int:
    """A brush that covers a scratch in a few strokes, in pixels."""
    return int(np.clip(max(shape) // 50, 3, 40))


def is_own(layer: Layer, kind: str) -> bool:
    """True for a layer of that kind which this plugin made."""
    return layer.metadata.get(KEY, {}).get("kind") == kind


def find_own(layers: Iterable[Layer], plane: Plane, kind: str) -> Any:
    """The topmost layer of that kind which belongs to a plane, alone or with all others of its image; or None."""
    return next((layer for layer in reversed(list(layers)) if is_own(layer, kind) and _holds(layer, plane)), None)


def results_of(layers: Iterable[Layer], plane: Plane) -> list[Any]:
    """All layers that show a repair of a plane: the completed one, and those of other methods."""
    kinds = (COMPLETED, CLASSICAL)
    return [layer for layer in layers if any(is_own(layer, kind) for kind in kinds) and _holds(layer, plane)]


def holds_every_slice(layer: Layer) -> bool:
    """True for a layer of ours that holds all planes of an image."""
    return bool(layer.metadata[KEY]["of"]["index"] == EVERY_SLICE)


def _holds(layer: Layer, plane: Plane) -> bool:
    of, mine = layer.metadata[KEY]["of"], belongs_to(plane)
    if of["index"] == EVERY_SLICE:
        size = plane.level.shape[: len(plane.index)]
        mine["index"] = EVERY_SLICE
    else:
        size = plane.raised(np.empty(plane.shape, bool)).shape
    return bool(of == mine) and (is_own(layer, STROKES) or layer.data.shape[: len(size)] == size)


def pixels_of(layer: Layer, plane: Plane) -> NDArray[Any]:
    """The plane's pixels in a layer of ours, (H, W) or (H, W, channels): a view, not a copy."""
    if holds_every_slice(layer):
        pixels: NDArray[Any] = layer.data[plane.cut()]
        return pixels
    return np.squeeze(layer.data, axis=plane.across)


def belongs_to(plane: Plane) -> dict[str, Any]:
    """What tells one plane of one image from all others."""
    return {"image": str(plane.layer.unique_id), "axes": plane.axes, "index": plane.index}


def details_of(layer: Layer, plane: Plane) -> dict[str, Any]:
    """What is known about a plane's pixels in a layer of ours."""
    metadata: dict[str, Any] = layer.metadata[KEY]
    return metadata["records"].get(plane.index, {}) if holds_every_slice(layer) else metadata


def read_edges(layer: Labels) -> EdgeMap:
    """The edge map behind an edge layer, as a person has edited it.

    After an undo across what the machine drew it is the earlier map, with its own threshold.
    """
    return layer.metadata[KEY]["steps"].read(layer)


def threshold_of(layer: Labels) -> float:
    """That of the proposals which an edge layer shows: after an undo, the earlier one."""
    threshold: float = layer.metadata[KEY]["steps"].threshold
    return threshold


def write_edges(layer: Labels, edge_map: EdgeMap, *, details: dict[str, Any]) -> None:
    """Put a newly drawn edge map into its layer as one step of the layer's own undo history.

    What a person has decided is in the map already: it comes from ``read_edges``
    by ``again``, ``at_threshold``, ``with_measured`` or ``reset``.
    """
    layer.metadata[KEY]["steps"].write(layer, edge_map)
    layer.metadata[KEY].update(details)


def draw(layer: Labels, plane: Plane, pixels: NDArray[np.bool_], label: EdgeSource) -> int:
    """Give pixels of an edge layer a label, as a person's stroke does: one step of the layer's undo history.

    Parameters
    ----------
    layer : Labels
        The plane's edge layer.
    plane : Plane
    pixels : (H, W) bool
    label : EdgeSource

    Returns
    -------
    changed : int
        Pixels that had another label before.
    """
    changed = pixels & (pixels_of(layer, plane) != label)
    count = int(np.count_nonzero(changed))
    if count:
        layer.data_setitem(np.nonzero(plane.raised(changed)), int(label))
    return count


def write_completed(layer: Image, plane: Plane, image: NDArray[Any], *, details: dict[str, Any]) -> None:
    """Show a newer completion in the layer that holds the last one."""
    if holds_every_slice(layer):
        pixels_of(layer, plane)[...] = image
        layer.refresh()
        layer.metadata[KEY]["records"][plane.index] = details
    else:
        layer.data = plane.raised(image)
    layer.metadata[KEY].update(details)
