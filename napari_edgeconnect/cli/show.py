"""The demo's repair in napari, where there is a screen."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

if TYPE_CHECKING:
    from napari.components import ViewerModel

    from napari_edgeconnect.core.results import Repair

#: Seconds; starting Qt takes one or two.
_QT_PATIENCE = 60


def why_no_viewer() -> str | None:
    """Say why napari can't be shown here; None where it can."""
    if sys.platform.startswith("linux") and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        return "There is no screen, so napari is not shown."
    if find_spec("napari") is None:
        return "napari is not installed, so it is not shown: pip install 'napari-edgeconnect[all]'."
    # Where the screen can't be reached Qt ends the whole process, so another one tries first.
    trial = [sys.executable, "-c", "from qtpy.QtWidgets import QApplication; QApplication([])"]
    try:
        subprocess.run(trial, check=True, capture_output=True, timeout=_QT_PATIENCE)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
        return "Qt can't open a window here, so napari is not shown."
    return None


def show(image: NDArray[Any], mask: NDArray[Any], repair: Repair, *, title: str) -> None:
    """Open napari on a repair and wait until it is closed."""
    import napari

    viewer = napari.Viewer(title=f"napari-edgeconnect: {title}")
    add_layers(viewer, image, mask, repair, title=title)
    viewer.window.add_plugin_dock_widget("napari-edgeconnect")
    napari.run()


def add_layers(viewer: ViewerModel, image: NDArray[Any], mask: NDArray[Any], repair: Repair, *, title: str) -> None:
    """Put image, damage, edges and the completed image into a viewer, the last on top."""
    import numpy as np
    from napari.layers import Layer

    from napari_edgeconnect.plugin.layer_plane import displayed_plane
    from napari_edgeconnect.plugin.layers import completed_tuple, edges_tuple, mask_tuple

    layer = viewer.add_image(image, name=title, rgb=image.ndim == 3)
    plane = displayed_plane(layer, viewer.dims)
    _, look, kind = mask_tuple(layer)
    details = {"record": repair.record}
    tuples = [
        ((mask != 0).astype(np.uint8), look, kind),
        completed_tuple(plane, repair.image, details=details),
        edges_tuple(plane, repair.edges, details=details),
    ]
    for data, attributes, layer_type in tuples:
        viewer.add_layer(Layer.create(data, attributes, layer_type))
