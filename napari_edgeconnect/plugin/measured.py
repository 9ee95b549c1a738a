"""What a repair does to a measurement, for the displayed plane: asked for, found out, and its objects as a layer.

The figures are ``measurement``'s, as for the command. No Qt.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..core.holes import grown
from ..core.planes import nonfinite
from ..core.results import Step
from . import layers as ours
from .layer_plane import Plane, world_affine
from .many_repairs import ManyRepairs, many_repairs_steps
from .onto_plane import plane_labels

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Labels

    from ..core.edgeconnect import EdgeConnect
    from ..measurement.choice import Chosen
    from ..measurement.effect import Effect, ObjectEffect
    from .worker import Request

#: Of objects that every repair has, and of those that some repairs split, merge or lose: Okabe and Ito's yellow and
#: sky blue, which are seen on dark images. Vermilion is for altered pixels.
STEADY, UNSTEADY = "#f0e442", "#56b4e9"
#: The one that a person has chosen in the list.
CHOSEN = "white"
#: What the view beside the picture is called.
VIEW = "Measured objects"
_TITLE = "objects at the damage"
#: A line of one pixel gets lost where a large image is shown small: one more for each so many pixels a side.
_PX_PER_LINE_PX = 2048
#: Of the copies of the damage and of the repairs that are drawn: the command's own.
_SEED = 0
#: What a world's unit is called where it says nothing about lengths.
_NO_LENGTHS = ("pixel", "dimensionless", "")


@dataclass(frozen=True, eq=False)
class Wanted:
    """Which objects are to be measured, and in what.

    Attributes
    ----------
    labels : (H, W) int, optional
        The objects, on the plane's grid.
    labels_name : str
        Whose they are.
    threshold : float, optional
        Objects are brighter than that, in the image's units. Without it and without labels Otsu's threshold is taken.
    pixel_size : (height, width)
        In ``unit``.
    unit : str
    calibrated : bool
        False: no copies of the damage, and no interval.
    """

    labels: NDArray[np.integer] | None = None
    labels_name: str = ""
    threshold: float | None = None
    pixel_size: tuple[float, float] = (1.0, 1.0)
    unit: str = "px"
    calibrated: bool = True

    def chosen(self, image: NDArray[Any], hole: NDArray[np.bool_]) -> Chosen:
        """The segmentation, and what it is in words."""
        from ..measurement import choice

        if self.labels is not None:
            return choice.labelled(self.labels, self.labels_name)
        if self.threshold is not None:
            return choice.brighter_than(self.threshold)
        return choice.brighter_than_otsu(image, hole)


@dataclass(frozen=True, eq=False)
class Measured:
    """What was found out.

    Attributes
    ----------
    effect : Effect
    record : dict
        As the command writes it.
    repairs : ManyRepairs
        That were measured.
    why_not : str
        Why there is no interval, although one was asked for; otherwise empty.
    """

    effect: Effect
    record: dict[str, Any]
    repairs: ManyRepairs
    why_not: str

    @property
    def sentence(self) -> str:
        """For the status line: the rest of the conclusion is in the view."""
        return f"{str(self.record['conclusion']).partition(';')[0].rstrip('.')}: see “{VIEW}”."


def labels_on(plane: Plane, layer: Labels) -> NDArray[np.integer]:
    """The objects of a Labels layer on a plane's grid, to be measured.

    Raises
    ------
    ValueError
        Where it has none there, or lies askew to the plane.
    """
    labels = plane_labels(plane, layer)
    if not labels.any():
        where = f" in this {'part' if plane.box else 'slice'}" if plane.where else " on the image"
        raise ValueError(f"“{layer.name}” has no objects{where}: choose another layer, or move it over the image.")
    return labels


def pixel_size_of(plane: Plane) -> tuple[tuple[float, float], str]:
    """Height and width of a pixel of a plane, and their unit; 1, 1 and "px" where the layer knows no lengths."""
    units = plane.layer.units if plane.units is None else plane.units[-plane.layer.ndim :]
    down, across = (units[axis] for axis in plane.axes)
    if down != across or str(down) in _NO_LENGTHS:
        return (1.0, 1.0), "px"
    matrix, _ = world_affine(plane.layer, plane.units)
    rows, columns = (matrix[:, axis] for axis in plane.axes)
    height = float(np.linalg.norm(rows))
    area = float(np.sqrt((rows @ rows) * (columns @ columns) - (rows @ columns) ** 2))  # of a sheared pixel, too
    return (_rounded(height), _rounded(area / height)), f"{down:~P}"


def _rounded(length: float) -> float:
    return float(f"{length:.9g}")


def measure_steps(request: Request, model: EdgeConnect) -> Generator[Step, None, Measured]:
    """Measure the objects of a repair, and of many others that are as possible.

    Raises
    ------
    ValueError
        For a segmentation that finds no labels; before anything is repaired.
    """
    from ..measurement.effect import effect_steps
    from ..measurement.segmentation import labels_of
    from ..measurement.written import measurement_record

    image, wanted = request.image, request.wanted
    chosen = wanted.chosen(image, grown(request.mask, request.settings.grow_px) | nonfinite(image))
    labels_of(chosen.segmentation, image)
    repairs = yield from many_repairs_steps(request, model, calibrated=wanted.calibrated)
    found = repairs.found if wanted.calibrated else repairs.spread
    effect = yield from effect_steps(
        found, chosen.segmentation, pixel_size=wanted.pixel_size, unit=wanted.unit, seed=_SEED
    )
    record = measurement_record(
        effect,
        pixels=repairs.asked["pixels"],
        segmentation=chosen.said,
        model=model.info,
        device=str(model.device),
        settings=request.settings,
        seed=_SEED,
    )
    return Measured(effect, record, repairs, repairs.why_not if wanted.calibrated else "")


# ---- the objects as a layer


def colour_of(each: ObjectEffect) -> str:
    """One for objects that every repair has, one to one, and another for all else."""
    return STEADY if sum(each.fates.values()) == each.fates["matched"] else UNSTEADY


def show_objects(viewer: ViewerModel, plane: Plane, measured: Measured) -> Labels | None:
    """Outline the objects at the damage over their image, in place of those of an earlier measurement.

    The labels are the numbers in the table. What is active stays so.

    Returns
    -------
    layer : Labels or None
        None where no object is at the damage.
    """
    from .placing import add

    effect = measured.effect
    before = ours.find_own(viewer.layers, plane, ours.OBJECTS)
    if before is not None:
        viewer.layers.remove(before)
    if not effect.objects:
        return None
    colours = {each.label: colour_of(each) for each in effect.objects}
    shown = ours.layer_tuple(
        np.where(np.isin(effect.labels, list(colours)), effect.labels, 0),
        "labels",
        plane=plane,
        kind=ours.OBJECTS,
        title=f"{ours.TITLES[ours.COMPLETED]} · {_TITLE}",
        details={"record": measured.record, "colours": colours},
        opacity=1.0,
        colormap=ours.direct_colormap(colours),
    )
    active = viewer.layers.selection.active
    layer: Labels = add(viewer, shown)
    layer.contour = 1 + (max(plane.shape) - 1) // _PX_PER_LINE_PX
    layer.editable = False
    if active in viewer.layers:
        viewer.layers.selection.active = active
    return layer


def go_to_object(viewer: ViewerModel, plane: Plane, label: int) -> None:
    """Outline an object in white, and bring it into view: into the middle, where it was not seen.

    Nothing happens where the objects are not shown any more.
    """
    layer: Labels | None = ours.find_own(viewer.layers, plane, ours.OBJECTS)
    pixels = np.argwhere(layer.data == label) if layer is not None else np.empty(0)
    if layer is None or not pixels.size:
        return
    layer.colormap = ours.direct_colormap(layer.metadata[ours.KEY]["colours"] | {label: CHOSEN})
    middle = pixels.mean(axis=0)
    world, lead = np.asarray(layer.data_to_world(middle)), viewer.dims.ndim - layer.ndim
    for axis in plane.across:
        viewer.dims.set_point(axis + lead, float(world[axis]))
    low, high = layer.corner_pixels
    seen = all(low[axis] <= middle[axis] <= high[axis] for axis in plane.axes)
    shown = [axis - lead for axis in viewer.dims.displayed]
    if not seen and min(shown) >= 0:
        viewer.scene.camera.center = (*viewer.scene.camera.center[:-2], *(float(world[axis]) for axis in shown[-2:]))
