"""How sure a repair is, as a layer of grey values; calibrated where copies of the damage fit, and honest where not."""

from __future__ import annotations

import numpy as np
import pytest
from napari.settings import get_plugin_settings

from napari_edgeconnect.core.holes import grown
from napari_edgeconnect.core.uncertainty import repair_spread
from napari_edgeconnect.plugin.how_sure import under_mouse
from napari_edgeconnect.plugin.layers import KEY, UNCERTAINTY, is_own

from .conftest import PATIENCE_MS, status


def of_uncertainty(viewer):
    (layer,) = [layer for layer in viewer.layers if is_own(layer, UNCERTAINTY)]
    return layer


def test_an_interval_in_grey_values_lies_on_the_hole_and_goes_into_the_record(plugin, small, viewer, press):
    get_plugin_settings(plugin).trust.level_percent = 80
    press(small, "inpaint")
    press(small, "how_sure")
    layer = of_uncertainty(viewer)
    hole = grown(viewer.layers["mask"].data > 0, 2)
    assert layer.name == "camera [reconstructed · uncertainty, ± of the 80 % interval]"
    assert layer.data.dtype == np.float32
    assert np.array_equal(layer.data > 0, hole)
    assert layer.colormap.map(np.zeros(1))[0, 3] == 0
    assert layer.colormap.map(np.full(1, 0.01))[0, 3] == 1
    record = layer.metadata[KEY]["record"]
    assert record["level"] == record["calibration"]["level"] == 0.8
    assert record["largest_half_width"] == pytest.approx(layer.data.max())
    assert status(small) == record["meaning"]
    assert "80 % interval, calibrated on" in record["meaning"]
    # The repair on display is the one that this is about.
    details = viewer.layers["camera [reconstructed]"].metadata[KEY]
    assert details["record"]["uncertainty"] == record
    plane = small.session.plane()
    assert under_mouse(viewer, plane, (31, 30)).endswith("grey values (80 % interval).")
    assert under_mouse(viewer, plane, (5, 5)) == ""
    layer.visible = False
    assert under_mouse(viewer, plane, (31, 30)) == ""
    assert not small.panel.image.offers(layer)


def test_where_no_copy_fits_it_is_a_spread_and_says_so(viewer, make_widget, press, pixels):
    viewer.add_image(pixels[:48, :48], name="camera")
    mask = np.zeros((48, 48), np.uint8)
    mask[4:44, 4:44] = 1
    viewer.add_labels(mask, name="mask")
    widget = make_widget(viewer)
    press(widget, "how_sure")
    layer = of_uncertainty(viewer)
    model = widget.session.models.get(widget.session.model.name, widget.session.device)
    spread = repair_spread(model, pixels[:48, :48], mask, widget.session.settings())
    assert np.array_equal(layer.data, spread.spread)
    assert layer.name.endswith("spread, not calibrated]")
    record = layer.metadata[KEY]["record"]
    assert record["kind"] == "spread"
    assert "level" not in record
    assert "not calibrated, and no interval: No copy of the damage fits" in status(widget)
    assert "much-missing" in record["reasons_against"]


def test_it_can_be_cancelled(small, viewer, qtbot):
    qtbot.waitUntil(small.panel.how_sure.isEnabled, timeout=PATIENCE_MS)
    small.panel.how_sure.click()
    small.cancel()
    qtbot.waitUntil(lambda: not small.is_busy, timeout=PATIENCE_MS)
    assert status(small) == "Cancelled: nothing was changed."
    assert len(viewer.layers) == 2
