"""Masks and images land on the plane's pixels where napari shows them."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from napari.components import ViewerModel
from napari.layers import Image, Labels, Shapes
from scipy import ndimage

from napari_edgeconnect.core.holes import Box
from napari_edgeconnect.plugin.layer_plane import displayed_plane
from napari_edgeconnect.plugin.onto_plane import plane_labels, plane_mask, plane_values

transforms = st.fixed_dictionaries(
    {
        "scale": st.tuples(st.floats(0.3, 3), st.floats(0.3, 3)),
        "translate": st.tuples(st.floats(-5, 5), st.floats(-5, 5)),
        "rotate": st.floats(-180, 180),
        "shear": st.floats(-0.8, 0.8).map(lambda value: [value]),
        "affine": st.floats(-0.4, 0.4).map(lambda value: [[1.0, value, 2.0], [-value, 1.2, -1.0], [0, 0, 1]]),
    }
)
masks = st.integers(0, 2**32 - 1).map(lambda seed: np.random.default_rng(seed).random((9, 7)) < 0.3)


def plane_of(*layers, index=0):
    viewer = ViewerModel()
    for layer in layers:
        viewer.add_layer(layer)
    return displayed_plane(viewer.layers[index], viewer.dims)


def mask_on(image, mask):
    return plane_mask(plane_of(image, mask), mask)


@hypothesis_settings(max_examples=40)
@given(image_at=transforms, mask_at=transforms, labelled=masks)
def test_a_mask_lands_where_napari_shows_it(image_at, mask_at, labelled):
    image = Image(np.zeros((8, 10)), **image_at)
    mask = Labels(labelled.astype(np.uint8), **mask_at)

    found = mask_on(image, mask)

    # napari's own way, one point at a time. A point that a rounding error could move is no judge.
    for pixel in np.ndindex(found.shape):
        there = np.asarray(mask.world_to_data(image.data_to_world(pixel)))
        cell = np.rint(there).astype(int)
        clear = (np.abs(there - cell) < 0.499).all()
        if clear and ((cell >= 0) & (cell < labelled.shape)).all() and labelled[tuple(cell)]:
            assert found[pixel]
    expected_centres = {
        tuple(np.rint(image.world_to_data(mask.data_to_world(cell))).astype(int)) for cell in np.argwhere(labelled)
    }
    for pixel in map(tuple, np.argwhere(found)):
        there = np.asarray(mask.world_to_data(image.data_to_world(pixel)))
        near = [np.floor(there - 1e-3 + 0.5).astype(int), np.floor(there + 1e-3 + 0.5).astype(int)]
        sampled = any(
            ((cell >= 0) & (cell < labelled.shape)).all() and labelled[tuple(cell)]
            for cell in (near[0], near[1], np.array([near[0][0], near[1][1]]), np.array([near[1][0], near[0][1]]))
        )
        assert sampled or pixel in expected_centres


@hypothesis_settings(max_examples=20)
@given(at=transforms, labelled=masks)
def test_a_mask_with_the_images_geometry_is_taken_pixel_by_pixel(at, labelled):
    assert (mask_on(Image(np.zeros((9, 7)), **at), Labels(labelled.astype(int), **at)) == labelled).all()


@hypothesis_settings(max_examples=40)
@given(image_at=transforms, labels_at=transforms, seed=st.integers(0, 2**32 - 1))
def test_labels_land_where_napari_shows_them(image_at, labels_at, seed):
    objects = np.random.default_rng(seed).integers(-2, 1000, (9, 7))
    image, layer = Image(np.zeros((8, 10)), **image_at), Labels(objects, **labels_at)

    found = plane_labels(plane_of(image, layer), layer)

    assert found.dtype == objects.dtype
    # napari's own way, one point at a time. A point that a rounding error could move is no judge.
    for pixel in np.ndindex(found.shape):
        there = np.asarray(layer.world_to_data(image.data_to_world(pixel)))
        cell = np.rint(there).astype(int)
        if (np.abs(there - cell) < 0.499).all():
            inside = ((cell >= 0) & (cell < objects.shape)).all()
            assert found[pixel] == (objects[tuple(cell)] if inside else 0)


@hypothesis_settings(max_examples=20)
@given(at=transforms, seed=st.integers(0, 2**32 - 1))
def test_labels_with_the_images_geometry_are_taken_as_they_are(at, seed):
    objects = np.random.default_rng(seed).integers(0, 2**40, (9, 7))
    image, layer = Image(np.zeros((9, 7)), **at), Labels(objects, **at)
    found = plane_labels(plane_of(image, layer), layer)
    assert np.array_equal(found, objects)
    found[:] = 0
    assert np.array_equal(layer.data, objects)


boxes = st.tuples(st.integers(0, 7), st.integers(1, 8), st.integers(0, 9), st.integers(1, 10)).map(
    lambda ends: Box(min(ends[0], ends[1] - 1), ends[1], min(ends[2], ends[3] - 1), ends[3])
)


@hypothesis_settings(max_examples=40)
@given(image_at=transforms, mask_at=transforms, labelled=masks, box=boxes)
def test_a_part_has_the_mask_of_the_whole_plane(image_at, mask_at, labelled, box):
    mask = Labels(labelled.astype(np.uint8), **mask_at)
    plane = plane_of(Image(np.zeros((8, 10)), **image_at), mask)

    assert (plane_mask(replace(plane, box=box), mask) == plane_mask(plane, mask)[box.slices]).all()


@hypothesis_settings(max_examples=20)
@given(image_at=transforms, other_at=transforms, box=boxes)
def test_a_part_shows_of_another_image_what_the_whole_plane_does(image_at, other_at, box):
    image, other = Image(np.zeros((8, 10)), **image_at), Image(np.arange(63.0).reshape(9, 7), **other_at)
    plane = plane_of(image, other)
    whole = np.full((8, 10), np.nan)
    with suppress(ValueError):  # it does not reach it
        whole = plane_values(plane, other)
    part = np.full(box.shape, np.nan)
    with suppress(ValueError):
        part = plane_values(replace(plane, box=box), other)

    # A point on the other image's very border, which a rounding error could move, is no judge.
    there = np.array([other.world_to_data(image.data_to_world(pixel)) for pixel in np.ndindex(8, 10)])
    clear = (np.abs(there[:, :, None] - [[0, 8], [0, 6]]) > 1e-6).all(axis=(1, 2)).reshape(8, 10)[box.slices]
    assert np.allclose(part[clear], whole[box.slices][clear], equal_nan=True)


@pytest.mark.parametrize("shape", ["rectangle", "ellipse", "path"])
def test_a_part_has_the_outlines_of_the_whole_plane(shape):
    mask = Shapes([np.array([(2, 3), (2, 30), (17, 30), (17, 3)])], shape_type=shape, edge_width=3, scale=(1.5, 0.8))
    plane = plane_of(Image(np.zeros((40, 50))), mask)
    whole = plane_mask(plane, mask)
    assert whole.any()
    for box in (Box(0, 10, 0, 50), Box(10, 40, 5, 20), Box(20, 21, 24, 25)):
        assert (plane_mask(replace(plane, box=box), mask) == whole[box.slices]).all()


def test_only_what_lies_under_a_part_is_read_of_a_mask():
    read = []

    class Recorded:
        shape, dtype, ndim = (5000, 5000), np.dtype(np.uint8), 2

        def __getitem__(self, key):
            read.append(key)
            return np.zeros((5000, 5000), np.uint8)[key]

        def __array__(self, dtype=None, copy=None):
            return np.zeros(self.shape, np.uint8)

    mask = Labels(Recorded(), scale=(0.5, 0.5))
    plane = replace(plane_of(Image(np.zeros((2500, 2500))), mask), box=Box(100, 200, 300, 350))
    read.clear()
    plane_mask(plane, mask)
    assert read == [(slice(198, 401), slice(598, 701))]


def test_a_coarse_mask_fills_all_pixels_that_its_labels_cover():
    labelled = np.zeros((30, 40), np.uint8)
    labelled[5:15, 10:35] = 7
    # Twice as coarse, so that the centre of its pixel (0, 0) is where four image pixels meet.
    mask = Labels(labelled, scale=(2, 2), translate=(0.5, 0.5))
    expected = np.zeros((60, 80), bool)
    expected[10:30, 20:70] = True

    assert (mask_on(Image(np.zeros((60, 80))), mask) == expected).all()


def test_a_coarse_mask_reaches_the_images_first_row_and_last_column():
    mask = Labels(np.ones((5, 5), np.uint8), scale=(4, 4), translate=(1.5, 1.5))

    assert mask_on(Image(np.zeros((20, 20))), mask).all()


def test_a_scratch_in_a_finer_mask_is_not_lost():
    labelled = np.zeros((80, 80), np.uint8)
    labelled[42] = 1  # a quarter of an image pixel wide, and on no image pixel's centre
    mask = Labels(labelled, scale=(0.25, 0.25))

    found = mask_on(Image(np.zeros((20, 20))), mask)

    assert found[10].all()
    assert found.sum() == 20


def test_a_mask_in_another_unit_of_length_lands_on_the_same_spot():
    labelled = np.zeros((40, 60), np.uint8)
    labelled[10:15, 20:35] = 1
    image = Image(np.zeros((40, 60)), scale=(0.5, 0.5), units=("um", "um"))
    mask = Labels(labelled, scale=(500, 500), units=("nm", "nm"))

    assert (mask_on(image, mask) == (labelled > 0)).all()


def test_units_that_do_not_go_together_are_taken_as_they_are_shown():
    labelled = np.zeros((40, 60), np.uint8)
    labelled[10:15, 20:35] = 1
    image = Image(np.zeros((40, 60)), scale=(0.5, 0.5), units=("um", "um"))
    mask = Labels(labelled, scale=(0.5, 0.5), units=("pixel", "pixel"))

    assert (mask_on(image, mask) == (labelled > 0)).all()


@pytest.mark.parametrize("kind", ["rectangle", "polygon"])
def test_an_outline_drawn_in_the_world_is_filled_on_an_anisotropic_shifted_image(kind):
    image = Image(np.zeros((20, 60)), scale=(2, 0.5), translate=(100, -10))
    # Half a pixel around rows 3 to 7 and columns 10 to 29.
    top, bottom, left, right = 100 + 2 * 2.5, 100 + 2 * 7.5, -10 + 0.5 * 9.5, -10 + 0.5 * 29.5
    outline = [[top, left], [top, right], [bottom, right], [bottom, left]]
    expected = np.zeros((20, 60), bool)
    expected[3:8, 10:30] = True

    assert (mask_on(image, Shapes([outline], shape_type=kind)) == expected).all()


@hypothesis_settings(max_examples=20)
@given(image_at=transforms)
def test_an_outline_covers_the_same_pixels_however_the_image_lies(image_at):
    image = Image(np.zeros((20, 60)), **image_at)
    corners = np.array([[2.5, 9.5], [2.5, 29.5], [7.5, 29.5], [7.5, 9.5]])
    outline = [image.data_to_world(corner) for corner in corners]
    expected = np.zeros((20, 60), bool)
    expected[3:8, 10:30] = True

    assert (mask_on(image, Shapes([outline], shape_type="polygon")) == expected).all()


def test_shapes_move_with_the_transform_of_their_own_layer():
    rectangle = [[-0.5, -0.5], [-0.5, 4.5], [2.5, 4.5], [2.5, -0.5]]
    shapes = Shapes([rectangle], shape_type="rectangle", scale=(2, 2), translate=(10.5, 20.5))
    expected = np.zeros((40, 40), bool)
    expected[10:16, 20:30] = True

    assert (mask_on(Image(np.zeros((40, 40))), shapes) == expected).all()


def test_an_ellipse_covers_its_area_also_when_turned():
    corners = [[10, 10], [10, 70], [40, 70], [40, 10]]
    shapes = Shapes([corners], shape_type="ellipse", rotate=30, translate=(20, 30))

    found = mask_on(Image(np.zeros((120, 120))), shapes)

    assert found.sum() == pytest.approx(np.pi * 15 * 30, rel=0.02)


def test_a_line_is_as_wide_as_it_is_drawn():
    shapes = Shapes([[[20, 10], [20, 59]]], shape_type="line", edge_width=6)

    found = mask_on(Image(np.zeros((40, 80))), shapes)

    assert found[17:23, 12:58].all()
    assert not found[:16].any()
    assert not found[25:].any()


def test_a_hairline_path_is_one_unbroken_trace():
    path = [[5, 5], [30, 40], [8, 70]]
    shapes = Shapes([path], shape_type="path", edge_width=0.01)

    found = mask_on(Image(np.zeros((40, 80))), shapes)

    assert found[5, 5]
    assert found[30, 40]
    assert found[8, 70]
    assert ndimage.label(found, np.ones((3, 3)))[1] == 1


def test_a_flat_mask_holds_for_every_slice_and_a_deep_one_for_its_own(stack_viewer):
    flat = stack_viewer.add_labels(np.pad(np.ones((3, 3), np.uint8), ((4, 5), (3, 4))), name="flat")
    deep_data = np.zeros((5, 12, 10), np.uint8)
    deep_data[2, 1:3] = 1
    deep = stack_viewer.add_labels(deep_data, scale=(3, 1, 1), translate=(30, 0, 0))
    areas = []
    for index in range(5):
        stack_viewer.dims.set_point(0, 30 + 3 * index)
        plane = displayed_plane(stack_viewer.layers["stack"], stack_viewer.dims)
        areas.append((plane_mask(plane, flat).sum(), plane_mask(plane, deep).sum()))

    assert areas == [(9, 0), (9, 0), (9, 20), (9, 0), (9, 0)]


def test_shapes_of_other_slices_are_left_out(stack_viewer):
    corners = np.array([[1.5, 1.5], [1.5, 4.5], [3.5, 4.5], [3.5, 1.5]])
    outlines = [np.insert(corners + shift, 0, 30 + 3 * z, axis=1) for z, shift in ((1, 0), (2, 4))]
    shapes = stack_viewer.add_shapes(outlines, shape_type="polygon", ndim=3)
    stack_viewer.dims.set_point(0, 30 + 3 * 2)
    expected = np.zeros((12, 10), bool)
    expected[6:8, 6:9] = True

    found = plane_mask(displayed_plane(stack_viewer.layers["stack"], stack_viewer.dims), shapes)

    assert (found == expected).all()


@pytest.mark.filterwarnings("ignore:Non-orthogonal slicing")
def test_a_mask_turned_out_of_the_plane_is_refused_in_words(stack_viewer):
    mask = stack_viewer.add_labels(np.ones((5, 12, 10), np.uint8), name="tilted", rotate=(0, 40, 0))

    plane = displayed_plane(stack_viewer.layers["stack"], stack_viewer.dims)
    with pytest.raises(ValueError, match="“tilted” is turned out of the image's plane"):
        plane_mask(plane, mask)


def test_a_mask_without_a_displayed_axis_is_refused_in_words(stack_viewer):
    mask = stack_viewer.add_labels(np.ones((12, 10), np.uint8), name="flat")
    stack_viewer.dims.order = (1, 0, 2)

    plane = displayed_plane(stack_viewer.layers["stack"], stack_viewer.dims)
    with pytest.raises(ValueError, match="“flat” lacks an axis"):
        plane_mask(plane, mask)
