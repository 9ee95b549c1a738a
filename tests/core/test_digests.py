"""Digests: of values, whatever lies around them in memory."""

from __future__ import annotations

import hashlib

import numpy as np
from contract import DTYPES, any_bits
from hypothesis import given
from hypothesis import strategies as st

from napari_edgeconnect.core.digests import array_sha256

shapes = st.lists(st.integers(0, 7), min_size=1, max_size=4).map(tuple)


@given(dtype=st.sampled_from(DTYPES), shape=shapes, seed=st.integers(0, 2**32))
def test_byte_order_and_strides_do_not_matter(dtype: str, shape: tuple[int, ...], seed: int) -> None:
    array = any_bits(dtype, shape, seed)
    digest = array_sha256(array)
    assert array_sha256(array.astype(array.dtype.newbyteorder(), copy=True)) == digest
    assert array_sha256(np.asfortranarray(array)) == digest
    assert array_sha256(array[::-1][::-1]) == digest


@given(dtype=st.sampled_from(DTYPES), seed=st.integers(0, 2**32), where=st.integers(0, 11))
def test_one_bit_matters(dtype: str, seed: int, where: int) -> None:
    array = any_bits(dtype, (3, 4), seed)
    raw = bytearray(array.tobytes())
    raw[where * array.dtype.itemsize] ^= 1
    assert array_sha256(np.frombuffer(bytes(raw), array.dtype).reshape(3, 4)) != array_sha256(array)


def test_shape_and_dtype_matter() -> None:
    array = np.zeros((2, 6), np.uint8)
    others = [array.reshape(6, 2), array.reshape(12), array.astype(bool), array.view(np.int8)]
    assert len({array_sha256(one) for one in (array, *others)}) == 5


def test_it_is_what_its_description_says() -> None:
    values = np.array([[1, 2, 3], [4, 5, 6]], ">u2")
    plain = b"<u2 (2, 3)\n" + values.astype("<u2").tobytes()
    assert array_sha256(values) == hashlib.sha256(plain).hexdigest()
