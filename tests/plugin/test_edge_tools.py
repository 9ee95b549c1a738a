"""Shapes become edges, short edges go, edges come from elsewhere: as a person's edits, one undo step each."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from napari.components import ViewerModel
from napari.layers import Image, Layer
from skimage import data

from napari_edgeconnect.core import drawing
from napari_edgeconnect.core.edges import EdgeMap, EdgeSource, known_edges
from napari_edgeconnect.plugin import edge_tools
from napari_edgeconnect.plugin import layers as ours
from napari_edgeconnect.plugin.layer_plane import displayed_plane
from napari_edgeconnect.plugin.onto_plane import plane_values

PICTURE = data.camera()[80:176, 200:280]
HOLE = np.zeros(PICTURE.shape, bool)
HOLE[30:60, 15:65] = True


def edges_on(viewer: ViewerModel, image: Image) -> tuple:
    """A plane and its edge layer: Canny outside the hole, a line of proposals in it, without a network."""
    plane = displayed_plane(image, viewer.dims)
    probability = np.zeros(HOLE.shape, np.float32)
    probability[45, 15:65] = 0.8
    probability[50, 20:26] = 0.8
    edge_map = EdgeMap(np.zeros(HOLE.shape, np.uint8), probability, HOLE, 0.3, known_edges(PICTURE / 255, HOLE, 2.0))
    return plane, viewer.add_layer(Layer.create(*ours.edges_tuple(plane, edge_map.reset(), details={})))


@pytest.fixture(params=["plain", "scaled, turned and moved", "a slice of a stack"])
def place(request, viewer):
    """The plane and its edge layer, wherever the image lies."""
    kwargs = {"scale": (0.5, 0.25), "rotate": 30, "translate": (7, -3)} if "scaled" in request.param else {}
    picture = np.stack([0 * PICTURE, PICTURE, 0 * PICTURE]) if "stack" in request.param else PICTURE
    image = viewer.add_image(picture, name="camera", **kwargs)
    if picture.ndim == 3:
        image.scale = (4, 1, 1)
        viewer.dims.set_current_step(0, 1)
    return edges_on(viewer, image)


@pytest.fixture
def plain(viewer):
    return edges_on(viewer, viewer.add_image(PICTURE, name="camera"))


def shape_at(plane, layer, points):
    """Rows and columns of the plane as vertices of a layer that lies on it."""
    vertices = np.zeros((len(points), layer.ndim))
    vertices[:, list(plane.axes)] = points
    return vertices


def test_strokes_become_drawn_edges_where_they_were_drawn(viewer, place):
    plane, edges = place
    before = edges.data.copy()
    strokes = edge_tools.add_strokes(viewer, plane)
    assert strokes.mode == "add_polyline"
    assert viewer.layers.selection.active is strokes
    path = [(34, 20), (40, 30), (36, 60)]
    strokes.add(shape_at(plane, strokes, path), shape_type="path")
    drawn = edge_tools.take_strokes(plane, edges, strokes, smooth=False, snap=False)

    expected = drawing.stroke(path, PICTURE.shape, kind="path")
    assert drawn == expected.sum()
    assert np.array_equal(ours.pixels_of(edges, plane) == EdgeSource.DRAWN, expected)
    assert np.array_equal(ours.read_edges(edges).drawn, expected)
    assert len(strokes.data) == 0
    edges.undo()
    assert np.array_equal(edges.data, before)


def test_several_kinds_of_strokes_are_one_step(viewer, plain):
    plane, edges = plain
    before = edges.data.copy()
    strokes = edge_tools.add_strokes(viewer, plane)
    shapes = {
        "line": [(32, 20), (32, 40)],
        "ellipse": [(40, 20), (40, 40), (56, 40), (56, 20)],
        "rectangle": [(34, 45), (34, 60), (44, 60), (44, 45)],
    }
    for kind, points in shapes.items():
        strokes.add(np.array(points, float), shape_type=kind)
    edge_tools.take_strokes(plane, edges, strokes, smooth=False, snap=False)

    expected = np.any([drawing.stroke(p, PICTURE.shape, kind=kind) for kind, p in shapes.items()], axis=0)
    assert np.array_equal(edges.data == EdgeSource.DRAWN, expected)
    edges.undo()
    assert np.array_equal(edges.data, before)


def test_a_smooth_stroke_is_the_spline_through_its_points(viewer, plain):
    plane, edges = plain
    strokes = edge_tools.add_strokes(viewer, plane)
    points = np.array([(35, 20), (50, 35), (35, 50)], float)
    strokes.add(points, shape_type="path")
    edge_tools.take_strokes(plane, edges, strokes, smooth=True, snap=False)

    expected = drawing.stroke(drawing.spline(points), PICTURE.shape, kind="path")
    assert (expected != drawing.stroke(points, PICTURE.shape, kind="path")).any()
    assert np.array_equal(edges.data == EdgeSource.DRAWN, expected)


def test_a_snapped_stroke_follows_the_probability_beside_it(viewer, plain):
    plane, edges = plain
    strokes = edge_tools.add_strokes(viewer, plane)
    strokes.add(np.array([(42.0, 18), (42, 62)]), shape_type="line")
    edge_tools.take_strokes(plane, edges, strokes, smooth=False, snap=True)

    rows, columns = np.nonzero(edges.data == EdgeSource.DRAWN)
    middle = (columns > 26) & (columns < 54)
    assert set(rows[middle]) == {45}


def test_strokes_outside_the_image_are_refused_and_kept(viewer, plain):
    plane, edges = plain
    before = edges.data.copy()
    strokes = edge_tools.add_strokes(viewer, plane)
    with pytest.raises(ValueError, match="no strokes"):
        edge_tools.take_strokes(plane, edges, strokes, smooth=False, snap=False)
    strokes.add(np.array([(-9.0, -9), (-4, -4)]), shape_type="line")
    with pytest.raises(ValueError, match="outside the image"):
        edge_tools.take_strokes(plane, edges, strokes, smooth=False, snap=False)
    assert len(strokes.data) == 1
    assert np.array_equal(edges.data, before)


def test_only_short_edges_inside_the_hole_go(plain):
    plane, edges = plain
    before = edges.data.copy()
    assert edge_tools.keep_longer(plane, edges, 10) == 6
    expected = before.copy()
    expected[50, 20:26] = EdgeSource.NONE
    assert np.array_equal(edges.data, expected)
    edges.undo()
    assert np.array_equal(edges.data, before)


def source(viewer, plane, title):
    (found,) = (s for s in edge_tools.sources(viewer, plane) if s.title == title)
    return found


def test_the_structure_of_another_layer_takes_the_place_of_the_proposals(viewer, plain):
    plane, edges = plain
    before, drawn = edges.data.copy(), (57, 16)
    edges.data_setitem(tuple(np.array([i]) for i in drawn), EdgeSource.DRAWN)
    viewer.add_image(PICTURE[::-1].copy(), name="other")
    taken = source(viewer, plane, "“other”, by Canny").take(plane, edges, sigma=2.0)

    expected = drawing.edges_from(PICTURE[::-1], sigma=2.0, hole=HOLE)
    assert taken == expected.sum() > 20
    expected[drawn] = True
    assert np.array_equal((edges.data == EdgeSource.DRAWN), expected)
    assert not (edges.data == EdgeSource.PROPOSED).any()
    assert np.array_equal(edges.data[~HOLE], before[~HOLE])
    edge_map = ours.read_edges(edges)
    assert edge_map.decided[HOLE].all()
    assert not edge_map.for_stage_two()[HOLE & ~expected].any()  # nothing of the proposal is left, not even faintly
    edges.undo()
    assert edges.data[drawn] == EdgeSource.DRAWN
    assert np.array_equal(edges.data == EdgeSource.PROPOSED, before == EdgeSource.PROPOSED)


def test_another_layer_counts_where_it_lies_in_the_world(viewer, plain):
    plane, edges = plain
    coarse = viewer.add_image(np.kron(PICTURE[::2, ::2], np.ones((1, 1))), name="coarse", scale=(2, 2))
    values = plane_values(plane, coarse)
    assert values.shape == PICTURE.shape
    assert np.array_equal(values[::2, ::2], PICTURE[::2, ::2])
    coarse.translate = (0, 40)
    source(viewer, plane, "“coarse”, by Canny").take(plane, edges, sigma=1.0)
    # Left of the other layer nothing is known about the structure: the proposals stay.
    assert (edges.data[45, 15:38] == EdgeSource.PROPOSED).all()
    assert not (edges.data[:, 44:] == EdgeSource.PROPOSED).any()


def test_a_drawing_made_by_hand_is_taken_as_it_is(viewer, plain):
    plane, edges = plain
    drawing_layer = np.zeros(PICTURE.shape, np.uint8)
    drawing_layer[38, 5:70] = 4
    viewer.add_labels(drawing_layer, name="drawing")
    source(viewer, plane, "“drawing”, as it is").take(plane, edges, sigma=2.0)
    assert np.array_equal(np.argwhere(edges.data == EdgeSource.DRAWN), [(38, c) for c in range(15, 65)])


def test_the_slice_before_can_be_a_source(viewer):
    image = viewer.add_image(np.stack([PICTURE[::-1], PICTURE, PICTURE]), name="stack", axis_labels=("z", "y", "x"))
    viewer.dims.set_current_step(0, 1)
    plane, edges = edges_on(viewer, image)
    titles = [s.title for s in edge_tools.sources(viewer, plane)]
    assert titles == ["“stack”, z 0", "“stack”, z 2"]
    source(viewer, plane, "“stack”, z 0").take(plane, edges, sigma=2.0)
    expected = drawing.edges_from(PICTURE[::-1], sigma=2.0, hole=HOLE)
    assert np.array_equal(ours.pixels_of(edges, plane) == EdgeSource.DRAWN, expected)


def test_a_layer_without_structure_is_refused_and_nothing_is_lost(viewer, plain):
    plane, edges = plain
    before = edges.data.copy()
    viewer.add_image(np.zeros(PICTURE.shape), name="black")
    with pytest.raises(ValueError, match="shows no edges"):
        source(viewer, plane, "“black”, by Canny").take(plane, edges, sigma=2.0)
    assert np.array_equal(edges.data, before)


numbers = st.floats(0.2, 5)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    scale=st.tuples(numbers, numbers), degrees=st.floats(-180, 180), shift=st.tuples(numbers, numbers),
    moved=st.tuples(numbers, numbers),
    points=st.lists(st.tuples(st.integers(0, 95), st.integers(0, 79)), min_size=2, max_size=5),
)  # fmt: skip
def test_strokes_meet_the_image_in_the_world(scale, degrees, shift, moved, points):
    viewer = ViewerModel()
    plane, edges = edges_on(viewer, viewer.add_image(PICTURE, scale=scale, rotate=degrees, translate=shift))
    strokes = edge_tools.add_strokes(viewer, plane)
    # A person may have moved the layer of strokes: what is seen counts.
    strokes.rotate, strokes.scale, strokes.translate = 0, (1, 1), moved
    strokes.add(np.array([strokes.world_to_data(edges.data_to_world(p)) for p in points]), shape_type="path")
    edge_tools.take_strokes(plane, edges, strokes, smooth=False, snap=False)
    off = drawing.stroke(points, PICTURE.shape, kind="path") != (edges.data == EdgeSource.DRAWN)
    assert not (off & drawing.stroke(points[:1], PICTURE.shape, kind="path")).any()
    assert off.sum() <= 2 * len(points)  # of two pixels equally near to a line, rounding takes either
