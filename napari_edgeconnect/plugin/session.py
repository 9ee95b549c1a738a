"""What is being worked on now: the chosen image in its displayed slice, its mask, its edges, and the settings.

Every part of the widget asks here, each time anew: layers come, go, move and
change at any moment, so nothing about them is remembered.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QSignalBlocker

from ..core.holes import grown
from ..core.settings import Settings
from . import layers as ours
from .large import LargePlanes, is_large, part_settings
from .layer_plane import Plane, displayed_plane, every_slice
from .onto_plane import plane_mask
from .pace import Pace
from .preferences import DEFAULTS
from .whole_stack import Shared
from .worker import LoadedModels

if TYPE_CHECKING:
    import napari.viewer

    from ..core.models import ModelInfo
    from .many_repairs import ManyRepairs
    from .panel import Panel


class Situation(NamedTuple):
    """What there is to work on, and in words what is still missing."""

    plane: Plane | None = None
    mask: NDArray[np.bool_] | None = None
    missing: str = ""


class Session:
    """One viewer and the choices made in one panel.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        A ``ViewerModel`` is enough.
    panel : Panel

    Attributes
    ----------
    models : LoadedModels
        Loaded once, whoever needs them.
    pace : Pace
        What runs have taken here.
    large : LargePlanes
        Planes that are worked on part by part.
    repairs : ManyRepairs or None
        The last that were made in many ways: asking something else about the same image takes no time then.
    is_busy : bool
        True while a run is under way: its outcome will be put into the layers.
    """

    def __init__(self, viewer: napari.viewer.Viewer, panel: Panel) -> None:
        self.viewer = viewer
        self.panel = panel
        self.models = LoadedModels()
        self.pace = Pace()
        self.large = LargePlanes(viewer, lambda: self.has_parts)
        self.repairs: ManyRepairs | None = None
        self.is_busy = False
        self._said: tuple[Any, str] = (None, "")

    # ---- what there is

    @property
    def image(self) -> Any:
        """The chosen image layer, or None."""
        return self.panel.image.layer

    @property
    def has_slices(self) -> bool:
        """True for an image of more than two axes: one plane of it is displayed."""
        return self.image is not None and self.image.ndim > 2

    @property
    def has_parts(self) -> bool:
        """True for an image whose planes are worked on part by part."""
        plane = self.whole_plane()
        return plane is not None and is_large(plane)

    def pieces(self, count: int) -> str:
        """What an image is repaired in, in words, one or several."""
        return f"{'part' if self.has_parts else 'slice'}{'' if count == 1 else 's'}"

    @property
    def shared(self) -> Shared:
        """What all slices share when all are repaired."""
        return self.panel.stack.shared if self.has_slices else Shared()

    def whole_plane(self) -> Plane | None:
        """The chosen image's displayed plane, however large; None where there is none that can be repaired."""
        try:
            return None if self.image is None else displayed_plane(self.image, self.viewer.dims)
        except ValueError:
            return None

    def plane(self) -> Plane | None:
        """The plane that is worked on: the displayed one or its nearest part; None where none can be repaired."""
        try:
            return None if self.image is None else self._nearest(displayed_plane(self.image, self.viewer.dims))
        except ValueError:
            return None

    def view(self) -> Plane | None:
        """The displayed plane, of a large one what is in view: for tools that look for damage."""
        plane = self.whole_plane()
        return None if plane is None else self.large.view(plane)

    def _nearest(self, plane: Plane) -> Plane:
        return self.large.part(plane, self.panel.mask.layer, self.settings()) if is_large(plane) else plane

    def situation(self) -> Situation:
        """The plane and its mask as it was painted, or what is missing for a run."""
        if self.image is None:
            return Situation(missing="Open an image first.")
        mask_layer = self.panel.mask.layer
        try:
            plane = self._nearest(displayed_plane(self.image, self.viewer.dims))
            if mask_layer is None:
                return Situation(plane, missing="Mark the damage: press New mask and paint over it.")
            mask = plane_mask(plane, mask_layer)
        except ValueError as error:
            return Situation(missing=str(error))
        if not mask.any():
            return Situation(plane, mask, f"Paint the damage first{', in this slice' if plane.across else ''}.")
        if self.model is None:
            return Situation(plane, mask, "No model is installed: reinstall the plugin, or import one.")
        return Situation(plane, mask)

    def damaged_planes(self) -> Iterator[tuple[Plane, NDArray[np.bool_]]]:
        """Every plane or part of one that has damage, with its mask; none where something is missing.

        Raises
        ------
        ValueError
            If the mask lies askew to the planes.
        """
        plane, mask_layer = self.whole_plane(), self.panel.mask.layer
        if plane is None or mask_layer is None or self.model is None:
            return
        slices = every_slice(plane)
        if is_large(plane):
            slices = (part for other in slices for part in self.large.parts(other, mask_layer, self.settings()))
        for other in slices:
            mask = plane_mask(other, mask_layer)
            if mask.any():
                yield other, mask

    def hole(self, mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """(H, W) bool: the mask as it will be repaired, grown."""
        return grown(mask, self.panel.grow.value())

    def edges(self, plane: Plane | None) -> Any:
        """The plane's edge layer, or None."""
        return None if plane is None else ours.find_own(self.viewer.layers, plane, ours.EDGES)

    def completed(self, plane: Plane | None) -> Any:
        """The plane's layer of the completed image, or None."""
        return None if plane is None else ours.find_own(self.viewer.layers, plane, ours.COMPLETED)

    def shown_edges(self) -> tuple[Plane, Any] | None:
        """The plane and its edge layer, while no run is about to draw on it."""
        plane = self.plane()
        layer = self.edges(plane)
        return None if plane is None or layer is None or self.is_busy else (plane, layer)

    # ---- how it is to be repaired

    @property
    def model(self) -> ModelInfo | None:
        """The chosen model; None where none is installed."""
        info: ModelInfo | None = self.panel.model.currentData()
        return info

    @property
    def device(self) -> str:
        """The chosen device, or "auto"."""
        return str(self.panel.device.currentText())

    @property
    def runs_on(self) -> str:
        """The device that it will be; empty until it is known what there is."""
        combo = self.panel.device
        return str(combo.itemText(1)) if self.device == "auto" else self.device

    def settings(self) -> Settings:
        """The panel's choices.

        Raises
        ------
        ValueError
            Where they contradict each other.
        """
        panel = self.panel
        margin = round(panel.margin.value())
        return replace(
            DEFAULTS,
            sigma=panel.sigma.value() or None,
            grow_px=panel.grow.value(),
            threshold=round(panel.threshold.value(), panel.threshold.decimals()),
            margin_px=margin,
            largest_window_px=max(DEFAULTS.largest_window_px, 4 * margin),
            half_precision=panel.precision.currentData(),
            match_noise=panel.noise.isChecked(),
        )

    def settings_of(self, plane: Plane) -> Settings:
        """The panel's choices for one plane; of a part with edges, with the contrast that these were found with.

        Raises
        ------
        ValueError
            As for :meth:`settings`.
        """
        settings, edges = part_settings(self.settings(), plane), self.edges(plane)
        if plane.box is None or edges is None:
            return settings
        return replace(settings, contrast=ours.contrast_of(edges))

    def adopt(self, record: dict[str, Any]) -> None:
        """Set the panel to what a repair was made with; nothing is redrawn or run for it."""
        panel, settings = self.panel, record["settings"]
        numbers = {
            panel.sigma: settings["sigma"] or 0,
            panel.threshold: record["edges"]["threshold"],
            panel.grow: settings["grow_px"],
            panel.margin: settings["margin_px"],
        }
        for control, value in numbers.items():
            with QSignalBlocker(control):
                control.setValue(value)
        with QSignalBlocker(panel.noise):
            panel.noise.setChecked(settings["match_noise"])
        panel.model.setCurrentText(record["model"]["name"])  # changes nothing where it is not installed any more

    # ---- what is said about it

    def say(self, words: str) -> None:
        """Keep this in the status line until the next run, or until another image is chosen."""
        self._said = (self.image, words)
        self.panel.status.setText(words)

    def say_nothing(self) -> None:
        """Forget what was said."""
        self._said = (None, "")

    @property
    def said(self) -> str:
        """What was said about the chosen image last."""
        image, words = self._said
        return words if image is self.image else ""

    def fail(self, error: Exception) -> None:
        """Show a refusal as its own sentence; anything else is a bug, and napari shows where."""
        from napari.utils.notifications import notification_manager, show_error

        sentence = str(error) or type(error).__name__
        self.say(sentence)
        if isinstance(error, ValueError | TypeError | OSError | MemoryError):
            show_error(sentence)
        else:
            notification_manager.receive_error(type(error), error, error.__traceback__)
