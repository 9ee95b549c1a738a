"""Strokes have no gaps, curves go where they were clicked, and snapped strokes lie on edges."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lines import EIGHT, PLANE, circle, densely, farthest, pieces_of, pixel
from scipy import ndimage
from skimage import data
from skimage.color import rgb2gray
from skimage.feature import canny

from napari_edgeconnect.core.drawing import edge_cost, edges_from, snapped, spline, stroke

NOTHING = np.zeros((100, 100))
NO_HOLE = NOTHING > 0

inside = st.tuples(st.floats(-0.5, PLANE[0] - 0.6), st.floats(-0.5, PLANE[1] - 0.6))
clicks = st.lists(inside, min_size=2, max_size=6)


# Strokes


@given(clicks)
def test_every_pixel_of_a_stroke_holds_a_piece_of_it_and_there_are_no_gaps(points: list[tuple[float, float]]) -> None:
    drawn = stroke(points, PLANE, kind="path")
    assert farthest(np.argwhere(drawn), densely(np.array(points)), p=np.inf) <= 0.52
    assert pieces_of(drawn) == 1
    assert drawn[pixel(points[0])]
    assert drawn[pixel(points[-1])]


@given(inside, inside)
def test_a_line_is_thin(start: tuple[float, float], end: tuple[float, float]) -> None:
    drawn = stroke([start, end], PLANE, kind="line")
    fewest = np.abs(np.subtract(pixel(start), pixel(end))).max() + 1
    assert fewest <= drawn.sum() <= fewest + 1
    assert pieces_of(drawn) == 1


@given(st.tuples(st.integers(0, 63), st.integers(0, 79)), st.tuples(st.integers(0, 63), st.integers(0, 79)))
def test_a_line_between_pixels_is_the_thinnest(start: tuple[int, int], end: tuple[int, int]) -> None:
    drawn = stroke([start, end], PLANE, kind="line")
    assert drawn.sum() == np.abs(np.subtract(start, end)).max() + 1
    samples = np.array(start) + np.linspace(0, 1, 1000)[:, None] * np.subtract(end, start)
    assert farthest(np.argwhere(drawn), samples) <= 0.75


def test_a_dense_path_has_no_staircases() -> None:
    path = np.stack([np.arange(5, 50, 0.05), np.arange(5, 50, 0.05) + 0.4], axis=1)
    drawn = stroke(path, PLANE, kind="path")
    assert drawn.sum() == 46
    arc = stroke(circle((30, 30), 20.3, 0.1, 3), PLANE, kind="path")
    neighbours = ndimage.convolve(arc.astype(int), EIGHT.astype(int), mode="constant") - 1
    assert sorted(neighbours[arc])[:2] == [1, 1]
    assert (neighbours[arc] <= 2).all()


@pytest.mark.parametrize("kind", ["rectangle", "polygon"])
def test_an_outline_is_closed_and_keeps_its_corners(kind: str) -> None:
    expected = np.zeros(PLANE, dtype=bool)
    expected[5:16, 7:31] = True
    expected[6:15, 8:30] = False
    drawn = stroke([(5, 7), (5, 30), (15, 30), (15, 7)], PLANE, kind=kind)
    assert np.array_equal(drawn, expected)


def test_a_path_stays_open() -> None:
    drawn = stroke([(5, 7), (5, 30), (15, 30), (15, 7)], PLANE, kind="path")
    assert not drawn[6:15, 7].any()


@given(st.floats(0, np.pi), st.floats(3, 25), st.floats(3, 25))
def test_an_ellipse_lies_in_its_turned_box(angle: float, first: float, second: float) -> None:
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    centre = np.array([30.2, 29.7])
    corners = centre + np.array([(-first, -second), (-first, second), (first, second), (first, -second)]) @ turn.T
    drawn = stroke(corners, (60, 60), kind="ellipse")
    angles = np.linspace(0, 2 * np.pi, 4000)
    true = centre + np.stack([first * np.cos(angles), second * np.sin(angles)], axis=1) @ turn.T
    assert farthest(np.argwhere(drawn), true, p=np.inf) <= 0.55
    assert farthest(true, np.argwhere(drawn), p=np.inf) <= 1.5
    assert ndimage.binary_fill_holes(drawn)[30, 30]


@pytest.mark.parametrize("kind", ["line", "path", "polygon", "rectangle", "ellipse"])
def test_what_lies_outside_is_cut_off(kind: str) -> None:
    corners = np.array([(-20.31, 10.42), (30.67, -15.53), (70.29, 60.48), (19.31, 86.43)])
    whole = stroke(corners + 100, (300, 300), kind=kind)
    assert np.array_equal(stroke(corners, PLANE, kind=kind), whole[100 : 100 + PLANE[0], 100 : 100 + PLANE[1]])
    assert 0 < stroke(corners, PLANE, kind=kind).sum() < whole.sum()


def test_a_point_is_a_pixel() -> None:
    assert np.argwhere(stroke([(2.5, 4.49)], PLANE, kind="path")).tolist() == [[3, 4]]
    assert np.argwhere(stroke([(3, 4), (3, 4)], PLANE, kind="line")).tolist() == [[3, 4]]


@pytest.mark.parametrize(
    ("points", "kind", "words"),
    [
        ([(1, 2), (3, 4)], "text", 'kind "text": give line, path'),
        ([(1, 2, 3)], "path", r"shape \(1, 3\): give \(N, 2\)"),
        (np.empty((0, 2)), "path", r"shape \(0, 2\)"),
        ([(1, np.nan)], "path", "NaN or infinite coordinates"),
        ([(1, 2), (3, 4)], "ellipse", "2 points: give the four corners"),
    ],
)
def test_what_is_no_stroke_has_its_sentence(points: object, kind: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        stroke(points, PLANE, kind=kind)  # type: ignore[arg-type]


# Splines


def crosses_itself(curve: np.ndarray) -> bool:
    """Whether any two sides of a polyline cross that do not follow each other."""
    start, way = curve[:-1], np.diff(curve, axis=0)
    between = start[None] - start[:, None]
    across = way[:, None, 0] * way[None, :, 1] - way[:, None, 1] * way[None, :, 0]
    with np.errstate(divide="ignore", invalid="ignore"):
        here = (between[..., 0] * way[None, :, 1] - between[..., 1] * way[None, :, 0]) / across
        there = (between[..., 0] * way[:, None, 1] - between[..., 1] * way[:, None, 0]) / across
    crossed = (0 < here) & (here < 1) & (0 < there) & (there < 1)
    return bool(np.triu(crossed, 2).any())


def station_of(point: np.ndarray, curve: np.ndarray, after: int) -> int:
    return after + int(np.hypot(*(curve[after:] - point).T).argmin())


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), min_size=2, max_size=6, unique=True))
def test_a_spline_goes_through_all_its_points_in_their_order_without_a_jump(points: list[tuple[int, int]]) -> None:
    curve = spline(points)
    assert np.hypot(*np.diff(curve, axis=0).T).max() < 1
    at = 0
    for point in np.array(points):
        on_it = np.flatnonzero(np.hypot(*(curve[at:] - point).T) < 1e-6)
        assert on_it.size
        at += int(on_it[0])
    assert np.allclose(curve[[0, -1]], [points[0], points[-1]])


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), min_size=3, max_size=5, unique=True))
def test_a_spline_makes_no_loop_between_two_points(points: list[tuple[int, int]]) -> None:
    curve = spline(points)
    at = 0
    for point in np.array(points[1:]):
        following = at + int(np.flatnonzero(np.hypot(*(curve[at:] - point).T) < 1e-6)[0])
        assert not crosses_itself(curve[at : following + 1 : 2])
        at = following


def test_unevenly_spaced_points_give_no_loop() -> None:
    curve = spline([(0, 0), (40, 60), (40, 62), (0, 120)])  # equally spaced knots make a loop of these
    assert not crosses_itself(curve)
    assert np.diff(curve[:, 1]).min() > 0


def test_a_spline_is_round() -> None:
    clicked = [(50 + 40 * np.sin(a), 50 + 40 * np.cos(a)) for a in np.linspace(0, 5, 11)]
    radii = np.hypot(*(spline(clicked) - 50).T)
    assert np.abs(radii - 40).max() < 0.25  # straight lines are 1.2 off


def test_a_spline_of_two_points_is_straight_and_repeated_points_change_nothing() -> None:
    curve = spline([(1, 2), (21, 42)])
    assert np.allclose(np.diff(curve, axis=0)[:, 1], 2 * np.diff(curve, axis=0)[:, 0])
    assert np.array_equal(curve, spline([(1, 2), (1, 2), (21, 42), (21, 42)]))
    assert spline([(5, 6), (5, 6)]).tolist() == [[5, 6]]


# Snapping


@pytest.fixture
def step() -> np.ndarray:
    """A sharp step between the columns 49 and 50."""
    return np.where(np.arange(100) < 50, 0.3, 0.5) * np.ones((100, 1))


@pytest.mark.parametrize("column", [45.5, 47.0, 52.2, 53.5])
@pytest.mark.parametrize("noise", [0.0, 0.03])
def test_a_stroke_beside_a_sharp_step_lands_on_it(step: np.ndarray, column: float, noise: float) -> None:
    gray = step + noise * np.random.default_rng(3).standard_normal(step.shape)
    path = snapped([(10, column), (90, column)], edge_cost(gray, NOTHING, NO_HOLE))
    between = path[(path[:, 0] > 16) & (path[:, 0] < 84)]
    assert np.abs(between[:, 1] - 49.5).max() <= 0.75
    assert path[[0, -1]].tolist() == [[10, column], [90, column]]


def test_a_hand_that_trembles_finds_the_step_too(step: np.ndarray) -> None:
    trembling = [(row, 46 + (-1) ** row) for row in range(10, 91)]
    path = snapped(trembling, edge_cost(step, NOTHING, NO_HOLE))
    drawn = stroke(path, step.shape, kind="path")[20:80]
    assert set(drawn.nonzero()[1].tolist()) <= {49, 50}
    assert drawn.sum() <= 66  # and goes straight along it


def test_a_strong_edge_comes_before_a_faint_one_that_is_nearer() -> None:
    gray = np.repeat([0.3, 0.34, 0.74], [48, 6, 46]) * np.ones((100, 1))
    path = snapped([(10, 49.5), (90, 49.5)], edge_cost(gray, NOTHING, NO_HOLE))
    assert np.abs(path[20:-20, 1] - 53.5).max() <= 1


def test_a_faint_step_is_followed_where_there_is_nothing_else() -> None:
    gray = np.where(np.arange(100) < 50, 0.3, 0.32) * np.ones((100, 1))
    path = snapped([(10, 46), (90, 46)], edge_cost(gray, NOTHING, NO_HOLE))
    assert np.abs(path[20:-20, 1] - 49.5).max() <= 1


@pytest.mark.parametrize("seed", range(5))
def test_noise_does_not_lead_a_stroke_astray(seed: int) -> None:
    gray = 0.3 + 0.03 * np.random.default_rng(seed).standard_normal(NOTHING.shape)
    path = snapped([(10, 50), (90, 50)], edge_cost(gray, NOTHING, NO_HOLE))
    assert np.abs(path[:, 1] - 50).mean() < 1.2


def test_inside_the_hole_a_stroke_follows_the_probability(step: np.ndarray) -> None:
    hole = NO_HOLE.copy()
    hole[30:70, 30:70] = True
    probability = np.zeros(hole.shape)
    probability[:, 54] = 0.9
    cost = edge_cost(np.where(hole, np.nan, step), probability, hole)
    path = snapped([(34, 51), (66, 51)], cost)
    assert np.abs(path[8:-8, 1] - 54).max() <= 1


@given(clicks)
def test_where_there_is_no_edge_a_stroke_stays_where_it_is(points: list[tuple[float, float]]) -> None:
    path = snapped(points, np.ones(PLANE))
    assert farthest(path, densely(np.array(points))) <= 0.1
    assert farthest(densely(np.array(points)), densely(path)) <= 2


@given(clicks, st.integers(1, 9), st.integers(0, 2**32 - 1))
def test_a_snapped_stroke_keeps_its_ends_and_its_corridor(
    points: list[tuple[float, float]], corridor_px: int, seed: int
) -> None:
    cost = np.random.default_rng(seed).random(PLANE)
    path = snapped(points, cost, corridor_px=corridor_px)
    assert farthest(path, densely(np.array(points))) <= corridor_px + 0.1
    assert np.allclose(path[[0, -1]], [points[0], points[-1]], atol=1e-2)


def test_an_outline_drawn_around_a_coin_lands_on_its_rim_and_stays_an_outline() -> None:
    gray = data.coins()[85:165, 230:310] / 255
    rim = canny(gray, 2)
    drawn = circle((34, 41), 28, 0, 2 * np.pi)
    path = snapped(drawn, edge_cost(gray, np.zeros(gray.shape), gray < 0))
    away = ndimage.distance_transform_edt(~rim)
    before, after = (away[stroke(line, gray.shape, kind="path")] for line in (drawn, path))
    assert np.median(before) > 2
    assert np.mean(after <= 1) > 0.9
    assert ndimage.binary_fill_holes(stroke(path, gray.shape, kind="path"))[34, 41]


def test_cost_is_low_on_edges_only_and_a_holes_rim_is_none() -> None:
    gray = rgb2gray(data.astronaut())[:200, 150:350]
    hole = np.zeros(gray.shape, dtype=bool)
    hole[60:120, 60:140] = True
    probability = np.full(gray.shape, 0.25)
    cost = edge_cost(np.where(hole, np.nan, gray), probability, hole)
    assert cost.min() >= 0
    assert cost.max() <= 1
    assert (cost[hole] == 0.75).all()
    edges = canny(gray, 1, mask=~hole)
    assert np.median(cost[edges]) < np.median(cost[~edges & ~hole]) - 0.3
    whole = edge_cost(gray, probability, hole & False)
    assert np.abs(cost - whole)[ndimage.distance_transform_edt(~hole) > 8].max() < 0.05
    flat = edge_cost(np.where(hole, 0.0, 0.6), np.zeros(gray.shape), hole)
    assert flat[~hole] == pytest.approx(1)
    assert edge_cost(np.zeros(hole.shape), probability, np.ones_like(hole)) == pytest.approx(0.75)


# Edges from elsewhere


@pytest.fixture
def hole() -> np.ndarray:
    hole = np.zeros((512, 512), dtype=bool)
    hole[60:260, 150:330] = True
    return hole


@pytest.mark.parametrize(
    "mapped",
    [
        lambda camera: camera,
        lambda camera: camera.astype(np.uint16) * 16,
        lambda camera: camera.astype(np.int32) * 1000 - 400_000,
        lambda camera: (camera.astype(np.float32) - 100) * 1e-6,
        lambda camera: np.dstack([camera.astype(float)] * 3),
    ],
    ids=["uint8", "12 of 16 bits", "negative", "small floats", "colour"],
)
def test_a_pictures_edges_do_not_depend_on_its_dtype_or_range(mapped: object, hole: np.ndarray) -> None:
    camera = data.camera()
    low, high = np.percentile(camera, (0.5, 99.5), method="nearest")
    expected = canny((camera - float(low)) / (high - low), 2.0) & hole
    edges = edges_from(mapped(camera), sigma=2.0, hole=hole)  # type: ignore[operator]
    assert expected.sum() > 500
    assert np.count_nonzero(edges ^ expected) < 0.03 * expected.sum()


def test_a_narrow_hole_gets_the_edges_that_the_whole_picture_has() -> None:
    camera = data.camera()
    everywhere = edges_from(camera, sigma=3.0, hole=np.ones(camera.shape, dtype=bool))
    narrow = np.zeros(camera.shape, dtype=bool)
    narrow[200:206, 60:400] = True
    edges = edges_from(camera, sigma=3.0, hole=narrow)
    assert edges.sum() > 30
    assert np.count_nonzero(edges ^ (everywhere & narrow)) < 0.1 * edges.sum()


def test_edges_are_taken_inside_the_hole_only_and_not_around_what_the_picture_lacks(hole: np.ndarray) -> None:
    camera = data.camera().astype(float)
    whole = edges_from(camera, sigma=2.0, hole=hole)
    camera[100:120, 200:240] = np.nan
    edges = edges_from(camera, sigma=2.0, hole=hole)
    assert not edges[~hole].any()
    assert not edges[100:120, 200:240].any()
    assert np.count_nonzero(edges & ~whole) < 0.02 * whole.sum()
    assert not edges_from(camera, sigma=2.0, hole=np.zeros_like(hole)).any()


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.float32])
def test_a_drawing_is_taken_as_it_is_and_thinned(dtype: type, hole: np.ndarray) -> None:
    drawing = np.zeros(hole.shape, dtype)
    drawing[150:153, 100:400] = 1
    expected = np.zeros_like(hole)
    expected[151, 150:330] = True
    assert np.array_equal(edges_from(drawing, sigma=2.0, hole=hole, as_they_are=True), expected)


@pytest.mark.parametrize(
    ("picture", "words"),
    [
        (np.zeros((512, 511)), r"picture has shape \(512, 511\), but the image's plane is \(512, 512\)"),
        (np.full((512, 512), np.nan), "nothing but NaN or infinite pixels"),
        (np.zeros((4, 512, 512)), r"image has shape \(4, 512, 512\)"),
    ],
)
def test_pictures_that_show_nothing_have_their_sentence(picture: np.ndarray, words: str, hole: np.ndarray) -> None:
    with pytest.raises(ValueError, match=words):
        edges_from(picture, sigma=2.0, hole=hole)
