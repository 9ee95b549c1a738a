"""The list of cases is fixed, holes are of the size that their bin says, and nothing hidden is shown."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from skimage import data

from napari_edgeconnect.core.planes import contrast_mapping
from napari_edgeconnect.evaluation.cases import CaseList
from napari_edgeconnect.evaluation.masks import BINS, bin_of, drawn_mask
from napari_edgeconnect.files import FileError, write_image


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """Two modalities: three photographs and a 16-bit image smaller than the crops."""
    folder = tmp_path / "images"
    for modality in ("photo", "coins"):
        (folder / modality).mkdir(parents=True)
    for number in range(3):
        write_image(folder / "photo" / f"{number}.png", data.astronaut()[100 * number :][:100, :120])
    write_image(folder / "coins" / "coins.tif", data.coins()[:50, :90].astype(np.uint16) * 16)
    return folder


@pytest.mark.parametrize("bin_", BINS, ids=lambda b: b.name)
def test_drawn_masks_lie_in_their_bin_whatever_draws_them(bin_) -> None:
    for number in range(4):
        masks = [drawn_mask((64, 64), bin_, number, np.random.default_rng([5, number])) for _ in range(2)]
        assert bin_.low <= masks[0].mean() <= bin_.high
        assert np.array_equal(*masks)


def test_a_mask_that_somebody_drew_goes_by_its_share() -> None:
    mask = np.zeros((10, 10), dtype=bool)
    assert bin_of(mask) is None
    mask[0, 1] = True
    assert bin_of(mask).name == "1-10%"
    mask[:4] = True
    assert bin_of(mask).name == "40-50%"
    assert bin_of(~mask) is None


def test_the_list_depends_on_names_and_seed_alone(images: Path) -> None:
    cases = CaseList(images=images, per_cell=2).cases()
    assert len(cases) == 2 * len(BINS) * 2
    assert cases == CaseList(images=images, per_cell=2).cases()
    assert {case.image for case in cases} == {"coins/coins.tif", "photo/0.png", "photo/1.png", "photo/2.png"}
    longer = CaseList(images=images, per_cell=3).cases()
    assert set(cases) < set(longer)


def test_another_seed_cuts_and_damages_elsewhere(images: Path) -> None:
    lists = [CaseList(images=images, size=64, seed=seed) for seed in (0, 0, 1)]
    first, again, other = (source.load(next(c for c in source.cases() if c.modality == "photo")) for source in lists)
    assert np.array_equal(first.truth, again.truth)
    assert np.array_equal(first.hole, again.hole)
    assert not np.array_equal(first.hole, other.hole)


def test_methods_see_nothing_of_what_is_inside_the_hole(images: Path) -> None:
    source = CaseList(images=images, size=64)
    loaded = source.load(source.cases()[-1])
    assert not loaded.damaged[loaded.hole].any()
    assert loaded.truth[loaded.hole].any()
    assert np.array_equal(loaded.damaged[~loaded.hole], loaded.truth[~loaded.hole])


def test_a_small_16_bit_image_is_mapped_to_8_bits_and_mirrored(images: Path) -> None:
    source = CaseList(images=images, size=64)
    loaded = source.load(source.cases()[0])
    assert loaded.truth.shape == (64, 64)
    assert loaded.truth.dtype == np.uint8
    assert loaded.top == 0
    assert np.array_equal(loaded.truth[50:], loaded.truth[36:50][::-1])
    whole = data.coins()[:50, :90]
    unit = contrast_mapping(whole, np.zeros(whole.shape, dtype=bool)).to_unit(whole)
    wanted = np.rint(255 * np.clip(unit, 0, 1))[:, loaded.left : loaded.left + 64]
    assert np.array_equal(loaded.truth[:50], wanted)


def test_crops_of_which_the_hole_hides_nothing_are_drawn_again(tmp_path: Path) -> None:
    sky = np.zeros((200, 200), np.uint8)
    sky[:64, :64] = data.coins()[:64, :64]
    write_image(tmp_path / "sky.png", sky)
    source = CaseList(images=tmp_path, size=64, per_cell=2)
    hidden = [case.truth[case.hole].std() for case in map(source.load, source.cases())]
    assert np.median(hidden) > 3
    assert {case.modality for case in source.cases()} == {"images"}


def test_masks_from_a_folder_are_scaled_and_sorted_by_their_share(images: Path, tmp_path: Path) -> None:
    masks = tmp_path / "masks"
    masks.mkdir()
    for name, rows in (("few", 6), ("many", 45), ("nearly all", 95)):
        mask = np.zeros((100, 100), np.uint8)
        mask[:rows] = 255
        write_image(masks / f"{name}.png", mask)
    source = CaseList(images=images, masks=masks, size=64, per_cell=1)
    cases = source.cases()
    assert {(case.bin, case.mask) for case in cases} == {("1-10%", "few.png"), ("40-50%", "many.png")}
    assert source.load(cases[-1]).hole.mean() == pytest.approx(0.45, abs=0.02)


def test_what_can_not_be_evaluated_is_said(images: Path, tmp_path: Path) -> None:
    with pytest.raises(FileError, match="There is no folder"):
        CaseList(images=tmp_path / "nowhere").cases()
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileError, match="There is no image"):
        CaseList(images=tmp_path / "empty").cases()
    with pytest.raises(ValueError, match="at least 64"):
        CaseList(images=images, size=32)
    with pytest.raises(ValueError, match="0 cases"):
        CaseList(images=images, per_cell=0)
    (tmp_path / "blank").mkdir()
    write_image(tmp_path / "blank" / "blank.png", np.zeros((64, 64), np.uint8))
    with pytest.raises(FileError, match="1 to 50 %"):
        CaseList(images=images, masks=tmp_path / "blank").cases()
