"""What speaks against a repair, the self-test's advice and what goes into a paper, from the widget."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image
from qtpy.QtWidgets import QApplication

from napari_edgeconnect.core.classical import inpaint
from napari_edgeconnect.core.figure import caption_of, figure_of
from napari_edgeconnect.core.methods_text import methods_text
from napari_edgeconnect.core.record_reading import checked_record
from napari_edgeconnect.core.refusals import reasons_against
from napari_edgeconnect.plugin.layers import KEY
from napari_edgeconnect.plugin.preferences import DEFAULTS

from .conftest import PATIENCE_MS, status

COMPLETED = "camera [reconstructed]"


# ---- reasons


@pytest.fixture
def flat(viewer, make_widget):
    """A widget on an image of two grey values."""
    pixels = np.full((64, 64), 9, np.uint8)
    pixels[::8] = 10
    viewer.add_image(pixels, name="flat")
    viewer.add_labels(np.zeros((64, 64), np.uint8), name="mask")
    return make_widget(viewer)


def test_reasons_follow_the_mask_and_go_into_the_record(flat, viewer, press, qtbot):
    warning = flat.panel.warning
    assert warning.isHidden()
    mask = viewer.layers["mask"]
    mask.data_setitem(tuple(np.indices((6, 20)).reshape(2, -1) + 20), 1)
    model = flat.session.model
    expected = reasons_against(viewer.layers["flat"].data, mask.data, DEFAULTS, model=model)
    assert [reason.name for reason in expected] == ["few-levels"]
    qtbot.waitUntil(lambda: warning.text() == f"⚠ {expected[0].sentence}", timeout=PATIENCE_MS)
    mask.data_setitem(tuple(np.indices((64, 50)).reshape(2, -1)), 1)
    every = reasons_against(viewer.layers["flat"].data, mask.data, DEFAULTS, model=model)
    assert len(every) == 3
    qtbot.waitUntil(lambda: warning.text() == f"⚠ {every[0].sentence} (and 2 more)", timeout=PATIENCE_MS)
    assert warning.toolTip() == "\n".join(reason.sentence for reason in every)
    press(flat, "inpaint")
    record = viewer.layers["flat [reconstructed]"].metadata[KEY]["record"]
    assert record["reasons_against"] == {reason.name: reason.sentence for reason in every}
    mask.data = np.zeros_like(mask.data)
    qtbot.waitUntil(warning.isHidden, timeout=PATIENCE_MS)


def test_an_image_unlike_the_models_training_images_is_said_to_be(viewer, make_widget, press, qtbot):
    squares = np.random.default_rng(0).integers(0, 2, (32, 32), np.uint8)
    viewer.add_image(np.kron(squares, np.full((8, 8), 255, np.uint8)), name="code")
    mask = np.zeros((256, 256), np.uint8)
    mask[100:120, 60:200] = 1
    viewer.add_labels(mask, name="mask")
    widget = make_widget(viewer)
    qtbot.waitUntil(lambda: "unlike the images" in widget.panel.warning.toolTip(), timeout=PATIENCE_MS)
    press(widget, "inpaint")
    record = viewer.layers["code [reconstructed]"].metadata[KEY]["record"]
    assert record["reasons_against"]["unfamiliar"] in widget.panel.warning.toolTip()


def test_a_record_says_that_nothing_spoke_against_it(widget, viewer, press):
    press(widget, "inpaint")
    record = viewer.layers[COMPLETED].metadata[KEY]["record"]
    assert record["reasons_against"] == {}
    assert checked_record(json.loads(json.dumps(record))) == record


# ---- the self-test


def test_a_self_test_goes_into_repairs_before_and_after_it_and_into_no_others(widget, viewer, press):
    press(widget, "inpaint")
    details = viewer.layers[COMPLETED].metadata[KEY]
    assert "self_test" not in details["record"]
    press(widget, "test")
    test = details["record"]["self_test"]
    assert test["kind"] == "self_test"
    press(widget, "inpaint")
    assert details["record"]["self_test"] == test
    viewer.layers["mask"].data_setitem((np.array([10]), np.array([10])), 1)
    press(widget, "inpaint")
    assert "self_test" not in details["record"]


def test_a_candidate_that_was_kept_before_the_test_has_it_when_it_is_shown(widget, viewer, press, qtbot):
    press(widget, "inpaint")
    press(widget, "keep")
    press(widget, "test")
    widget.panel.candidates.setCurrentRow(0)
    details = viewer.layers[COMPLETED].metadata[KEY]
    qtbot.waitUntil(lambda: "self_test" in details["record"], timeout=PATIENCE_MS)


def test_its_advice_is_taken_with_a_click(widget, viewer, press, qtbot, pixels, scratch):
    press(widget, "test")
    view = widget.trust.dock.view
    assert "seed 0" in view.about.text()
    assert view.take.text().startswith("Take ")
    view.taken.emit("biharmonic")
    qtbot.waitUntil(lambda: not widget.is_busy, timeout=PATIENCE_MS)
    layer = viewer.layers["camera [reconstructed by biharmonic]"]
    assert np.array_equal(layer.data, inpaint(pixels, scratch, "biharmonic", grow_px=2))
    record = layer.metadata[KEY]["record"]
    assert (record["kind"], record["method"]) == ("classical", "biharmonic")
    assert record["self_test"]["seed"] == 0
    assert f"{layer.name} · altered pixels" in viewer.layers
    view.taken.emit("biharmonic")
    qtbot.waitUntil(lambda: not widget.is_busy, timeout=PATIENCE_MS)
    assert [other.name for other in viewer.layers].count(layer.name) == 1
    view.taken.emit("edgeconnect")
    qtbot.waitUntil(lambda: not widget.is_busy, timeout=PATIENCE_MS)
    assert COMPLETED in viewer.layers


def test_advice_for_another_mask_is_not_followed(widget, viewer, press):
    press(widget, "test")
    viewer.layers["mask"].data_setitem((np.array([10]), np.array([10])), 1)
    widget.trust.dock.view.take.click()
    assert not widget.is_busy
    assert "test again" in status(widget)
    assert len(viewer.layers) == 2


def test_the_dock_shows_errors_and_leafs_through_copies(widget, press):
    press(widget, "test")
    view = widget.trust.dock.view
    shown = {row.title for row in view.plot.rows}
    assert {"EdgeConnect", "biharmonic", "the mean"} <= shown
    assert all(row.low <= row.mean <= row.high for row in view.plot.rows)
    assert sum(row.is_advised for row in view.plot.rows) == 1
    first = [picture.pixmap().toImage() for picture in view.copies.pictures]
    assert [title.text() for title in view.copies.titles][::3] == ["damaged copy", "truth"]
    view.copies.which.setValue(2)
    assert [picture.pixmap().toImage() for picture in view.copies.pictures] != first
    view.resize(400, 700)
    assert not view.plot.grab().isNull()


# ---- reports


def test_the_paragraph_is_that_of_the_record_and_can_be_copied(widget, viewer, press):
    assert not widget.panel.methods.isEnabled()
    press(widget, "inpaint")
    widget.trust.show_methods()
    dialog = widget.trust.methods
    expected = methods_text([viewer.layers[COMPLETED].metadata[KEY]["record"]])
    assert dialog.text.toPlainText() == expected
    dialog.copy.click()
    assert QApplication.clipboard().text() == expected
    dialog.close()


def test_a_figure_is_written_as_it_is_on_display(widget, viewer, press, tmp_path):
    press(widget, "inpaint")
    layer = viewer.layers[COMPLETED]
    layer.contrast_limits = (20, 200)
    details = layer.metadata[KEY]
    widget.trust.export_figure(tmp_path / "figure")
    with Image.open(tmp_path / "figure.png") as picture:
        written = np.asarray(picture)
        assert picture.text["Description"] == caption_of(details["record"], details["altered"])
    expected = figure_of(layer.data, details["altered"], details["record"], contrast=(20, 200))
    assert np.array_equal(written, expected)
    assert "figure.png was written" in status(widget)
    widget.trust.export_figure(tmp_path / "nowhere" / "figure.png")
    assert "No such file" in status(widget)


def test_the_selected_repair_is_the_one_that_is_reported(widget, viewer, press, qtbot):
    press(widget, "inpaint")
    press(widget, "test")
    widget.trust.dock.view.taken.emit("telea")
    qtbot.waitUntil(lambda: not widget.is_busy, timeout=PATIENCE_MS)
    widget.trust.show_methods()
    assert "Telea" in widget.trust.methods.text.toPlainText().split("\n")[0]
    viewer.layers.selection.active = viewer.layers[COMPLETED]
    widget.trust.show_methods()
    assert "EdgeConnect" in widget.trust.methods.text.toPlainText().split("\n")[0]
    widget.trust.methods.close()
