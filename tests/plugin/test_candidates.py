"""Candidates: what was kept comes back bit for bit, with its edges, whatever was done to the layers since."""

from __future__ import annotations

import numpy as np
import pytest
from contract import same_bits
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest

from napari_edgeconnect.core.edges import EdgeSource
from napari_edgeconnect.plugin import layers as ours
from napari_edgeconnect.plugin.candidates import thumbnail

from .conftest import PATIENCE_MS, line, status, stroke


@pytest.fixture
def completed(widget, press, viewer):
    """The completed layer of the damaged image."""
    press(widget, "hallucinate")
    press(widget, "complete")
    return viewer.layers["camera [reconstructed]"]


@pytest.fixture
def two(widget, completed, press, viewer):
    """Two candidates: as proposed, and after a line was drawn; the pixels and labels of both."""
    edges = viewer.layers["camera [edges]"]
    kept = [(completed.data.copy(), edges.data.copy())]
    press(widget, "keep")
    stroke(edges, *line(48, 20, 60))
    press(widget, "complete")
    kept.append((completed.data.copy(), edges.data.copy()))
    press(widget, "keep")
    assert not same_bits(kept[0][0], kept[1][0])
    return kept


def choose(widget, row: int) -> None:
    widget.panel.candidates.setCurrentRow(row)


def click_on(widget, row: int) -> None:
    pictures = widget.panel.candidates
    at = pictures.visualItemRect(pictures.item(row)).center()
    QTest.mouseClick(pictures.viewport(), Qt.MouseButton.LeftButton, pos=at)


def candidate(widget, row: int):
    return widget.panel.candidates.item(row).data(Qt.ItemDataRole.UserRole)


def test_a_chosen_candidate_comes_back_bit_for_bit_with_its_edges(widget, viewer, completed, two):
    edges = viewer.layers["camera [edges]"]
    for row in (0, 1, 0):
        choose(widget, row)
        pixels, labels = two[row]
        assert same_bits(completed.data, pixels)
        assert same_bits(edges.data, labels)
    assert (edges.data[48, 20:60] != EdgeSource.DRAWN).all()
    edges.undo()  # one step: the other candidate's edges
    assert same_bits(edges.data, two[1][1])


def test_what_is_completed_after_choosing_is_that_candidate_again(widget, completed, two, press):
    choose(widget, 0)
    press(widget, "complete")
    assert same_bits(completed.data, two[0][0])


def test_edges_that_were_drawn_after_completing_are_not_those_of_the_candidate(widget, viewer, completed, press):
    edges = viewer.layers["camera [edges]"]
    labels = edges.data.copy()
    stroke(edges, *line(48, 20, 60))
    press(widget, "keep")
    assert not same_bits(edges.data, labels)
    click_on(widget, 0)
    assert same_bits(edges.data, labels)


def test_choosing_sets_the_panel_to_what_the_candidate_was_made_with(widget, two, press, viewer):
    panel = widget.panel
    made_with = panel.threshold.value()
    panel.threshold.setValue(0.6)
    panel.sigma.setValue(1.0)
    press(widget, "complete")
    press(widget, "keep")
    labels = viewer.layers["camera [edges]"].data.copy()
    choose(widget, 0)
    assert (panel.threshold.value(), panel.sigma.value()) == (made_with, 2.0)
    choose(widget, 2)
    assert (panel.threshold.value(), panel.sigma.value()) == (0.6, 1.0)
    assert same_bits(viewer.layers["camera [edges]"].data, labels)


def test_the_noise_of_a_fill_belongs_to_its_candidate(widget, completed, two, press, pixels):
    noise = widget.panel.noise
    noise.setChecked(True)
    press(widget, "complete")
    noisy = completed.data.copy()
    assert not same_bits(noisy, two[1][0])
    press(widget, "keep")
    for row, ticked, shown in ((0, False, two[0][0]), (2, True, noisy)):
        choose(widget, row)
        assert noise.isChecked() == ticked
        assert same_bits(completed.data, shown)
    press(widget, "complete")  # drawn from the same seed
    assert same_bits(completed.data, noisy)
    repair = candidate(widget, 2).repair()
    assert same_bits(noisy[~repair.altered], pixels[~repair.altered])
    assert repair.record["settings"]["match_noise"]


def test_live_completion_of_a_chosen_candidate_is_that_candidate(widget, completed, two, switch_on, settle, qtbot):
    switch_on(widget)
    choose(widget, 0)
    qtbot.waitUntil(lambda: not widget.live.is_idle, timeout=PATIENCE_MS)
    settle(widget)
    assert same_bits(completed.data, two[0][0])


def test_a_picture_that_still_follows_the_edges_is_not_kept(widget, completed):
    completed.metadata[ours.KEY]["record"] = {**completed.metadata[ours.KEY]["record"], "unfinished": True}
    widget.panel.keep.click()
    assert status(widget).startswith("The completed image is still following the edges")
    assert widget.panel.candidates.count() == 0


def test_without_a_completed_image_nothing_can_be_kept(widget, press, qtbot):
    press(widget, "hallucinate")
    assert not widget.panel.keep.isEnabled()
    assert not widget.panel.compare.isEnabled()
    with pytest.raises(ValueError, match="complete first"):
        widget.candidates.kept.keep(widget.session.plane())


def test_a_deleted_candidate_is_gone_and_the_others_keep_their_numbers(widget, completed, two, press):
    choose(widget, 0)
    shown = completed.data.copy()
    press(widget, "delete")
    panel = widget.panel
    assert [panel.candidates.item(row).text() for row in range(panel.candidates.count())] == ["2"]
    assert same_bits(completed.data, shown)
    press(widget, "keep")
    assert [panel.candidates.item(row).text() for row in range(panel.candidates.count())] == ["2", "3"]


def test_a_candidate_is_sent_to_a_layer_of_its_own(widget, viewer, completed, two, press):
    choose(widget, 0)
    press(widget, "send")
    sent = viewer.layers["camera [reconstructed · candidate 1]"]
    assert same_bits(sent.data, two[0][0])
    assert sent.metadata[ours.KEY]["record"]["edges"]["drawn_px"] == 0
    choose(widget, 1)
    assert same_bits(completed.data, two[1][0])
    assert same_bits(sent.data, two[0][0])
    assert np.array_equal(viewer.layers[f"{sent.name} · altered pixels"].data > 0, candidate(widget, 0).altered)


# ---- side by side, before and after


def shown(viewer) -> list[str]:
    return [layer.name for layer in viewer.layers if layer.visible]


def with_outlines(name: str) -> list[str]:
    return [name, f"{name} · altered pixels"]


def cells(viewer) -> list[list[str]]:
    """The visible layers' names by cell of napari's grid, from the left."""
    grid = viewer.canvas.grid
    assert grid.enabled
    return [
        [viewer.layers[index].name for index in sorted(indices) if viewer.layers[index].visible]
        for _, indices in grid.iter_viewboxes(viewer.layers)
    ]


def test_compare_shows_two_candidates_side_by_side_and_back(widget, viewer, two, press):
    edges = viewer.layers["camera [edges]"]
    before = (shown(viewer), edges.mode, viewer.canvas.grid.enabled)
    choose(widget, 0)
    choose(widget, 1)
    press(widget, "compare")
    assert cells(viewer) == [
        with_outlines("camera [reconstructed · candidate 1]"), with_outlines("camera [reconstructed · candidate 2]")
    ]  # fmt: skip
    assert same_bits(viewer.layers["camera [reconstructed · candidate 1]"].data, two[0][0])
    assert same_bits(viewer.layers["camera [reconstructed · candidate 2]"].data, two[1][0])
    choose(widget, 0)
    assert cells(viewer) == [
        with_outlines("camera [reconstructed · candidate 2]"), with_outlines("camera [reconstructed · candidate 1]")
    ]  # fmt: skip
    widget.panel.compare.click()
    assert (shown(viewer), edges.mode, viewer.canvas.grid.enabled) == before
    assert len(viewer.layers) == 5


def test_one_candidate_is_compared_with_the_damaged_image(widget, viewer, completed, press, pixels):
    press(widget, "keep")
    choose(widget, 0)
    press(widget, "compare")
    assert cells(viewer) == [with_outlines("camera [damaged]"), with_outlines("camera [reconstructed · candidate 1]")]
    assert same_bits(viewer.layers["camera [damaged]"].data, pixels)
    assert not widget.panel.image.offers(viewer.layers["camera [damaged]"])


def test_layers_that_are_removed_while_comparing_stay_removed(widget, viewer, two, press):
    choose(widget, 1)
    press(widget, "compare")
    del viewer.layers["camera [reconstructed · candidate 2]"]
    del viewer.layers["camera [edges]"]
    widget.panel.compare.click()
    assert [layer.name for layer in viewer.layers] == ["camera", "mask", *with_outlines("camera [reconstructed]")]
    assert not viewer.canvas.grid.enabled


def test_while_a_key_is_held_the_image_is_shown_as_it_was(widget, viewer, completed):
    camera, edges = viewer.layers["camera"], viewer.layers["camera [edges]"]
    camera.visible = False
    assert edges.mode == "paint"
    widget.candidates.before(True)
    assert shown(viewer) == ["camera", "mask", "camera [edges]"]
    widget.candidates.before(True)  # a keyboard repeats
    widget.candidates.before(False)
    assert shown(viewer) == ["mask", *with_outlines("camera [reconstructed]"), "camera [edges]"]
    assert edges.mode == "paint"


# ---- other images and slices


def test_candidates_belong_to_their_slice(viewer, make_widget, press, pixels, scratch, qtbot):
    viewer.add_image(np.stack([pixels, pixels[::-1]]), name="stack")
    viewer.add_labels(scratch, name="mask")
    viewer.dims.set_current_step(0, 0)
    widget = make_widget(viewer)
    press(widget, "inpaint")
    press(widget, "keep")
    viewer.dims.set_current_step(0, 1)
    qtbot.waitUntil(lambda: widget.panel.candidates.count() == 0, timeout=PATIENCE_MS)
    assert widget.panel.candidates.isHidden()
    viewer.dims.set_current_step(0, 0)
    qtbot.waitUntil(lambda: widget.panel.candidates.count() == 1, timeout=PATIENCE_MS)


def test_a_candidate_of_replaced_pixels_is_refused_in_a_sentence(widget, viewer, completed, two):
    viewer.layers["camera"].data = viewer.layers["camera"].data[::-1].copy()
    before = completed.data.copy()
    choose(widget, 0)
    assert status(widget) == "“camera” holds other data than candidate 1 was made from: delete it."
    assert same_bits(completed.data, before)


def test_a_removed_image_takes_its_candidates_along(widget, viewer, two, pixels, qtbot):
    del viewer.layers["camera"]
    qtbot.waitUntil(lambda: widget.panel.image.layer is not None, timeout=PATIENCE_MS)
    del viewer.layers["camera [reconstructed]"]
    qtbot.waitUntil(lambda: widget.panel.candidates.count() == 0, timeout=PATIENCE_MS)


# ---- other fills


def test_other_fills_are_listed_as_pictures_and_come_with_their_edges(widget, viewer, press, pixels, scratch):
    press(widget, "alternatives")
    panel = widget.panel
    count = panel.candidates.count()
    assert count >= 3
    assert status(widget) == f"{count} fills to choose from: their pictures are in step 5."
    assert "camera [reconstructed]" not in viewer.layers  # nothing is chosen for a person
    pictures = set()
    for row in range(count):
        choose(widget, row)
        repair = candidate(widget, row).repair()
        layer = viewer.layers["camera [reconstructed]"]
        assert same_bits(layer.data, repair.image)
        assert same_bits(layer.data[~repair.altered], pixels[~repair.altered])
        assert same_bits(viewer.layers["camera [edges]"].data, repair.edges.labels)
        pictures.add(layer.data.tobytes())
        assert not panel.candidates.item(row).icon().isNull()
    assert len(pictures) == count


# ---- small pictures


def test_a_picture_shows_the_hole_in_the_colours_on_display(widget, viewer):
    image = np.zeros((96, 80), np.uint8)
    image[40:50, 30:60] = 200
    hole = image > 0
    layer = viewer.layers["camera"]
    layer.contrast_limits = (0, 200)
    layer.colormap = "green"
    picture = thumbnail(widget.session.plane(), image, hole, 32)
    assert picture.dtype == np.uint8
    assert max(picture.shape[:2]) == 32
    middle = picture[picture.shape[0] // 2, picture.shape[1] // 2]
    assert middle.tolist() == [0, 255, 0]
    assert picture[0, 0].tolist() == [0, 0, 0]


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_a_picture_of_rgb_keeps_its_colours(viewer, make_widget, dtype):
    whole = np.iinfo(dtype).max if np.issubdtype(dtype, np.integer) else 1
    image = np.zeros((40, 60, 3), dtype)
    image[..., 0] = whole
    viewer.add_image(image, name="red", rgb=True)
    plane = make_widget(viewer).session.plane()
    hole = np.zeros((40, 60), bool)
    hole[20, 30] = True
    picture = thumbnail(plane, image, hole, 56)
    assert (picture == [255, 0, 0]).all()
