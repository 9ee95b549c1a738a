"""The picture follows the edges stroke by stroke, and is always the one that ``complete`` makes of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from contract import same_bits
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage import data, morphology

from napari_edgeconnect import EdgeConnect, EdgeMap, EdgeSource, Settings
from napari_edgeconnect.core import job, stages
from napari_edgeconnect.core.device import OutOfMemoryError
from napari_edgeconnect.core.live import LiveCompletion

from .conftest import TINY


@pytest.fixture
def windows_run(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """The shape of every window that stage 2 has run in."""
    shapes: list[tuple[int, int]] = []
    original = stages.Stages.completed

    def counted(self, views, **options):
        shapes.extend(view.unknown.shape for view in views)
        return original(self, views, **options)

    monkeypatch.setattr(stages.Stages, "completed", counted)
    return shapes


def spots(image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """An image and three holes that have a window each."""
    mask = np.zeros(image.shape[:2], dtype=bool)
    mask[10:20, 12:20] = mask[10:18, 80:90] = mask[70:82, 40:50] = True
    return image, mask


def as_dtype(dtype: str) -> np.ndarray:
    gray = data.camera()[60:156, 170:282]
    return {
        "uint16": gray.astype(np.uint16) * 257,
        "rgb": data.astronaut()[60:156, 170:282],
        "float32": (gray / 255).astype(np.float32),
    }[dtype]


def follow(live: LiveCompletion, edges: object, shown: np.ndarray, at_most: int | None = None) -> int:
    """Put the patches of an update into a picture; close it after ``at_most`` of them. How many there were."""
    steps, count = live.update(edges), 0
    while count != at_most:
        try:
            next(steps).put_into(shown)
        except StopIteration:
            break
        count += 1
    steps.close()
    return count


def result_of(live: LiveCompletion, edges: object) -> object:
    steps = live.update(edges)
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            return stop.value


def with_line(edges: EdgeMap, where: object, label: int = EdgeSource.DRAWN) -> EdgeMap:
    labels = edges.labels.copy()
    labels[where] = label
    return edges.edited(labels)


# --- the same as complete -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["uint16", "rgb", "float32"])
def test_patches_make_up_what_complete_makes(model: EdgeConnect, dtype: str) -> None:
    image, mask = spots(as_dtype(dtype))
    edges = model.hallucinate_edges(image, mask, TINY)
    before, shown = image.copy(), image.copy()
    live = LiveCompletion(model, image, mask, TINY)
    for now in (edges, with_line(edges, np.s_[14, 12:20]), with_line(edges, np.s_[70:82, 45]), edges):
        follow(live, now, shown)
        assert same_bits(shown, model.complete(image, mask, now, TINY))
    assert same_bits(image, before)


def test_an_update_returns_what_complete_returns(model: EdgeConnect) -> None:
    image, mask = spots(as_dtype("uint16"))
    edges = with_line(model.hallucinate_edges(image, mask, TINY), np.s_[14, 12:20])
    live = LiveCompletion(model, image, mask, TINY)
    follow(live, edges.reset(), image.copy())
    repair, expected = result_of(live, edges), model.complete(image, mask, edges, TINY, return_record=True)
    assert same_bits(repair.image, expected.image)
    assert np.array_equal(repair.altered, expected.altered)
    for volatile in ("seconds", "created"):
        assert repair.record.pop(volatile) is not expected.record.pop(volatile)
    assert repair.record == expected.record
    assert repair.record["edges"]["drawn_px"] == 8


def test_every_form_of_edges_is_followed(model: EdgeConnect) -> None:
    image, mask = spots(as_dtype("uint16"))
    lines = np.zeros(mask.shape, bool)
    lines[14, 12:20] = True
    live, shown = LiveCompletion(model, image, mask, TINY), image.copy()
    for edges in (lines, lines.astype(np.float32) * 0.5, np.where(lines, 3, 0)):
        follow(live, edges, shown)
        assert same_bits(shown, model.complete(image, mask, edges, TINY))


STROKES = st.tuples(
    st.sampled_from([EdgeSource.NONE, EdgeSource.DRAWN]),
    st.integers(0, 91), st.integers(0, 107), st.integers(1, 20), st.integers(1, 20),
)  # fmt: skip


@pytest.mark.parametrize("tiled", [False, True])
@settings(max_examples=6)
@given(
    sequence=st.lists(st.tuples(STROKES, st.none() | st.integers(0, 3)), min_size=1, max_size=4), merge=st.booleans()
)
def test_any_sequence_of_strokes_and_cancelled_updates_ends_in_what_complete_makes(
    model: EdgeConnect, tiled: bool, sequence: list, merge: bool
) -> None:
    image, mask = spots(as_dtype("uint16"))
    if tiled:
        mask[30:75, 30:95] = True
    chosen = replace(TINY, merge_known_edges=merge)
    edges = model.hallucinate_edges(image, mask, chosen)
    live, shown = LiveCompletion(model, image, mask, chosen), image.copy()
    for (label, top, left, height, width), at_most in sequence:
        edges = with_line(edges, np.s_[top : top + height, left : left + width], label)
        follow(live, edges, shown, at_most)
    follow(live, edges, shown)
    assert same_bits(shown, model.complete(image, mask, edges, chosen))


# --- no more than necessary ---------------------------------------------------------------------------------------


def test_a_stroke_runs_the_window_that_it_touches_and_no_other(
    model: EdgeConnect, windows_run: list[tuple[int, int]]
) -> None:
    image, mask = spots(as_dtype("uint16"))
    edges = model.hallucinate_edges(image, mask, TINY)
    live, shown = LiveCompletion(model, image, mask, TINY), image.copy()
    assert follow(live, edges, shown) == len(windows_run) == 3
    windows_run.clear()
    drawn = with_line(edges, np.s_[14, 12:20])
    assert follow(live, drawn, shown) == len(windows_run) == 1
    assert follow(live, with_line(drawn, np.s_[12, 80:90]), shown) == 1
    assert follow(live, drawn.edited(drawn.labels), shown) == 1  # undone
    assert len(windows_run) == 3


def test_what_stage_two_does_not_see_runs_no_window(model: EdgeConnect, windows_run: list[tuple[int, int]]) -> None:
    image, mask = spots(as_dtype("uint16"))
    edges = with_line(model.hallucinate_edges(image, mask, TINY), np.s_[14, 12:20])
    live, shown = LiveCompletion(model, image, mask, TINY), image.copy()
    follow(live, edges, shown)
    windows_run.clear()
    moved = edges.at_threshold(0.05)
    assert not np.array_equal(moved.labels, edges.labels)
    follow(live, moved, shown)
    follow(live, with_line(moved, np.s_[70:72, 100:110]), shown)  # where no window looks
    assert windows_run == []


def test_a_stroke_that_is_thinned_to_the_same_line_runs_no_window(
    model: EdgeConnect, windows_run: list[tuple[int, int]]
) -> None:
    image, mask = spots(as_dtype("uint16"))
    thick = np.zeros(mask.shape, bool)
    thick[72:77, 41:49] = True
    thin = morphology.thin(thick)
    assert 0 < thin.sum() < thick.sum()
    live, shown = LiveCompletion(model, image, mask, TINY), image.copy()
    follow(live, thick, shown)
    windows_run.clear()
    assert follow(live, thin, shown) == 0
    assert windows_run == []


def test_a_cancelled_update_is_caught_up_with(model: EdgeConnect, windows_run: list[tuple[int, int]]) -> None:
    image, mask = spots(as_dtype("uint16"))
    edges = model.hallucinate_edges(image, mask, TINY)
    live, shown = LiveCompletion(model, image, mask, TINY), image.copy()
    assert follow(live, edges, shown, at_most=1) == 1
    assert len(windows_run) == 1
    assert follow(live, edges, shown) == 2
    assert same_bits(shown, model.complete(image, mask, edges, TINY))


@pytest.fixture
def large_hole(model: EdgeConnect) -> tuple[np.ndarray, np.ndarray, EdgeMap]:
    """A hole of six tiles, a small one beside it, and one far from both, with their edges."""
    image = data.camera()[60:230, 170:340].astype(np.uint16) * 257
    mask = np.zeros(image.shape, bool)
    mask[70:120, 60:125] = mask[58:64, 90:96] = mask[4:8, 4:8] = True
    return image, mask, model.hallucinate_edges(image, mask, TINY)


def test_tiles_run_again_together_and_alone(
    model: EdgeConnect, large_hole: tuple[np.ndarray, np.ndarray, EdgeMap]
) -> None:
    image, mask, edges = large_hole
    live, shown = LiveCompletion(model, image, mask, TINY), image.copy()
    assert follow(live, edges, shown) == 2 + 6
    assert follow(live, with_line(edges, np.s_[5, 4:8]), shown) == 1
    assert follow(live, edges, shown) == 1
    for where in (np.s_[100, 62:70], np.s_[117, 118:124], np.s_[110, 80:100]):
        assert follow(live, with_line(edges, where), shown) == 6
        assert same_bits(shown, model.complete(image, mask, with_line(edges, where), TINY))
        assert follow(live, edges, shown) == 6


def test_tiles_run_again_when_what_they_look_at_is_completed_again(
    model: EdgeConnect, large_hole: tuple[np.ndarray, np.ndarray, EdgeMap]
) -> None:
    image, mask, edges = large_hole
    live, shown = LiveCompletion(model, image, mask, TINY), image.copy()
    follow(live, edges, shown)
    # Too far up for any tile to see; but the small hole's pixels change, which tiles see.
    above = with_line(edges, np.s_[33:46, 93])
    assert follow(live, above, shown) == 1 + 6
    assert same_bits(shown, model.complete(image, mask, above, TINY))


def test_tiles_that_were_cancelled_half_way_all_run_again(
    model: EdgeConnect, large_hole: tuple[np.ndarray, np.ndarray, EdgeMap]
) -> None:
    image, mask, edges = large_hole
    live, shown = LiveCompletion(model, image, mask, TINY), image.copy()
    follow(live, edges, shown)
    drawn = with_line(edges, np.s_[110, 80:100])
    assert follow(live, drawn, shown, at_most=2) == 2
    assert follow(live, drawn, shown) == 6
    assert same_bits(shown, model.complete(image, mask, drawn, TINY))


# --- memory -------------------------------------------------------------------------------------------------------


@pytest.fixture
def fills(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """The shape of every window whose view was made."""
    made: list[tuple[int, int]] = []
    original = job.biharmonic_fill
    monkeypatch.setattr(job, "biharmonic_fill", lambda image, mask: made.append(mask.shape) or original(image, mask))
    return made


def test_a_view_is_made_once(model: EdgeConnect, fills: list[tuple[int, int]]) -> None:
    image, mask = spots(as_dtype("uint16"))
    edges = model.hallucinate_edges(image, mask, TINY)
    fills.clear()
    live, shown = LiveCompletion(model, image, mask, TINY), image.copy()
    for column in range(12, 20):
        follow(live, with_line(edges, np.s_[10:20, column]), shown)
    assert len(fills) == 3


@pytest.mark.parametrize(("room_for", "made_again"), [(0, [0, 1, 0, 2, 1]), (2, [0, 1, 2, 1])])
def test_views_that_were_not_used_for_longest_make_room(
    model: EdgeConnect, fills: list[tuple[int, int]], room_for: int, made_again: list[int]
) -> None:
    image = as_dtype("uint16")
    mask = np.zeros(image.shape, bool)
    places = [(20, 20), (20, 90), (70, 50)]
    for top, left in places:
        mask[top : top + 8, left : left + 8] = True
    blank = model.hallucinate_edges(image, mask, TINY)
    a_view = 64 * 64 * (8 + 8 + 1 + 4)
    live, shown = LiveCompletion(model, image, mask, TINY, views_bytes=room_for * a_view), image.copy()
    follow(live, blank, shown)
    fills.clear()
    edges, made = blank, []
    for turn, place in enumerate([0, 1, 0, 2, 1]):
        top, left = places[place]
        edges = with_line(edges, np.s_[top + turn, left : left + 8])
        before = len(fills)
        assert follow(live, edges, shown) == 1
        made += [place] * (len(fills) - before)
    assert made == made_again
    assert same_bits(shown, model.complete(image, mask, edges, TINY))


@pytest.fixture
def little_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    original = stages.Stages.completed

    def limited(self, views, **options):
        if sum(view.unknown.size for view in views) > 100 * 100:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        return original(self, views, **options)

    monkeypatch.setattr(stages.Stages, "completed", limited)


@pytest.mark.usefixtures("little_memory")
def test_where_memory_runs_out_smaller_windows_are_taken_as_complete_takes_them(model: EdgeConnect) -> None:
    image = np.tile(data.camera()[:200, :200], (2, 2))
    mask = np.zeros(image.shape, bool)
    mask[20:24, 20:24] = mask[300:304, 20:24] = True
    chosen = Settings(margin_px=64, smallest_window_px=64, largest_window_px=256)
    edges = model.hallucinate_edges(image, mask, chosen)
    live, shown = LiveCompletion(model, image, mask, chosen), image.copy()
    for now in (edges, with_line(edges, np.s_[22, 20:24])):
        follow(live, now, shown)
        assert same_bits(shown, model.complete(image, mask, now, chosen))
    assert result_of(live, now).record["notes"] == ["Memory ran out: repaired in windows of at most 128 px."]


def test_out_of_memory_to_the_end_is_one_sentence_and_a_later_update_recovers(
    model: EdgeConnect, camera: tuple[np.ndarray, np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(self: object, views: object, **options: object) -> None:
        raise MemoryError

    edges = model.hallucinate_edges(*camera)
    live, shown = LiveCompletion(model, *camera), camera[0].copy()
    with monkeypatch.context() as patch:
        patch.setattr(stages.Stages, "completed", never)
        with pytest.raises(OutOfMemoryError, match="not enough memory even for windows of"):
            follow(live, edges, shown)
    assert same_bits(shown, camera[0])
    follow(live, edges, shown)
    assert not same_bits(shown[camera[1]], camera[0][camera[1]])
    assert same_bits(shown[~camera[1]], camera[0][~camera[1]])


# --- bad input ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda model, image, mask: LiveCompletion(model, image, mask[:5]), "mask has shape"),
        (lambda model, image, mask: LiveCompletion(model, image, mask, sigma=0), "sigma is 0"),
        (lambda model, image, mask: next(LiveCompletion(model, image, mask).update(mask[:5])), "edges have shape"),
    ],
)
def test_bad_input_has_its_sentence(
    model: EdgeConnect, camera: tuple[np.ndarray, np.ndarray], call: Callable[..., object], words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        call(model, *camera)


def test_an_empty_mask_gives_no_patch(model: EdgeConnect, camera: tuple[np.ndarray, np.ndarray]) -> None:
    image, mask = camera
    live = LiveCompletion(model, image, np.zeros_like(mask))
    assert list(live.update(np.zeros_like(mask))) == []
