"""Saved from napari with ``.record.tif``, a repair takes its record and its altered pixels along."""

from __future__ import annotations

import json

import numpy as np
import pytest
from npe2 import PluginManifest

from napari_edgeconnect.core.record_reading import checked_record
from napari_edgeconnect.files import read_embedded, read_image
from napari_edgeconnect.plugin.layers import KEY
from napari_edgeconnect.plugin.panel import ALL_SLICES


@pytest.fixture
def writers(plugin, npe2pm):
    """napari's own writers beside ours."""
    npe2pm.register(PluginManifest.from_distribution("napari"))


@pytest.mark.usefixtures("writers")
@pytest.mark.parametrize("ending", ["tif", "png"])
def test_the_record_and_the_mask_go_along(widget, viewer, press, tmp_path, ending):
    press(widget, "inpaint")
    layer = viewer.layers["camera [reconstructed]"]
    viewer.layers.selection = {layer}
    saved = viewer.layers.save(str(tmp_path / f"camera.record.{ending}"), selected=True)
    assert [path.rpartition("/")[2] for path in saved] == [
        f"camera.record.{ending}", "camera.record.json", "camera.record_altered.png"
    ]  # fmt: skip
    details = layer.metadata[KEY]
    assert np.array_equal(read_image(tmp_path / f"camera.record.{ending}").pixels, layer.data)
    assert np.array_equal(read_image(tmp_path / "camera.record_altered.png").pixels > 0, details["altered"])
    record = json.loads((tmp_path / "camera.record.json").read_text())
    assert checked_record(record) == details["record"]
    assert read_embedded(tmp_path / f"camera.record.{ending}")[-1] == record


@pytest.mark.usefixtures("writers")
def test_a_slice_of_colours_is_saved_as_one_image(viewer, make_widget, press, pixels, scratch, tmp_path):
    viewer.add_image(np.stack([np.stack([pixels, pixels[::-1], pixels], -1)] * 2), rgb=True, name="stack")
    viewer.add_labels(scratch, name="mask")
    press(make_widget(viewer), "inpaint")
    layer = next(layer for layer in viewer.layers if "reconstructed" in layer.name)
    viewer.layers.selection = {layer}
    viewer.layers.save(str(tmp_path / "slice.record.tif"), selected=True)
    assert np.array_equal(read_image(tmp_path / "slice.record.tif").pixels, layer.data[0])


@pytest.mark.usefixtures("writers")
def test_what_has_no_record_of_one_plane_is_refused_in_a_sentence(
    viewer, make_widget, press, pixels, scratch, tmp_path
):
    stack = viewer.add_image(np.stack([pixels, pixels]), name="stack")
    viewer.add_labels(scratch, name="mask")
    widget = make_widget(viewer)
    widget.panel.slices.setCurrentText(ALL_SLICES)
    press(widget, "inpaint")
    for layer, sentence in ((stack, "no record to save"), (viewer.layers["stack [reconstructed]"], "whole stack")):
        viewer.layers.selection = {layer}
        with pytest.raises(OSError, match=sentence):
            viewer.layers.save(str(tmp_path / "x.record.tif"), selected=True)
    assert not list(tmp_path.iterdir())


@pytest.mark.usefixtures("writers")
def test_other_files_are_still_naparis(widget, viewer, tmp_path):
    viewer.layers.selection = {viewer.layers["camera"]}
    assert viewer.layers.save(str(tmp_path / "camera.tif"), selected=True) == [str(tmp_path / "camera.tif")]
