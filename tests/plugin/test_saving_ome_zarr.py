"""Saving through napari: any image layer as OME-Zarr, without holding it, with its levels, units and records."""

from __future__ import annotations

import json
import tracemalloc

import numpy as np
import pytest
import zarr
from contract import same_bits
from skimage import data

from napari_edgeconnect.core.overlay import Constant, Overlay
from napari_edgeconnect.plugin import layers as ours
from napari_edgeconnect.saving.ome_zarr import write_image


def opened(path):
    group = zarr.open_group(path, mode="r")
    return group, group.attrs["ome"]["multiscales"][0]


def test_a_repair_is_saved_through_the_manifest_with_what_was_invented(widget, viewer, press, plugin, tmp_path):
    viewer.layers["camera"].scale = viewer.layers["mask"].scale = (0.5, 0.25)
    viewer.layers["camera"].units = viewer.layers["mask"].units = ("um", "um")
    press(widget, "inpaint")
    completed = viewer.layers["camera [reconstructed]"]
    path = tmp_path / "repaired.zarr"

    assert completed.save(str(path), plugin=plugin) == [str(path)]

    group, image = opened(path)
    assert same_bits(group["0"][:], completed.data)
    assert [(axis["name"], axis["type"], axis["unit"]) for axis in image["axes"]] == [
        ("y", "space", "micrometer"),
        ("x", "space", "micrometer"),
    ]
    assert image["datasets"][0]["coordinateTransformations"] == [{"type": "scale", "scale": [0.5, 0.25]}]
    details = completed.metadata[ours.KEY]
    assert same_bits(group["labels/reconstructed/0"][:], details["altered"].astype(np.uint8))
    assert group.attrs[ours.KEY]["records"] == json.loads(json.dumps([details["record"]]))


def test_slices_of_a_stack_say_where_they_were_altered(viewer, make_widget, press, tmp_path):
    frames = np.stack([data.camera()[:96, :80]] * 3)
    viewer.add_image(frames, name="film", axis_labels=("t", "y", "x"))
    mask = np.zeros(frames.shape, np.uint8)
    mask[1, 40:46, 20:50] = 1
    viewer.add_labels(mask, name="mask")
    made = make_widget(viewer)
    made.panel.slices.setCurrentIndex(1)
    press(made, "inpaint")
    completed = viewer.layers["film [reconstructed]"]
    write_image(str(tmp_path / "film.zarr"), *completed.as_layer_data_tuple()[:2])
    group, image = opened(tmp_path / "film.zarr")
    altered = group["labels/reconstructed/0"][:]
    assert same_bits(group["0"][:], completed.data)
    assert [axis.get("type") for axis in image["axes"]] == ["time", "space", "space"]
    assert altered[1].sum() > mask[1].sum()
    assert not altered[[0, 2]].any()
    assert ((completed.data != frames) <= (altered > 0)).all()


def test_levels_larger_than_memory_are_written_chunk_by_chunk(viewer, tmp_path):
    levels = [Overlay(Constant((8_000 // step, 8_000 // step), np.uint16, 7)) for step in (1, 2, 4)]
    levels[0][100:110, 200:210] = 9
    layer = viewer.add_image(levels, multiscale=True, contrast_limits=(0, 10), scale=(2, 2), translate=(5, 6))
    tracemalloc.start()
    try:
        write_image(str(tmp_path / "slide.zarr"), *layer.as_layer_data_tuple()[:2])
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    group, image = opened(tmp_path / "slide.zarr")
    assert peak < levels[0].nbytes / 8
    assert same_bits(group["0"][90:120, 190:220], levels[0][90:120, 190:220])
    assert [level["coordinateTransformations"][0]["scale"] for level in image["datasets"]] == [[2, 2], [4, 4], [8, 8]]
    assert image["datasets"][0]["coordinateTransformations"][1]["translation"] == [5, 6]
    assert "labels" not in group


def test_colours_come_before_space(viewer, tmp_path):
    layer = viewer.add_image(data.astronaut()[:40, :50], name="photo")
    write_image(str(tmp_path / "photo.zarr"), *layer.as_layer_data_tuple()[:2])
    group, image = opened(tmp_path / "photo.zarr")
    assert same_bits(group["0"][:], np.moveaxis(layer.data, -1, 0))
    assert [axis["name"] for axis in image["axes"]] == ["c", "y", "x"]


def test_nothing_that_exists_is_overwritten_and_nothing_is_said_wrongly(viewer, tmp_path):
    (tmp_path / "there.zarr").mkdir()
    layer = viewer.add_image(data.camera()[:40, :50])
    with pytest.raises(ValueError, match="exists"):
        write_image(str(tmp_path / "there.zarr"), *layer.as_layer_data_tuple()[:2])
    layer.rotate = 20
    with pytest.raises(ValueError, match="rotated"):
        write_image(str(tmp_path / "new.zarr"), *layer.as_layer_data_tuple()[:2])
    layer.rotate, layer.axis_labels = 0, ("x", "x")
    with pytest.raises(ValueError, match="each with a name of its own"):
        write_image(str(tmp_path / "new.zarr"), *layer.as_layer_data_tuple()[:2])
    assert [path.name for path in tmp_path.iterdir()] == ["there.zarr"]
