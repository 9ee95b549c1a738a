"""Synthetic damage has every size, and there is always something known and something missing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

from napari_edgeconnect.core.damage import DAMAGE_KINDS, KINDS, random_damage

SIDES = st.integers(16, 90)
SEEDS = st.integers(0, 10_000)


def width(mask: np.ndarray) -> float:
    """Of the widest place in pixels."""
    return 2 * ndimage.distance_transform_edt(np.pad(mask, 1)).max() - 1


@given(SEEDS, SIDES, SIDES, st.sampled_from(DAMAGE_KINDS))
def test_damage_is_never_empty_nor_everything(seed: int, height: int, width: int, kind: str) -> None:
    mask = random_damage((height, width), np.random.default_rng(seed), kind)
    assert mask.shape == (height, width)
    assert mask.any()
    assert not mask.all()
    assert np.array_equal(mask, random_damage((height, width), np.random.default_rng(seed), kind))


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


def test_mixed_damage_stays_what_recorded_validations_were_made_with() -> None:
    missing = [int(random_damage((64, 80), np.random.default_rng(seed)).sum()) for seed in range(8)]
    assert missing == [917, 779, 144, 532, 2011, 1585, 782, 1032]


@given(SEEDS, SIDES, SIDES)
def test_a_block_has_half_the_sides(seed: int, height: int, width: int) -> None:
    mask = random_damage((height, width), np.random.default_rng(seed), "block")
    rows, columns = mask.any(axis=1), mask.any(axis=0)
    assert (rows.sum(), columns.sum()) == (height // 2, width // 2)
    assert mask.sum() == (height // 2) * (width // 2)
    assert (np.ptp(np.flatnonzero(rows)), np.ptp(np.flatnonzero(columns))) == (height // 2 - 1, width // 2 - 1)


def test_a_half_is_left_right_top_or_bottom() -> None:
    found = {random_damage((8, 12), np.random.default_rng(seed), "half").tobytes() for seed in range(60)}
    wanted = np.zeros((4, 8, 12), dtype=bool)
    wanted[0, :4] = wanted[1, 4:] = wanted[2, :, :6] = wanted[3, :, 6:] = True
    assert found == {mask.tobytes() for mask in wanted}


@given(SEEDS, SIDES, SIDES)
def test_thin_damage_is_nowhere_wider_than_4_px(seed: int, height: int, columns: int) -> None:
    assert width(random_damage((height, columns), np.random.default_rng(seed), "thin")) <= 4


def test_thin_damage_has_several_lines_and_widths() -> None:
    masks = [random_damage((128, 128), np.random.default_rng(seed), "thin") for seed in range(60)]
    assert max(ndimage.label(mask, np.ones((3, 3)))[1] for mask in masks) > 4
    assert min(width(mask) for mask in masks) == 1
    assert max(width(mask) for mask in masks) > 3
    assert 0.06 < max(mask.mean() for mask in masks) < 0.14


def test_strokes_have_any_share() -> None:
    shares = [random_damage((96, 96), np.random.default_rng(seed), "strokes").mean() for seed in range(200)]
    assert min(shares) < 0.02
    assert max(shares) > 0.5
    assert all(np.histogram(shares, np.arange(0, 0.6, 0.1))[0] > 5)


def test_science_is_thin_more_often_than_mixed_damage() -> None:
    thin = {
        kind: np.mean(
            [width(random_damage((96, 96), np.random.default_rng([1, seed]), kind)) <= 4 for seed in range(200)]
        )
        for kind in ("mixed", "science")
    }
    assert thin["mixed"] + 0.1 < thin["science"] < thin["mixed"] + 0.35


def test_published_damage_takes_turns_between_blocks_halves_and_strokes() -> None:
    shares = [random_damage((64, 64), np.random.default_rng(seed), "published").mean() for seed in range(300)]
    for share in (0.25, 0.5):
        assert 70 < sum(s == share for s in shares) < 130
    assert 70 < sum(s not in (0.25, 0.5) for s in shares) < 130


@pytest.mark.parametrize("kind", ["mixed", "thin", "strokes", "science"])
def test_the_share_can_be_chosen(kind: str) -> None:
    masks = [random_damage((96, 96), np.random.default_rng(s), kind, smallest=0.03, largest=0.04) for s in range(40)]
    assert 0.025 < np.median([mask.mean() for mask in masks]) < 0.055
    assert max(mask.mean() for mask in masks) < 0.2


def test_another_kind_has_its_sentence() -> None:
    with pytest.raises(ValueError, match="no damage 'rust': give one of mixed, thin, "):
        random_damage((32, 32), np.random.default_rng(0), "rust")
