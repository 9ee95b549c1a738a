"""Cutouts of a plane: each is repaired as in the whole plane, and they read little more than its damage."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from contract import same_bits
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage import data

from napari_edgeconnect import EdgeConnect, Settings
from napari_edgeconnect.core import cutouts as room
from napari_edgeconnect.core.cutouts import Cutout, cutouts_of, known_values, numbered, tiles
from napari_edgeconnect.core.holes import Box, grown, plan_windows
from napari_edgeconnect.core.job import Job
from napari_edgeconnect.core.record import record_of_plane
from napari_edgeconnect.core.results import result_of

from .conftest import TINY

CONTRAST = (10.0, 240.0)


@st.composite
def masks(draw: st.DrawFn) -> np.ndarray:
    """Boxes, specks, scratches and holes at borders in a plane of any shape, (H, W) bool."""
    mask = np.zeros((draw(st.integers(40, 420)), draw(st.integers(40, 420))), dtype=bool)
    for _ in range(draw(st.integers(0, 6))):
        height, width = draw(st.sampled_from([(1, 1), (3, 9), (12, 12), (1, 70), (50, 2), (66, 60)]))
        top = draw(st.integers(-height + 1, mask.shape[0] - 1))
        left = draw(st.integers(-width + 1, mask.shape[1] - 1))
        mask[max(0, top) : top + height, max(0, left) : left + width] = True
    return mask


any_settings = st.builds(
    Settings,
    sigma=st.sampled_from([None, 1.0, 2.0, 12.0]),
    grow_px=st.sampled_from([0, 2.5]),
    margin_px=st.sampled_from([16, 20]),
    smallest_window_px=st.sampled_from([16, 48, 80]),
    largest_window_px=st.sampled_from([80, 112]),
    contrast=st.just(CONTRAST),
)


@pytest.fixture(scope="module", params=[1, 32], autouse=True)
def block(request: pytest.FixtureRequest) -> Iterator[None]:
    """Also without the slack that whole blocks give."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(room, "_BLOCK_PX", request.param)
        yield


def divided(mask: np.ndarray, chosen: Settings) -> list[Cutout]:
    found = cutouts_of(lambda box: mask[box.slices], mask.shape, chosen)
    return numbered(found, lambda box: grown(mask[box.slices], chosen.grow_px), chosen)


@settings(max_examples=300)
@given(mask=masks(), chosen=any_settings)
def test_cutouts_plan_the_windows_of_the_plane(mask: np.ndarray, chosen: Settings) -> None:
    hole = grown(mask, chosen.grow_px)
    whole = plan_windows(hole, chosen)
    found: dict[int, tuple[Box, bytes]] = {}
    repaired = np.zeros(mask.shape, int)
    looked = np.zeros(mask.shape, int)
    for number, cutout in enumerate(divided(mask, chosen), start=1):
        box = cutout.box
        here = grown(mask[box.slices], chosen.grow_px)
        assert np.array_equal(here, hole[box.slices])
        plan = plan_windows(here, chosen)
        assert cutout.numbers is not None
        for place, window in zip(cutout.numbers, plan.windows, strict=True):
            at = window.box
            moved = Box(at.top + box.top, at.bottom + box.top, at.left + box.left, at.right + box.left)
            found[place] = moved, plan.target(window).tobytes()
            assert set(np.unique(looked[moved.slices])) <= {0, number}  # no other cutout's window is here
            looked[moved.slices] = number
            repaired[moved.slices] += plan.target(window)
            seen = moved.widened(chosen.canny_reach_px, mask.shape)
            assert seen == seen.shared(box)
    assert [found[place] for place in sorted(found)] == [(w.box, whole.target(w).tobytes()) for w in whole.windows]
    assert np.array_equal(repaired, hole)


def picture(shape: tuple[int, int]) -> np.ndarray:
    return np.tile(data.camera()[60:316, 170:426], (2, 2))[: shape[0], : shape[1]].copy()


def check_cutouts(model: EdgeConnect, image: np.ndarray, mask: np.ndarray, chosen: Settings, edges: object) -> None:
    whole = result_of(model.job_steps(Job.prepare(image, mask, chosen), edges))
    result, altered = image.copy(), np.zeros(mask.shape, bool)
    records = []
    for cutout in divided(mask, chosen):
        here = cutout.box.slices
        job = Job.prepare(image[here], mask[here], chosen, cutout)
        repair = result_of(model.job_steps(job, None if edges is None else edges[here]))
        result[here][repair.altered] = repair.image[repair.altered]
        altered[here] |= repair.altered
        records.append(repair.record)
        for name in ("labels", "probability"):
            for window in job.plan.windows:
                ours, theirs = getattr(repair.edges, name), getattr(whole.edges, name)[here]
                assert np.array_equal(ours[window.box.slices], theirs[window.box.slices])
    assert same_bits(result, whole.image)
    assert np.array_equal(altered, whole.altered)
    if not records:
        return
    merged, expected = record_of_plane(records), whole.record
    for name in expected.keys() - {"seconds", "created", "windows", "edges", "pixels"}:
        assert merged[name] == expected[name], name
    assert merged["pixels"]["parts"] == len(records)
    assert sorted(map(str, merged["windows"])) == sorted(map(str, expected["windows"]))
    if edges is None:
        assert {**merged["edges"], "sha256": 0} == {**expected["edges"], "sha256": 0}  # digests are of each part


@settings(max_examples=25)
@given(mask=masks(), chosen=any_settings, noise=st.booleans())
def test_cutouts_are_repaired_as_in_the_plane(
    model: EdgeConnect, mask: np.ndarray, chosen: Settings, noise: bool
) -> None:
    if grown(mask, chosen.grow_px).all():
        return
    check_cutouts(model, picture(mask.shape), mask, replace(chosen, match_noise=noise, seed=7), None)


@settings(max_examples=15)
@given(mask=masks(), chosen=any_settings, kind=st.sampled_from(["labels", "drawn", "probability"]))
def test_cutouts_are_completed_from_given_edges_as_in_the_plane(
    model: EdgeConnect, mask: np.ndarray, chosen: Settings, kind: str
) -> None:
    if grown(mask, chosen.grow_px).all():
        return
    rng = np.random.default_rng(0)
    soft = rng.random(mask.shape).astype(np.float32)
    edges = {"labels": (soft > 0.8).astype(np.uint8) * 3, "drawn": soft > 0.8, "probability": soft}[kind]
    check_cutouts(model, picture(mask.shape), mask, chosen, edges)


def test_holes_far_apart_have_small_cutouts_of_their_own() -> None:
    mask = np.zeros((3000, 3000), bool)
    for top, left in ((5, 5), (1500, 1500), (1500, 2400), (2990, 100)):
        mask[top : top + 8, left : left + 8] = True
    found = cutouts_of(lambda box: mask[box.slices], mask.shape, Settings())
    assert len(found) == 4
    assert sum(cutout.box.shape[0] * cutout.box.shape[1] for cutout in found) < 4 * 380**2
    assert cutouts_of(lambda box: mask[box.slices] & False, mask.shape, Settings()) == []


def test_many_specks_are_one_cutout() -> None:
    mask = np.random.default_rng(0).random((700, 900)) < 0.01
    (cutout,) = cutouts_of(lambda box: mask[box.slices], mask.shape, TINY)
    assert cutout.box == Box(0, 700, 0, 900)


def test_tiles_cover_a_plane_once() -> None:
    covered = np.zeros((70, 45), int)
    for box in tiles(covered.shape, 32):
        covered[box.slices] += 1
    assert (covered == 1).all()


@pytest.mark.parametrize("most_px", [500, 200_000])
def test_values_for_the_contrast_are_known_and_bounded(monkeypatch: pytest.MonkeyPatch, most_px: int) -> None:
    monkeypatch.setattr(room, "_CONTRAST_SQUARE_PX", 20)
    plane = np.arange(1000 * 900, dtype=np.uint32).reshape(1000, 900)
    mask = np.zeros(plane.shape, bool)
    mask[500:520, 300:330] = True
    found = cutouts_of(lambda box: mask[box.slices], mask.shape, TINY)
    asked = []

    def read(box: Box) -> tuple[np.ndarray, np.ndarray]:
        asked.append(box)
        return plane[box.slices], mask[box.slices]

    values = known_values(found, read, plane.shape, most_px)
    assert not np.isin(values, plane[mask]).any()
    assert most_px / 4 < values.size <= most_px if most_px == 500 else values.size > 20_000
    spread = {(box.top // 334, box.left // 300) for box in asked}
    assert len(spread) == (1 if most_px == 500 else 9)
