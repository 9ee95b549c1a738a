from __future__ import annotations

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Layer

from napari_edgeconnect.core.edges import EdgeMap, EdgeSource
from napari_edgeconnect.plugin import layers as ours
from napari_edgeconnect.plugin.layer_plane import displayed_plane


@pytest.fixture
def plane(viewer):
    layer = viewer.add_image(
        np.arange(30 * 40, dtype=np.uint16).reshape(30, 40),
        name="em",
        scale=(2, 3),
        translate=(5, 6),
        rotate=20,
        shear=[0.3],
        affine=[[1, 0.1, 4], [-0.1, 1, 0], [0, 0, 1]],
        units=("um", "um"),
        axis_labels=("y", "x"),
        colormap="magma",
        contrast_limits=(100, 700),
        gamma=0.7,
        interpolation2d="cubic",
    )
    return displayed_plane(layer, viewer.dims)


@pytest.fixture
def edge_map():
    labels = np.zeros((30, 40), np.uint8)
    labels[5] = EdgeSource.MEASURED
    labels[12, 10:30] = EdgeSource.PROPOSED
    hole = np.zeros((30, 40), bool)
    hole[10:15] = True
    probability = np.where(labels == EdgeSource.PROPOSED, 0.8, 0).astype(np.float32)
    return EdgeMap(labels, probability, hole)


def matrix_of(layer):
    return np.array([layer.data_to_world(point) for point in ((0, 0), (1, 0), (0, 1))])


def test_edges_and_result_lie_on_their_image_and_keep_its_units(plane, edge_map):
    image = np.zeros((30, 40), np.uint16)
    for layer_tuple in (ours.edges_tuple(plane, edge_map, details={}), ours.completed_tuple(plane, image, details={})):
        layer = Layer.create(*layer_tuple)

        assert np.allclose(matrix_of(layer), matrix_of(plane.layer))
        assert layer.units == plane.layer.units
        assert layer.axis_labels == ("y", "x")


def test_the_result_looks_as_its_source_does(plane):
    layer = Layer.create(*ours.completed_tuple(plane, np.zeros((30, 40), np.uint16), details={}))

    assert layer.name == "em [reconstructed]"
    assert layer.colormap.name == "magma"
    assert layer.contrast_limits == [100, 700]
    assert layer.gamma == 0.7
    assert layer.interpolation2d == "cubic"
    assert layer.data.dtype == np.uint16


def test_each_source_of_an_edge_has_a_colour_of_its_own(plane, edge_map):
    layer = Layer.create(*ours.edges_tuple(plane, edge_map, details={}))
    colours = {tuple(layer.colormap.map(int(source))) for source in EdgeSource}

    assert layer.name == "em [edges]"
    assert len(colours) == 4
    assert layer.colormap.map(0)[3] == 0
    # A label that someone invents with the "new" button looks and counts as drawn.
    assert tuple(layer.colormap.map(9)) == tuple(layer.colormap.map(int(EdgeSource.DRAWN)))


def test_a_label_beyond_drawn_is_read_as_drawn(plane, edge_map):
    layer = Layer.create(*ours.edges_tuple(plane, edge_map, details={}))
    layer.data_setitem((np.array([13]), np.array([20])), 9)

    assert ours.read_edges(layer).labels[13, 20] == EdgeSource.DRAWN


def test_the_edge_layer_shares_no_memory_with_its_edge_map(plane, edge_map):
    layer = Layer.create(*ours.edges_tuple(plane, edge_map, details={}))
    layer.data[:] = 3

    assert (edge_map.labels[5] == EdgeSource.MEASURED).all()


def test_erased_and_drawn_pixels_reach_the_edge_map(plane, edge_map):
    layer = Layer.create(*ours.edges_tuple(plane, edge_map, details={}))
    layer.data_setitem((np.full(5, 12), np.arange(10, 15)), 0)
    layer.data_setitem((np.full(4, 13), np.arange(10, 14)), 3)

    layer.data_setitem((np.full(3, 5), np.arange(7, 10)), 0)

    edited = ours.read_edges(layer)

    assert edited.erased.sum() == 5 + 3
    assert edited.drawn.sum() == 4


def test_new_proposals_are_one_step_of_undo_and_leave_what_was_drawn_and_erased(plane, edge_map):
    layer = Layer.create(*ours.edges_tuple(plane, edge_map, details={"record": 1}))
    layer.data_setitem((np.full(6, 14), np.arange(6)), 3)
    layer.data_setitem((np.full(6, 12), np.arange(10, 16)), 0)
    edited = layer.data.copy()
    other = EdgeMap(
        edge_map.labels, np.maximum(edge_map.probability, np.roll(edge_map.probability, 1, axis=0)), edge_map.hole
    )

    ours.write_edges(layer, ours.read_edges(layer).again(other), details={"record": 2})

    assert layer.metadata[ours.KEY]["record"] == 2
    assert (layer.data[13, 10:30] == EdgeSource.PROPOSED).all()
    assert (layer.data[14, :6] == EdgeSource.DRAWN).all()
    assert (layer.data[12, 10:16] == EdgeSource.NONE).all()
    layer.undo()
    assert (layer.data == edited).all()
    layer.redo()
    assert (layer.data[13, 10:30] == EdgeSource.PROPOSED).all()


def test_a_layer_belongs_to_its_own_slice_only():
    viewer = ViewerModel()
    stack = viewer.add_image(np.zeros((4, 6, 5)), name="stack", axis_labels=("z", "y", "x"))
    viewer.dims.set_point(0, 2)
    second = displayed_plane(stack, viewer.dims)
    layer = viewer.add_layer(Layer.create(*ours.completed_tuple(second, np.ones((6, 5)), details={})))
    viewer.dims.set_point(0, 3)

    assert layer.name == "stack [reconstructed, z 2]"
    assert ours.find_own(viewer.layers, second, ours.COMPLETED) is layer
    assert ours.find_own(viewer.layers, second, ours.EDGES) is None
    assert ours.find_own(viewer.layers, displayed_plane(stack, viewer.dims), ours.COMPLETED) is None


def test_a_new_mask_covers_a_colour_image_pixel_by_pixel(viewer):
    photo = viewer.add_image(np.zeros((12, 10, 3), np.uint8), rgb=True, scale=(0.5, 0.5), translate=(3, 4))
    mask = Layer.create(*ours.mask_tuple(photo))

    assert mask.data.shape == (12, 10)
    assert np.allclose(matrix_of(mask), matrix_of(photo))
    # Whatever label is picked, it is visible; and it is none of the edges' colours.
    assert tuple(mask.colormap.map(1)) == tuple(mask.colormap.map(7))
    assert mask.colormap.map(1)[3] > 0
