"""A replay: the recorded pixels again, or a sentence about why not."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from contract import same_bits
from skimage import data

from napari_edgeconnect import EdgeConnect, EdgeSource
from napari_edgeconnect.core.classical import inpaint
from napari_edgeconnect.core.live import LiveCompletion
from napari_edgeconnect.core.replay import (
    ReplayError,
    difference,
    is_same,
    load_recorded,
    replay,
    warnings_about,
)
from napari_edgeconnect.core.replay_files import load_edge_map, save_edge_map, save_for_replay
from napari_edgeconnect.core.results import Repair, result_of
from napari_edgeconnect.core.stack import Stack
from napari_edgeconnect.core.stack_run import place_steps

Pair = tuple[np.ndarray, np.ndarray]


def as_file(record: dict[str, Any]) -> dict[str, Any]:
    """A record as it comes out of its file."""
    return json.loads(json.dumps(record))


def picture(kind: str) -> Pair:
    if kind == "rgb":
        image = data.astronaut()[:96, 90:200].copy()
    else:
        image = (data.camera()[60:156, 170:280].astype(kind) * 7).astype(kind)
    mask = np.zeros(image.shape[:2], bool)
    mask[30:50, 40:70] = True
    mask[80:84, 5:9] = True
    if kind == "float32":
        image[2, 3] = np.nan
    return image, mask


@pytest.mark.parametrize("kind", ["uint8", "uint16", "float32", "rgb"])
def test_inpainting_is_repeated_bit_for_bit(model: EdgeConnect, kind: str) -> None:
    image, mask = picture(kind)
    repair = model.inpaint(image, mask, return_record=True, sigma=1.3, grow_px=1.5, match_noise=True, seed=11)
    again = replay(as_file(repair.record), image.copy(), mask.astype(np.uint8), model=model)
    assert same_bits(again.image, repair.image)
    assert is_same(repair.record, again.record)
    volatile = ("created", "seconds")
    assert {**again.record, **dict.fromkeys(volatile)} == {**repair.record, **dict.fromkeys(volatile)}


def edited(model: EdgeConnect, image: np.ndarray, mask: np.ndarray) -> Repair:
    edges = model.hallucinate_edges(image, mask)
    labels = edges.labels.copy()
    labels[35:45, 55] = EdgeSource.DRAWN
    rows, columns = np.nonzero(labels == EdgeSource.MEASURED)
    labels[rows[:3], columns[:3]] = EdgeSource.NONE
    return model.complete(image, mask, edges.edited(labels), return_record=True)


def test_edited_edges_have_to_be_given_and_are_recognised(model: EdgeConnect) -> None:
    image, mask = picture("uint16")
    repair = edited(model, image, mask)
    record = as_file(repair.record)
    assert same_bits(replay(record, image, mask, repair.edges, model=model).image, repair.image)
    by_arrays = replay(record, image, mask, repair.edges.labels, repair.edges.probability, model=model)
    assert same_bits(by_arrays.image, repair.image)
    with pytest.raises(ReplayError, match=r"edges that were given or edited.*: give the edges"):
        replay(record, image, mask, model=model)
    with pytest.raises(ReplayError, match=r"their probability.* have another SHA-256; edge labels may need"):
        replay(record, image, mask, repair.edges.labels, model=model)
    other = repair.edges.labels.copy()
    other[40, 41] = EdgeSource.DRAWN
    with pytest.raises(ReplayError, match="their labels and drawn have another"):
        replay(record, image, mask, other, repair.edges.probability, model=model)


def test_edges_that_the_machine_alone_drew_are_found_again(model: EdgeConnect) -> None:
    """As the widget does it: stage 1, a look, stage 2."""
    image, mask = picture("uint8")
    repair = model.complete(image, mask, model.hallucinate_edges(image, mask), return_record=True)
    assert repair.record["edges"]["given"]
    assert same_bits(replay(as_file(repair.record), image, mask, model=model).image, repair.image)


@pytest.mark.parametrize("kind", ["drawing", "probabilities"])
def test_edges_of_one_s_own_are_repeated(model: EdgeConnect, kind: str) -> None:
    image, mask = picture("uint8")
    lines = np.zeros(mask.shape, bool)
    lines[40, 40:70] = True
    edges = lines if kind == "drawing" else 0.6 * lines.astype(np.float32)
    repair = model.complete(image, mask, edges, return_record=True)
    assert same_bits(replay(as_file(repair.record), image, mask, edges, model=model).image, repair.image)


def test_a_live_completion_is_repeated_from_its_record_and_edges(model: EdgeConnect) -> None:
    image, mask = picture("uint16")
    wanted = edited(model, image, mask)
    live = LiveCompletion(model, image, mask, match_noise=True, seed=2)
    for _ in live.update(wanted.edges.reset()):
        pass
    repair = result_of(live.update(wanted.edges))
    again = replay(as_file(repair.record), image, mask, repair.edges, model=model)
    assert same_bits(again.image, repair.image)


@pytest.mark.parametrize("method", ["biharmonic", "telea", "navier-stokes", "patchmatch", "mean"])
def test_classical_methods_are_repeated(method: str) -> None:
    image, mask = picture("uint16")
    repair = inpaint(image, mask, method, grow_px=2, return_record=True)
    again = replay(as_file(repair.record), image, mask)
    assert same_bits(again.image, repair.image)
    assert is_same(repair.record, again.record)


def test_a_classical_option_of_another_version_is_refused() -> None:
    image, mask = picture("uint8")
    record = inpaint(image, mask, "telea", return_record=True).record
    record["settings"]["radius_px"] = 3
    with pytest.raises(ReplayError, match=r"made with radius_px 3 \(here 5\), which can't be chosen"):
        replay(record, image, mask)


def test_a_plane_of_a_stack_is_repeated_alone(model: EdgeConnect) -> None:
    image, mask = picture("uint16")
    film = np.stack([image, image[::-1]])
    stack = Stack.prepare(film, mask, "TYX")
    (fill,) = result_of(place_steps(model, stack, (1,)))
    again = replay(as_file(fill.record), film[1], mask, model=model)
    assert same_bits(again.image[again.altered], fill.values)


def test_other_pixels_are_refused(model: EdgeConnect) -> None:
    image, mask = picture("uint16")
    record = model.inpaint(image, mask, return_record=True).record
    other = image.copy()
    other[0, 0] ^= 1
    with pytest.raises(ReplayError, match="The image is not the one that was repaired"):
        replay(record, other, mask, model=model)
    with pytest.raises(ReplayError, match="The image is not the one that was repaired"):
        replay(record, image.astype(np.float32), mask, model=model)
    with pytest.raises(ReplayError, match="The mask is not the one that was used"):
        replay(record, image, np.roll(mask, 1), model=model)


def test_other_weights_are_refused_and_the_same_are_found_under_another_name(
    model: EdgeConnect, published: EdgeConnect
) -> None:
    image, mask = picture("uint8")
    record = as_file(model.inpaint(image, mask, return_record=True).record)
    with pytest.raises(ReplayError, match=r"the model open-science-16 \(SHA-256 edge .*\), and .* is another one"):
        replay(record, image, mask, model=published)
    renamed = {**record, "model": {**record["model"], "name": "mine"}}
    assert load_recorded(renamed).info.sha256 == model.info.sha256
    foreign = {**record, "model": {**record["model"], "sha256": published.info.sha256}}
    with pytest.raises(ReplayError, match="no model here has these weights"):
        load_recorded(foreign)


def test_what_has_no_pixels_to_repeat_is_refused(model: EdgeConnect) -> None:
    image, mask = picture("uint8")
    record = model.inpaint(image, mask, return_record=True).record
    with pytest.raises(ReplayError, match="still followed its edges"):
        replay({**record, "unfinished": True}, image, mask)
    with pytest.raises(ReplayError, match="kind 'edges' is not of the repair of one plane"):
        replay(model.record_of(model.hallucinate_edges(image, mask), replace_settings(record)), image, mask)
    with pytest.raises(ReplayError, match="repaired in parts"):
        replay({**record, "pixels": {**record["pixels"], "parts": 2}}, image, mask)


def replace_settings(record: dict[str, Any]) -> Any:
    from napari_edgeconnect.core.replay import settings_of

    return settings_of(record["settings"])


def test_other_versions_and_devices_are_said(model: EdgeConnect) -> None:
    image, mask = picture("uint8")
    record = as_file(model.inpaint(image, mask, return_record=True).record)
    assert warnings_about(record, model.device) == []
    record |= {"version": "0.0.9", "device": "cuda:1", "packages": {**record["packages"], "torch": "1.0"}}
    version, packages, device = warnings_about(record, model.device)
    assert "by napari-edgeconnect 0.0.9" in version
    assert "torch 1.0 (here " in packages
    assert device == "The repair was made on cuda:1, and this runs on cpu: the last bits may differ."
    record |= {"device": "cpu", "device_name": "abacus"}
    assert warnings_about(record, model.device)[2].startswith("The repair was made on abacus, and this is ")


def test_a_difference_counts_pixels_and_not_colours() -> None:
    before = np.zeros((4, 5, 3), np.uint8)
    again = before.copy()
    again[1, 2] = (3, 0, 7)
    again[0, 0, 1] = 1
    assert difference(before, again) == (difference(again, before))
    assert (difference(before, again).pixels, difference(before, again).largest) == (2, 7.0)
    nan = np.array([[np.nan, 1.0]])
    assert difference(nan, nan.copy()).pixels == 0


def test_an_edge_map_comes_back_with_all_that_was_decided(model: EdgeConnect, tmp_path: Path) -> None:
    image, mask = picture("uint8")
    edges = edited(model, image, mask).edges
    edges = replace(edges.at_threshold(0.9), decided=edges.decided | mask)
    save_edge_map(tmp_path / "edges.npz", edges)
    again = load_edge_map(tmp_path / "edges.npz")
    assert again.threshold == edges.threshold
    for name in ("labels", "probability", "hole", "measured", "decided"):
        assert same_bits(getattr(again, name), getattr(edges, name))
    (tmp_path / "other.npz").write_bytes(b"PK")
    with pytest.raises(ValueError, match="holds no edge map"):
        load_edge_map(tmp_path / "other.npz")


def test_what_was_made_from_no_files_is_kept_for_a_replay(model: EdgeConnect, tmp_path: Path) -> None:
    image, mask = picture("float32")
    repair = edited(model, image, mask)
    path = save_for_replay(tmp_path / "kept", repair.record, image, mask, repair.edges)
    record = json.loads(path.read_text())
    assert sorted(record["inputs"]) == ["edges", "image", "mask"]
    read = [np.load(path.with_name(record["inputs"][role]["file"])) for role in ("image", "mask")]
    again = replay(record, *read, load_edge_map(path.with_name("edges.npz")), model=model)
    assert same_bits(again.image, repair.image)
