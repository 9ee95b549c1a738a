"""Edges end where they end, bridges go on as their edges do, and whole edges are taken whole."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lines import PLANE, circle, densely, farthest, painted, pieces_of, pixel
from scipy import ndimage

from napari_edgeconnect.core.drawing import stroke
from napari_edgeconnect.core.edge_parts import bridge, connected_edge, edge_ends, short_edges
from napari_edgeconnect.core.edges import EdgeSource

# Ends of edges


@pytest.mark.parametrize("thickness", [1, 3])
def test_a_line_ends_twice_and_points_away_from_itself(thickness: int) -> None:
    edges = np.zeros(PLANE, np.uint8)
    edges[20 : 20 + thickness, 10:40] = EdgeSource.DRAWN
    points, directions = edge_ends(edges)
    order = points[:, 1].argsort()
    assert np.allclose(points[order], [(20 + thickness // 2, 10), (20 + thickness // 2, 39)], atol=thickness // 2)
    assert np.allclose(directions[order], [(0, -1), (0, 1)])


def test_a_staircase_ends_where_it_ends() -> None:
    edges = painted(densely(np.array([(5.3, 5), (45.3, 45)])), PLANE)
    points, directions = edge_ends(edges)
    order = points[:, 0].argsort()
    assert np.allclose(points[order], [(5, 5), (45, 45)], atol=1)
    assert np.allclose(directions[order], [(-np.sqrt(0.5), -np.sqrt(0.5)), (np.sqrt(0.5), np.sqrt(0.5))], atol=0.15)


@pytest.mark.parametrize("turn", np.linspace(0, 2 * np.pi, 12, endpoint=False))
def test_an_arc_points_along_itself(turn: float) -> None:
    arc = circle((60.3, 59.8), 50, turn, turn + 2)
    points, directions = edge_ends(painted(arc, (120, 120)))
    assert len(points) == 2
    for end, tangent in ((arc[0], arc[0] - arc[1]), (arc[-1], arc[-1] - arc[-2])):
        nearest = np.hypot(*(points - end).T).argmin()
        assert np.hypot(*(points[nearest] - end)) < 1.5
        assert directions[nearest] @ tangent / np.hypot(*tangent) > np.cos(0.3)
    assert np.allclose(np.hypot(*directions.T), 1)


@given(st.lists(st.floats(5, 75), min_size=2, max_size=5))
def test_a_painted_curve_ends_where_it_was_begun_and_left_off(columns: list[float]) -> None:
    curve = densely(np.column_stack([20.0 * np.arange(1, len(columns) + 1), columns]))
    assert farthest(curve[[0, -1]], edge_ends(painted(curve, (120, 80)))[0]) <= 1.5


def test_arms_end_and_rings_and_single_pixels_do_not() -> None:
    star = np.zeros(PLANE, dtype=bool)
    for end in ((10, 30), (40, 10), (40, 50)):
        star |= stroke([(30, 30), end], PLANE, kind="line")
    assert sorted(edge_ends(star)[0].tolist()) == [[10, 30], [40, 10], [40, 50]]
    ring = stroke([(5, 5), (5, 30), (30, 30), (30, 5)], PLANE, kind="ellipse")
    ring[50, 50] = True
    points, directions = edge_ends(ring)
    assert points.shape == directions.shape == (0, 2)


def test_a_short_arm_does_not_take_its_direction_from_beyond_the_junction() -> None:
    edges = np.zeros(PLANE, dtype=bool)
    edges[30, 10:60] = edges[25:30, 35] = True
    points, directions = edge_ends(edges)
    (arm,) = np.flatnonzero((points == (25, 35)).all(axis=1))
    assert np.allclose(directions[arm], (-1, 0), atol=0.1)


# Bridges


@pytest.mark.parametrize("turn", np.linspace(0, 2 * np.pi, 32, endpoint=False))
def test_a_bridge_follows_the_arc_of_an_interrupted_circle(turn: float) -> None:
    centre = (60 + 0.4 * np.sin(5 * turn), 60 + 0.4 * np.cos(7 * turn))
    half_gap = 30 / 40 / 2
    arc = circle(centre, 40, turn + half_gap, turn + 2 * np.pi - half_gap)
    labels = painted(arc, (120, 120))
    clicks = circle(centre, 40, turn - half_gap / 2, turn + half_gap / 2)[[-1, 0]]  # well inside the gap
    closing = bridge(labels, *clicks)
    radii = np.hypot(*(np.argwhere(closing) - centre).T)
    assert np.abs(radii - 40).max() <= 1.5
    assert ndimage.binary_fill_holes(closing | (labels > 0))[60, 60]


@pytest.mark.parametrize("end", [(30, 75), (10, 75), (60, 75), (3, 60), (30, 5)])
def test_a_bridge_over_a_gap_in_a_straight_line_is_straight(end: tuple[int, int]) -> None:
    line = stroke([(30, 35), end], PLANE, kind="line")
    line |= stroke([(30, 35), (60 - end[0], 70 - end[1])], PLANE, kind="line")
    from_centre = np.hypot(*(np.indices(PLANE) - np.reshape((30, 35), (2, 1, 1))))
    labels = (line & (from_centre > 12)).astype(np.uint8)
    points = np.argwhere(labels)
    clicked = points[from_centre[tuple(points.T)].argsort()[:2]]
    closing = bridge(labels, *clicked)
    way = np.array(end) - (30, 35)
    across = np.array([way[1], -way[0]]) / np.hypot(*way)
    assert np.abs((np.argwhere(closing) - (30, 35)) @ across).max() <= 1.2
    if 0 in way:
        assert np.array_equal(closing | (labels > 0), line)


@given(st.floats(2, 4.2), st.floats(-1.1, 1.1), st.floats(14, 40))
def test_a_bridge_is_a_thin_chain_from_end_to_end(first: float, second: float, gap: float) -> None:
    inner = np.array([(100, 100 - gap / 2), (100, 100 + gap / 2)])
    ways = np.array([(np.sin(a), np.cos(a)) for a in (first, second)])
    labels = np.zeros((200, 200), np.uint8)
    labels[stroke([inner[0], inner[0] + 6 * ways[0]], labels.shape, kind="line")] = EdgeSource.PROPOSED
    labels[stroke([inner[1], inner[1] + 6 * ways[1]], labels.shape, kind="line")] = EdgeSource.MEASURED
    closing = bridge(labels, inner[0], inner[1], reach_px=2)
    assert closing[pixel(inner[0])]
    assert closing[pixel(inner[1])]
    assert pieces_of(closing) == 1
    assert not ndimage.binary_erosion(closing, np.ones((2, 2))).any()


def test_a_bridge_leaves_both_ends_in_their_own_direction() -> None:
    labels = np.zeros((80, 80), np.uint8)
    labels[60, 5:30] = labels[5:30, 60] = EdgeSource.MEASURED  # they would meet at a right angle in (60, 60)
    closing = np.argwhere(bridge(labels, (60, 29), (29, 60)))
    assert np.abs(closing[closing[:, 1] < 34, 0] - 60).max() <= 1
    assert np.abs(closing[closing[:, 0] < 34, 1] - 60).max() <= 1
    assert closing.max() <= 60
    diagonal_px = np.abs(closing.sum(axis=1) - 89).max() / np.sqrt(2)
    assert diagonal_px > 5


def test_clicks_find_the_end_nearest_to_them_wherever_it_is_in_the_plane() -> None:
    labels = np.zeros((300, 400), np.uint8)
    labels[250, 300:320] = labels[250, 340:360] = labels[262, 300:320] = EdgeSource.MEASURED
    closing = bridge(labels, (254, 322), (247, 338))
    assert np.argwhere(closing).tolist() == [[250, column] for column in range(319, 341)]


@pytest.mark.parametrize(
    ("start", "end", "words"),
    [
        ((20, 60), (20, 41), "no edge end within 10 px of the first click"),
        ((20, 29), (-90, 900), "no edge end within 10 px of the second click"),
        ((20, 25), (20, 33), "first and the second click find the same edge end"),
    ],
)
def test_clicks_that_find_no_two_ends_are_named(start: tuple[int, int], end: tuple[int, int], words: str) -> None:
    labels = np.zeros(PLANE, np.uint8)
    labels[20, 10:30] = labels[20, 40:50] = EdgeSource.MEASURED
    with pytest.raises(ValueError, match=words):
        bridge(labels, start, end)


# Whole edges


def test_a_click_takes_the_whole_edge_across_its_sources_and_no_other() -> None:
    labels = np.zeros(PLANE, np.uint8)
    labels[10, 5:20], labels[11, 20:30], labels[12, 30:40] = EdgeSource.MEASURED, EdgeSource.PROPOSED, EdgeSource.DRAWN
    labels[14, 5:40] = EdgeSource.MEASURED
    taken = connected_edge(labels, (8.5, 6))
    assert np.array_equal(taken, np.isin(np.arange(PLANE[0]), (10, 11, 12))[:, None] & (labels > 0))
    assert connected_edge(labels, (13.1, 20)).sum() == 35
    assert not connected_edge(labels, (5, 6)).any()
    assert connected_edge(labels, (5, 6), reach_px=5).sum() == 35
    assert not connected_edge(labels, (-400, 1000)).any()


def test_short_edges_are_those_with_fewer_pixels_and_nothing_drawn() -> None:
    labels = np.zeros(PLANE, np.uint8)
    labels[5, 5:14] = EdgeSource.PROPOSED
    labels[15, 5:15] = EdgeSource.PROPOSED
    labels[25, 5:8], labels[26, 8] = EdgeSource.MEASURED, EdgeSource.DRAWN
    short = short_edges(labels, 10)
    assert np.argwhere(short).tolist() == [[5, column] for column in range(5, 14)]
    assert not short_edges(labels, 9).any()
    nearly_full = np.full(PLANE, EdgeSource.PROPOSED, np.uint8)
    nearly_full[0, 0] = EdgeSource.NONE
    assert not short_edges(nearly_full, 10).any()


def test_an_edge_is_measured_whole_and_erased_inside_the_hole_only() -> None:
    labels = np.zeros(PLANE, np.uint8)
    labels[5, 5:20], labels[5, 20:24] = EdgeSource.MEASURED, EdgeSource.PROPOSED
    labels[15, 17:20], labels[15, 20:24] = EdgeSource.MEASURED, EdgeSource.PROPOSED
    hole = np.zeros(PLANE, dtype=bool)
    hole[:, 20:40] = True
    short = short_edges(labels, 10, hole=hole)
    assert np.argwhere(short).tolist() == [[15, column] for column in range(20, 24)]
