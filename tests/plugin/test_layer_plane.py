"""The plane that the viewer shows: which one it is, its pixels, and where a layer made from it lies."""

from __future__ import annotations

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Image

from napari_edgeconnect.plugin.layer_plane import displayed_plane, read_plane


def test_the_displayed_slice_of_a_stack_is_read(stack_viewer):
    stack_viewer.dims.set_point(0, 30 + 3 * 4)
    plane = displayed_plane(stack_viewer.layers["stack"], stack_viewer.dims)

    assert plane.where == "z 4"
    assert (read_plane(plane) == stack_viewer.layers["stack"].data[4]).all()


def test_the_displayed_plane_follows_the_order_of_the_axes(stack_viewer):
    stack_viewer.dims.order = (1, 0, 2)
    stack_viewer.dims.set_point(1, 7)
    plane = displayed_plane(stack_viewer.layers["stack"], stack_viewer.dims)

    assert plane.where == "y 7"
    assert (read_plane(plane) == stack_viewer.layers["stack"].data[:, 7]).all()


def test_a_copy_of_the_pixels_is_read(stack_viewer):
    plane = displayed_plane(stack_viewer.layers["stack"], stack_viewer.dims)
    before = stack_viewer.layers["stack"].data.copy()
    read_plane(plane)[:] = 0

    assert (stack_viewer.layers["stack"].data == before).all()


def test_a_colour_stack_gives_one_colour_plane():
    viewer = ViewerModel()
    data = np.random.default_rng(0).integers(0, 255, (4, 12, 10, 3), dtype=np.uint8)
    layer = viewer.add_image(data, rgb=True)
    viewer.dims.set_point(0, 2)

    assert (read_plane(displayed_plane(layer, viewer.dims)) == data[2]).all()


def test_of_a_multiscale_image_the_full_size_level_is_read():
    viewer = ViewerModel()
    full = np.random.default_rng(0).random((64, 48))
    layer = viewer.add_image([full, full[::2, ::2]], multiscale=True)
    plane = displayed_plane(layer, viewer.dims)

    assert plane.shape == (64, 48)
    assert (read_plane(plane) == full).all()
    assert plane.is_current


@pytest.mark.parametrize("point", [0, 30 + 3 * 9])
def test_a_slider_outside_the_stack_is_refused_in_words(stack_viewer, point):
    stack_viewer.add_image(np.zeros((100, 12, 10)), name="longer")
    stack_viewer.dims.set_point(0, point)

    with pytest.raises(ValueError, match="outside “stack”"):
        displayed_plane(stack_viewer.layers["stack"], stack_viewer.dims)


def test_a_volume_view_is_refused_in_words(stack_viewer):
    stack_viewer.dims.ndisplay = 3

    with pytest.raises(ValueError, match="switch to the 2-D view"):
        displayed_plane(stack_viewer.layers["stack"], stack_viewer.dims)


@pytest.mark.filterwarnings("ignore:Non-orthogonal slicing")
def test_an_oblique_view_is_refused_in_words():
    viewer = ViewerModel()
    layer = viewer.add_image(np.zeros((9, 12, 10)), name="stack", rotate=(0, 40, 0))
    viewer.dims.set_point(0, layer.data_to_world((4, 6, 5))[0])

    with pytest.raises(ValueError, match="obliquely"):
        displayed_plane(layer, viewer.dims)


@pytest.mark.filterwarnings("ignore:Non-orthogonal slicing")
def test_a_slices_result_lies_where_the_slice_lies_in_the_world():
    viewer = ViewerModel()
    layer = viewer.add_image(
        np.zeros((6, 12, 10)),
        scale=(4, 0.5, 2),
        translate=(7, -3, 1),
        rotate=(0, 0, 25),
        affine=[[1, 0, 0, 5], [0, 1.1, 0.2, 0], [0, -0.2, 1, 3], [0, 0, 0, 1]],
        units=("um", "nm", "nm"),
    )
    viewer.dims.set_point(0, 1000 * layer.data_to_world((3, 0, 0))[0])  # the world is in nanometres
    plane = displayed_plane(layer, viewer.dims)

    result = Image(plane.raised(np.zeros(plane.shape)), **plane.spatial())

    assert plane.index == (3, 0, 0)
    for row, column in ((0, 0), (11, 0), (4, 9)):
        assert np.allclose(result.data_to_world((0, row, column)), layer.data_to_world((3, row, column)))
    assert result.units == layer.units
