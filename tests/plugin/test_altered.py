"""The outline of altered pixels: over every completed image, exactly on what was invented, shown as a person wants."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from napari.layers import Labels
from napari.settings import get_plugin_settings
from scipy import ndimage

from napari_edgeconnect.core.holes import Box, grown
from napari_edgeconnect.plugin.altered import INSIDE, OTHER_RIM, RIM, Outlined, outlined
from napari_edgeconnect.plugin.layers import KEY
from napari_edgeconnect.plugin.panel import ALL_SLICES

from .conftest import PATIENCE_MS


def overlays(viewer) -> list[Labels]:
    return [layer for layer in viewer.layers if layer.name.endswith("· altered pixels")]


def test_a_run_outlines_what_it_altered_and_another_one_moves_the_outline(widget, viewer, press, scratch):
    press(widget, "inpaint")
    (overlay,) = overlays(viewer)
    result = viewer.layers["camera [reconstructed]"]
    assert np.array_equal(overlay.data > 0, result.metadata[KEY]["altered"])
    assert np.array_equal(overlay.data > 0, grown(scratch > 0, 2))
    assert overlay.visible
    assert not overlay.editable
    widget.panel.grow.setValue(6)
    press(widget, "inpaint")
    assert overlays(viewer) == [overlay]
    assert np.array_equal(overlay.data > 0, grown(scratch > 0, 6))
    assert not overlay.editable


def test_it_lies_where_its_result_lies_and_follows_it(viewer, make_widget, press, pixels, scratch):
    viewer.add_image(pixels, name="camera", scale=(0.5, 2), translate=(7, 3), rotate=20, units=("um", "um"))
    viewer.add_labels(scratch, scale=(0.5, 2), translate=(7, 3), rotate=20, units=("um", "um"))
    press(make_widget(viewer), "inpaint")
    (overlay,), result = overlays(viewer), viewer.layers["camera [reconstructed]"]
    assert overlay.units == result.units
    result.translate = (1, 1)
    assert np.allclose(overlay.data_to_world((5, 9)), result.data_to_world((5, 9)))


def test_live_editing_keeps_one_outline(widget, viewer, press, settle, qtbot, scratch):
    press(widget, "hallucinate")
    widget.panel.live.setChecked(True)
    qtbot.waitUntil(lambda: widget.live.is_idle and bool(overlays(viewer)), timeout=PATIENCE_MS)
    edges = viewer.layers["camera [edges]"]
    edges.paint((48, 40), 3)
    settle(widget)
    (overlay,) = overlays(viewer)
    assert np.array_equal(overlay.data > 0, grown(scratch > 0, 2))


def test_whole_stacks_have_one_outline_on_the_right_slices(viewer, make_widget, press, pixels, scratch):
    viewer.add_image(np.stack([pixels, pixels[::-1], pixels[:, ::-1]]), name="stack")
    viewer.add_labels(np.stack([scratch, 0 * scratch, scratch[::-1]]), name="mask")
    widget = make_widget(viewer)
    viewer.dims.set_current_step(0, 1)
    widget.panel.slices.setCurrentText(ALL_SLICES)
    press(widget, "inpaint")
    (overlay,) = overlays(viewer)
    assert np.array_equal(np.asarray(overlay.data) > 0, [grown(each > 0, 2) for each in viewer.layers["mask"].data])
    for z, altered in enumerate(np.asarray(overlay.data) > 0):
        viewer.dims.set_current_step(0, z)
        assert bool(overlay.get_value((z, 48, 40))) == altered[48, 40]


def test_an_outline_goes_with_its_result(widget, viewer, press, qtbot):
    press(widget, "inpaint")
    viewer.layers.remove("camera [reconstructed]")
    qtbot.waitUntil(lambda: not overlays(viewer), timeout=PATIENCE_MS)


def test_no_mask_is_made_of_an_outline(widget, viewer, press):
    press(widget, "inpaint")
    assert not widget.panel.mask.offers(overlays(viewer)[0])


def test_hiding_it_is_remembered_and_looking_back_is_not(viewer, make_widget, press, plugin, pixels, scratch):
    viewer.add_image(pixels, name="camera")
    viewer.add_labels(scratch, name="mask")
    widget = make_widget(viewer)
    press(widget, "inpaint")
    widget.candidates.before(True)
    assert not overlays(viewer)[0].visible
    assert get_plugin_settings(plugin).trust.show_altered
    widget.candidates.before(False)
    assert overlays(viewer)[0].visible
    overlays(viewer)[0].visible = False
    assert not get_plugin_settings(plugin).trust.show_altered
    press(widget, "inpaint")
    assert not overlays(viewer)[0].visible
    press(widget, "keep")
    press(widget, "send")
    assert [overlay.visible for overlay in overlays(viewer)] == [False, False]


masks = st.builds(
    lambda seed, share: np.random.default_rng(seed).random((9, 12)) < share, st.integers(0, 999), st.floats(0, 1)
)


@given(altered=masks)
def test_the_rim_is_what_touches_something_measured(altered):
    labels = outlined(altered)
    assert np.array_equal(labels > 0, altered)
    touching = altered & ndimage.binary_dilation(~altered)
    assert np.array_equal((labels == RIM) | (labels == OTHER_RIM), touching)
    assert np.array_equal(labels == INSIDE, altered & ~touching)


def test_a_long_rim_shows_both_colours_in_turn():
    altered = np.zeros((40, 60), bool)
    altered[10:30, 10:50] = True
    for side in (outlined(altered)[10, 10:50], outlined(altered)[10:30, 10]):
        assert np.array_equal(np.unique(side), [RIM, OTHER_RIM])
        runs = np.diff(np.flatnonzero(np.diff(side)))
        assert np.array_equal(runs, np.full_like(runs, 5))


keys = st.one_of(st.integers(-3, 2), st.slices(3))


@given(altered=st.lists(masks, min_size=3, max_size=3), first=keys, rows=st.slices(9), wide=st.booleans())
def test_a_stack_of_outlines_is_cut_as_an_array_is(altered, first, rows, wide):
    stack = Outlined((3, 9, 12), (1, 2), {(z, 0, 0): {"altered": altered[z]} for z in (0, 2)})
    whole = np.stack([outlined(altered[0]), np.zeros((9, 12), np.uint8), outlined(altered[2])])
    key = (first, rows, slice(None) if wide else 4)
    assert np.array_equal(stack[key], whole[key])
    assert np.array_equal(np.asarray(stack), whole)


@given(altered=masks, top=st.integers(0, 21), left=st.integers(0, 18), step=st.sampled_from([1, 2, 3]))
def test_parts_of_a_large_plane_lie_where_they_were_cut(altered, top, left, step):
    whole = np.zeros((30, 30), bool)
    whole[top : top + 9, left : left + 12] = altered
    records = {((0, 0), Box(top, top + 9, left, left + 12)): {"altered": altered}, ((0, 0), Box(0, 1, 0, 1)): {}}
    shown = np.asarray(Outlined((30 // step, 30 // step), (0, 1), records, step)) > 0
    blocks = whole.reshape(30 // step, step, 30 // step, step).any(axis=(1, 3))
    assert np.array_equal(shown, blocks)
