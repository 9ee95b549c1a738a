"""In a real window, through the manifest."""

from __future__ import annotations

import numpy as np
import pytest
from napari.layers import Image, Labels
from napari.utils.notifications import notification_manager
from qtpy.QtCore import QThreadPool
from qtpy.QtGui import QAction

from napari_edgeconnect.core.edges import EdgeSource
from napari_edgeconnect.plugin.widget import EdgeConnectWidget

from .conftest import PATIENCE_MS


def test_a_sample_is_repaired_with_the_docked_widget(window, plugin, press, qtbot):
    viewer, widget = window
    viewer.open_sample(plugin, "cell")
    assert [type(layer) for layer in viewer.layers] == [Image, Labels]

    press(widget, "hallucinate")
    edges = viewer.layers["cell [edges]"]
    assert edges.mode == "paint"
    # What is on the screen: measured grey and proposed blue, in one picture.
    for layer in viewer.layers[:-1]:
        layer.visible = False
    colours = {source: np.rint(255 * edges.colormap.map(int(source))[:3]) for source in EdgeSource}
    shown = viewer.screenshot(flash=False)[..., :3].astype(int)
    for source in (EdgeSource.MEASURED, EdgeSource.PROPOSED):
        assert (np.abs(shown - colours[source]).max(axis=2) <= 2).any(), source

    press(widget, "complete")
    whole, damage = viewer.layers["cell"].data, viewer.layers["cell [damage]"].data > 0
    completed = viewer.layers["cell [reconstructed]"].data
    assert (completed != whole)[damage].mean() > 0.9
    # The scratch was burnt in at 250; nothing that bright is left where it crossed the background.
    assert whole[damage].max() > 240
    assert completed[:60].max() < 200


def test_a_refusal_is_one_notification(window, press):
    viewer, widget = window
    viewer.add_image(np.zeros((40, 40)))
    viewer.add_labels(np.ones((40, 40), np.uint8))
    before = len(notification_manager.records)
    press(widget, "inpaint")

    (shown,) = notification_manager.records[before:]
    assert "Every pixel is masked" in shown.message


def test_the_widget_fits_the_dock_of_a_laptop(window):
    _, widget = window

    assert widget.width() <= 360
    assert widget.panel.minimumSizeHint().width() <= widget.width()
    assert widget.panel.sizeHint().height() <= 660


def test_closing_the_dock_gives_a_run_up(window, plugin, qtbot):
    viewer, widget = window
    viewer.open_sample(plugin, "cell")
    qtbot.waitUntil(widget.panel.inpaint.isEnabled, timeout=PATIENCE_MS)
    widget.panel.inpaint.click()
    viewer.window.remove_dock_widget(widget.parent())
    qtbot.waitUntil(lambda: not widget.is_busy, timeout=PATIENCE_MS)

    assert len(viewer.layers) == 2


def test_closing_the_window_during_a_run_ends_cleanly(window, plugin, qtbot):
    viewer, widget = window
    viewer.open_sample(plugin, "cell")
    qtbot.waitUntil(widget.panel.inpaint.isEnabled, timeout=PATIENCE_MS)
    widget.panel.inpaint.click()
    qtbot.waitUntil(lambda: QThreadPool.globalInstance().activeThreadCount() > 0, timeout=PATIENCE_MS)
    viewer.close()

    assert QThreadPool.globalInstance().waitForDone(PATIENCE_MS)


@pytest.fixture
def entries(make_napari_viewer, plugin):
    """A viewer, and what Layers > Filter > EdgeConnect offers for the layers that are selected."""
    viewer = make_napari_viewer()

    def entries() -> dict[str, QAction]:
        viewer.window.layers_menu.aboutToShow.emit()
        (filter_menu,) = (a.menu() for a in viewer.window.layers_menu.actions() if a.text() == "Filter")
        (ours,) = (action.menu() for action in filter_menu.actions() if action.text() == "EdgeConnect")
        return {action.text().split(" (")[0]: action for action in ours.actions()}

    return viewer, entries


def test_the_filter_menu_opens_the_widget(entries):
    viewer, offered = entries
    offered()["Inpaint"].trigger()

    (dock,) = viewer.window.dock_widgets.values()
    assert isinstance(dock, EdgeConnectWidget)


def test_the_filter_menu_inpaints_the_selected_image_inside_the_selected_mask(entries, pixels, scratch, qtbot):
    viewer, offered = entries
    images = [viewer.add_image(pixels, name=name) for name in ("one", "two", "three")]
    masks = [viewer.add_labels(scratch, name=f"mask of {name}") for name in ("one", "two")]
    viewer.layers.selection = {images[1]}
    assert not offered()["Inpaint in one go"].isEnabled()
    viewer.layers.selection = {images[1], masks[0]}
    assert offered()["Inpaint in one go"].isEnabled()
    offered()["Inpaint in one go"].trigger()

    (widget,) = viewer.window.dock_widgets.values()
    qtbot.waitUntil(lambda: "two [reconstructed]" in viewer.layers, timeout=PATIENCE_MS)
    assert (widget.panel.image.layer, widget.panel.mask.layer) == (images[1], masks[0])
    qtbot.waitUntil(lambda: not widget.is_busy, timeout=PATIENCE_MS)
