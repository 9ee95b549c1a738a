"""Axes: which planes a stack is made of, whatever their order and whatever holds them."""

from __future__ import annotations

from itertools import permutations
from pathlib import Path

import dask.array
import numpy as np
import pytest
import zarr
from hypothesis import given
from hypothesis import strategies as st

from napari_edgeconnect.core.axes import Axes

SIZES = {"T": 3, "Z": 2, "C": 2, "Y": 4, "X": 5, "S": 3}


def numbered(names: str) -> np.ndarray:
    return np.arange(np.prod([SIZES[name] for name in names])).reshape([SIZES[name] for name in names])


@given(names=st.permutations("TZCYXS").map("".join), draw=st.data())
def test_every_order_of_axes_gives_the_same_planes(names: str, draw: st.DataObject) -> None:
    ordered = numbered("TZCYXS")
    array = ordered.transpose(["TZCYXS".index(name) for name in names])
    axes = Axes(names, array.shape)
    t, z, c = (draw.draw(st.integers(0, SIZES[name] - 1)) for name in "TZC")
    place = tuple({"T": t, "Z": z}[name] for name in axes.place_names)
    assert axes.channels == 2
    np.testing.assert_array_equal(axes.read(array, place, c), ordered[t, z, c])
    written = np.zeros_like(array)
    axes.write(written, place, axes.read(array, place, c), c)
    expected = np.zeros_like(ordered)
    expected[t, z, c] = ordered[t, z, c]
    np.testing.assert_array_equal(written, expected.transpose(["TZCYXS".index(name) for name in names]))


def test_places_are_in_the_arrays_order_and_numbered_in_it() -> None:
    axes = Axes("ZYTX", (2, 4, 3, 5))
    places = list(axes.places())
    assert axes.place_names == "ZT"
    assert places == [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2)]
    assert [axes.number(place) for place in places] == [0, 1, 2, 3, 4, 5]
    assert axes.label((1, 2)) == "Z 1, T 2"


def test_one_plane_is_a_stack_of_one_place() -> None:
    axes = Axes("YX", (4, 5))
    assert list(axes.places()) == [()]
    assert axes.number(()) == 0
    assert axes.label(()) == ""
    assert axes.read(numbered("YX"), ()).shape == (4, 5)


def test_any_two_axes_can_be_the_plane() -> None:
    array = numbered("ZYX")
    axes = Axes("ZYX", array.shape, plane="XZ")
    np.testing.assert_array_equal(axes.read(array, (1,)), array[:, 1, :].T)


def test_one_plane_alone_is_read_of_memory_maps_zarr_and_dask(tmp_path: Path) -> None:
    array = numbered("TCYX")
    axes = Axes("TCYX", array.shape)
    np.save(tmp_path / "a.npy", array)
    chunked = zarr.create_array(tmp_path / "a.zarr", shape=array.shape, chunks=(1, 1, 4, 5), dtype=array.dtype)
    chunked[...] = array
    read = []

    def block(block_id: tuple[int, ...]) -> np.ndarray:
        read.append(block_id)
        return array[block_id[0] : block_id[0] + 1, block_id[1] : block_id[1] + 1]

    lazy = dask.array.map_blocks(block, chunks=((1,) * 3, (1,) * 2, (4,), (5,)), dtype=array.dtype, meta=array[:0])
    for other in (np.load(tmp_path / "a.npy", mmap_mode="r"), chunked, lazy):
        np.testing.assert_array_equal(axes.read(other, (2,), 1), array[2, 1])
    assert read == [(2, 1, 0, 0)]


@pytest.mark.parametrize("names", ["".join(p) for p in permutations("TYX")] + ["YX", "XY", "CYX"])
def test_a_mask_lacks_axes_and_is_the_same_along_them(names: str) -> None:
    axes = Axes("TCYX", (3, 2, 4, 5))
    mask = numbered(names) % 3 == 0
    mask_axes = axes.of_mask(mask.shape, names)
    for place in axes.places():
        for channel in range(2):
            where = {"T": place[0], "C": channel, "Y": slice(None), "X": slice(None)}
            expected = mask[tuple(where[name] for name in names)]
            expected = expected.T if names.index("X") < names.index("Y") else expected
            np.testing.assert_array_equal(mask_axes.read_at(mask, axes.where(place, channel)), expected)


def test_masks_of_a_plane_or_of_all_axes_need_no_names() -> None:
    axes = Axes("TYXS", (3, 4, 5, 3))
    assert axes.of_mask((4, 5)).names == "YX"
    assert axes.of_mask((3, 4, 5)).names == "TYX"
    assert axes.of_mask((1, 4, 5)).read_at(numbered("YX")[None], axes.where((2,))).shape == (4, 5)
    with pytest.raises(ValueError, match=r"has 3 axes.*say which the mask's are"):
        Axes("TCYX", (3, 2, 4, 5)).of_mask((2, 4, 5))


@pytest.mark.parametrize(
    ("names", "shape", "plane", "sentence"),
    [
        ("TYX", (4, 5), "YX", r"axes 'TYX' are 3, but the array has 2, of shape \(4, 5\)"),
        ("YYX", (3, 4, 5), "YX", "no letter twice"),
        ("T-X", (3, 4, 5), "YX", "one letter for each"),
        ("TZC", (3, 4, 5), "YX", "plane 'YX' is not among the axes 'TZC'"),
        ("TYX", (3, 4, 5), "YY", "name its rows and its columns"),
        ("CYX", (3, 4, 5), "CX", "C .channels. and S .colours. can be neither"),
        ("YXS", (4, 5, 2), "YX", "Axis S of 'YXS' has length 2"),
        ("TYX", (0, 4, 5), "YX", "no pixels"),
    ],
)
def test_axes_that_do_not_fit_are_refused(names: str, shape: tuple[int, ...], plane: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        Axes(names, shape, plane)


@pytest.mark.parametrize(
    ("names", "shape", "sentence"),
    [
        ("ZYX", (3, 4, 5), "it has no Z"),
        ("TYX", (2, 4, 5), "2 long along T, but the image 3"),
        ("YX", (4, 6), "6 long along X, but the image 5"),
        ("YX", (4, 1), "1 long along X, but the image 5"),
        ("TX", (3, 5), "plane 'YX' is not among the axes 'TX'"),
    ],
)
def test_masks_that_do_not_fit_are_refused(names: str, shape: tuple[int, ...], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        Axes("TCYX", (3, 2, 4, 5)).of_mask(shape, names)
