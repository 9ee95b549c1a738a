"""The edge map keeps what a person did apart from what the model proposed."""

from __future__ import annotations

import numpy as np
import pytest
from skimage import data
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
    edges = edge_map.edited(labels).for_stage_two()
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
