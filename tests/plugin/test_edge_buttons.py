"""The edge tools' buttons: enabled when they can work, and what they do to the edge layer."""

from __future__ import annotations

import numpy as np
import pytest

from napari_edgeconnect.core.edges import EdgeSource
from napari_edgeconnect.plugin import layers as ours

from .conftest import status
from .test_edge_clicks import click


@pytest.fixture
def edges(widget, press, viewer, qtbot):
    """The edge layer after hallucinating."""
    assert not widget.panel.bridge.isEnabled()
    press(widget, "hallucinate")
    qtbot.waitUntil(widget.panel.bridge.isEnabled)
    return viewer.layers["camera [edges]"]


def test_strokes_are_drawn_and_turned_into_edges(widget, edges, viewer, qtbot):
    panel = widget.panel
    assert panel.strokes_row.isHidden()
    panel.strokes.click()
    strokes = viewer.layers["camera [edge strokes]"]
    assert not panel.strokes_row.isHidden()
    assert not panel.take_strokes.isEnabled()
    assert panel.mask.layer is viewer.layers["mask"]
    strokes.add(np.array([(44.0, 20), (52, 20)]), shape_type="line")
    qtbot.waitUntil(panel.take_strokes.isEnabled)
    panel.take_strokes.click()
    assert (edges.data[44:53, 20] == EdgeSource.DRAWN).all()
    assert "9 px" in status(widget)
    assert viewer.layers.selection.active is edges
    panel.strokes.click()
    assert [layer.name for layer in viewer.layers].count("camera [edge strokes]") == 1


def test_a_button_is_down_while_its_tool_works(widget, edges):
    panel = widget.panel
    panel.erase_edge.click()
    assert (panel.erase_edge.isChecked(), edges.mode) == (True, "pan_zoom")
    assert "Click an edge" in status(widget)
    panel.bridge.click()
    assert (panel.erase_edge.isChecked(), panel.bridge.isChecked()) == (False, True)
    edges.mode = "paint"
    assert not panel.bridge.isChecked()


def test_a_click_with_a_tool_erases_an_edge(widget, edges):
    at = tuple(int(i) for i in np.argwhere(edges.data == EdgeSource.MEASURED)[0])
    widget.panel.erase_edge.click()
    click(edges, at)
    assert edges.data[at] == EdgeSource.NONE
    assert "Ctrl+Z" in status(widget)
    widget.panel.erase_edge.click()
    assert edges.mode == "paint"


def test_a_tool_ends_with_its_layer(widget, edges, viewer, qtbot):
    widget.panel.bridge.click()
    viewer.layers.remove(edges)
    qtbot.waitUntil(lambda: not widget.panel.bridge.isChecked())
    qtbot.waitUntil(lambda: not widget.panel.bridge.isEnabled())


def test_short_edges_are_erased(widget, edges):
    hole = ours.read_edges(edges).hole
    proposed = (edges.data == EdgeSource.PROPOSED).sum()
    widget.edge_buttons.keep_longer(10_000)
    assert proposed > 0
    assert not edges.data[hole].any()
    assert edges.data[~hole].any()
    assert "short edges were erased" in status(widget)


def test_edges_are_taken_from_another_layer(widget, edges, viewer, pixels):
    viewer.add_image(pixels[::-1].copy(), name="other")
    viewer.layers.selection.active = edges
    menu = widget.panel.edges_from_menu
    menu.aboutToShow.emit()
    titles = [action.text() for action in menu.actions()]
    assert titles == ["“other”, by Canny", "“other”, as it is"]
    menu.actions()[0].trigger()
    assert (edges.data == EdgeSource.DRAWN).any()
    assert not (edges.data == EdgeSource.PROPOSED).any()
    assert "other" in status(widget)
