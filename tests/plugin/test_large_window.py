"""A large plane in the real window: what the camera shows is the part that is worked on, and is seen repaired."""

from __future__ import annotations

import numpy as np
import pytest
from contract import same_bits
from skimage import data

from napari_edgeconnect.core.holes import Box
from napari_edgeconnect.core.overlay import Constant, Overlay
from napari_edgeconnect.plugin import layers as ours

from .conftest import PATIENCE_MS

SIDE = 10_000
HOLES = Box(3_000, 3_012, 7_000, 7_024), Box(8_000, 8_012, 1_000, 1_024)


@pytest.fixture
def slide() -> list[Overlay]:
    """10 000 x 10 000 px that take no memory, but for a picture at each hole; burnt where the holes are."""
    levels = [Overlay(Constant((SIDE // step, SIDE // step), np.uint8, 90)) for step in (1, 4, 16)]
    for hole in HOLES:
        picture = data.camera().copy()
        picture[200 : 200 + hole.shape[0], 200 : 200 + hole.shape[1]] = 255
        for number, level in enumerate(levels):
            step = 4**number
            top, left = (hole.top - 200) // step, (hole.left - 200) // step
            part = picture[::step, ::step]
            level[top : top + part.shape[0], left : left + part.shape[1]] = part
    return levels


def test_the_part_in_view_is_repaired_and_seen(make_napari_viewer, plugin, slide, press, qtbot):
    viewer = make_napari_viewer(show=True)
    viewer.window.resize(1200, 800)
    _, widget = viewer.window.add_plugin_dock_widget(plugin, "Inpaint")
    viewer.add_image(slide, name="slide", multiscale=True, contrast_limits=(0, 255))
    qtbot.waitUntil(widget.panel.new_mask.isEnabled, timeout=PATIENCE_MS)
    widget.panel.new_mask.click()
    mask = viewer.layers["slide [damage]"]
    for hole in HOLES:
        mask.data_setitem(tuple(axis.ravel() for axis in np.mgrid[hole.slices]), 1)
    mask.visible = False
    for hole in HOLES:
        viewer.scene.camera.center = (0, (hole.top + hole.bottom) / 2, (hole.left + hole.right) / 2)
        viewer.scene.camera.zoom = 4
        viewer.screenshot(flash=False)
        plane, view = widget.session.plane(), widget.session.view()
        assert plane.box.united(hole) == plane.box
        assert view.box.united(hole) == view.box
        assert max(view.box.shape) <= 1024  # what the canvas shows, to the whole tiles that napari loads
        before = viewer.screenshot(flash=False)[..., :3].astype(int)
        press(widget, "hallucinate")
        widget.session.edges(plane).visible = False
        press(widget, "complete")
        after = viewer.screenshot(flash=False)[..., :3].astype(int)
        rows, columns = before.shape[0] // 2, before.shape[1] // 2
        middle = np.s_[rows - 8 : rows + 8, columns - 16 : columns + 16]
        assert (before[middle] == 255).mean() > 0.9  # the burnt hole
        assert (after[middle] == 255).mean() < 0.1
    completed = viewer.layers["slide [reconstructed]"]
    assert len(completed.metadata[ours.KEY]["records"]) == 2
    assert same_bits(np.asarray(completed.data[0][:64, :64]), np.full((64, 64), 90, np.uint8))
