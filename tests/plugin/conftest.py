from __future__ import annotations

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Labels
from npe2 import PluginManifest
from skimage import data

from napari_edgeconnect.core.edges import EdgeSource
from napari_edgeconnect.plugin.widget import EdgeConnectWidget

pytest.register_assert_rewrite(f"{__package__}.following")  # its asserts are to show their values, too

#: Two busy cores load a model and run it within this.
PATIENCE_MS = 60_000


@pytest.fixture(autouse=True)
def _own_preferences(plugin_settings):
    """No test reads or writes the preferences of whoever runs it."""


@pytest.fixture
def plugin(npe2pm):
    """The installed plugin, known to napari through its own manifest."""
    npe2pm.register(PluginManifest.from_distribution("napari-edgeconnect"))
    return "napari-edgeconnect"


@pytest.fixture
def pixels() -> np.ndarray:
    """(96, 80) uint8: the cameraman's head and camera."""
    return data.camera()[80:176:1, 200:280].copy()


@pytest.fixture
def scratch(pixels) -> np.ndarray:
    """(96, 80) uint8 labels: a scratch of 6 px from side to side."""
    mask = np.zeros(pixels.shape, np.uint8)
    mask[45:51, 10:70] = 1
    return mask


@pytest.fixture
def viewer() -> ViewerModel:
    """A viewer without a window: layers and dims, and no OpenGL."""
    return ViewerModel()


@pytest.fixture
def stack_viewer() -> ViewerModel:
    """A viewer without a window on five slices of (12, 10) uint8 noise, 3 apart along z and the first at 30."""
    viewer = ViewerModel()
    noise = np.random.default_rng(0).integers(0, 255, (5, 12, 10), dtype=np.uint8)
    viewer.add_image(noise, name="stack", scale=(3, 1, 1), translate=(30, 0, 0), axis_labels=("z", "y", "x"))
    return viewer


@pytest.fixture
def make_widget(qtbot):
    """Widgets on a viewer, which have looked at its layers and know the devices."""

    def make(viewer: ViewerModel) -> EdgeConnectWidget:
        widget = EdgeConnectWidget(viewer)
        qtbot.addWidget(widget)
        qtbot.waitUntil(lambda: widget.panel.device.count() > 1, timeout=PATIENCE_MS)
        qtbot.waitUntil(lambda: bool(widget.panel.status.text()), timeout=PATIENCE_MS)
        return widget

    return make


@pytest.fixture
def widget(viewer, make_widget, pixels, scratch) -> EdgeConnectWidget:
    """A widget on a damaged image whose mask is painted."""
    viewer.add_image(pixels, name="camera")
    viewer.add_labels(scratch, name="mask")
    return make_widget(viewer)


@pytest.fixture
def press(qtbot):
    """Press a button when it can be pressed, and wait until its run has ended."""

    def press(widget: EdgeConnectWidget, button: str) -> None:
        qtbot.waitUntil(getattr(widget.panel, button).isEnabled, timeout=PATIENCE_MS)
        getattr(widget.panel, button).click()
        qtbot.waitUntil(lambda: not widget.is_busy, timeout=PATIENCE_MS)

    return press


@pytest.fixture
def window(make_napari_viewer, plugin):
    """A shown viewer, and the docked widget of the installed plugin."""
    viewer = make_napari_viewer(show=True)
    _, widget = viewer.window.add_plugin_dock_widget(plugin, "Inpaint")
    return viewer, widget


@pytest.fixture
def edges(widget, press, viewer):
    """The edge layer after hallucinating."""
    press(widget, "hallucinate")
    return viewer.layers["camera [edges]"]


@pytest.fixture
def settle(qtbot):
    """Wait until live completion has caught up with the edges."""

    def settle(widget) -> None:
        qtbot.waitUntil(lambda: widget.live.is_idle, timeout=PATIENCE_MS)

    return settle


@pytest.fixture
def switch_on(settle):
    """Switch live completion on, and wait until the picture follows."""

    def switch_on(widget) -> None:
        widget.panel.live.setChecked(True)
        settle(widget)

    return switch_on


@pytest.fixture
def two_windows(viewer, make_widget, press):
    """A widget on an image with two holes so far apart that each has a window, and its edge layer."""
    image = np.tile(data.camera()[100:164, 150:350], (1, 3))
    mask = np.zeros(image.shape, np.uint8)
    mask[20:40, 20:40] = mask[20:40, 540:560] = 1
    viewer.add_image(image, name="camera")
    viewer.add_labels(mask, name="mask")
    widget = make_widget(viewer)
    press(widget, "hallucinate")
    return widget, viewer.layers["camera [edges]"]


def stroke(layer: Labels, *at: tuple[int, ...], label: EdgeSource = EdgeSource.DRAWN) -> None:
    """One stroke of one pixel's width, as the brush makes it."""
    layer.brush_size = 1
    with layer.block_history():
        for point in at:
            layer.paint(point, int(label))


def line(row: int, first: int, last: int) -> list[tuple[int, int]]:
    return [(row, column) for column in range(first, last)]


def status(widget):
    return widget.panel.status.text()


def can_run(widget):
    panel = widget.panel
    return [button.isEnabled() for button in (panel.hallucinate, panel.complete, panel.inpaint)]


@pytest.fixture
def small(viewer, make_widget, pixels):
    """A widget on a small image with little damage."""
    viewer.add_image(pixels[:64, :64], name="camera")
    mask = np.zeros((64, 64), np.uint8)
    mask[30:33, 20:40] = 1
    viewer.add_labels(mask, name="mask")
    return make_widget(viewer)
