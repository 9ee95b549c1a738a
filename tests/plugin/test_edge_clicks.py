"""Clicks on the edge layer, as napari delivers them: a gap is bridged, an edge erased, a drag does nothing."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from napari.layers import Layer
from napari.utils.interactions import mouse_move_callbacks, mouse_press_callbacks, mouse_release_callbacks

from napari_edgeconnect.core import edge_parts
from napari_edgeconnect.core.edges import EdgeMap, EdgeSource
from napari_edgeconnect.plugin import layers as ours
from napari_edgeconnect.plugin.edge_clicks import Bridge, EraseEdge
from napari_edgeconnect.plugin.layer_plane import displayed_plane


@pytest.fixture(params=[False, True], ids=["plain", "scaled and turned"])
def place(request, viewer, pixels):
    """A plane and its edge layer: two straight edges with a gap of 20 px between them, and a third one."""
    image = viewer.add_image(pixels, **({"scale": (0.5, 3), "rotate": 40} if request.param else {}))
    plane = displayed_plane(image, viewer.dims)
    probability = np.zeros(pixels.shape, np.float32)
    probability[40, 5:30] = probability[40, 50:75] = 0.9
    probability[60:80, 40] = 0.9
    hole = np.ones(pixels.shape, bool)
    edge_map = EdgeMap(np.zeros(hole.shape, np.uint8), probability, hole, 0.3).reset()
    layer = viewer.add_layer(Layer.create(*ours.edges_tuple(plane, edge_map, details={})))
    layer.mode = "paint"
    return plane, layer


class Ended(list):
    def __call__(self) -> None:
        self.append(True)


@pytest.fixture
def make(place):
    def make(kind):
        plane, layer = place
        said, ended = [], Ended()
        tool = kind(layer, plane, say=said.append, ended=ended)
        tool.begin()
        return tool, layer, said, ended

    return make


def click(layer, at, *, drag_px=0):
    """Press, perhaps move, and release at a pixel."""
    world = layer.data_to_world(at)
    event = SimpleNamespace(
        type="mouse_press", position=world, pos=np.array([100, 100]), button=1, buttons=[1], modifiers=[],
        handled=False, native=None, is_dragging=False, dims_displayed=[0, 1], view_direction=None, inverted=False,
    )  # fmt: skip
    mouse_press_callbacks(layer, event)
    if drag_px:
        event.type, event.pos = "mouse_move", event.pos + drag_px
        mouse_move_callbacks(layer, event)
    event.type = "mouse_release"
    mouse_release_callbacks(layer, event)


def test_one_click_erases_a_whole_edge(make):
    _, layer, said, _ = make(EraseEdge)
    before = layer.data.copy()
    click(layer, (41, 20))

    expected = before.copy()
    expected[40, 5:30] = EdgeSource.NONE
    assert np.array_equal(layer.data, expected)
    assert "25 px erased" in said[-1]
    assert ours.read_edges(layer).erased.sum() == 25
    layer.undo()
    assert np.array_equal(layer.data, before)


def test_a_click_on_nothing_and_a_drag_change_nothing(make):
    _, layer, said, _ = make(EraseEdge)
    before = layer.data.copy()
    click(layer, (40, 20), drag_px=30)
    assert not said
    click(layer, (10, 10))
    assert "no edge here" in said[-1]
    assert np.array_equal(layer.data, before)


def test_two_clicks_bridge_a_gap_and_one_undo_opens_it(make):
    _, layer, said, _ = make(Bridge)
    before = layer.data.copy()
    click(layer, (40, 28))
    assert "other end" in said[-1]
    assert np.array_equal(layer.data, before)
    click(layer, (41, 51))

    assert np.array_equal(np.argwhere(layer.data == EdgeSource.DRAWN), [(40, c) for c in range(30, 50)])
    assert edge_parts.connected_edge(layer.data, (40, 10)).sum() == 70
    layer.undo()
    assert np.array_equal(layer.data, before)


def test_clicks_near_no_end_are_refused_in_words(make):
    _, layer, said, _ = make(Bridge)
    before = layer.data.copy()
    click(layer, (5, 5))
    click(layer, (40, 51))
    assert said[-1].endswith(".")
    assert np.array_equal(layer.data, before)
    click(layer, (40, 29))
    click(layer, (40, 50))
    assert (layer.data == EdgeSource.DRAWN).sum() == 20


def test_a_tool_gives_the_mode_back(make):
    tool, layer, _, ended = make(EraseEdge)
    assert layer.mode == "pan_zoom"
    tool.end()
    assert (layer.mode, len(ended), len(layer.mouse_drag_callbacks)) == ("paint", 1, 1)  # napari's own brush
    tool.end()
    assert len(ended) == 1


def test_choosing_a_brush_ends_a_tool(make):
    _, layer, _, ended = make(EraseEdge)
    layer.mode = "erase"
    assert (layer.mode, len(ended)) == ("erase", 1)
    before = layer.data.copy()
    click(layer, (60, 10))
    assert not (layer.data != before)[40].any()
