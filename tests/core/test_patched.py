"""A stack with fills put in: the same planes as a repaired copy, whatever way they are asked for."""

from __future__ import annotations

import numpy as np
from contract import same_bits
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import basic_indices

from napari_edgeconnect.core.patched import Patched
from napari_edgeconnect.core.stack import Stack
from napari_edgeconnect.core.stack_fill import Fill

SIZES = {"T": 3, "C": 2, "Y": 4, "X": 5, "S": 3}


def patched(names: str) -> tuple[Patched, np.ndarray]:
    """Two fills of a stack, and the stack that they make."""
    shape = tuple(SIZES[name] for name in names)
    image = np.arange(np.prod(shape), dtype=np.int32).reshape(shape)
    stack = Stack.prepare(image, np.zeros((4, 5)), names, mask_axes="YX")
    altered = np.zeros((4, 5), dtype=bool)
    altered[1:3, 2] = True
    fills = {}
    expected = image.copy()
    for place, channel in (((0,), 1), ((2,), 0)):
        channel = channel if "C" in names else 0
        plane = stack.pixels(place, channel).copy()
        plane[altered] = -1 - plane[altered]
        fills[place] = [Fill(place, channel, altered, plane[altered])]
        stack.axes.write(expected, place, plane, channel)
    return Patched(stack, lambda place: fills.get(place, [])), expected


@given(names=st.sampled_from(["TCYX", "TYXS", "CTSYX", "YXT"]).flatmap(st.permutations).map("".join), draw=st.data())
def test_planes_and_blocks_of_planes_show_the_fills(names: str, draw: st.DataObject) -> None:
    view, expected = patched(names)
    index = tuple(
        draw.draw(st.sampled_from([slice(None), *range(SIZES[name])])) if name in "TC" else slice(None)
        for name in names
    )
    assert view.shape == expected.shape
    assert same_bits(view[index], expected[index])


def test_changed_indices_are_the_planes_with_fills() -> None:
    view, expected = patched("TCYX")
    assert list(view.changed()) == [(0, 1, slice(None), slice(None)), (2, 0, slice(None), slice(None))]
    assert [bool(plane.any()) for plane in view.each("altered")] == [False, True, False, False, True, False]
    assert same_bits(view[0], expected[0])


@given(names=st.permutations("TCYXS").map("".join), draw=st.data())
def test_any_part_is_that_of_the_repaired_copy(names: str, draw: st.DataObject) -> None:
    view, expected = patched(names)
    key = draw.draw(basic_indices(expected.shape, allow_newaxis=False))
    assert same_bits(np.asarray(view[key]), np.asarray(expected[key]))
