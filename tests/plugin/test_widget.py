"""The widget on a viewer without a window, with the bundled model: from layers to a completed image."""

from __future__ import annotations

import numpy as np
import pytest
from napari.layers import Labels

from napari_edgeconnect import EdgeConnect
from napari_edgeconnect.core.edges import EdgeSource
from napari_edgeconnect.plugin.panel import ALL_SLICES, THIS_SLICE
from napari_edgeconnect.plugin.preferences import DEFAULTS
from napari_edgeconnect.plugin.widget import LOOK_AFTER_MS, EdgeConnectWidget

from .conftest import PATIENCE_MS, can_run, status


def test_it_says_what_is_missing_step_by_step(viewer, make_widget, qtbot, pixels):
    widget = make_widget(viewer)
    assert status(widget) == "Open an image first."
    assert can_run(widget) == [False, False, False]

    viewer.add_image(pixels, name="camera")
    qtbot.waitUntil(lambda: "press New mask" in status(widget))
    assert widget.panel.about_image.text() == "80 × 96 px, uint8"

    widget.panel.new_mask.click()
    qtbot.waitUntil(lambda: "Paint the damage first" in status(widget))
    assert can_run(widget) == [False, False, False]

    viewer.layers.selection.active.paint((40, 40), 1)
    qtbot.waitUntil(widget.panel.hallucinate.isEnabled)
    assert can_run(widget) == [True, False, True]


def test_what_a_signal_carries_is_not_taken_for_a_time(viewer, widget, qtbot, qtlog):
    panel = widget.panel
    panel.grow.setValue(7)
    panel.show_grown.setChecked(True)
    assert widget._look_soon.interval() == LOOK_AFTER_MS
    qtbot.waitUntil(lambda: not widget._look_soon.isActive())
    viewer.layers.clear()  # no layer has the index -1
    qtbot.waitUntil(lambda: status(widget) == "Open an image first.")
    assert [record.message for record in qtlog.records] == []


def test_a_new_mask_can_be_painted_on_at_once(viewer, make_widget, qtbot, pixels):
    viewer.add_image(pixels, name="camera", scale=(2, 2), translate=(5, 5))
    widget = make_widget(viewer)
    widget.panel.new_mask.click()
    mask = viewer.layers.selection.active

    assert isinstance(mask, Labels)
    assert widget.panel.mask.layer is mask
    assert (mask.mode, mask.selected_label) == ("paint", 1)
    mask.brush_size = 1
    mask.paint((40, 30), 1)
    qtbot.waitUntil(lambda: widget.panel.about_mask.text().startswith("1 px, 0.013 %"))


def test_the_users_layers_are_never_changed(widget, press, viewer, pixels, scratch):
    states = [layer.as_layer_data_tuple()[1] for layer in viewer.layers]
    press(widget, "hallucinate")
    press(widget, "complete")
    press(widget, "inpaint")

    assert (viewer.layers["camera"].data == pixels).all()
    assert (viewer.layers["mask"].data == scratch).all()
    for layer, before in zip((viewer.layers["camera"], viewer.layers["mask"]), states, strict=True):
        after = layer.as_layer_data_tuple()[1]
        for name in ("name", "visible", "opacity", "metadata", "scale", "translate", "affine", "blending"):
            assert np.array_equal(after[name], before[name]), name


def test_outside_the_grown_mask_the_completed_image_is_the_image(widget, press, viewer, pixels, scratch):
    press(widget, "inpaint")
    completed = viewer.layers["camera [reconstructed]"]
    changed = completed.data != pixels
    rows, columns = np.nonzero(changed)

    assert changed.any()
    assert completed.data.dtype == pixels.dtype
    assert 43 <= rows.min()
    assert rows.max() <= 52
    assert 8 <= columns.min()
    assert columns.max() <= 71
    record = completed.metadata["napari-edgeconnect"]["record"]
    assert record["mask_px"] == scratch.sum()
    assert record["settings"]["grow_px"] == 2


def test_inpainting_in_one_go_shows_the_picture_without_lines_on_it(widget, press, viewer):
    press(widget, "inpaint")

    assert not viewer.layers["camera [edges]"].visible
    assert viewer.layers["camera [reconstructed]"].visible
    assert "Completed in" in status(widget)


def test_a_second_completion_updates_its_layer_and_adds_none(widget, press, viewer):
    press(widget, "inpaint")
    first = viewer.layers["camera [reconstructed]"]
    pixels = first.data.copy()
    widget.panel.grow.setValue(6)
    press(widget, "inpaint")

    assert len(viewer.layers) == 5
    assert viewer.layers["camera [reconstructed]"] is first
    assert (first.data != pixels).any()


def test_shapes_serve_as_a_mask_also_on_a_rotated_image(viewer, make_widget, press, pixels):
    image = viewer.add_image(pixels, name="camera", rotate=30, scale=(0.5, 2), translate=(7, 7))
    corners = [image.data_to_world(corner) for corner in ((44.5, 9.5), (44.5, 69.5), (50.5, 69.5), (50.5, 9.5))]
    viewer.add_shapes([corners], shape_type="polygon", name="outline")
    widget = make_widget(viewer)
    widget.panel.grow.setValue(0)
    press(widget, "inpaint")
    completed = viewer.layers["camera [reconstructed]"]
    changed = completed.data != pixels

    assert completed.metadata["napari-edgeconnect"]["record"]["mask_px"] == 6 * 60
    assert changed[45:51, 10:70].any()
    changed[45:51, 10:70] = False
    assert not changed.any()
    assert np.allclose(completed.data_to_world((3, 4)), image.data_to_world((3, 4)))


def test_a_stack_is_repaired_in_the_displayed_slice(viewer, make_widget, press, qtbot, pixels, scratch):
    stack = np.stack([pixels, pixels[::-1], pixels.T[:, ::-1].T])
    viewer.add_image(stack, name="stack", scale=(5, 1, 1), axis_labels=("z", "y", "x"))
    viewer.add_labels(scratch, name="mask")
    widget = make_widget(viewer)
    viewer.dims.set_point(0, 5)
    qtbot.waitUntil(lambda: "displayed: z 1" in widget.panel.about_image.text())
    press(widget, "inpaint")
    completed = viewer.layers["stack [reconstructed, z 1]"]

    assert completed.data.shape == (1, 96, 80)
    assert (completed.data[0][scratch == 0] == stack[1][scratch == 0]).mean() > 0.9
    assert np.allclose(completed.data_to_world((0, 3, 4)), viewer.layers["stack"].data_to_world((1, 3, 4)))
    viewer.dims.set_point(0, 10)
    press(widget, "inpaint")
    assert "stack [reconstructed, z 2]" in viewer.layers


def test_a_colour_image_stays_one(viewer, make_widget, press, scratch):
    photo = np.random.default_rng(0).integers(0, 255, (96, 80, 3), dtype=np.uint8)
    viewer.add_image(photo, rgb=True, name="photo")
    viewer.add_labels(scratch)
    widget = make_widget(viewer)
    press(widget, "inpaint")

    assert viewer.layers["photo [reconstructed]"].rgb
    assert viewer.layers["photo [reconstructed]"].data.shape == photo.shape


def test_a_widget_that_is_gone_follows_its_viewer_no_more(viewer, qtbot, pixels):
    widget = EdgeConnectWidget(viewer)
    gone = []
    widget.destroyed.connect(lambda: gone.append(True))
    widget.deleteLater()
    qtbot.waitUntil(lambda: bool(gone))

    viewer.add_image(pixels, name="later").name = "renamed"
    viewer.dims.ndisplay = 3


@pytest.fixture
def stack_widget(viewer, make_widget, pixels, scratch):
    """A widget on three slices, of which the first and the last are damaged, and its choice of all slices."""
    viewer.add_image(np.stack([pixels, pixels[::-1], pixels[:, ::-1]]), name="stack", axis_labels=("z", "y", "x"))
    viewer.add_labels(np.stack([scratch, 0 * scratch, scratch[::-1]]), name="mask")
    widget = make_widget(viewer)
    viewer.dims.set_current_step(0, 1)  # an intact one
    widget.panel.slices.setCurrentText(ALL_SLICES)
    return widget


def test_all_damaged_slices_are_repaired_into_one_layer(stack_widget, press, viewer):
    press(stack_widget, "inpaint")
    stack, mask = viewer.layers["stack"].data, viewer.layers["mask"].data
    completed = viewer.layers["stack [reconstructed]"]

    model, expected = EdgeConnect.load(device="cpu"), stack.copy()
    for z in (0, 2):
        expected[z] = model.inpaint(stack[z], mask[z], DEFAULTS)
    assert (completed.data == expected).all()
    assert (completed.data[1] == stack[1]).all()
    assert set(completed.metadata["napari-edgeconnect"]["records"]) == {(0, 0, 0), (2, 0, 0)}
    assert "2 slices" in status(stack_widget)


def test_corrected_edges_of_a_slice_are_followed_in_the_stack(stack_widget, press, viewer):
    panel = stack_widget.panel
    viewer.dims.set_current_step(0, 2)
    panel.slices.setCurrentText(THIS_SLICE)
    press(stack_widget, "hallucinate")
    edges = viewer.layers["stack [edges, z 2]"]
    edges.data_setitem((np.zeros(12, int), np.arange(42, 54), np.full(12, 40)), EdgeSource.DRAWN)
    panel.slices.setCurrentText(ALL_SLICES)
    press(stack_widget, "complete")
    completed = viewer.layers["stack [reconstructed]"]

    details = completed.metadata["napari-edgeconnect"]
    drawn = {index: of["record"]["edges"]["drawn_px"] for index, of in details["records"].items()}
    assert drawn == {(0, 0, 0): 0, (2, 0, 0): 12}
    before = completed.data.copy()
    panel.slices.setCurrentText(THIS_SLICE)
    edges.undo()
    press(stack_widget, "complete")
    assert "stack [reconstructed, z 2]" not in viewer.layers  # the slice goes back into its stack
    assert (completed.data[:2] == before[:2]).all()
    assert (completed.data[2] != before[2]).any()


def test_slices_that_are_finished_stay_when_a_stack_is_cancelled(viewer, make_widget, qtbot, pixels, scratch):
    viewer.add_image(np.stack([pixels] * 40), name="stack")
    viewer.add_labels(scratch, name="mask")
    widget = make_widget(viewer)
    widget.panel.slices.setCurrentText(ALL_SLICES)
    qtbot.waitUntil(widget.panel.inpaint.isEnabled)
    widget.panel.inpaint.click()
    qtbot.waitUntil(lambda: "stack [reconstructed]" in viewer.layers, timeout=PATIENCE_MS)
    widget.cancel()
    qtbot.waitUntil(lambda: not widget.is_busy, timeout=PATIENCE_MS)

    changed = (viewer.layers["stack [reconstructed]"].data != viewer.layers["stack"].data).any(axis=(1, 2))
    finished = len(viewer.layers["stack [reconstructed]"].metadata["napari-edgeconnect"]["records"])
    assert 0 < finished < 40
    assert list(np.nonzero(changed)[0]) == list(range(finished))
    assert "are kept" in status(widget)
