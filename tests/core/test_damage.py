"""Synthetic damage has every size, and there is always something known and something missing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_edgeconnect.core.damage import KINDS, random_damage


@given(st.integers(0, 10_000), st.integers(16, 90), st.integers(16, 90))
def test_damage_is_never_empty_nor_everything(seed: int, height: int, width: int) -> None:
    mask = random_damage((height, width), np.random.default_rng(seed))
    assert mask.shape == (height, width)
    assert mask.any()
    assert not mask.all()
    assert np.array_equal(mask, random_damage((height, width), np.random.default_rng(seed)))


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_damage_draws(kind) -> None:
    shares = []
    for seed in range(20):
        mask = np.zeros((64, 64), dtype=bool)
        kind(mask, np.random.default_rng(seed))
        shares.append(mask.mean())
    assert max(shares) > 0.01
    assert len(set(shares)) > 5


def test_damage_reaches_from_specks_to_large_holes() -> None:
    rng = np.random.default_rng(0)
    shares = [random_damage((128, 128), rng).mean() for _ in range(200)]
    assert min(shares) < 0.01
    assert max(shares) > 0.3
