"""Damage tools: what is found goes into the mask, as one step of its undo history; warnings; the grown outline."""

from __future__ import annotations

import numpy as np
import pytest
from napari.layers import Labels

from napari_edgeconnect.core.holes import grown
from napari_edgeconnect.plugin import damage
from napari_edgeconnect.plugin import layers as ours
from napari_edgeconnect.plugin.layer_plane import displayed_plane

from .conftest import status


def tool(title: str) -> damage.Tool:
    return next(tool for tool in damage.TOOLS if title in tool.title)


def menu(widget) -> dict[str, object]:
    widget.panel.find_menu.aboutToShow.emit()
    return {action.text(): action for action in widget.panel.find_menu.actions()}


def test_saturated_pixels_join_the_mask_and_can_be_undone(viewer, pixels, scratch):
    pixels = np.minimum(pixels, 254)
    pixels[5:8, 5:8] = 255
    image, mask = viewer.add_image(pixels), viewer.add_labels(scratch.copy())
    layer, changed = damage.apply(viewer, displayed_plane(image, viewer.dims), mask, tool("saturated"))
    assert layer is mask
    assert changed == 9
    assert np.array_equal(mask.data != 0, (scratch != 0) | (pixels == 255))
    mask.undo()
    assert np.array_equal(mask.data, scratch)


def test_not_finite_pixels_of_one_slice_are_found_in_that_slice_alone(viewer, pixels):
    stack = np.stack([pixels, pixels, pixels]).astype(np.float32)
    stack[:, 10, 10] = np.nan
    image = viewer.add_image(stack)
    viewer.dims.set_current_step(0, 1)
    layer, changed = damage.apply(viewer, displayed_plane(image, viewer.dims), None, tool("not finite"))
    assert changed == 1
    assert np.argwhere(layer.data).tolist() == [[1, 10, 10]]


def test_invert_twice_is_the_mask_again(viewer, pixels, scratch):
    image, mask = viewer.add_image(pixels), viewer.add_labels(scratch.copy())
    plane = displayed_plane(image, viewer.dims)
    damage.apply(viewer, plane, mask, tool("Invert"))
    assert np.array_equal(mask.data == 0, scratch != 0)
    damage.apply(viewer, plane, mask, tool("Invert"))
    assert np.array_equal(mask.data != 0, scratch != 0)


@pytest.mark.parametrize("scale", [(1, 1), (2, 2)])
def test_a_label_of_another_layer_joins_the_mask_where_it_lies_in_the_world(viewer, pixels, scale):
    cells = np.zeros(tuple(side // factor for side, factor in zip(pixels.shape, scale, strict=True)), np.int32)
    cells[10:20, 10:20], cells[30:35, 10:20] = 7, 3
    image = viewer.add_image(pixels)
    # A pixel of the coarse layer covers four of the image: their centres are half a pixel apart.
    other = viewer.add_labels(cells, scale=scale, translate=[(factor - 1) / 2 for factor in scale])
    other.selected_label = 7
    mask, changed = damage.apply(viewer, displayed_plane(image, viewer.dims), None, damage.label_tool(other))
    expected = np.kron(cells == 7, np.ones(scale, bool))
    assert np.array_equal(mask.data != 0, expected)
    assert changed == expected.sum()


def test_a_mask_on_another_grid_is_left_alone(viewer, pixels):
    pixels = np.minimum(pixels, 254)
    pixels[5, 5] = 255
    image = viewer.add_image(pixels)
    coarse = viewer.add_labels(np.zeros((48, 40), np.uint8), scale=(2, 2))
    layer, _ = damage.apply(viewer, displayed_plane(image, viewer.dims), coarse, tool("saturated"))
    assert layer is not coarse
    assert not coarse.data.any()
    assert layer.data.shape == pixels.shape
    assert np.argwhere(layer.data).tolist() == [[5, 5]]


def test_only_labels_layers_offer_a_label(viewer, pixels):
    assert damage.label_tool(viewer.add_image(pixels)) is None
    assert damage.label_tool(None) is None


def test_the_menu_finds_and_says_what_it_found(widget, viewer, qtbot, pixels):
    cells = np.zeros(pixels.shape, np.int32)
    cells[0:4, 0:4] = 2
    other = viewer.add_labels(cells, name="cells")
    other.selected_label = 2
    widget.panel.mask.choose(viewer.layers["mask"])
    viewer.layers.selection.active = other
    menu(widget)["Add label 2 of “cells”"].trigger()
    assert widget.panel.mask.layer is viewer.layers["mask"]
    assert (viewer.layers["mask"].data[0:4, 0:4] != 0).all()
    assert status(widget) == "Add label 2 of “cells”: 16 px changed."
    menu(widget)["Add pixels that are not finite"].trigger()
    assert status(widget) == "Add pixels that are not finite: none were found."


def test_the_chosen_mask_offers_no_label_of_its_own(widget, viewer):
    viewer.layers.selection.active = widget.panel.mask.layer
    assert not any("label" in title for title in menu(widget))


def test_too_much_damage_is_warned_of(widget, viewer, qtbot):
    assert widget.panel.warning.isHidden()
    viewer.layers["mask"].data = np.ones((96, 80), np.uint8) * (np.arange(96)[:, None] < 60)
    qtbot.waitUntil(lambda: not widget.panel.warning.isHidden())
    assert widget.panel.warning.text().startswith("⚠ More than half of the image is damage")


def test_the_grown_hole_is_outlined_while_wanted(widget, viewer, qtbot, scratch):
    widget.panel.grow.setValue(3)
    widget.panel.show_grown.setChecked(True)

    def outline() -> list[Labels]:
        return [layer for layer in viewer.layers if ours.is_own(layer, ours.GROWN)]

    qtbot.waitUntil(lambda: len(outline()) == 1)
    (layer,) = outline()
    assert layer.contour == 1
    assert np.array_equal(layer.data != 0, grown(scratch != 0, 3))
    assert widget.panel.mask.layer is viewer.layers["mask"]  # an outline is no mask

    widget.panel.grow.setValue(5)
    qtbot.waitUntil(lambda: np.array_equal(layer.data != 0, grown(scratch != 0, 5)))
    widget.panel.show_grown.setChecked(False)
    qtbot.waitUntil(lambda: not outline())


# ---- stacks


@pytest.fixture
def stack(viewer, pixels):
    """An image of two times and four slices, and a mask with the same axes, painted in one slice."""
    image = viewer.add_image(np.broadcast_to(pixels, (2, 4, *pixels.shape)).copy(), name="stack")
    mask = viewer.add_labels(np.zeros(image.data.shape, np.uint8), name="mask")
    mask.data[1, 0, 10:14, 10:30] = 5
    viewer.dims.set_current_step(0, 1)
    viewer.dims.set_current_step(1, 0)
    viewer.dims.last_used = 1
    return image, mask


def stack_tool(title: str) -> damage.StackTool:
    return next(tool for tool in damage.STACK_TOOLS if title in tool.title)


def test_the_damage_of_a_slice_is_copied_along_the_axis_that_was_moved_last(viewer, stack):
    image, mask = stack
    before = mask.data.copy()
    plane = displayed_plane(image, viewer.dims)
    axis = damage.stack_axis(viewer, plane)
    assert axis == 1
    assert damage.apply_to_stack(plane, mask, stack_tool("all slices"), axis) == 3 * 80
    assert np.array_equal(mask.data[1] != 0, np.broadcast_to(before[1, 0] != 0, mask.data[1].shape))
    assert not mask.data[0].any()
    assert (mask.data[1, 0] == before[1, 0]).all()  # labels that were there stay
    mask.undo()
    assert np.array_equal(mask.data, before)


def test_damage_is_filled_in_between_painted_slices(viewer, stack):
    image, mask = stack
    mask.data[1, 3, 12:16, 10:30] = 1
    plane = displayed_plane(image, viewer.dims)
    damage.apply_to_stack(plane, mask, stack_tool("in between"), 1)
    assert [int(np.flatnonzero(plane.any(axis=1))[0]) for plane in mask.data[1]] == [10, 11, 11, 12]
    assert np.array_equal(mask.data[1, 0], 5 * (mask.data[1, 0] != 0))
    assert not mask.data[0].any()


def test_a_mask_of_two_axes_has_no_slices_to_be_changed(viewer, stack, scratch):
    image, _ = stack
    flat = viewer.add_labels(scratch)
    with pytest.raises(ValueError, match="holds for all slices already"):
        damage.apply_to_stack(displayed_plane(image, viewer.dims), flat, stack_tool("all slices"), 1)


def test_the_menu_of_a_stack_names_the_axis(viewer, stack, make_widget):
    image, mask = stack
    image.axis_labels = ("t", "z", "y", "x")
    widget = make_widget(viewer)
    assert "This slice's damage in all slices, along z" in menu(widget)
    viewer.dims.set_current_step(0, 1)
    viewer.dims.last_used = 0
    menu(widget)["This slice's damage in all slices, along t"].trigger()
    assert np.array_equal(mask.data[0] != 0, mask.data[1] != 0)
    assert status(widget) == "This slice's damage in all slices: 80 px changed in all slices together."


def test_a_flat_image_offers_no_tools_for_slices(widget):
    assert not any("slice" in title for title in menu(widget))
