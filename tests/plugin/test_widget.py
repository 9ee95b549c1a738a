"""The widget on a viewer without a window, with the bundled model."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from napari.layers import Image, Labels
from napari.utils.notifications import notification_manager
from qtpy.QtCore import QThreadPool

from napari_edgeconnect import EdgeConnect
from napari_edgeconnect.core.edges import EdgeSource
from napari_edgeconnect.core.results import Step
from napari_edgeconnect.core.settings import Settings
from napari_edgeconnect.plugin.widget import EdgeConnectWidget

from .conftest import PATIENCE_MS


def status(widget):
    return widget.panel.status.text()


def can_run(widget):
    panel = widget.panel
    return [button.isEnabled() for button in (panel.hallucinate, panel.complete, panel.inpaint)]


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


def test_proposals_come_as_a_layer_to_draw_on(widget, press, viewer, scratch):
    press(widget, "hallucinate")
    edges = viewer.layers["camera [edges]"]

    assert viewer.layers.selection.active is edges
    assert (edges.mode, edges.selected_label, edges.brush_size) == ("paint", EdgeSource.DRAWN, 1)
    assert (edges.data[scratch == 0] == EdgeSource.MEASURED).any()
    assert not (edges.data[scratch == 1] == EdgeSource.MEASURED).any()
    assert set(np.unique(edges.data)) <= {0, 1, 2}
    assert "complete" in status(widget)


def test_proposals_are_those_of_the_core(widget, press, viewer, pixels, scratch):
    widget.panel.sigma.setValue(1.5)
    widget.panel.grow.setValue(3)
    press(widget, "hallucinate")

    expected = EdgeConnect.load(device="cpu").hallucinate_edges(pixels, scratch, Settings(sigma=1.5, grow_px=3))
    assert (viewer.layers["camera [edges]"].data == expected.labels).all()
    assert (expected.labels == EdgeSource.PROPOSED).any()


def test_sigma_zero_means_no_measured_edges(widget, press, viewer):
    widget.panel.sigma.setValue(0)
    assert widget.panel.sigma.text() == "none"
    press(widget, "hallucinate")

    assert not (viewer.layers["camera [edges]"].data == EdgeSource.MEASURED).any()


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
    completed = viewer.layers["camera [completed]"]
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


def test_edges_stay_above_the_completed_image(widget, press, viewer):
    press(widget, "hallucinate")
    press(widget, "complete")

    assert [layer.name for layer in viewer.layers] == ["camera", "mask", "camera [completed]", "camera [edges]"]
    assert viewer.layers.selection.active is viewer.layers["camera [edges]"]


def test_inpainting_in_one_go_shows_the_picture_without_lines_on_it(widget, press, viewer):
    press(widget, "inpaint")

    assert not viewer.layers["camera [edges]"].visible
    assert viewer.layers["camera [completed]"].visible
    assert "Completed in" in status(widget)


def test_a_drawn_line_changes_the_picture_inside_the_hole_and_nowhere_else(widget, press, viewer, pixels, scratch):
    press(widget, "hallucinate")
    press(widget, "complete")
    before = viewer.layers["camera [completed]"].data.copy()
    edges = viewer.layers["camera [edges]"]
    edges.data_setitem((np.arange(42, 54), np.full(12, 40)), EdgeSource.DRAWN)
    press(widget, "complete")
    after = viewer.layers["camera [completed]"].data

    assert (before != after).any()
    assert (after[scratch == 0] == before[scratch == 0])[np.abs(np.nonzero(scratch == 0)[0] - 48) > 5].all()
    record = viewer.layers["camera [completed]"].metadata["napari-edgeconnect"]["record"]
    assert record["edges"]["drawn_px"] == 12


def test_an_erased_proposal_is_honoured(widget, press, viewer):
    press(widget, "hallucinate")
    edges = viewer.layers["camera [edges]"]
    proposed = np.nonzero(edges.data == EdgeSource.PROPOSED)
    edges.data_setitem(proposed, 0)
    press(widget, "complete")

    record = viewer.layers["camera [completed]"].metadata["napari-edgeconnect"]["record"]
    assert record["edges"]["erased_px"] == len(proposed[0]) > 0
    assert record["edges"]["proposed_px"] == 0


def test_hallucinating_again_keeps_what_was_drawn_and_can_be_undone(widget, press, viewer):
    press(widget, "hallucinate")
    edges = viewer.layers["camera [edges]"]
    edges.data_setitem((np.full(9, 47), np.arange(30, 39)), EdgeSource.DRAWN)
    drawn_on = edges.data.copy()
    widget.panel.sigma.setValue(1.0)
    press(widget, "hallucinate")

    assert viewer.layers["camera [edges]"] is edges
    assert (edges.data[47, 30:39] == EdgeSource.DRAWN).all()
    assert (edges.data != drawn_on).any()
    edges.undo()
    assert (edges.data == drawn_on).all()


def test_inpainting_in_one_go_follows_what_was_drawn_before(widget, press, viewer):
    press(widget, "hallucinate")
    viewer.layers["camera [edges]"].data_setitem((np.full(9, 47), np.arange(30, 39)), EdgeSource.DRAWN)
    press(widget, "inpaint")

    record = viewer.layers["camera [completed]"].metadata["napari-edgeconnect"]["record"]
    assert record["edges"]["drawn_px"] == 9


def test_a_second_completion_updates_its_layer_and_adds_none(widget, press, viewer):
    press(widget, "inpaint")
    first = viewer.layers["camera [completed]"]
    pixels = first.data.copy()
    widget.panel.grow.setValue(6)
    press(widget, "inpaint")

    assert len(viewer.layers) == 4
    assert viewer.layers["camera [completed]"] is first
    assert (first.data != pixels).any()


def test_damage_that_grew_after_its_edges_is_refused_in_words(widget, press, viewer):
    press(widget, "hallucinate")
    viewer.layers["mask"].data_setitem((np.arange(70, 80), np.full(10, 20)), 1)
    press(widget, "complete")

    assert "hallucinate again" in status(widget)
    assert "camera [completed]" not in viewer.layers
    press(widget, "hallucinate")
    press(widget, "complete")
    assert "camera [completed]" in viewer.layers


def test_completing_right_after_the_edges_were_removed_is_refused_in_words(widget, press, viewer, qtbot):
    press(widget, "hallucinate")
    qtbot.waitUntil(widget.panel.complete.isEnabled)
    viewer.layers.remove("camera [edges]")
    widget.panel.complete.click()

    assert not widget.is_busy
    assert "no edges yet" in status(widget)


def test_edges_that_are_removed_during_a_completion_do_no_harm(widget, press, viewer, qtbot):
    press(widget, "hallucinate")
    qtbot.waitUntil(widget.panel.complete.isEnabled)
    widget.panel.complete.click()
    viewer.layers.remove("camera [edges]")
    qtbot.waitUntil(lambda: not widget.is_busy, timeout=PATIENCE_MS)

    assert [layer.name for layer in viewer.layers] == ["camera", "mask", "camera [completed]"]


def test_shapes_serve_as_a_mask_also_on_a_rotated_image(viewer, make_widget, press, pixels):
    image = viewer.add_image(pixels, name="camera", rotate=30, scale=(0.5, 2), translate=(7, 7))
    corners = [image.data_to_world(corner) for corner in ((44.5, 9.5), (44.5, 69.5), (50.5, 69.5), (50.5, 9.5))]
    viewer.add_shapes([corners], shape_type="polygon", name="outline")
    widget = make_widget(viewer)
    widget.panel.grow.setValue(0)
    press(widget, "inpaint")
    completed = viewer.layers["camera [completed]"]
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
    qtbot.waitUntil(lambda: "Only the displayed slice: z 1" in widget.panel.about_image.text())
    press(widget, "inpaint")
    completed = viewer.layers["stack [completed, z 1]"]

    assert completed.data.shape == (1, 96, 80)
    assert (completed.data[0][scratch == 0] == stack[1][scratch == 0]).mean() > 0.9
    assert np.allclose(completed.data_to_world((0, 3, 4)), viewer.layers["stack"].data_to_world((1, 3, 4)))
    viewer.dims.set_point(0, 10)
    press(widget, "inpaint")
    assert "stack [completed, z 2]" in viewer.layers


def test_a_colour_image_stays_one(viewer, make_widget, press, scratch):
    photo = np.random.default_rng(0).integers(0, 255, (96, 80, 3), dtype=np.uint8)
    viewer.add_image(photo, rgb=True, name="photo")
    viewer.add_labels(scratch)
    widget = make_widget(viewer)
    press(widget, "inpaint")

    assert viewer.layers["photo [completed]"].rgb
    assert viewer.layers["photo [completed]"].data.shape == photo.shape


def test_our_own_edges_are_not_on_offer_as_damage(widget, press, viewer):
    press(widget, "hallucinate")
    offered = [widget.panel.mask.itemText(row) for row in range(widget.panel.mask.count())]

    assert offered == ["mask"]


def test_the_choice_of_layers_survives_renaming_and_reordering(widget, viewer, pixels):
    chosen = viewer.layers["camera"]
    viewer.add_image(pixels, name="another")
    widget.panel.image.choose(chosen)
    viewer.layers.move(0, 3)
    chosen.name = "renamed"

    assert widget.panel.image.layer is chosen
    assert widget.panel.image.currentText() == "renamed"
    viewer.layers.remove(chosen)
    assert widget.panel.image.layer is viewer.layers["another"]


def test_the_result_of_a_removed_image_is_dropped(widget, viewer, qtbot):
    qtbot.waitUntil(widget.panel.inpaint.isEnabled)
    widget.panel.inpaint.click()
    viewer.layers.remove("camera")
    qtbot.waitUntil(lambda: not widget.is_busy, timeout=PATIENCE_MS)

    assert [layer.name for layer in viewer.layers] == ["mask"]


def test_the_result_for_data_that_were_replaced_is_dropped(widget, viewer, qtbot, pixels):
    qtbot.waitUntil(widget.panel.inpaint.isEnabled)
    widget.panel.inpaint.click()
    viewer.layers["camera"].data = pixels[::-1]
    qtbot.waitUntil(lambda: not widget.is_busy, timeout=PATIENCE_MS)

    assert [layer.name for layer in viewer.layers] == ["camera", "mask"]
    assert "the result was dropped" in status(widget)


class Endless:
    """Stands in for a model: a hundred windows, each as long as the test holds it."""

    def __init__(self):
        self.go_on = threading.Event()
        self.steps = 0
        self.closed = False

    def hallucinate_edges_steps(self, image, mask, settings):
        try:
            for done in range(100):
                self.steps += 1
                yield Step(done, 100, f"Window {done + 1} of 100")
                self.go_on.wait(PATIENCE_MS / 1000)
        finally:
            self.closed = True


@pytest.fixture
def endless(monkeypatch):
    model = Endless()
    monkeypatch.setattr(EdgeConnect, "load", lambda *args, **kwargs: model)
    yield model
    model.go_on.set()


def test_cancel_ends_a_run_within_one_window(widget, viewer, qtbot, endless):
    qtbot.waitUntil(widget.panel.hallucinate.isEnabled)
    widget.panel.hallucinate.click()
    qtbot.waitUntil(lambda: status(widget) == "Window 1 of 100", timeout=PATIENCE_MS)
    assert can_run(widget) == [False, False, False]
    assert not widget.panel.cancel.isHidden()
    assert widget.panel.progress.maximum() == 100

    widget.panel.cancel.click()
    endless.go_on.set()
    qtbot.waitUntil(lambda: not widget.is_busy, timeout=PATIENCE_MS)

    assert endless.steps <= 2
    assert status(widget) == "Cancelled: nothing was changed."
    assert can_run(widget) == [True, False, True]
    assert widget.panel.cancel.isHidden()
    assert len(viewer.layers) == 2
    qtbot.waitUntil(lambda: endless.closed)


def test_a_result_that_comes_after_cancel_is_dropped(widget, viewer, qtbot):
    qtbot.waitUntil(widget.panel.inpaint.isEnabled)
    widget.panel.inpaint.click()
    # The run ends while this thread is held up here: its result waits in the queue when Cancel is pressed.
    assert QThreadPool.globalInstance().waitForDone(PATIENCE_MS)
    widget.panel.cancel.click()
    qtbot.waitUntil(lambda: not widget.is_busy, timeout=PATIENCE_MS)

    assert len(viewer.layers) == 2
    assert status(widget) == "Cancelled: nothing was changed."


def test_a_run_shows_in_naparis_activity_and_can_be_cancelled_there(widget, qtbot, endless):
    from napari.utils.progress import progress

    qtbot.waitUntil(widget.panel.hallucinate.isEnabled)
    widget.panel.hallucinate.click()
    qtbot.waitUntil(lambda: status(widget) == "Window 1 of 100", timeout=PATIENCE_MS)
    (bar,) = progress._all_instances
    assert bar.total == 100

    bar.cancel()
    endless.go_on.set()
    qtbot.waitUntil(lambda: not widget.is_busy, timeout=PATIENCE_MS)

    assert endless.steps < 100
    assert status(widget) == "Cancelled: nothing was changed."
    assert not progress._all_instances


def test_a_refusal_of_the_core_is_shown_as_its_sentence(viewer, make_widget, press, pixels):
    viewer.add_image(pixels)
    viewer.add_labels(np.ones(pixels.shape, np.uint8))
    widget = make_widget(viewer)
    press(widget, "inpaint")

    assert widget.panel.about_mask.text().endswith(", 100 % of the image")
    assert "Every pixel is masked" in status(widget)
    assert "Every pixel is masked" in notification_manager.records[-1].message
    assert can_run(widget) == [True, False, True]


def test_after_a_crash_the_buttons_work_again(widget, press, viewer, monkeypatch):
    load = EdgeConnect.load

    def crash(*args, **kwargs):
        raise RuntimeError("CUDA error: no kernel image")

    monkeypatch.setattr(EdgeConnect, "load", crash)
    press(widget, "inpaint")
    assert "no kernel image" in status(widget)
    assert "no kernel image" in notification_manager.records[-1].message

    monkeypatch.setattr(EdgeConnect, "load", load)
    press(widget, "inpaint")
    assert isinstance(viewer.layers[-2], Image)
    assert "Completed in" in status(widget)


def test_a_layer_that_is_painted_during_a_run_keeps_its_new_strokes(widget, press, viewer, qtbot):
    press(widget, "hallucinate")
    edges = viewer.layers["camera [edges]"]
    widget.panel.hallucinate.click()
    edges.data_setitem((np.full(9, 47), np.arange(30, 39)), EdgeSource.DRAWN)
    qtbot.waitUntil(lambda: not widget.is_busy, timeout=PATIENCE_MS)

    assert (edges.data[47, 30:39] == EdgeSource.DRAWN).all()


def test_a_widget_that_is_gone_follows_its_viewer_no_more(viewer, qtbot, pixels):
    widget = EdgeConnectWidget(viewer)
    gone = []
    widget.destroyed.connect(lambda: gone.append(True))
    widget.deleteLater()
    qtbot.waitUntil(lambda: bool(gone))

    viewer.add_image(pixels, name="later").name = "renamed"
    viewer.dims.ndisplay = 3


def test_model_and_device_are_shown_with_licence_and_a_note(widget):
    panel = widget.panel

    assert panel.model.currentText() == "open-science-16"
    assert panel.about_model.text() == "Licence: BSD-3-Clause"
    panel.device.setCurrentText("cpu")
    assert "CPU" in panel.about_device.text()
    assert not panel.about_device.isHidden()


def test_every_control_has_a_tooltip(widget):
    panel = widget.panel
    parts = (panel.image, panel.mask, panel.new_mask, panel.grow, panel.sigma, panel.hallucinate, panel.complete)

    assert all(part.toolTip() for part in (*parts, panel.inpaint, panel.model, panel.device, panel.cancel))
    assert "pixels" in panel.grow.toolTip()
    assert "pixels" in panel.sigma.toolTip()


def test_controls_start_at_the_preferences(viewer, make_widget, plugin):
    from napari.settings import get_plugin_settings

    chosen = get_plugin_settings(plugin)
    chosen.inference.device = "cpu"
    chosen.edges.sigma = 3.5
    chosen.damage.grow_px = 5
    panel = make_widget(viewer).panel

    assert (panel.device.currentText(), panel.sigma.value(), panel.grow.value()) == ("cpu", 3.5, 5)


def test_a_preferred_device_that_is_missing_is_not_replaced_silently(viewer, make_widget, plugin, monkeypatch):
    from napari.settings import get_plugin_settings

    from napari_edgeconnect.core import device

    monkeypatch.setattr(device, "available_devices", lambda: ["cuda:0", "cuda:1", "cpu"])
    get_plugin_settings(plugin).inference.device = "cuda"
    assert make_widget(viewer).panel.device.currentText() == "cuda:0"

    get_plugin_settings(plugin).inference.device = "mps"
    viewer.add_image(np.zeros((9, 9)))
    viewer.add_labels(np.eye(9, dtype=np.uint8))
    widget = make_widget(viewer)
    assert widget.panel.device.currentText() == "auto"
    assert "no mps" in status(widget)


def test_the_manifests_defaults_are_the_widgets(viewer, make_widget, request):
    def start_values():
        panel = make_widget(viewer).panel
        return panel.device.currentText(), panel.sigma.value(), panel.grow.value()

    without_manifest = start_values()
    request.getfixturevalue("plugin")

    assert start_values() == without_manifest == ("auto", 2, 2)
