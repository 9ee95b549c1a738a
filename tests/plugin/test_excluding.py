"""Mark as missing from the panel: nothing is filled in, and every other pixel stays what it was."""

from __future__ import annotations

import json

import numpy as np
import pytest
from npe2 import PluginManifest

from napari_edgeconnect.core.exclusion import exclude
from napari_edgeconnect.core.holes import grown
from napari_edgeconnect.core.record_reading import checked_record
from napari_edgeconnect.core.replay import is_same, replay
from napari_edgeconnect.files import read_image
from napari_edgeconnect.plugin.layers import KEY

from .conftest import PATIENCE_MS, status

NAME = "camera [excluded]"


@pytest.fixture
def mark(qtbot):
    """Press the button, answer the dialog where there is one, and wait until the run has ended."""

    def mark(widget, value=None):
        qtbot.waitUntil(widget.panel.exclude.isEnabled, timeout=PATIENCE_MS)
        widget.panel.exclude.click()
        if value is not None:
            widget.excluding.dialog.text.setText(str(value))
            widget.excluding.dialog.mark.click()
        qtbot.waitUntil(lambda: not widget.is_busy, timeout=PATIENCE_MS)

    return mark


@pytest.fixture
def on_floats(viewer, make_widget, pixels, scratch):
    viewer.add_image(
        pixels.astype(np.float32) / 7, name="camera", scale=(0.5, 2), contrast_limits=(3, 30), colormap="viridis"
    )
    viewer.add_labels(scratch, name="mask", scale=(0.5, 2))
    return make_widget(viewer)


def test_floats_get_nan_at_once_and_keep_every_other_bit(on_floats, viewer, mark, pixels, scratch):
    source = viewer.layers["camera"]
    before = source.data.copy()
    mark(on_floats)
    assert on_floats.excluding.dialog is None
    layer, hole = viewer.layers[NAME], grown(scratch > 0, 2)
    assert layer.data.dtype == np.float32
    assert np.isnan(layer.data[hole]).all()
    assert layer.data[~hole].tobytes() == before[~hole].tobytes()
    assert source.data.tobytes() == before.tobytes()
    assert tuple(layer.scale) == (0.5, 2)
    assert tuple(layer.contrast_limits) == (3, 30)
    assert layer.colormap.name == "viridis"
    assert viewer.layers.selection.active is layer
    assert np.array_equal(viewer.layers[f"{NAME} · altered pixels"].data > 0, hole)
    record = layer.metadata[KEY]["record"]
    plain = json.loads(json.dumps(record, allow_nan=False))
    assert checked_record(plain) == plain
    assert (record["kind"], record["value"], record["hole_px"]) == ("excluded", "nan", np.count_nonzero(hole))
    again = replay(record, before, scratch)
    assert is_same(record, again.record)
    assert "were set to nan" in status(on_floats)


def test_whole_numbers_get_the_value_that_is_asked_for(widget, viewer, mark, pixels, scratch):
    mark(widget)  # asks, and does nothing yet
    dialog, hole = widget.excluding.dialog, grown(scratch > 0, 2)
    assert dialog.text.text() == "0"
    assert not (pixels[~hole] == 0).any()
    assert dialog.note.text() == "No known pixel has this value."
    dialog.text.setText("256")
    assert "uint8, which can't hold 256: give a whole number from 0 to 255" in dialog.note.text()
    assert not dialog.mark.isEnabled()
    dialog.text.setText("nan")
    assert "can't hold nan" in dialog.note.text()
    dialog.text.setText("black")
    assert dialog.note.text() == "⚠ 'black' is neither nan nor a number."
    dialog.text.setText("100")
    alike = np.count_nonzero(pixels[~hole] == 100)
    assert dialog.note.text().startswith(f"⚠ {alike} known pixels have the value 100 too")
    dialog.reject()
    assert len(viewer.layers) == 2
    for value in (100, 0):
        mark(widget, value)
        layer, expected = viewer.layers[NAME], exclude(pixels, scratch, value, grow_px=2, return_record=True)
        assert np.array_equal(layer.data, expected.image)
        assert layer.data[~hole].tobytes() == pixels[~hole].tobytes()
        assert is_same(layer.metadata[KEY]["record"], expected.record)
        assert layer.metadata[KEY]["record"]["notes"] == expected.record["notes"]
    assert [other.name for other in viewer.layers].count(NAME) == 1
    assert viewer.layers["camera"].data.tobytes() == pixels.tobytes()


def test_where_black_is_measured_another_value_is_offered(viewer, make_widget, mark, pixels, scratch):
    image = np.dstack([pixels, pixels // 2, pixels]).astype(np.uint16)
    image[0, 0] = 0
    viewer.add_image(image, rgb=True, name="camera")
    viewer.add_labels(scratch, name="mask")
    widget = make_widget(viewer)
    mark(widget)
    dialog = widget.excluding.dialog
    assert dialog.text.text() == "65535"
    dialog.mark.click()
    mark(widget, 65535)
    hole = grown(scratch > 0, 2)
    assert (viewer.layers[NAME].data[hole] == 65535).all()
    assert np.array_equal(viewer.layers[NAME].data[~hole], image[~hole])


def test_of_a_stack_the_displayed_slice_is_marked(viewer, make_widget, mark, pixels, scratch):
    stack = viewer.add_image(np.stack([pixels, pixels[::-1]]).astype(np.float64), name="camera", scale=(5, 1, 1))
    before = stack.data.copy()
    viewer.add_labels(scratch, name="mask")
    widget = make_widget(viewer)
    viewer.dims.set_current_step(0, 1)
    mark(widget)
    layer, hole = viewer.layers["camera [excluded, axis 0 1]"], grown(scratch > 0, 2)
    assert layer.data.shape == (1, 96, 80)
    assert np.isnan(layer.data[0][hole]).all()
    assert np.array_equal(layer.data[0][~hole], pixels[::-1][~hole])
    assert np.allclose(layer.data_to_world((0, 4, 5)), stack.data_to_world((1, 4, 5)))
    assert np.array_equal(stack.data, before)


def test_it_is_saved_and_reported_like_a_repair(on_floats, viewer, mark, plugin, npe2pm, tmp_path):
    npe2pm.register(PluginManifest.from_distribution("napari"))
    mark(on_floats)
    layer = viewer.layers[NAME]
    details = layer.metadata[KEY]
    viewer.layers.selection = {layer}
    viewer.layers.save(str(tmp_path / "camera.record.tif"), selected=True)
    np.testing.assert_array_equal(read_image(tmp_path / "camera.record.tif").pixels, layer.data)
    assert np.array_equal(read_image(tmp_path / "camera.record_altered.png").pixels > 0, details["altered"])
    assert checked_record(json.loads((tmp_path / "camera.record.json").read_text())) == details["record"]
    on_floats.trust.show_methods()
    assert "nothing was filled in" in on_floats.trust.methods.text.toPlainText()
    on_floats.trust.methods.close()
    on_floats.trust.export_figure(tmp_path / "figure.png")
    assert "figure.png was written" in status(on_floats)


def test_a_slice_without_damage_can_not_be_marked(viewer, make_widget, pixels):
    viewer.add_image(pixels, name="camera")
    viewer.add_labels(np.zeros(pixels.shape, np.uint8), name="mask")
    widget = make_widget(viewer)
    assert not widget.panel.exclude.isEnabled()
    widget.excluding.ask()
    assert widget.excluding.dialog is None
    assert len(viewer.layers) == 2
