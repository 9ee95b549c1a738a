"""Commands of the palette and of Layers > Filter: the widget's buttons, for the layers that are selected.

Each opens the widget if it is not open yet, so that progress, the cancel
button and what is said are where a person looks for them.
"""

from __future__ import annotations

import napari.viewer

from .layers import KEY
from .worker import Task


def hallucinate(viewer: napari.viewer.Viewer) -> None:
    """Hallucinate edges in the selected image, inside the selected mask."""
    _run(viewer, Task.HALLUCINATE)


def complete(viewer: napari.viewer.Viewer) -> None:
    """Complete the selected image from its edges."""
    _run(viewer, Task.COMPLETE)


def inpaint(viewer: napari.viewer.Viewer) -> None:
    """Hallucinate edges and complete the image, in one go."""
    _run(viewer, Task.INPAINT)


def _run(viewer: napari.viewer.Viewer, task: Task) -> None:
    _, widget = viewer.window.add_plugin_dock_widget(KEY, "Inpaint")
    panel = widget.panel
    for layer in viewer.layers.selection:
        for combo in (panel.image, panel.mask):
            if combo.offers(layer):
                combo.choose(layer)
    widget.start(task)
