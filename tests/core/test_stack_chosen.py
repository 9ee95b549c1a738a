"""Some planes of a stack alone: what is written, and that no other is touched."""

from __future__ import annotations

import numpy as np
import pytest
from contract import same_bits
from hypothesis import given
from hypothesis import strategies as st

from napari_edgeconnect.core.axes import Axes
from napari_edgeconnect.core.classical import Classical
from napari_edgeconnect.core.settings import StackSettings
from napari_edgeconnect.core.stack import Stack
from napari_edgeconnect.core.stack_chosen import is_chosen, selections
from napari_edgeconnect.core.stack_parts import errands_of
from napari_edgeconnect.core.stack_run import repair_stack

AXES = Axes("TZCYX", (4, 12, 2, 8, 8))


@given(st.integers(0, 3), st.integers(0, 11), st.integers(0, 11), st.integers(0, 1))
def test_a_plane_is_chosen_where_all_that_is_named_holds(t, first, last, c):
    first, last = sorted((first, last))
    chosen = selections(AXES, [f"z={first}-{last}, T={t}", f"C={c},z={first}"])
    for place in AXES.places():
        for channel in range(2):
            wanted = (first <= place[1] <= last and place[0] == t) or (channel == c and place[1] == first)
            assert is_chosen(chosen, AXES.where(place, channel)) == wanted


def test_without_a_choice_every_plane_is_chosen():
    assert all(is_chosen([], AXES.where(place)) for place in AXES.places())


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("12", r"'12' name no axis, and the image 'TZCYX' has T, Z to count them: write such as Z=12\."),
        ("z=12", r"not all there: Z of the image goes from 0 to 11\."),
        ("z=5-3", "not all there"),
        ("x=1", "name the axis X but the image 'TZCYX' counts planes by T, Z, C"),
        ("z=1,Z=2", "name the axis Z twice"),
        ("z=", "can't be read"),
        ("", "can't be read"),
        ("z=-1", "can't be read"),
    ],
)
def test_what_is_no_plane_is_refused_in_a_sentence(text, sentence):
    with pytest.raises(ValueError, match=sentence):
        Stack.prepare(np.zeros(AXES.shape, np.uint8), np.zeros((8, 8)), "TZCYX", choices=StackSettings(planes=(text,)))


def test_all_other_planes_are_passed_on_though_they_are_damaged():
    image = np.random.default_rng(0).random((5, 2, 16, 16), dtype=np.float32)
    image[:, 0, 3, 3] = np.nan
    mask = np.zeros((16, 16), dtype=bool)
    mask[6:9, 6:9] = True
    stack = Stack.prepare(image, mask, "ZCYX", choices=StackSettings(planes=("Z=1,C=1", "Z=3")))
    out, altered = np.zeros_like(image), np.zeros(image.shape, dtype=bool)
    records = repair_stack(Classical("mean"), stack, out, altered)
    assert [(one["plane"]["place"], one["plane"]["channel"]) for one in records] == [([1], 1), ([3], 0), ([3], 1)]
    assert same_bits(out[~altered], image[~altered])
    assert np.argwhere(altered.any(axis=(2, 3))).tolist() == [[1, 1], [3, 0], [3, 1]]
    assert [errand.place for errand in errands_of(stack)] == [(1,), (3,)]
