"""Find damage: a preview first, which can be tuned, corrected, added or thrown away."""

from __future__ import annotations

import numpy as np
import pytest
from skimage import data

from napari_edgeconnect.core.find import FINDERS, find_damage
from napari_edgeconnect.plugin import layers as ours

from .conftest import PATIENCE_MS, status


@pytest.fixture
def find(qtbot):
    """Choose an entry of the menu, and wait until it has looked."""

    def find(widget, title: str) -> None:
        widget.panel.find_menu.aboutToShow.emit()
        actions = {action.text(): action for action in widget.panel.find_menu.actions()}
        actions[f"Find {title}…"].trigger()
        qtbot.waitUntil(lambda: widget.finding.is_idle, timeout=PATIENCE_MS)

    return find


@pytest.fixture
def hot(viewer, make_widget, pixels):
    """A widget on an image with two hot pixels, and no mask yet."""
    image = np.minimum(pixels, 200)
    for row, column in [(5, 5), (40, 30)]:
        image[row, column] = 255
    viewer.add_image(image, name="camera")
    return make_widget(viewer)


def preview(viewer):
    return next((layer for layer in viewer.layers if ours.is_own(layer, ours.FOUND)), None)


def test_what_is_found_is_a_preview_and_no_damage_yet(hot, viewer, find):
    find(hot, "hot and cold pixels")
    layer = preview(viewer)
    assert layer.name == "camera [found: hot and cold pixels]"
    assert np.array_equal(layer.data != 0, find_damage(viewer.layers["camera"].data, "hot-pixels"))
    assert {(5, 5), (40, 30)} <= set(map(tuple, np.argwhere(layer.data).tolist()))
    assert hot.panel.mask.layer is None
    assert not hot.panel.hallucinate.isEnabled()
    assert not hot.panel.found_row.isHidden()
    assert viewer.layers.selection.active is layer
    assert layer.mode == "paint"


def test_a_corrected_preview_is_added_as_it_is_and_can_be_undone(hot, viewer, find):
    find(hot, "hot and cold pixels")
    layer = preview(viewer)
    layer.brush_size = 1
    layer.paint((40, 30), 0)
    layer.paint((60, 20), 1)
    expected = layer.data != 0
    hot.panel.take_found.click()
    mask = hot.panel.mask.layer
    assert np.array_equal(mask.data != 0, expected)
    assert preview(viewer) is None
    assert hot.panel.found_row.isHidden()
    assert status(hot) == f"{expected.sum()} px were added to the damage. Ctrl+Z takes them back."
    mask.undo()
    assert not mask.data.any()


def test_a_discarded_preview_changes_nothing(widget, viewer, find, scratch):
    find(widget, "scratches and hairs")
    names = [layer.name for layer in viewer.layers]
    assert "camera [found: scratches and hairs]" in names
    widget.panel.discard_found.click()
    assert [layer.name for layer in viewer.layers] == ["camera", "mask"]
    assert np.array_equal(viewer.layers["mask"].data, scratch)


def test_the_sensitivity_looks_anew(hot, viewer, find, qtbot, pixels):
    find(hot, "hot and cold pixels")
    for sensitivity in (0.0, 1.0):
        hot.panel.sensitivity.setValue(sensitivity)
        qtbot.waitUntil(lambda: hot.finding.is_idle, timeout=PATIENCE_MS)
        expected = find_damage(viewer.layers["camera"].data, "hot-pixels", sensitivity)
        assert np.array_equal(preview(viewer).data != 0, expected)


def test_another_kind_takes_the_previews_place(hot, viewer, find):
    find(hot, "hot and cold pixels")
    find(hot, "dark spots")
    assert [layer.name for layer in viewer.layers] == ["camera", "camera [found: dark spots]"]


def test_a_preview_whose_layer_was_deleted_is_over(hot, viewer, find, qtbot):
    find(hot, "hot and cold pixels")
    viewer.layers.remove(preview(viewer))
    qtbot.waitUntil(hot.panel.found_row.isHidden, timeout=PATIENCE_MS)


def test_an_image_that_was_replaced_meanwhile_gets_no_preview(hot, viewer):
    hot.finding.begin(FINDERS["hot-pixels"], None)
    viewer.layers["camera"].data = viewer.layers["camera"].data[::-1].copy()
    hot.finding._workers[0].await_workers(10_000)
    assert preview(viewer) is None


def test_dust_is_looked_for_in_all_frames_and_refused_in_a_sentence_where_they_are_few(
    viewer, make_widget, find, qtbot
):
    rows, columns = np.mgrid[:96, :96]
    dust = np.hypot(rows - 60, columns - 30) < 7
    camera = data.camera().astype(np.float32)
    frames = np.stack([camera[13 * i : 13 * i + 96, 200 - 7 * i : 296 - 7 * i] for i in range(28)])
    frames[:, dust] *= 0.6
    viewer.add_image(frames, name="film")
    widget = make_widget(viewer)
    find(widget, "dust shadows")
    found = preview(viewer).data
    assert found.shape == (1, 96, 96)
    assert np.array_equal(found[0] != 0, find_damage(frames, "dust-shadows"))
    assert found[0][dust].any()
    assert not found[0][~dust].any()

    viewer.layers.clear()
    viewer.add_image(frames[:3], name="short")
    qtbot.waitUntil(lambda: widget.panel.image.layer is not None, timeout=PATIENCE_MS)
    find(widget, "dust shadows")
    assert preview(viewer) is None
    assert "frames" in status(widget)


def test_a_flat_image_offers_no_dust(widget):
    widget.panel.find_menu.aboutToShow.emit()
    assert not any("dust" in action.text() for action in widget.panel.find_menu.actions())
