"""An outcome into a viewer: which layers appear or change, where in the list, and which is ready to be worked on.

Works on any ``ViewerModel``; no Qt.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Layer
from numpy.typing import NDArray

from ..core.edges import EdgeMap, EdgeSource
from ..core.results import ClassicalRepair, Repair
from . import layers as ours
from .altered import remove_orphans, show_altered
from .how_sure import show_how_sure
from .large import outgrown_edges
from .measured import show_objects
from .worker import Outcome, Task

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image, Labels

    from ..core.uncertainty import Spread
    from .layer_plane import Plane

CORRECT = "Correct the edges with the brush, then complete."


def add(viewer: ViewerModel, layer: ours.LayerTuple) -> Any:
    """Make a layer of a tuple, on top of all others; it is active then."""
    return viewer.add_layer(Layer.create(*layer))


def add_under_edges(viewer: ViewerModel, plane: Plane, layer: ours.LayerTuple) -> Any:
    """Make a layer of a completed plane, under its edges, which can so be corrected; what is active stays."""
    active = viewer.layers.selection.active
    completed = add(viewer, layer)
    edges = ours.find_own(viewer.layers, plane, ours.EDGES)
    if edges is not None:
        viewer.layers.move(viewer.layers.index(edges), len(viewer.layers))
    viewer.layers.selection.active = active
    return completed


def add_mask(viewer: ViewerModel, image: Image) -> Labels:
    """Add an empty mask over an image, ready to be painted on."""
    layer = add(viewer, ours.mask_tuple(image))
    layer.selected_label = 1
    layer.brush_size = ours.brush_size(layer.data.shape[-2:])
    layer.mode = "paint"
    return layer


def outline(viewer: ViewerModel, plane: Plane | None, hole: NDArray[np.bool_] | None) -> None:
    """Show the hole of a plane as an outline, in place of any other; None takes it away."""
    shown = None if plane is None or hole is None else ours.grown_tuple(plane, hole)
    layer = _shown_once(viewer, plane, ours.GROWN, shown)
    if layer is not None:
        layer.contour, layer.editable = 1, False


def show_probability(viewer: ViewerModel, plane: Plane | None, probability: NDArray[np.float32] | None) -> None:
    """Show a plane's edge probabilities under its edges, in place of any other; None takes them away."""
    shown = None if plane is None or probability is None else ours.probability_tuple(plane, probability)
    layer = _shown_once(viewer, plane, ours.PROBABILITY, shown)
    edges = None if plane is None else ours.find_own(viewer.layers, plane, ours.EDGES)
    if layer is not None and edges is not None:
        viewer.layers.move(viewer.layers.index(layer), viewer.layers.index(edges))


def show_found(viewer: ViewerModel, plane: Plane, found: NDArray[np.bool_], title: str) -> None:
    """Show what a finder takes for damage in place of any other preview, ready to be painted on."""
    shown = ours.found_tuple(plane, found, title)
    layer = _shown_once(viewer, plane, ours.FOUND, shown)
    if layer is not None:
        layer.selected_label, layer.mode = 1, "paint"
        layer.brush_size = ours.brush_size(plane.shape)
        viewer.layers.selection.active = layer


def _shown_once(viewer: ViewerModel, plane: Plane | None, kind: str, shown: ours.LayerTuple | None) -> Any:
    """Keep at most one layer of a kind, with this content; returns it if it is new. What is active stays so."""
    layer = None if plane is None or shown is None else ours.find_own(viewer.layers, plane, kind)
    for other in [other for other in viewer.layers if ours.is_own(other, kind) and other is not layer]:
        viewer.layers.remove(other)
    if shown is None:
        return None
    if layer is None:
        active = viewer.layers.selection.active
        layer = add(viewer, shown)
        viewer.layers.selection.active = active
        return layer
    if not np.array_equal(layer.data, shown[0]):  # setting it makes the widget look again
        layer.data = shown[0]
    return None


def place(viewer: ViewerModel, outcome: Outcome) -> str:
    """Put what a run made into layers, and say in words what happened.

    Nothing is placed for an image that was removed, or whose data were
    replaced, while the run lasted.
    """
    plane = outcome.request.plane
    if plane.layer not in viewer.layers or not plane.is_current:
        return f"“{plane.layer.name}” was removed or replaced meanwhile: the result was dropped."
    if outcome.test is not None:
        return outcome.test.advice.sentences[0]
    if outcome.alternatives:
        return f"{len(outcome.alternatives)} fills to choose from: their pictures are in step 5."
    if outcome.how_sure is not None:
        show_how_sure(viewer, plane, outcome.how_sure)
        return _joined(outcome.how_sure.sentence, another_repair(viewer, plane, outcome.how_sure.repairs.spread))
    if outcome.measured is not None:
        show_objects(viewer, plane, outcome.measured)
        return _joined(outcome.measured.sentence, another_repair(viewer, plane, outcome.measured.repairs.spread))
    if outcome.request.task is Task.EXCLUDE:
        assert isinstance(outcome.other, ClassicalRepair)
        layer = show_excluded(viewer, plane, outcome.other)
        viewer.layers.selection.active = layer
        record = outcome.other.record
        said = f"{record['hole_px']:,} px were set to {record['value']}, in a layer of their own: “{layer.name}”."
        return _joined(said, *record["notes"])
    if outcome.other is not None:
        layer = show_by_method(viewer, plane, outcome.other, outcome.request.method)
        viewer.layers.selection.active = layer
        return f"Repaired by another method, into a layer of its own: “{layer.name}”."
    if outcome.edges is not None and not outcome.request.of_stack:
        edges = show_edges(viewer, plane, _with_decisions(viewer, outcome), details={"record": outcome.record})
        _drop_outgrown(viewer, plane, outcome.edges.hole)
        viewer.layers.selection.active = edges
    if outcome.repair is None:
        return CORRECT
    completed = show_completion(viewer, plane, outcome.repair, of_stack=outcome.request.of_stack)
    if outcome.request.task is Task.INPAINT and not outcome.request.of_stack:
        edges.visible = False
        viewer.layers.selection.active = completed
    record = outcome.repair.record
    notes = " ".join(record["notes"]) or "Correct the edges and complete again, as you like."
    return f"Completed in {record['seconds']:.1f} s. {notes}"


def show_edges(viewer: ViewerModel, plane: Plane, edge_map: EdgeMap, *, details: dict[str, Any]) -> Labels:
    """Put an edge map into its plane's layer, as one step of the layer's undo history, ready to be painted on."""
    layer: Labels | None = ours.find_own(viewer.layers, plane, ours.EDGES)
    if layer is None:
        layer = add(viewer, ours.edges_tuple(plane, edge_map, details=details))
        layer.selected_label = EdgeSource.DRAWN
        layer.brush_size = 1
        layer.mode = "paint"
        return layer
    ours.write_edges(layer, edge_map, details=details)
    if not layer.visible:  # napari drops the paint mode of a layer that is hidden or shown
        layer.visible = True
        layer.mode = "paint"
    return layer


def show_completion(viewer: ViewerModel, plane: Plane, repair: Repair, *, of_stack: bool = False) -> Image:
    """Put a repair into its plane's completed layer, under the edges, with an outline of what was altered.

    Parameters
    ----------
    of_stack : bool
        A layer that is new holds the whole stack, and takes the place of one that holds this plane alone.
        So it is for parts of large planes.
    """
    of_stack = of_stack or plane.box is not None
    details = {"record": repair.record, "edges": repair.edges, "altered": repair.altered}
    layer: Image | None = ours.find_own(viewer.layers, plane, ours.COMPLETED)
    if layer is not None and of_stack and not ours.holds_every_slice(layer):
        viewer.layers.remove(layer)
        remove_orphans(viewer)
        layer = None
    if layer is None:
        shown = (
            ours.completed_stack_tuple(plane)
            if of_stack
            else ours.completed_tuple(plane, repair.image, details=details)
        )
        layer = add_under_edges(viewer, plane, shown)
        if of_stack:
            ours.write_completed(layer, plane, repair.image, details=details)
    else:
        ours.write_completed(layer, plane, repair.image, details=details)
    show_altered(viewer, layer, plane, repair.altered)
    return layer


def show_by_method(viewer: ViewerModel, plane: Plane, repair: ClassicalRepair | Repair, method: str) -> Image:
    """Put a repair by another method into a layer of its own, one for each method, with an outline."""
    from ..selftest.advice import TITLES

    others = (layer for layer in ours.results_of(viewer.layers, plane) if ours.is_own(layer, ours.CLASSICAL))
    layer: Image | None = next((other for other in others if other.metadata[ours.KEY]["method"] == method), None)
    title = f"{ours.TITLES[ours.COMPLETED]} by {TITLES[method]}"
    return _shown_beside(viewer, plane, layer, repair, ours.CLASSICAL, title, {"method": method})


def _shown_beside(
    viewer: ViewerModel,
    plane: Plane,
    layer: Image | None,
    made: ClassicalRepair | Repair,
    kind: str,
    title: str,
    details: dict[str, Any],
) -> Image:
    """Put what was made of a plane into a layer that holds the last one of its kind, or a new one; with an outline."""
    details = {"record": made.record, "altered": made.altered, **details}
    if layer is None:
        shown = ours.completed_tuple(plane, made.image, details=details, kind=kind, title=title)
        layer = add_under_edges(viewer, plane, shown)
    else:
        ours.write_completed(layer, plane, made.image, details=details)
        layer.visible = True
    show_altered(viewer, layer, plane, made.altered)
    return layer


def show_excluded(viewer: ViewerModel, plane: Plane, excluded: ClassicalRepair) -> Image:
    """Put a plane with its damage marked as missing into a layer of its own, with an outline of what was marked."""
    layer: Image | None = ours.find_own(viewer.layers, plane, ours.EXCLUDED)
    return _shown_beside(viewer, plane, layer, excluded, ours.EXCLUDED, ours.EXCLUDED, {})


def another_repair(viewer: ViewerModel, plane: Plane, spread: Spread) -> str:
    """A sentence, where what was found out about a repair is not about the one on display; otherwise empty."""
    completed = ours.find_own(viewer.layers, plane, ours.COMPLETED)
    hole = spread.hole
    if completed is None:
        return "This is about the repair that “Inpaint in one go” makes."
    if not np.array_equal(ours.pixels_of(completed, plane)[hole], spread.repaired[hole]):
        return "This is about the repair from the model's own edges: the one on display is another."
    return ""


def _joined(*sentences: str) -> str:
    return " ".join(sentence for sentence in sentences if sentence)


def _drop_outgrown(viewer: ViewerModel, plane: Plane, hole: NDArray[np.bool_]) -> None:
    """Take away the edge layers of smaller or larger parts whose damage is in a part's own edges by now."""
    if plane.box is not None:
        for layer, _ in outgrown_edges(viewer.layers, plane, hole):
            viewer.layers.remove(layer)


def _with_decisions(viewer: ViewerModel, outcome: Outcome) -> EdgeMap:
    """A run's edges with what is drawn or erased by now, while the run lasted, too."""
    layer = ours.find_own(viewer.layers, outcome.request.plane, ours.EDGES)
    assert outcome.edges is not None
    return outcome.edges if layer is None else ours.read_edges(layer).again(outcome.edges)
