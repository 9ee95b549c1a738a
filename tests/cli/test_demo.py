"""``demo``: every stage as a picture, with napari and without."""

import sys
from pathlib import Path

import numpy as np

from napari_edgeconnect import EdgeConnect

from .conftest import camera, fail, pixels, record, run, scratch, succeed


def test_the_demo_writes_every_stage_as_pictures():
    from napari_edgeconnect.plugin.samples import SAMPLES, sample_arrays

    result = succeed("demo", "--sample", "cell", "-o", "pictures", "--no-napari")
    image, mask = sample_arrays("cell")
    assert "cell" in SAMPLES
    assert sorted(result.stdout.split()) == sorted(str(path) for path in Path("pictures").iterdir())
    np.testing.assert_array_equal(pixels("pictures/cell_damaged.png"), image)
    np.testing.assert_array_equal(pixels("pictures/cell_mask.png"), mask * np.uint8(255))
    completed, altered = pixels("pictures/cell_completed.png"), pixels("pictures/cell_altered.png")
    np.testing.assert_array_equal(completed[altered == 0], image[altered == 0])
    assert np.abs(completed[mask].astype(int) - image[mask]).mean() > 20
    row = pixels("pictures/cell_side_by_side.png")
    height, width = image.shape
    assert row.shape == (height, 3 * width + 2 * 8, 3)
    np.testing.assert_array_equal(row[:, -width:, 0], completed)
    assert record("pictures/cell_completed.json")["sample"] == "cell"
    assert "pictures/cell_damaged.png exists" in run("demo", "--sample", "cell", "-o", "pictures", "--no-napari").stderr


def test_the_demo_without_a_screen_says_so_and_is_done(monkeypatch):
    for variable in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    assert "There is no screen, so napari is not shown" in succeed("demo", "--sample", "cell").stderr
    message = run("demo", "--sample", "cell", "--napari", "-o", "other")
    assert message.exit_code == 1
    assert "There is no screen" in message.stderr


def test_the_demo_survives_a_screen_that_qt_cannot_reach(monkeypatch):
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.delenv("QT_QPA_PLATFORM", raising=False)
    monkeypatch.setenv("DISPLAY", ":4711")
    monkeypatch.setattr(sys, "platform", "linux")
    assert "Qt can't open a window here" in succeed("demo", "--sample", "cell").stderr


def test_an_unknown_sample_is_answered_with_those_there_are():
    assert "known are photograph, cell" in fail("demo", "--sample", "mona lisa", "--no-napari")


def test_the_demo_shows_image_damage_completion_and_edges_as_layers_that_can_be_worked_on():
    from napari.components import ViewerModel

    from napari_edgeconnect.cli.show import add_layers
    from napari_edgeconnect.plugin.layer_plane import displayed_plane
    from napari_edgeconnect.plugin.layers import EDGES, find_own, read_edges

    repair = EdgeConnect.load().inpaint(camera(), scratch(), return_record=True)
    viewer = ViewerModel()
    add_layers(viewer, camera(), scratch(), repair, title="camera")
    image, damage, completed, edges = viewer.layers
    np.testing.assert_array_equal(image.data, camera())
    np.testing.assert_array_equal(damage.data != 0, scratch())
    np.testing.assert_array_equal(completed.data, repair.image)
    plane = displayed_plane(image, viewer.dims)
    assert find_own(viewer.layers, plane, EDGES) is edges
    np.testing.assert_array_equal(read_edges(edges).labels, repair.edges.labels)
