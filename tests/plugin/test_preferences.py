"""napari's preferences are where the widget's controls start."""

from __future__ import annotations

import numpy as np

from .conftest import status


def test_controls_start_at_the_preferences(viewer, make_widget, plugin):
    from napari.settings import get_plugin_settings

    chosen = get_plugin_settings(plugin)
    chosen.inference.device = "cpu"
    chosen.edges.sigma = 3.5
    chosen.damage.grow_px = 5
    chosen.completion.match_noise = True
    panel = make_widget(viewer).panel

    assert panel.noise.isChecked()
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
        return panel.device.currentText(), panel.sigma.value(), panel.grow.value(), panel.noise.isChecked()

    without_manifest = start_values()
    request.getfixturevalue("plugin")

    assert start_values() == without_manifest == ("auto", 2, 2, False)
