"""The widget's edges: proposed as a layer, drawn on, erased, and followed."""

from __future__ import annotations

import numpy as np

from napari_edgeconnect import EdgeConnect
from napari_edgeconnect.core.edges import EdgeSource
from napari_edgeconnect.core.settings import Settings

from .conftest import PATIENCE_MS, status


def test_proposals_come_as_a_layer_to_draw_on(widget, press, viewer, scratch):
    press(widget, "hallucinate")
    edges = viewer.layers["camera [edges]"]

    assert viewer.layers.selection.active is edges
    assert (edges.mode, edges.selected_label, edges.brush_size) == ("paint", EdgeSource.DRAWN, 1)
    assert (edges.data[scratch == 0] == EdgeSource.MEASURED).any()
    assert not (edges.data[scratch == 1] == EdgeSource.MEASURED).any()
    assert set(np.unique(edges.data)) <= {0, 1, 2}
    assert "complete" in status(widget)


def test_proposals_are_those_of_the_core(widget, press, viewer, pixels, scratch):
    widget.panel.sigma.setValue(1.5)
    widget.panel.grow.setValue(3)
    press(widget, "hallucinate")

    expected = EdgeConnect.load(device="cpu").hallucinate_edges(pixels, scratch, Settings(sigma=1.5, grow_px=3))
    assert (viewer.layers["camera [edges]"].data == expected.labels).all()
    assert (expected.labels == EdgeSource.PROPOSED).any()


def test_sigma_zero_means_no_measured_edges(widget, press, viewer):
    widget.panel.sigma.setValue(0)
    assert widget.panel.sigma.text() == "sigma: none"
    press(widget, "hallucinate")

    assert not (viewer.layers["camera [edges]"].data == EdgeSource.MEASURED).any()


def test_edges_stay_above_the_completed_image(widget, press, viewer):
    press(widget, "hallucinate")
    press(widget, "complete")

    made = ["camera [reconstructed]", "camera [reconstructed] · altered pixels", "camera [edges]"]
    assert [layer.name for layer in viewer.layers] == ["camera", "mask", *made]
    assert viewer.layers.selection.active is viewer.layers["camera [edges]"]


def test_a_drawn_line_changes_the_picture_inside_the_hole_and_nowhere_else(widget, press, viewer, pixels, scratch):
    press(widget, "hallucinate")
    press(widget, "complete")
    before = viewer.layers["camera [reconstructed]"].data.copy()
    edges = viewer.layers["camera [edges]"]
    edges.data_setitem((np.arange(42, 54), np.full(12, 40)), EdgeSource.DRAWN)
    press(widget, "complete")
    after = viewer.layers["camera [reconstructed]"].data

    assert (before != after).any()
    assert (after[scratch == 0] == before[scratch == 0])[np.abs(np.nonzero(scratch == 0)[0] - 48) > 5].all()
    record = viewer.layers["camera [reconstructed]"].metadata["napari-edgeconnect"]["record"]
    assert record["edges"]["drawn_px"] == 12


def test_an_erased_proposal_is_honoured(widget, press, viewer):
    press(widget, "hallucinate")
    edges = viewer.layers["camera [edges]"]
    proposed = np.nonzero(edges.data == EdgeSource.PROPOSED)
    edges.data_setitem(proposed, 0)
    press(widget, "complete")

    record = viewer.layers["camera [reconstructed]"].metadata["napari-edgeconnect"]["record"]
    assert record["edges"]["erased_px"] == len(proposed[0]) > 0
    assert record["edges"]["proposed_px"] == 0


def test_hallucinating_again_keeps_what_was_edited_and_can_be_undone(widget, press, viewer):
    press(widget, "hallucinate")
    edges = viewer.layers["camera [edges]"]
    measured = np.nonzero(edges.data == EdgeSource.MEASURED)
    edges.data_setitem(measured, EdgeSource.NONE)
    edges.data_setitem((np.full(9, 47), np.arange(30, 39)), EdgeSource.DRAWN)
    drawn_on = edges.data.copy()
    widget.panel.sigma.setValue(1.0)
    redrawn = edges.data.copy()
    press(widget, "hallucinate")

    assert viewer.layers["camera [edges]"] is edges
    assert (edges.data[47, 30:39] == EdgeSource.DRAWN).all()
    assert not edges.data[measured].any()
    assert (edges.data != redrawn).any()
    edges.undo()
    assert (edges.data == redrawn).all()
    edges.undo()
    assert (edges.data == drawn_on).all()


def test_what_an_undo_brings_back_counts_as_the_machines(widget, press, viewer):
    press(widget, "hallucinate")
    edges = viewer.layers["camera [edges]"]
    widget.panel.sigma.setValue(1.0)
    press(widget, "hallucinate")
    edges.undo()
    press(widget, "complete")

    record = viewer.layers["camera [reconstructed]"].metadata["napari-edgeconnect"]["record"]
    assert record["edges"]["drawn_px"] == record["edges"]["erased_px"] == 0


def test_inpainting_in_one_go_follows_what_was_drawn_before(widget, press, viewer):
    press(widget, "hallucinate")
    viewer.layers["camera [edges]"].data_setitem((np.full(9, 47), np.arange(30, 39)), EdgeSource.DRAWN)
    press(widget, "inpaint")

    record = viewer.layers["camera [reconstructed]"].metadata["napari-edgeconnect"]["record"]
    assert record["edges"]["drawn_px"] == 9


def test_damage_that_grew_after_its_edges_is_refused_in_words(widget, press, viewer):
    press(widget, "hallucinate")
    viewer.layers["mask"].data_setitem((np.arange(70, 80), np.full(10, 20)), 1)
    press(widget, "complete")

    assert "hallucinate again" in status(widget)
    assert "camera [reconstructed]" not in viewer.layers
    press(widget, "hallucinate")
    press(widget, "complete")
    assert "camera [reconstructed]" in viewer.layers


def test_completing_right_after_the_edges_were_removed_is_refused_in_words(widget, press, viewer, qtbot):
    press(widget, "hallucinate")
    qtbot.waitUntil(widget.panel.complete.isEnabled)
    viewer.layers.remove("camera [edges]")
    widget.panel.complete.click()

    assert not widget.is_busy
    assert "no edges yet" in status(widget)


def test_edges_that_are_removed_during_a_completion_do_no_harm(widget, press, viewer, qtbot):
    press(widget, "hallucinate")
    qtbot.waitUntil(widget.panel.complete.isEnabled)
    widget.panel.complete.click()
    viewer.layers.remove("camera [edges]")
    qtbot.waitUntil(lambda: not widget.is_busy, timeout=PATIENCE_MS)

    made = ["camera [reconstructed]", "camera [reconstructed] · altered pixels"]
    assert [layer.name for layer in viewer.layers] == ["camera", "mask", *made]


def test_a_layer_that_is_painted_during_a_run_keeps_its_new_strokes(widget, press, viewer, qtbot):
    press(widget, "hallucinate")
    edges = viewer.layers["camera [edges]"]
    widget.panel.hallucinate.click()
    edges.data_setitem((np.full(9, 47), np.arange(30, 39)), EdgeSource.DRAWN)
    qtbot.waitUntil(lambda: not widget.is_busy, timeout=PATIENCE_MS)

    assert (edges.data[47, 30:39] == EdgeSource.DRAWN).all()
