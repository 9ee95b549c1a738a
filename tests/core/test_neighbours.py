"""Adjacent planes help where they are intact and fit; everywhere else nothing changes, to the last bit."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from contract import any_bits, same_bits
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage import data
from skimage.feature import canny

from napari_edgeconnect import EdgeConnect, Settings
from napari_edgeconnect.core import cutouts
from napari_edgeconnect.core.classical import Classical
from napari_edgeconnect.core.neighbour_fit import contents_of, edge_agreement, shift_of
from napari_edgeconnect.core.results import result_of
from napari_edgeconnect.core.settings import StackSettings
from napari_edgeconnect.core.stack import Stack
from napari_edgeconnect.core.stack_fill import Fill
from napari_edgeconnect.core.stack_run import place_steps, plane_records, repair_stack

from .conftest import TINY

SIDE = 96
KINDS = ["edges", "start", "contents"]
#: Rows and columns that the scene moves by from plane to plane.
DRIFT = (3, -2)


def scene(side: int = SIDE, planes: int = 3, *, noise: float = 20) -> np.ndarray:
    """One picture that drifts, gets brighter and is noisy: (planes, side, side) uint16."""
    picture = np.pad(data.camera(), 256, mode="reflect")[356 : 356 + side + 40, 456 : 456 + side + 40] * 12.0 + 100
    frames = [picture[20 - DRIFT[0] * z :, 20 - DRIFT[1] * z :][:side, :side] * (1 + 0.1 * z) for z in range(planes)]
    noisy = np.stack(frames) + np.random.default_rng(0).normal(0, noise, (planes, side, side))
    return np.rint(noisy).astype(np.uint16)


def hole(side: int = SIDE) -> np.ndarray:
    mask = np.zeros((side, side), dtype=bool)
    mask[40:56, 34:58] = True
    return mask


def in_plane(at: int, planes: int = 3) -> np.ndarray:
    masks = np.zeros((planes, SIDE, SIDE), dtype=bool)
    masks[at] = hole()
    return masks


def fill_of(model: Any, image: np.ndarray, masks: np.ndarray, at: int = 1, **choices: Any) -> Fill:
    prepared = Stack.prepare(image, masks, "ZYX", settings=TINY, choices=StackSettings(**choices))
    (fill,) = result_of(place_steps(model, prepared, (at,)))
    return fill


def mean_error(fill: Fill, truth: np.ndarray) -> float:
    return float(np.abs(fill.values.astype(float) - truth[fill.altered]).mean())


# --- where neighbours fit -----------------------------------------------------------------------------------------


def test_contents_of_neighbours_are_moved_and_level_matched_into_the_hole(model: EdgeConnect) -> None:
    image = scene()
    damaged = image.copy()
    damaged[1][hole()] = 0
    before = damaged.copy()
    plain, helped = (fill_of(model, damaged, in_plane(1), neighbours=kind) for kind in ("off", "contents"))
    assert same_bits(damaged, before)
    assert mean_error(helped, image[1]) < 30  # the noise's own is 16, and the plane's contrast about 2000
    assert mean_error(plain, image[1]) > 4 * mean_error(helped, image[1])
    said = helped.record["neighbours"]
    (window,) = said["windows"]
    assert [(one["offset"], one["shift"]) for one in window["planes"]] == [(-1, [3, -2]), (1, [-3, 2])]
    assert min(one["agreement"] for one in window["planes"]) > 0.9
    (found,) = window["holes"]
    assert found["used"]
    assert said["proposed_px"] == found["hole_px"] == hole().sum()
    assert found["gain_db"] > 10
    assert json.loads(json.dumps(helped.record)) == helped.record
    assert "neighbours" not in plain.record


def test_networks_start_from_contents_where_that_is_asked_for(model: EdgeConnect) -> None:
    image = scene()
    plain, start, contents = (
        fill_of(model, image, in_plane(1), neighbours=kind) for kind in ("off", "start", "contents")
    )
    assert mean_error(contents, image[1]) < mean_error(start, image[1]) < mean_error(plain, image[1])


def test_edges_of_neighbours_are_proposed_beside_those_of_stage_one(model: EdgeConnect) -> None:
    image = scene()
    stack = Stack.prepare(image, in_plane(1), "ZYX", settings=TINY, choices=StackSettings(neighbours="edges"))
    (fill,) = result_of(place_steps(model, replace(stack, keeps_edges=True), (1,)))
    alone = model.hallucinate_edges(image[1], hole(), TINY)
    assert fill.labels is not None
    assert fill.probability is not None
    assert (fill.probability >= alone.probability).all()
    assert np.array_equal(fill.probability[~hole()], alone.probability[~hole()])
    true = canny(image[1] / 3000, sigma=TINY.sigma)
    new = (fill.labels == 2) & (alone.labels != 2)
    near = np.lib.stride_tricks.sliding_window_view(np.pad(true, 1), (3, 3)).any(axis=(2, 3))
    assert new.sum() >= 20
    assert near[new].mean() > 0.9
    said = fill.record["neighbours"]
    assert said["proposed_px"] >= new.sum()
    assert min(said["windows"][0]["holes"][0]["edge_agreement"]) > 0.8
    assert same_bits(fill.into(image[1]), model.complete(image[1], hole(), fill_edges(fill), TINY))


def fill_edges(fill: Fill) -> np.ndarray:
    """Its soft edges inside the hole, as a person would bring them."""
    assert fill.probability is not None
    return np.where(hole(), fill.probability, 0)


def test_a_farther_neighbour_helps_where_the_nearer_ones_are_damaged(model: EdgeConnect) -> None:
    image = scene(planes=5)
    masks = in_plane(1, 5) | in_plane(2, 5) | in_plane(3, 5)
    near = fill_of(model, image, masks, 2, neighbours="contents")
    far = fill_of(model, image, masks, 2, neighbours="contents", neighbour_reach=2)
    assert same_bits(near.values, fill_of(model, image, masks, 2).values)
    assert near.record["neighbours"]["windows"][0]["holes"] == []
    (found,) = far.record["neighbours"]["windows"][0]["holes"]
    assert found["offsets"] == [-2, 2]
    assert mean_error(far, image[2]) < mean_error(near, image[2]) / 3


def test_colours_and_channels_are_helped_by_their_own(model: EdgeConnect) -> None:
    gray = scene()
    channels = np.stack([gray, gray[:, ::-1]], axis=1)
    masks = in_plane(1)
    choices = StackSettings(neighbours="contents", neighbour_axis="z")
    out = np.zeros_like(channels)
    stack = Stack.prepare(channels, masks, "ZCYX", mask_axes="ZYX", settings=TINY, choices=choices)
    repair_stack(model, stack, out)
    for channel in range(2):
        alone = fill_of(model, channels[:, channel], masks, neighbours="contents")
        assert same_bits(out[1, channel], alone.into(channels[1, channel]))
    colour = np.stack([(gray // 16).astype(np.uint8)] * 3, axis=-1)
    colour[..., 1] //= 2
    stack = Stack.prepare(colour, masks, "ZYXS", settings=TINY, choices=StackSettings(neighbours="contents"))
    (fill,) = result_of(place_steps(model, stack, (1,)))
    assert np.abs(fill.values.astype(float) - colour[1][hole()]).mean() < 4


# --- where they do not --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_a_hole_that_all_neighbours_have_is_repaired_the_plain_way(model: EdgeConnect, kind: str) -> None:
    image = scene()
    dust = np.broadcast_to(hole(), image.shape)
    for at in range(3):
        plain, asked = (fill_of(model, image, dust, at, neighbours=one) for one in ("off", kind))
        assert same_bits(asked.values, plain.values)
        assert asked.record["neighbours"]["proposed_px"] == 0


@pytest.mark.parametrize("kind", KINDS)
def test_neighbours_that_show_something_else_change_nothing(model: EdgeConnect, kind: str) -> None:
    image = scene()
    image[0] = data.brick()[:SIDE, :SIDE].astype(np.uint16) * 12
    image[2] = np.random.default_rng(0).integers(0, 3000, (SIDE, SIDE))
    plain, asked = (fill_of(model, image, in_plane(1), neighbours=one) for one in ("off", kind))
    assert same_bits(asked.values, plain.values)
    assert [one["used"] for one in asked.record["neighbours"]["windows"][0]["holes"]] == [False]


def test_flat_planes_and_a_stack_of_one_plane_have_nothing_to_give(model: EdgeConnect) -> None:
    flat = np.full((3, SIDE, SIDE), 7, np.uint16)
    assert (fill_of(model, flat, in_plane(1), neighbours="contents").values == 7).all()
    alone = scene()[:1]
    fill = fill_of(model, alone, in_plane(0, 1), 0, neighbours="contents")
    assert same_bits(fill.values, fill_of(model, alone, in_plane(0, 1), 0).values)
    assert fill.record["neighbours"]["windows"] == []


def test_holes_of_one_window_are_helped_each_by_the_planes_intact_there(model: EdgeConnect) -> None:
    image = scene()
    masks = in_plane(1)
    masks[1, 70:76, 60:66] = True
    masks[:, 10:14, 10:14] = True  # nobody knows
    masks[0, 66:80, 56:74] = True
    fill = fill_of(model, image, masks, neighbours="contents")
    holes = [one for window in fill.record["neighbours"]["windows"] for one in window["holes"]]
    assert sorted((one["hole_px"], tuple(one["offsets"])) for one in holes) == [(36, (1,)), (384, (-1, 1))]
    plain = fill_of(model, image, masks)
    corner = np.zeros((SIDE, SIDE), bool)
    corner[10:14, 10:14] = True
    assert np.array_equal(fill.into(image[1])[corner], plain.into(image[1])[corner])


# --- in any order, anywhere ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_source_planes_help_and_not_repaired_ones(model: EdgeConnect, kind: str) -> None:
    image = scene(planes=4)
    masks = np.zeros(image.shape, dtype=bool)
    masks[1, 40:56, 34:58] = masks[2, 20:30, 60:80] = True
    stack = Stack.prepare(image, masks, "ZYX", settings=TINY, choices=StackSettings(neighbours=kind))
    together = np.zeros_like(image)
    repair_stack(model, stack, together)
    for at in (2, 1):
        (fill,) = result_of(place_steps(model, stack, (at,)))
        assert same_bits(fill.into(image[at]), together[at])


@pytest.mark.parametrize("kind", KINDS)
def test_parts_of_large_planes_are_helped_as_in_the_whole(
    model: EdgeConnect, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = scene(400)
    masks = np.zeros(image.shape, dtype=bool)
    masks[1, 40:50, 34:50] = masks[1, 300:306, 350:390] = masks[1, 200:210, 0:12] = True
    choices = StackSettings(neighbours=kind)
    careful = replace(TINY, contrast=(100.0, 3000.0))
    (whole,) = result_of(
        place_steps(model, Stack.prepare(image, masks, "ZYX", settings=careful, choices=choices), (1,))
    )
    monkeypatch.setattr(cutouts, "WHOLE_PLANE_PX", 1000)
    fills = result_of(place_steps(model, Stack.prepare(image, masks, "ZYX", settings=careful, choices=choices), (1,)))
    assert len(fills) == 3
    out = image[1].copy()
    for fill in fills:
        out = fill.into(out)
    assert same_bits(out, whole.into(image[1]))
    (record,) = plane_records(fills)
    ours, theirs = record["neighbours"], whole.record["neighbours"]
    assert ours["proposed_px"] == theirs["proposed_px"] > 0
    by_place = [sorted(one["windows"], key=lambda w: (w["top"], w["left"])) for one in (ours, theirs)]
    assert by_place[0] == by_place[1]


@pytest.mark.parametrize("dtype", ["u1", ">u2", "f4"])
@settings(max_examples=4)
@given(draw=st.data())
def test_known_pixels_are_bit_identical_whatever_neighbours_hold(
    model: EdgeConnect, dtype: str, draw: st.DataObject
) -> None:
    shape = (3, draw.draw(st.integers(1, 24)), draw.draw(st.integers(1, 24)))
    image = any_bits(dtype, shape, draw.draw(st.integers(0, 2**32)))
    image[:, 0, 0] = 1
    masks = np.random.default_rng(draw.draw(st.integers(0, 99))).random(shape) < 0.1
    masks[:, 0, 0] = False
    choices = StackSettings(neighbours=draw.draw(st.sampled_from(KINDS)), neighbour_reach=2)
    out, altered = np.zeros_like(image), np.zeros(shape, dtype=bool)
    repair_stack(model, Stack.prepare(image, masks, "ZYX", settings=TINY, choices=choices), out, altered)
    assert np.array_equal(altered, masks | ~np.isfinite(image))
    assert same_bits(out[~altered], image[~altered])
    assert np.isfinite(out.astype(np.float64)[altered]).all()


# --- measures -----------------------------------------------------------------------------------------------------


def test_a_shift_is_found_beside_a_hole_and_a_far_one_is_none() -> None:
    picture = data.camera().astype(float) / 255
    own, known = picture[100:228, 200:328], np.ones((128, 128), dtype=bool)
    known[50:80, 40:90] = False
    for rows, columns in ((0, 0), (5, -7), (-12, 3)):
        theirs = picture[100 + rows :, 200 + columns :][:128, :128]
        assert shift_of(np.where(known, own, 0), known, theirs, np.ones_like(known), 8.0) == (rows, columns)
    assert shift_of(own, known, picture[140:268, 200:328], np.ones_like(known), 8.0) == (0, 0)


def test_edges_agree_by_chance_not_at_all() -> None:
    rng = np.random.default_rng(0)
    own, theirs = rng.random((2, 200, 200)) < 0.1
    everywhere = np.ones_like(own)
    assert edge_agreement(own, own, everywhere) == 1
    assert abs(edge_agreement(own, theirs, everywhere)) < 0.05
    assert edge_agreement(own, theirs & False, everywhere) == 0


def test_a_plane_without_detail_has_no_share_and_puts_nothing_into_the_hole() -> None:
    own = data.camera()[100:164, 200:264, None] / 255
    unknown = np.zeros((64, 64), dtype=bool)
    unknown[28:36, 28:36] = True
    flat = np.zeros_like(own), np.ones((64, 64), dtype=bool)
    found = contents_of(own, unknown, unknown, [flat])
    assert found.weights == (0.0,)
    assert found.gain_db == -np.inf
    assert np.array_equal(found.pixels, own)


# --- refusals -----------------------------------------------------------------------------------------------------


def test_what_cannot_be_adjacent_is_refused() -> None:
    image = np.zeros((2, 2, 8, 8), np.uint8)
    mask = np.zeros((8, 8), bool)

    def prepare(axes: str, **choices: Any) -> Stack:
        shaped = image if len(axes) == 4 else image[0, 0]
        return Stack.prepare(shaped, mask, axes, choices=StackSettings(**choices))

    with pytest.raises(ValueError, match=r"neighbour_axis is None: neighbours need an axis .* one of T, Z\."):
        prepare("TZYX", neighbours="edges")
    with pytest.raises(ValueError, match=r"neighbour_axis is 'C'"):
        prepare("TCYX", neighbours="edges", neighbour_axis="C")
    with pytest.raises(ValueError, match=r"but 'YX' has none"):
        prepare("YX", neighbours="contents")
    with pytest.raises(ValueError, match=r"neighbours is 'both': give 'off', 'edges', 'start' or 'contents'\."):
        StackSettings(neighbours="both")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="neighbour_reach is 0"):
        StackSettings(neighbour_reach=0)


def test_a_classical_method_takes_no_edges_of_neighbours() -> None:
    with pytest.raises(ValueError, match="need a model that proposes edges"):
        fill_of(Classical("mean"), scene(), in_plane(1), neighbours="edges")
    with pytest.raises(ValueError, match=r"^Z 1: neighbours='start' is for models that correct a fill"):
        fill_of(Classical("mean"), scene(), in_plane(1), neighbours="start")
    helped = fill_of(Classical("biharmonic"), scene(), in_plane(1), neighbours="contents")
    assert mean_error(helped, scene()[1]) < 30
    assert helped.record["method"] == "biharmonic"


def test_networks_that_see_no_fill_cannot_start_from_contents(published: EdgeConnect) -> None:
    with pytest.raises(ValueError, match="give 'contents'"):
        fill_of(published, scene(), in_plane(1), neighbours="start")
    contents = fill_of(published, scene(), in_plane(1), neighbours="contents")
    assert mean_error(contents, scene()[1]) < 30


def test_off_is_the_default_and_leaves_no_trace(model: EdgeConnect) -> None:
    image = scene()
    fill = fill_of(model, image, in_plane(1))
    assert same_bits(fill.into(image[1]), model.inpaint(image[1], hole(), TINY))
    assert Settings() == Stack.prepare(image, in_plane(1), "ZYX").settings
