"""The record of a repair, and its notes."""

from __future__ import annotations

import json

import numpy as np

from napari_edgeconnect import EdgeConnect, EdgeSource


def test_the_record_says_what_was_invented(model: EdgeConnect, camera: tuple[np.ndarray, np.ndarray]) -> None:
    image, mask = camera
    edges = model.hallucinate_edges(image, mask, sigma=1.5)
    labels = edges.labels.copy()
    labels[45, 42:60] = EdgeSource.DRAWN
    record = model.complete(image, mask, edges.edited(labels), sigma=1.5, grow_px=2, return_record=True).record
    assert json.loads(json.dumps(record)) == record
    assert record["model"]["sha256"] == model.info.sha256
    assert record["settings"]["sigma"] == 1.5
    assert record["settings"]["rim_correction"] is False
    assert record["mask_px"] == mask.sum() == 720
    assert record["hole_px"] == 720 + 2 * 2 * (24 + 30) + 4
    assert record["edges"]["drawn_px"] == 18
    assert record["mapping"]["kind"] == "percentiles"
    assert record["device"] == "cpu"
    assert record["notes"] == []


def test_an_empty_mask_gives_the_input_and_a_note(model: EdgeConnect, camera: tuple[np.ndarray, np.ndarray]) -> None:
    image, mask = camera
    repair = model.inpaint(image, np.zeros_like(mask), return_record=True)
    assert np.array_equal(repair.image, image)
    assert repair.image is not image
    assert repair.record["notes"] == ["The mask is empty: nothing was repaired."]


def test_an_inverted_mask_gives_a_note(model: EdgeConnect, camera: tuple[np.ndarray, np.ndarray]) -> None:
    image, mask = camera
    notes = model.inpaint(image, ~mask, return_record=True).record["notes"]
    assert notes == ["The hole covers 93 % of the image: expect invention, or check the mask's polarity."]
