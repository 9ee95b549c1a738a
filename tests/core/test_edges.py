"""The edge map keeps what a person did apart from what the model proposed."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage import data, filters
from skimage.color import rgb2gray
from skimage.feature import canny

from napari_edgeconnect.core.edges import EdgeMap, EdgeSource, as_edge_map, known_edges

NONE, MEASURED, PROPOSED, DRAWN = EdgeSource


@pytest.fixture
def edge_map() -> EdgeMap:
    """A 12x12 plane with a 6x6 hole, a proposed line (0.8) and a faint one (0.3)."""
    hole = np.zeros((12, 12), dtype=bool)
    hole[3:9, 3:9] = True
    probability = np.zeros((12, 12), np.float32)
    probability[4, 3:9] = 0.8
    probability[7, 3:9] = 0.3
    labels = np.zeros((12, 12), np.uint8)
    labels[4, :3] = labels[4, 9:] = MEASURED
    labels[4, 3:9] = PROPOSED
    return EdgeMap(labels, probability, hole, threshold=0.5)


def test_known_edges_are_canny_with_the_hole_masked() -> None:
    gray = rgb2gray(data.astronaut())
    hole = np.zeros(gray.shape, dtype=bool)
    hole[100:180, 100:200] = True
    damaged = np.where(hole, np.nan, gray)
    edges = known_edges(damaged, hole, 2.0)
    assert np.array_equal(edges, canny(gray, sigma=2.0, mask=~hole))
    assert edges.sum() > 3000
    assert not edges[hole].any()
    assert not known_edges(gray, hole, None).any()


def test_untouched_proposals_stay_soft(edge_map: EdgeMap) -> None:
    edges = edge_map.for_stage_two()
    assert np.array_equal(edges[edge_map.hole], edge_map.probability[edge_map.hole])
    assert (edges[4, [0, 1, 2, 9, 10, 11]] == 1).all()
    assert edges.dtype == np.float32


def test_edited_pixels_are_hard(edge_map: EdgeMap) -> None:
    labels = edge_map.labels.copy()
    labels[4, 3:6] = NONE
    labels[6, 3:9] = DRAWN
    labels[7, 5] = PROPOSED  # painted over a faint one, in whatever colour
    edited = edge_map.edited(labels)
    edges = edited.for_stage_two()
    assert (edges[4, 3:6] == 0).all()
    assert (edges[4, 6:9] == np.float32(0.8)).all()
    assert (edges[6, 3:9] == 1).all()
    assert edges[7, 4] == np.float32(0.3)
    assert edited.erased.sum() == 3
    assert edited.drawn.sum() == 7


def test_measured_edges_can_be_erased_and_drawn_outside_the_hole(edge_map: EdgeMap) -> None:
    labels = edge_map.labels.copy()
    labels[4, 0] = NONE
    labels[0, 10] = DRAWN
    edited = edge_map.edited(labels)
    assert (edited.erased.sum(), edited.drawn.sum()) == (1, 1)
    for merged in (True, False):
        edges = edited.for_stage_two(merge_known_edges=merged)
        assert edges[4, 0] == 0
        assert edges[0, 10] == 1


def test_a_thick_stroke_is_thinned(edge_map: EdgeMap) -> None:
    labels = edge_map.labels.copy()
    labels[5:8, 3:9] = DRAWN
    edges = edge_map.edited(labels).for_stage_two()
    assert set(np.unique(edges[5:8, 3:9])) == {0, 1}
    assert ((edges[5:8, 3:9] == 1).sum(axis=0) <= 1).all()
    assert (edges[5:8, 3:9] == 1).sum() >= 4


def test_a_threshold_redraws_proposals_and_nothing_else(edge_map: EdgeMap) -> None:
    labels = edge_map.labels.copy()
    labels[4, 3] = NONE
    labels[6, 5] = DRAWN
    lower = edge_map.edited(labels).at_threshold(0.2)
    assert (lower.labels[7, 3:9] == PROPOSED).all()
    assert lower.labels[4, 3] == NONE
    assert lower.labels[6, 5] == DRAWN
    higher = edge_map.edited(labels).at_threshold(0.9)
    assert not (higher.labels == PROPOSED).any()
    assert higher.labels[6, 5] == DRAWN


def test_an_erased_proposal_stays_erased_whatever_the_threshold(edge_map: EdgeMap) -> None:
    labels = edge_map.labels.copy()
    labels[4, 3:6] = NONE
    erased = edge_map.edited(labels)
    again = erased.at_threshold(0.9).at_threshold(0.2)
    assert not again.labels[4, 3:6].any()
    assert (again.labels[4, 6:9] == PROPOSED).all()
    assert np.array_equal(again.erased, erased.erased)
    assert (again.for_stage_two()[4, 3:6] == 0).all()


def test_a_stroke_that_is_taken_back_leaves_no_decision(edge_map: EdgeMap) -> None:
    labels = edge_map.labels.copy()
    labels[2:8, 4] = DRAWN
    labels[4, 0] = NONE
    drawn = edge_map.edited(labels)
    assert drawn.decided.sum() == 7
    assert not drawn.edited(edge_map.labels).decided.any()
    # What was erased before the threshold rose is still decided, though the machine would not draw it now.
    erased = edge_map.edited(np.where(edge_map.hole, NONE, edge_map.labels)).at_threshold(0.9)
    other = erased.labels.copy()
    other[6, 6] = DRAWN
    assert erased.edited(other).edited(erased.labels).at_threshold(0.1).labels[edge_map.hole].sum() == PROPOSED * 6


def test_a_new_sigma_redraws_measured_edges_and_leaves_the_hole_and_edits(edge_map: EdgeMap) -> None:
    labels = edge_map.labels.copy()
    labels[4, 0] = NONE
    labels[1, 1:4] = DRAWN
    labels[4, 5] = NONE
    edited = edge_map.edited(labels)
    finer = np.zeros(edge_map.shape, dtype=bool)
    finer[4] = finer[1] = finer[10] = True
    new = edited.with_measured(finer)
    assert np.array_equal(new.labels[edge_map.hole], edited.labels[edge_map.hole])
    assert new.labels[4, 0] == NONE
    assert (new.labels[1, 1:4] == DRAWN).all()
    assert (new.labels[10] == MEASURED).all()
    assert np.array_equal(new.decided, edited.decided)
    back = new.with_measured(np.zeros_like(finer))
    assert not (back.labels == MEASURED).any()
    assert back.erased.sum() == 2


def test_hallucinating_again_keeps_every_decision_in_a_grown_hole(edge_map: EdgeMap) -> None:
    labels = edge_map.labels.copy()
    labels[4, [0, 2, 5]] = NONE
    labels[0, 0] = DRAWN
    edited = edge_map.edited(labels)
    hole = edge_map.hole.copy()
    hole[2:10, 2:10] = True
    probability = np.full(hole.shape, 0.7, np.float32)
    new = edited.again(EdgeMap(np.zeros_like(labels), probability, hole, 0.6, np.zeros_like(hole)))
    assert new.threshold == 0.6
    assert np.array_equal(new.labels > 0, (hole & ~edited.decided) | edited.drawn)
    assert np.array_equal(new.decided, edited.decided)
    assert new.for_stage_two()[4, 2] == 0


def test_a_new_map_of_another_plane_is_refused(edge_map: EdgeMap) -> None:
    with pytest.raises(ValueError, match=r"new edge map has shape \(6, 12\), but the plane is \(12, 12\)"):
        edge_map.again(edge_map.cropped(np.s_[:6, :]))


def test_unmerged_edges_are_the_networks_own_everywhere(edge_map: EdgeMap) -> None:
    edges = edge_map.for_stage_two(merge_known_edges=False)
    assert np.array_equal(edges, edge_map.probability)


def test_every_form_of_edges_is_read(edge_map: EdgeMap) -> None:
    hole = edge_map.hole
    measured = edge_map.labels == MEASURED
    lines = np.zeros(hole.shape, dtype=bool)
    lines[6, :] = True
    drawn = as_edge_map(lines, hole, lambda: measured)
    assert (drawn.for_stage_two()[6] == 1).all()
    assert np.array_equal(drawn.labels == MEASURED, measured)
    soft = as_edge_map(lines * 0.7, hole, lambda: measured)
    assert (soft.for_stage_two()[6, 3:9] == np.float32(0.7)).all()
    assert np.array_equal(soft.labels[~hole] > 0, measured[~hole])
    labelled = as_edge_map(np.where(lines, 3, 0).astype(np.int64), hole, lambda: measured)
    assert not (labelled.labels == MEASURED).any()
    assert (labelled.for_stage_two()[6] == 1).all()
    assert as_edge_map(edge_map, hole, lambda: measured) is edge_map


@pytest.mark.parametrize(
    ("edges", "error", "words"),
    [
        (np.zeros((3, 3), bool), ValueError, r"edges have shape \(3, 3\), but the image's plane is \(12, 12\)"),
        (np.full((12, 12), 1.5), ValueError, "from 1.5 to 1.5: give values from 0 to 1"),
        (np.full((12, 12), np.nan), ValueError, "give values from 0 to 1"),
        (np.full((12, 12), 255, np.uint8), ValueError, "reach from 255 to 255"),
        (np.full((12, 12), -1), ValueError, "reach from -1 to -1"),
        (np.zeros((12, 12), complex), TypeError, "dtype complex128"),
    ],
)
def test_bad_edges_have_their_sentence(
    edge_map: EdgeMap, edges: np.ndarray, error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        as_edge_map(edges, edge_map.hole, lambda: edge_map.hole)


def test_an_edge_map_of_another_plane_is_refused(edge_map: EdgeMap) -> None:
    with pytest.raises(ValueError, match=r"edge map has shape \(12, 12\), but the image's plane is \(9, 9\)"):
        as_edge_map(edge_map, np.zeros((9, 9), bool), lambda: np.zeros((9, 9), bool))


# --- decisions through any sequence of edits and redraws ------------------------------------------------------------


@cache
def canny_at(sigma: float) -> np.ndarray:
    return known_edges(data.camera()[80:112, 220:256] / 255, grown_hole(0), sigma)


@cache
def grown_hole(by: int) -> np.ndarray:
    hole = np.zeros((32, 36), dtype=bool)
    hole[8 - by : 24 + by, 10 - by : 28 + by] = True
    return hole


@cache
def machine(sigma: float = 1.0, shift: int = 0, grow: int = 0, threshold: float = 0.3) -> EdgeMap:
    """What a run would propose for a piece of the cameraman: the contrast that the hole hides, for want of stage 1."""
    hidden = filters.sobel(data.camera()[80:112, 220:256] / 255)
    probability = np.roll((hidden / hidden[grown_hole(0)].max()).clip(0, 1).astype(np.float32), shift, axis=1)
    blank = np.zeros(hidden.shape, np.uint8)
    return EdgeMap(blank, probability, grown_hole(grow), threshold, canny_at(sigma) & ~grown_hole(grow)).reset()


SIGMAS, THRESHOLDS = st.sampled_from([0.7, 1.0, 1.5, 2.0]), st.sampled_from([0.05, 0.2, 0.3, 0.5, 0.8])
BOXES = st.tuples(st.integers(0, 31), st.integers(0, 35), st.integers(1, 9), st.integers(1, 9))
ACTIONS = st.one_of(
    st.tuples(st.sampled_from([NONE, PROPOSED, DRAWN, MEASURED]), BOXES),
    st.tuples(st.just("undo"), st.none()),
    st.tuples(st.just("threshold"), THRESHOLDS),
    st.tuples(st.just("sigma"), SIGMAS),
    st.tuples(st.just("again"), st.tuples(SIGMAS, st.integers(-3, 3), st.integers(0, 4), THRESHOLDS)),
)


@settings(max_examples=200)
@given(sequence=st.lists(ACTIONS, max_size=14))
def test_no_sequence_changes_a_decided_pixel_and_a_reset_is_the_machines_own(sequence: list) -> None:
    edges, strokes = machine(), [machine()]  # the latter since the last redraw
    for what, value in sequence:
        before = edges
        if isinstance(what, EdgeSource):
            top, left, height, width = value
            here = np.zeros(edges.shape, dtype=bool)
            here[top : top + height, left : left + width] = True
            edges = strokes[0].edited(np.where(here, what, edges.labels))
            strokes.append(edges)
            assert np.array_equal(edges.decided[~here], before.decided[~here])
        elif what == "undo":
            if len(strokes) > 1:
                strokes.pop()
            edges = strokes[0].edited(strokes[-1].labels)
            assert np.array_equal(edges.decided, strokes[-1].decided)
        else:
            if what == "threshold":
                edges, untouched = edges.at_threshold(value), ~edges.hole
            elif what == "sigma":
                edges, untouched = edges.with_measured(canny_at(value)), edges.hole
            else:
                edges, untouched = edges.again(machine(*value)), edges.decided
            assert np.array_equal(edges.decided, before.decided)
            assert np.array_equal(edges.labels[untouched | before.decided], before.labels[untouched | before.decided])
            strokes = [edges]
        assert np.array_equal(edges.labels[~edges.decided], edges.proposal[~edges.decided])
        given_to_stage_two = edges.for_stage_two()
        assert not given_to_stage_two[edges.erased].any()
        assert set(np.unique(given_to_stage_two[edges.drawn])) <= {0, 1}
    reset = edges.reset()
    assert not reset.decided.any()
    expected = np.where(edges.hole & (edges.probability >= edges.threshold), PROPOSED, NONE)
    expected[edges.measured & ~edges.hole] = MEASURED
    assert np.array_equal(reset.labels, expected)


def test_a_brush_stroke_two_pixels_wide_reaches_stage_two_from_end_to_end() -> None:
    labels = np.zeros((60, 60), np.uint8)
    rows = np.arange(15, 45)
    labels[rows, rows] = labels[rows, rows + 1] = EdgeSource.DRAWN
    edges = EdgeMap(labels, np.zeros((60, 60), np.float32), np.ones((60, 60), bool)).for_stage_two()
    assert edges[15:45].any(axis=1).all()
    assert edges.sum() <= 32
