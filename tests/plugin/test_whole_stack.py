"""All slices at once: what they share is what ``core.stack`` shares, whatever axes the layer has."""

from __future__ import annotations

import numpy as np
import pytest
from contract import same_bits
from hypothesis import given, settings
from hypothesis import strategies as st
from napari.components import ViewerModel
from skimage import data

from napari_edgeconnect import EdgeConnect, Settings
from napari_edgeconnect.core.edges import EdgeSource
from napari_edgeconnect.core.settings import StackSettings
from napari_edgeconnect.core.stack import Stack
from napari_edgeconnect.core.stack_run import repair_stack
from napari_edgeconnect.plugin import layers as ours
from napari_edgeconnect.plugin.layer_plane import displayed_plane, every_slice
from napari_edgeconnect.plugin.whole_stack import MarkedPlanes, axes_of

from .conftest import status


def film(channels: int = 2) -> np.ndarray:
    """(2, C, 72, 80) uint16: darker from frame to frame, the second channel fainter."""
    frame = data.camera()[80:152, 200:280].astype(np.uint16) * 40
    return np.stack([np.stack([frame // (1 + t) // (1 + 3 * c) + 100 * c for c in range(channels)]) for t in range(2)])


def damage(shape: tuple[int, ...]) -> np.ndarray:
    mask = np.zeros(shape, np.uint8)
    mask[..., 30:36, 20:50] = 1
    return mask


@pytest.fixture
def stack(viewer, make_widget):
    image = film()
    viewer.add_image(image, name="film", axis_labels=("t", "c", "y", "x"))
    viewer.add_labels(damage(image.shape), name="mask")
    widget = make_widget(viewer)
    widget.panel.slices.setCurrentIndex(1)
    return widget


def by_core(image: np.ndarray, **choices) -> np.ndarray:
    model = EdgeConnect.load(device="cpu")
    prepared = Stack.prepare(
        image, damage(image.shape), "TCYX", settings=Settings(grow_px=2.0), choices=StackSettings(**choices)
    )
    out = np.empty_like(image)
    repair_stack(model, prepared, out)
    return out


@pytest.mark.parametrize(("mapping", "guide"), [("stack", "own"), ("plane", 0), ("stack", "strongest")])
def test_a_shared_mapping_and_a_guiding_channel_are_those_of_the_core(stack, viewer, press, mapping, guide):
    choices = stack.panel.stack
    assert choices.channels.currentText().startswith("c")  # from the axis's label
    choices.mapping.setCurrentIndex(choices.mapping.findData(mapping))
    choices.guide.setCurrentIndex(choices.guide.findData(guide))

    press(stack, "inpaint")

    assert "4 slices" in status(stack)
    assert same_bits(viewer.layers["film [reconstructed]"].data, by_core(film(), mapping=mapping, edges_from=guide))


def test_a_slice_with_corrected_edges_is_completed_from_these(stack, viewer, press):
    stack.panel.slices.setCurrentIndex(0)
    viewer.dims.set_point((0, 1), (1, 1))
    press(stack, "hallucinate")
    plane = stack.session.plane()
    line = np.zeros((72, 80), bool)
    line[33, 20:50] = True
    ours.draw(stack.session.edges(plane), plane, line, EdgeSource.DRAWN)
    stack.panel.slices.setCurrentIndex(1)
    stack.panel.stack.guide.setCurrentIndex(stack.panel.stack.guide.findData(0))

    press(stack, "complete")

    completed = viewer.layers["film [reconstructed]"]
    records = {place: details["record"] for place, details in completed.metadata[ours.KEY]["records"].items()}
    assert records[1, 1, 0, 0]["edges"]["drawn_px"] == 30
    assert records[0, 1, 0, 0]["plane"]["edges_from"] == 0
    expected = by_core(film(), edges_from=0)
    assert same_bits(completed.data[0], expected[0])
    assert same_bits(completed.data[1, 0], expected[1, 0])
    assert not same_bits(completed.data[1, 1], expected[1, 1])


def test_a_stack_without_named_channels_has_none(viewer, make_widget):
    viewer.add_image(film()[:, 0], name="film")
    widget = make_widget(viewer)
    assert not widget.panel.stack.isVisibleTo(widget.panel)
    widget.panel.slices.setCurrentIndex(1)
    assert widget.panel.stack.shared.channel_axis is None
    assert widget.panel.stack.shared.is_nothing


@settings(max_examples=25)
@given(seed=st.integers(0, 2**32 - 1), order=st.permutations(range(4)))
def test_masks_of_slices_are_one_array(seed: int, order: list[int]) -> None:
    expected = np.random.default_rng(seed).random((2, 3, 8, 9)) < 0.02
    viewer = ViewerModel()
    image = viewer.add_image(np.zeros(expected.shape))
    viewer.dims.order = tuple(order)
    plane = displayed_plane(image, viewer.dims)
    masks = [(other, expected[other.cut()]) for other in every_slice(plane)]
    assert same_bits(np.asarray(MarkedPlanes(expected.shape, masks)), expected)
    names = axes_of(plane, plane.across[0])
    assert [names.index(letter) for letter in "CYX"] == [plane.across[0], *plane.axes]
