"""Records in the layers' metadata: in the published schema, and enough to repeat what the widget made."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from contract import same_bits

from napari_edgeconnect import EdgeSource
from napari_edgeconnect.core.methods_text import methods_paragraph
from napari_edgeconnect.core.record_reading import checked_record
from napari_edgeconnect.core.replay import replay
from napari_edgeconnect.core.replay_files import load_edge_map, save_for_replay
from napari_edgeconnect.plugin import layers as ours
from napari_edgeconnect.plugin.panel import ALL_SLICES


def details(viewer, kind):
    (layer,) = [layer for layer in viewer.layers if ours.is_own(layer, kind)]
    return layer, layer.metadata[ours.KEY]


def test_what_both_stages_made_is_recorded_and_repeated(widget, viewer, press, pixels, scratch):
    widget.panel.noise.setChecked(True)
    press(widget, "inpaint")
    layer, completed = details(viewer, ours.COMPLETED)
    record = json.loads(json.dumps(completed["record"]))
    assert checked_record(record)["kind"] == "repair"
    assert checked_record(details(viewer, ours.EDGES)[1]["record"])["kind"] == "edges"
    again = replay(record, pixels, scratch)
    assert same_bits(again.image, layer.data)


def test_hand_work_is_recorded_recognised_and_repeated(widget, viewer, press, pixels, scratch, tmp_path: Path):
    press(widget, "hallucinate")
    edges, _ = details(viewer, ours.EDGES)
    edges.data_setitem((np.full(20, 48), np.arange(20, 40)), int(EdgeSource.DRAWN))
    press(widget, "complete")
    layer, completed = details(viewer, ours.COMPLETED)
    record = completed["record"]
    assert checked_record(record)["edges"]["drawn_px"] == 20
    assert "corrected by hand: 20 edge pixels drawn" in methods_paragraph(record)
    path = save_for_replay(tmp_path, record, pixels, scratch, completed["edges"])
    kept = json.loads(path.read_text(encoding="utf-8"))
    arrays = [np.load(tmp_path / kept["inputs"][role]["file"]) for role in ("image", "mask")]
    again = replay(kept, *arrays, load_edge_map(tmp_path / "edges.npz"))
    assert same_bits(again.image, layer.data)


def test_every_slice_has_a_record_that_repeats_it(viewer, make_widget, press, pixels, scratch):
    stack = np.stack([pixels, pixels[::-1]])
    viewer.add_image(stack, name="stack")
    viewer.add_labels(np.stack([scratch, scratch]), name="mask")
    widget = make_widget(viewer)
    widget.panel.slices.setCurrentText(ALL_SLICES)
    press(widget, "inpaint")
    layer, completed = details(viewer, ours.COMPLETED)
    assert len(completed["records"]) == 2
    for (number, *_), one in completed["records"].items():
        record = checked_record(one["record"])
        assert same_bits(replay(record, stack[number], scratch).image, layer.data[number])
