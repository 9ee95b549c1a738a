"""Copy-on-write: an overlay is to the last bit what numpy makes of a copy, and its source is never written to."""

from __future__ import annotations

import gc
import tempfile
from pathlib import Path
from typing import Any

import dask.array as da
import numpy as np
import pytest
import zarr
from contract import same_bits
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays, basic_indices, integer_array_indices

from napari_edgeconnect.core import lazy_array
from napari_edgeconnect.core.overlay import Constant, Overlay, ZarrChunks, chunks_for

SHAPES = st.lists(st.integers(1, 9), min_size=1, max_size=4).map(tuple)
DTYPES = st.sampled_from(["?", "u1", "<u2", ">i4", "f4", "f8"])


@st.composite
def an_index(draw: st.DrawFn, shape: tuple[int, ...]) -> Any:
    """Basic, orthogonal, of single points, or of a mask of the first axes."""
    kind = draw(st.sampled_from(["basic", "orthogonal", "points", "mask"]))
    if kind == "basic":
        return draw(basic_indices(shape, allow_newaxis=False))
    if kind == "points":
        return draw(integer_array_indices(shape))
    if kind == "mask":
        return draw(arrays(bool, shape[: draw(st.integers(1, len(shape)))]))
    return np.ix_(*[draw(st.lists(st.integers(-size, size - 1), min_size=0, max_size=4)) for size in shape])


@given(shape=SHAPES, dtype=DTYPES, draw=st.data())
def test_reading_and_writing_is_that_of_numpy(shape: tuple[int, ...], dtype: str, draw: st.DataObject) -> None:
    source = draw.draw(arrays(dtype, shape))
    kept, expected = source.copy(), source.copy()
    chunks = tuple(draw.draw(st.integers(1, 4)) for _ in shape)
    view = Overlay(source, chunks=chunks)
    for _ in range(2):
        key = draw.draw(an_index(shape))
        values = draw.draw(arrays(dtype, expected[key].shape))
        if np.unique(np.arange(expected.size).reshape(shape)[key]).size == np.size(values):  # else the last one wins
            view[key] = values
            expected[key] = values
    key = draw.draw(an_index(shape))

    assert same_bits(np.asarray(view[key], dtype), np.asarray(expected[key], dtype))  # scalars are of native order
    assert same_bits(np.asarray(view), expected)
    assert same_bits(source, kept)
    assert (view.shape, view.ndim, view.dtype, len(view)) == (shape, len(shape), source.dtype, shape[0])


@given(shape=SHAPES, draw=st.data())
def test_far_flung_points_are_looked_up_piece_by_piece(shape: tuple[int, ...], draw: st.DataObject) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lazy_array, "_SCATTERED_PX", 1)
        patch.setattr(lazy_array, "_PIECE_PX", 3)
        expected = np.arange(np.prod(shape)).reshape(shape)
        view = Overlay(expected.copy(), chunks=(2,) * len(shape))
        points = tuple(draw.draw(arrays(int, 7, elements=st.integers(-size, size - 1))) for size in shape)

        assert same_bits(view[points], expected[points])
        view[points] = -5
        expected[points] = -5
        assert same_bits(np.asarray(view), expected)


@pytest.mark.parametrize("key", [7, (0, 9), (slice(None),) * 3, (..., ...), (None, 0), 0.5, np.ones(3, bool), True])
def test_what_numpy_refuses_is_refused(key: Any) -> None:
    view = Overlay(np.zeros((4, 5)))
    with pytest.raises(IndexError):
        view[key]
    with pytest.raises(IndexError):
        view[key] = 1


def test_only_chunks_that_differ_are_kept() -> None:
    view = Overlay(np.zeros((100, 100), np.uint8), chunks=(10, 10))
    view[...] = 0
    assert list(view.changed()) == []
    view[15:25, 33] = [0, 0, 0, 0, 0, 4, 0, 0, 0, 0]
    assert list(view.changed()) == [(slice(20, 30), slice(30, 40))]


def test_nan_is_a_value_like_any_other() -> None:
    view = Overlay(np.array([np.nan, 0.0, 1.0]), chunks=(1,))
    view[:2] = np.nan, -0.0
    assert list(view.changed()) == [(slice(1, 2),)]
    assert np.signbit(view[1])


def test_zarr_holds_the_changed_chunks_alone_and_goes_with_the_array(tmp_path: Path) -> None:
    source = np.arange(10_000, dtype=np.uint16).reshape(100, 100)
    store = ZarrChunks(source.shape, source.dtype, (10, 10), within=tmp_path)
    view = Overlay(source, chunks=(10, 10), changes=store)
    view[5:12, 7] = 9
    files = [path for path in store.folder.rglob("*") if path.is_file() and path.name != "zarr.json"]

    assert [path.relative_to(store.folder / "changes.zarr/c").as_posix() for path in sorted(files)] == ["0/0", "1/0"]
    expected = source.copy()
    expected[5:12, 7] = 9
    assert same_bits(np.asarray(view), expected)
    del store, view
    gc.collect()
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_was_chosen_stays(tmp_path: Path) -> None:
    chosen = tmp_path / "mine"
    view = Overlay(np.zeros((20, 20)), chunks=(5, 5), changes=ZarrChunks((20, 20), float, (5, 5), folder=chosen))
    view[3, 3] = 1
    del view
    gc.collect()
    assert zarr.open_array(chosen / "changes.zarr", mode="r")[3, 3] == 1


def test_sources_of_other_libraries_are_read_in_their_chunks() -> None:
    pixels = np.arange(60 * 70, dtype=np.int32).reshape(60, 70)
    chunked = da.from_array(pixels, chunks=(20, (30, 40)))
    stored = zarr.array(pixels, chunks=(16, 32))

    assert chunks_for(chunked) == (20, 40)
    assert chunks_for(stored) == (16, 32)
    assert chunks_for(np.broadcast_to(np.uint8(0), (50, 9000, 9000, 3))) == (1, 512, 512, 3)
    assert chunks_for(da.zeros((3, 8192, 8192), chunks=(3, 8192, 8192))) == (3, 512, 512)
    for source in (chunked, stored):
        view = Overlay(source)
        view[18:25, 28:35] = -1
        expected = pixels.copy()
        expected[18:25, 28:35] = -1
        assert same_bits(np.asarray(view), expected)
        assert same_bits(np.asarray(da.from_array(view, chunks=25)[10:50:3]), expected[10:50:3])


def test_a_mask_of_any_size_takes_no_memory_until_it_is_painted() -> None:
    mask = Overlay(Constant((200, 20_000, 20_000), np.uint8))
    mask[150, 19_990:, 3] = 1
    assert int(mask[150, 19_000:, :100].sum()) == 10
    assert len(list(mask.changed())) == 1


@settings(max_examples=20)
@given(dtype=DTYPES)
def test_values_are_cast_as_numpy_casts_them(dtype: str) -> None:
    source = np.zeros((6, 6), dtype)
    view, expected = Overlay(source), source.copy()
    view[2], expected[2] = 1, 1
    assert same_bits(np.asarray(view), expected)


def test_the_temporary_folder_is_the_systems_own() -> None:
    store = ZarrChunks((4, 4), np.uint8, (2, 2))
    assert store.folder.parent == Path(tempfile.gettempdir())
