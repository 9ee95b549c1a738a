"""Measure objects from the panel: Python's figures in the tables, its objects over the image, the command's files."""

from __future__ import annotations

import json

import jsonschema
import numpy as np
import pytest
from hypothesis import given as given_each
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from napari.components import ViewerModel
from napari.layers import Image
from napari.settings import get_plugin_settings
from qtpy.QtWidgets import QApplication
from skimage import data

from napari_edgeconnect import EdgeConnect
from napari_edgeconnect.core.methods_text import methods_text
from napari_edgeconnect.core.record_reading import checked_record
from napari_edgeconnect.core.record_schema import json_schema
from napari_edgeconnect.core.results import result_of
from napari_edgeconnect.core.uncertainty import repair_spread
from napari_edgeconnect.measurement.effect import effect_on_measurements
from napari_edgeconnect.measurement.objects import QUANTITIES, TOTALS
from napari_edgeconnect.measurement.segmentation import above, above_otsu, given
from napari_edgeconnect.measurement.table import as_csv, cells, conclusion, fates_of, headings, markdown
from napari_edgeconnect.measurement.written import NAMES, contents
from napari_edgeconnect.plugin.layer_plane import displayed_plane
from napari_edgeconnect.plugin.layers import KEY, OBJECTS, find_own, is_own
from napari_edgeconnect.plugin.measure_dialog import LAYER, OTSU, VALUE
from napari_edgeconnect.plugin.measured import CHOSEN, STEADY, UNSTEADY, pixel_size_of
from napari_edgeconnect.selftest.calibration import uncertainty_steps

from .conftest import PATIENCE_MS, status

NAME = "camera [reconstructed · objects at the damage]"


@pytest.fixture
def measure(qtbot):
    """Ask for a measurement in the dialog, and wait until its run has ended."""

    def measure(widget, kind=OTSU, *, value=None, layer=None, calibrated=False):
        action = widget.panel.measure
        qtbot.waitUntil(action.isEnabled, timeout=PATIENCE_MS)
        action.trigger()
        dialog = widget.trust.measuring.dialog
        dialog.objects.setCurrentText(kind)
        dialog.interval.setCurrentIndex(dialog.interval.findData(calibrated))
        if value is not None:
            dialog.value.setText(str(value))
        if layer is not None:
            dialog.layer.choose(layer)
        dialog.measure.click()
        qtbot.waitUntil(lambda: not widget.is_busy, timeout=PATIENCE_MS)
        return dialog

    return measure


def shown(table):
    """A table's rows as dicts by heading, under the rows' titles."""
    heads = [table.horizontalHeaderItem(column).text().replace("\n", " ") for column in range(table.columnCount())]
    return {
        table.verticalHeaderItem(row).text().replace("\n", " "): {
            head: table.item(row, column).text() for column, head in enumerate(heads)
        }
        for row in range(table.rowCount())
    }


def snapshot(viewer):
    return [(layer.name, layer.data.tobytes()) for layer in viewer.layers]


def without_time(record):
    return {name: value for name, value in record.items() if name != "created"}


def test_tables_and_record_are_what_python_finds(widget, viewer, measure, pixels, scratch):
    before = snapshot(viewer)
    measure(widget, VALUE, value=140)
    model, settings = EdgeConnect.load(device="cpu"), widget.session.settings()
    expected = effect_on_measurements(repair_spread(model, pixels, scratch, settings), above(140))
    view = widget.trust.measuring.view
    assert view.conclusion.text().replace("<b>", "").replace("</b>", "") == conclusion(expected)
    totals = shown(view.totals)
    heads = headings(expected, objects=True)
    for title, name in zip(totals, TOTALS, strict=True):
        assert title.removesuffix(", px²") == name
        assert totals[title] == dict(zip(heads, cells(expected.totals[name], objects=True), strict=True))
    assert expected.objects
    for quantity in QUANTITIES:
        view.quantity.setCurrentIndex(view.quantity.findData(quantity))
        assert shown(view.objects) == {
            str(each.label): {
                "reconstructed px": str(each.touched_px),
                **dict(zip(headings(expected), cells(each.values[quantity]), strict=True)),
                "in the other repairs": fates_of(each),
            }
            for each in expected.objects
        }
    record = viewer.layers[NAME].metadata[KEY]["record"]
    plain = json.loads(json.dumps(record, allow_nan=False))
    assert checked_record(plain) == plain
    assert list(jsonschema.Draft202012Validator(json_schema()).iter_errors(plain)) == []
    assert {key: plain[key] for key in expected.as_dict()} == json.loads(json.dumps(expected.as_dict()))
    assert (record["kind"], record["segmentation"]) == ("measurement", "what is connected and brighter than 140")
    assert "This is about the repair that “Inpaint in one go” makes." in view.about.text()
    assert snapshot(viewer)[:2] == before
    assert status(widget).startswith(conclusion(expected).partition(";")[0])


def test_the_objects_at_the_damage_are_outlined_over_the_image(viewer, make_widget, measure, pixels, scratch):
    place = {"scale": (0.5, 0.25), "translate": (3, 4), "rotate": 30, "units": ("um", "um")}
    viewer.add_image(pixels, name="camera", **place)
    viewer.add_labels(scratch, name="mask", **place)
    widget = make_widget(viewer)
    active = viewer.layers.selection.active
    measure(widget, VALUE, value=140)
    effect = widget.trust.measuring.view.measured.effect
    layer = viewer.layers[NAME]
    listed = [each.label for each in effect.objects]
    assert np.array_equal(layer.data, np.where(np.isin(effect.labels, listed), effect.labels, 0))
    assert sorted(set(np.unique(layer.data)) - {0}) == listed
    assert effect.labels.max() > len(listed)  # others are left out
    assert layer.contour == 1
    assert np.allclose(layer.data_to_world((7, 9)), viewer.layers["camera"].data_to_world((7, 9)))
    assert layer.units == viewer.layers["camera"].units
    assert viewer.layers.selection.active is active
    assert not widget.panel.mask.offers(layer)
    assert (effect.pixel_size, effect.unit) == ((0.5, 0.25), "µm")
    for each in effect.objects:
        steady = each.fates["matched"] == sum(each.fates.values())
        assert layer.metadata[KEY]["colours"][each.label] == (STEADY if steady else UNSTEADY)
    measure(widget, VALUE, value=255)
    assert find_own(viewer.layers, widget.session.plane(), OBJECTS) is None  # nothing is brighter


def test_an_interval_comes_from_the_repairs_that_how_sure_has_made(plugin, small, viewer, press, measure, pixels):
    get_plugin_settings(plugin).trust.level_percent = 80
    press(small, "how_sure")
    made = small.session.repairs
    measure(small, calibrated=True)
    assert small.session.repairs.spread is made.spread
    mask, model = viewer.layers["mask"].data, EdgeConnect.load(device="cpu")
    found = result_of(uncertainty_steps(pixels[:64, :64], mask, model, small.session.settings(), level=0.8))
    objects, threshold = above_otsu(found.spread.repaired, found.spread.hole)
    expected = effect_on_measurements(found, objects)
    view = small.trust.measuring.view
    assert view.measured.effect.as_dict() == expected.as_dict()
    assert f"brighter than {threshold:g}, Otsu's threshold of the known pixels" in view.about.text()
    assert view.totals.horizontalHeaderItem(1).text() == "80 % interval"
    # Another level, and no interval, from the same repairs; another mask is repaired anew.
    get_plugin_settings(plugin).trust.level_percent = 50
    measure(small, calibrated=True)
    assert view.measured.effect.as_dict() == effect_on_measurements(found.at(0.5), objects).as_dict()
    measure(small)
    assert view.measured.effect.as_dict() == effect_on_measurements(found.spread, objects).as_dict()
    assert small.session.repairs.spread is made.spread
    viewer.layers["mask"].data_setitem((np.array([40]), np.array([40])), 1)
    measure(small)
    assert small.session.repairs.spread is not made.spread


def test_labels_of_another_grid_keep_their_numbers_and_areas(widget, viewer, measure, pixels, scratch):
    coarse = np.zeros((48, 40), np.uint16)
    coarse[20:30, 5:15], coarse[2:6, 30:38] = 300, 7
    cells_ = viewer.add_labels(coarse, name="cells", scale=(2, 2), translate=(0.5, 0.5))
    dialog = measure(widget, LAYER, layer=cells_)
    assert not dialog.layer.offers(viewer.layers["mask"])
    effect = widget.trust.measuring.view.measured.effect
    fine = np.kron(coarse, np.ones((2, 2), np.uint16))
    assert np.array_equal(effect.labels, fine)
    model, settings = EdgeConnect.load(device="cpu"), widget.session.settings()
    expected = effect_on_measurements(repair_spread(model, pixels, scratch, settings), given(fine))
    assert effect.as_dict() == expected.as_dict()
    (at_the_damage,) = effect.objects
    assert (at_the_damage.label, at_the_damage.values["area"].with_fill) == (300, 400.0)
    assert effect.totals["count"].with_fill == 2
    record = viewer.layers[NAME].metadata[KEY]["record"]
    assert record["segmentation"] == "the labels of “cells”, the same whatever the fill"


def test_only_labels_that_are_no_damage_and_not_ours_are_offered(widget, viewer, measure, press):
    press(widget, "inpaint")
    measure(widget, VALUE, value=140)
    widget.panel.measure.trigger()
    dialog = widget.trust.measuring.dialog
    assert [is_own(layer, OBJECTS) for layer in viewer.layers].count(True) == 1
    dialog.objects.setCurrentText(LAYER)
    assert dialog.layer.count() == 0
    assert not dialog.measure.isEnabled()
    dialog.reject()
    assert not widget.is_busy


def test_what_cannot_be_measured_is_said_before_anything_is_repaired(widget, viewer, measure):
    far = viewer.add_labels(np.ones((9, 9), np.uint8), name="far", translate=(500, 500))
    before = snapshot(viewer)
    dialog = measure(widget, VALUE, value="bright")
    assert dialog.refusal.text() == "⚠ The value is 'bright': give a number."
    dialog.height_.setText("0")
    dialog.objects.setCurrentText(OTSU)
    dialog.measure.click()
    assert dialog.refusal.text() == "⚠ The pixel size is '0': give a number above 0."
    dialog.reject()
    assert "“far” has no objects on the image" in measure(widget, LAYER, layer=far).refusal.text()
    below = viewer.add_labels(np.full((96, 80), -3, np.int8), name="below")
    widget.trust.measuring.dialog.reject()
    measure(widget, LAYER, layer=below)
    assert "negative labels" in status(widget)
    viewer.layers.remove("below")
    viewer.layers["camera"].data = np.full((96, 80), 7, np.uint8)
    viewer.layers["camera"].data[45:51, 10:70] = 200
    measure(widget)
    assert "Otsu's threshold parts nothing" in status(widget)
    assert widget.session.repairs is None
    assert widget.trust.measuring.view is None
    assert [name for name, _ in snapshot(viewer)] == [name for name, _ in before]


def test_a_cancelled_measurement_leaves_nothing_behind(widget, viewer, qtbot):
    before = snapshot(viewer)
    qtbot.waitUntil(widget.panel.measure.isEnabled, timeout=PATIENCE_MS)
    widget.panel.measure.trigger()
    widget.trust.measuring.dialog.measure.click()
    assert widget.is_busy
    assert not widget.panel.measure.isEnabled()
    widget.panel.cancel.click()
    qtbot.waitUntil(lambda: not widget.is_busy, timeout=PATIENCE_MS)
    assert status(widget) == "Cancelled: nothing was changed."
    assert snapshot(viewer) == before
    assert widget.trust.measuring.view is None
    assert widget.session.repairs is None


def test_where_no_copy_fits_there_is_no_interval_and_it_says_why(viewer, make_widget, measure, pixels):
    viewer.add_image(pixels[:48, :48], name="camera")
    mask = np.zeros((48, 48), np.uint8)
    mask[4:44, 4:44] = 1
    viewer.add_labels(mask, name="mask")
    widget = make_widget(viewer)
    measure(widget, calibrated=True)
    view = widget.trust.measuring.view
    assert view.measured.effect.level is None
    assert "There is no interval: No copy of the damage fits" in view.about.text()
    assert shown(view.totals)["count"]["calibrated interval"] == "–"


def test_it_can_be_copied_and_saved_as_the_command_writes_it(widget, viewer, measure, tmp_path):
    measure(widget, VALUE, value=140)
    measuring = widget.trust.measuring
    measured = measuring.view.measured
    expected = contents(measured.effect, measured.record)
    copies = {action.text(): action for action in measuring.view.copy.menu().actions()}
    clipboard = QApplication.clipboard()
    copies["Table"].trigger()
    rows = [line.split("\t") for line in clipboard.text().splitlines()]
    assert rows == [line.split(",") for line in as_csv(measured.effect).splitlines()]
    copies["Text"].trigger()
    assert clipboard.text() == expected["measurement.md"]
    assert markdown(measured.effect) in clipboard.text()
    copies["Methods sentences"].trigger()
    assert clipboard.text() == methods_text([measured.record])
    measuring.save(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(NAMES)
    assert {name: (tmp_path / name).read_bytes().decode() for name in NAMES} == expected
    written = json.loads((tmp_path / "measurement.json").read_text(encoding="utf-8"))
    assert checked_record(written) == json.loads(json.dumps(measured.record))
    measuring.save(tmp_path / "nowhere")
    assert "No such file" in status(widget)


def test_of_a_stack_the_displayed_slice_is_measured_and_found_again(viewer, make_widget, measure, scratch):
    coins = data.coins()[20:116, 20:100]
    stack = viewer.add_image(np.stack([coins[::-1], coins, coins[:, ::-1]]), name="camera", scale=(5, 1, 1))
    viewer.add_labels(scratch, name="mask")
    widget = make_widget(viewer)
    viewer.dims.set_current_step(0, 1)
    measure(widget, VALUE, value=120)
    effect = widget.trust.measuring.view.measured.effect
    model, settings = EdgeConnect.load(device="cpu"), widget.session.settings()
    expected = effect_on_measurements(repair_spread(model, coins, scratch, settings), above(120))
    assert effect.as_dict() == expected.as_dict()
    (layer,) = [layer for layer in viewer.layers if is_own(layer, OBJECTS)]
    assert layer.name == "camera [reconstructed · objects at the damage, axis 0 1]"
    assert layer.data.shape == (1, 96, 80)
    assert np.allclose(layer.data_to_world((0, 4, 5)), stack.data_to_world((1, 4, 5)))
    viewer.dims.set_current_step(0, 2)
    layer.corner_pixels = np.array([[0, 90, 70], [0, 95, 79]])
    view, label = widget.trust.measuring.view, effect.objects[0].label
    view.objects.selectRow(0)
    assert viewer.dims.current_step[0] == 1
    assert viewer.scene.camera.center[1:] == pytest.approx(np.argwhere(effect.labels == label).mean(axis=0))
    assert np.allclose(layer.colormap.color_dict[label], (1, 1, 1, 1))
    others = [other for other in layer.metadata[KEY]["colours"] if other != label]
    view.objects.selectRow(1)
    assert np.allclose(layer.colormap.color_dict[others[0]], (1, 1, 1, 1))
    assert not np.allclose(layer.colormap.color_dict[label], (1, 1, 1, 1))
    assert CHOSEN == "white"
    viewer.layers.remove(layer)
    view.objects.selectRow(0)  # it is not shown any more: nothing happens
    assert without_time(view.measured.record)["seed"] == 0


@hypothesis_settings(max_examples=30)
@given_each(
    scale=st.tuples(st.floats(0.01, 50), st.floats(0.01, 50)),
    rotate=st.floats(-180, 180),
    shear=st.floats(-0.8, 0.8),
    unit=st.sampled_from(["um", "nm", "pixel"]),
)
def test_a_pixel_is_as_large_as_its_layer_says(scale, rotate, shear, unit):
    viewer = ViewerModel()
    image = Image(np.zeros((4, 5)), scale=scale, rotate=rotate, shear=[shear], units=(unit, unit))
    viewer.add_layer(image)
    (height, width), named = pixel_size_of(displayed_plane(image, viewer.dims))
    if unit == "pixel":
        assert (height, width, named) == (1, 1, "px")
        return
    assert named == {"um": "µm", "nm": "nm"}[unit]
    corners = np.array([image.data_to_world(corner) for corner in ((0, 0), (1, 0), (0, 1))])
    down, across = corners[1] - corners[0], corners[2] - corners[0]
    assert height == pytest.approx(np.linalg.norm(down), rel=1e-6)
    assert height * width == pytest.approx(abs(down[0] * across[1] - down[1] * across[0]), rel=1e-6)
