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
from ..core.holes import Box
from .edge_steps import EdgeSteps
from .layer_plane import Plane, spatial
from .lazy_results import completed_data, empty_labels, put_pixels

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
EXCLUDED = "excluded"
OBJECTS = "measured objects"
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
    """The plane's whole image, for the completed planes of many slices or parts to be put into.

    A copy, or where that would be large, copy-on-write: see :mod:`.lazy_results`.
    """
    of = {**belongs_to(plane), "index": EVERY_SLICE, "box": None}
    details = {"kind": COMPLETED, "of": of, "records": {}}
    kwargs = {
        "name": f"{plane.layer.name} [{TITLES[COMPLETED]}]",
        "metadata": {KEY: details},
        **spatial(plane.layer),
        **_look_of(plane.layer),
    }
    data = completed_data(plane)
    return data, kwargs | {"multiscale": isinstance(data, list)}, "image"


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
    attributes = {"name": f"{image.name} [damage]", "opacity": MASK_OPACITY, "colormap": mask_colormap()}
    return empty_labels(mask_shape(image)), spatial(image) | attributes, "labels"


def mask_shape(image: Image) -> tuple[int, ...]:
    """The shape of a mask with a pixel for each of the image's, in its full resolution."""
    return tuple(image.data[0].shape[: image.ndim] if image.multiscale else image.data.shape[: image.ndim])


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
    """All layers that show a plane without its damage: completed, by another method, or with it marked as missing."""
    kinds = (COMPLETED, CLASSICAL, EXCLUDED)
    return [layer for layer in layers if any(is_own(layer, kind) for kind in kinds) and _holds(layer, plane)]


def holds_every_slice(layer: Layer) -> bool:
    """True for a layer of ours that holds all planes of an image."""
    return bool(layer.metadata[KEY]["of"]["index"] == EVERY_SLICE)


def _holds(layer: Layer, plane: Plane) -> bool:
    of, mine = layer.metadata[KEY]["of"], belongs_to(plane)
    if of["index"] == EVERY_SLICE:
        size = plane.level.shape[: len(plane.index)]
        mine |= {"index": EVERY_SLICE, "box": None}
    else:
        sizes = dict(zip(plane.axes, plane.shape, strict=True))
        size = tuple(sizes.get(axis, 1) for axis in range(len(plane.index)))
    return bool(of == mine) and (is_own(layer, STROKES) or layer.data.shape[: len(size)] == size)


def pixels_of(layer: Layer, plane: Plane) -> NDArray[Any]:
    """The plane's pixels in a layer of ours, (H, W) or (H, W, channels): to be read only."""
    if holds_every_slice(layer):
        return np.asarray((layer.data[0] if layer.multiscale else layer.data)[plane.cut()])
    return np.squeeze(layer.data, axis=plane.across)


def belongs_to(plane: Plane) -> dict[str, Any]:
    """What tells one plane of one image from all others."""
    return {"image": str(plane.layer.unique_id), "axes": plane.axes, "index": plane.index, "box": plane.box}


def box_of(layer: Layer, plane: Plane, kind: str) -> Box | None:
    """The part of a plane that a layer of ours belongs to; None where that is no such layer, or no part of this one."""
    if not is_own(layer, kind):
        return None
    of, mine = layer.metadata[KEY]["of"], belongs_to(plane)
    return of["box"] if all(of[name] == mine[name] for name in ("image", "axes", "index")) else None


def edge_boxes(layers: Iterable[Layer], plane: Plane) -> list[Box]:
    """The parts of a plane that have an edge layer, the topmost first."""
    boxes = [box_of(layer, plane, EDGES) for layer in reversed(list(layers))]
    return [box for box in boxes if box is not None]


def details_of(layer: Layer, plane: Plane) -> dict[str, Any]:
    """What is known about a plane's pixels in a layer of ours."""
    metadata: dict[str, Any] = layer.metadata[KEY]
    return metadata["records"].get(_place(plane), {}) if holds_every_slice(layer) else metadata


def note_details(layer: Layer, plane: Plane, details: dict[str, Any]) -> None:
    """Write down what is known about a plane's pixels in a layer of ours: the last is in the layer's own, too."""
    metadata: dict[str, Any] = layer.metadata[KEY]
    if holds_every_slice(layer):
        records = metadata["records"]
        for other in [key for key, of in records.items() if _is_replaced(key, of, plane, details)]:
            del records[other]
        records[_place(plane)] = details
    metadata.update(details)


def _place(plane: Plane) -> Any:
    """The key of a plane's record: its index, with the box of a part."""
    return (plane.index, plane.box) if plane.box else plane.index


def _is_replaced(key: Any, of: dict[str, Any], plane: Plane, details: dict[str, Any]) -> bool:
    """True for the record of another part whose invented pixels are this one's now."""
    if plane.box is None or key[0] != plane.index or key[1] == plane.box or not key[1].overlaps(plane.box):
        return False
    if "altered" not in of or "altered" not in details:
        return False
    shared = plane.box.shared(key[1])
    return bool((of["altered"][shared.within(key[1])] & details["altered"][shared.within(plane.box)]).any())


def contrast_of(layer: Labels) -> tuple[float, float] | None:
    """The contrast that the edges of a part were found with; None for a whole plane."""
    settings = layer.metadata[KEY].get("record", {}).get("settings", {})
    contrast = settings.get("contrast")
    return (contrast[0], contrast[1]) if contrast else None


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
        put_pixels(layer, plane, image, details.get("altered"))
        layer.refresh()
    else:
        layer.data = plane.raised(image)
    note_details(layer, plane, details)
