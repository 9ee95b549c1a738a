"""What every repair promises about pixels, whichever method makes it: checked on any bits at all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

DTYPES = ["?", "u1", "i1", "u2", ">u2", "i2", "u4", ">i4", "i4", "f2", "f4", ">f4", "f8"]


def same_bits(a: np.ndarray, b: np.ndarray) -> bool:
    return a.dtype == b.dtype and np.ascontiguousarray(a).tobytes() == np.ascontiguousarray(b).tobytes()


def any_bits(dtype: str, shape: tuple[int, ...], seed: int) -> np.ndarray:
    """Every bit at random: the extremes of integers, and NaN, infinities and subnormals of floats."""
    count = int(np.prod(shape)) * np.dtype(dtype).itemsize
    random = np.random.default_rng(seed).integers(0, 256, count).astype(np.uint8)
    return (random % 2 if dtype == "?" else random).view(dtype).reshape(shape)


def check_known_pixels_are_kept(
    inpaint: Callable[[np.ndarray, np.ndarray], Any], dtype: str, draw: st.DataObject
) -> None:
    """Draw an image and a mask; ``inpaint(image, mask)`` gives a repair with ``image`` and ``altered``."""
    channels = draw.draw(st.sampled_from([(), (3,), (4,)]))
    shape = draw.draw(st.tuples(st.integers(1, 40), st.integers(1, 40)))
    image = any_bits(dtype, (*shape, *channels), draw.draw(st.integers(0, 2**32)))
    mask = draw.draw(arrays(bool, shape))
    missing = ~np.isfinite(image.reshape(*shape, -1)[..., :3]).all(axis=2)
    if (mask | missing).all():
        with pytest.raises(ValueError, match="Every pixel is masked"):
            inpaint(image, mask)
        return
    before, mask_before = image.copy(), mask.copy()
    repair = inpaint(image, mask)
    assert same_bits(image, before)
    assert same_bits(mask, mask_before)
    assert np.array_equal(repair.altered, mask | missing)
    assert repair.image.shape == image.shape
    assert same_bits(repair.image[~repair.altered], image[~repair.altered])
    if channels == (4,):
        assert same_bits(repair.image[..., 3], image[..., 3])
    invented = repair.image[repair.altered][..., :3] if channels else repair.image[repair.altered]
    assert np.isfinite(invented.astype(np.float64)).all()
