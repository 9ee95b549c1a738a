"""Samples follow from their keys alone, show every modality equally often, and hide what inference will not see."""

from __future__ import annotations

import pickle
import tracemalloc
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image
from skimage import data
from skimage.color import rgb2gray
from skimage.feature import canny
from torch.utils.data import DataLoader, default_collate

from napari_edgeconnect.core.damage import random_damage
from napari_edgeconnect.core.fill import biharmonic_fill
from napari_edgeconnect.core.planes import contrast_mapping
from napari_edgeconnect.files import FileError
from napari_edgeconnect.training.data import DamagedCrops, SampleKey, StepBatches, augmented, sample
from napari_edgeconnect.training.images import Plane, read_plane, read_rgb

SIDE = 32
#: Stacks as different programs write them, by tifffile's options.
TIFFS: dict[str, dict[str, Any]] = {
    "plain": {},
    "zlib": {"compression": "zlib"},
    "imagej": {"imagej": True},
    "imagej above 4 GB": {"imagej": True, "truncate": True},
    "ome": {"ome": True, "compression": "zlib"},
    "big-endian": {"byteorder": ">"},
    "no metadata": {"metadata": None, "compression": "zlib"},
    "tiled": {"tile": (64, 64), "compression": "zlib"},
    "colour": {"photometric": "rgb", "compression": "zlib"},
    "planar": {"photometric": "rgb", "planarconfig": "separate"},
}


def write(path: Path, pixels: np.ndarray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".npy":
        np.save(path, pixels)
    elif path.suffix == ".tif":
        tifffile.imwrite(path, pixels, photometric="rgb" if pixels.shape[-1] == 3 else "minisblack")
    else:
        Image.fromarray(pixels).save(path)
    return path


def flat(value: int, side: int = 16) -> np.ndarray:
    return np.full((side, side), value, np.uint8)


def plane_of(pixels: np.ndarray) -> Plane:
    pixels = pixels if pixels.ndim == 3 else pixels[..., None]
    return Plane(pixels, contrast_mapping(pixels, np.zeros(pixels.shape[:2], dtype=bool)), None)


def keys(number: int, step: int = 0) -> list[SampleKey]:
    return [SampleKey(step, n, SIDE) for n in range(number)]


def equal(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Colour of 8 bits, and a stack of 16."""
    folder = tmp_path_factory.mktemp("images")
    write(folder / "photo" / "astronaut.png", data.astronaut()[:200, :200])
    write(folder / "photo" / "deeper" / "cat.jpg", data.cat()[:200, :300])
    coins = data.coins().astype(np.uint16)
    write(folder / "micro" / "stack.tif", np.stack([coins * 9 + 500, coins * 5 + 100]))
    return folder


def test_a_sample_holds_what_inference_will_see() -> None:
    rgb = (data.astronaut()[:64, :80] / 255).astype(np.float32)
    mask = np.zeros((64, 80), dtype=bool)
    mask[20:40, 30:50] = True
    case = sample(rgb, mask, 2.0)
    assert np.allclose(case["fill"].numpy(), biharmonic_fill(rgb, mask).transpose(2, 0, 1), atol=1e-6)
    assert np.array_equal(case["edges"].numpy()[0] > 0, canny(rgb2gray(rgb), sigma=2.0, mask=~mask))
    assert np.array_equal(case["target"].numpy()[0] > 0, canny(rgb2gray(rgb), sigma=2.0))
    assert {tensor.dtype for tensor in case.values()} == {torch.float32}


@given(st.integers(0, 10_000), st.floats(1, 3))
def test_edges_and_fill_never_look_into_the_hole(seed: int, sigma: float) -> None:
    rng = np.random.default_rng(seed)
    rgb = (data.astronaut()[60:124, 160:224] / 255).astype(np.float32)
    mask = random_damage((64, 64), rng, smallest=0.1)
    other = rgb.copy()
    other[mask] = rng.random(other[mask].shape, dtype=np.float32)
    one, two = sample(rgb, mask, sigma), sample(other, mask, sigma)
    assert torch.equal(one["edges"], two["edges"])
    assert torch.equal(one["fill"], two["fill"])
    assert not torch.equal(one["target"], two["target"])
    assert not (one["edges"] * one["mask"]).any()


def test_a_sample_follows_from_its_key_alone(images: Path) -> None:
    first, second = DamagedCrops(images, seed=3), DamagedCrops(images, seed=3)
    backwards = {key: second[key] for key in reversed(keys(6))}
    assert all(equal(first[key], backwards[key]) for key in keys(6))


@pytest.mark.parametrize(
    ("seed", "key"), [(4, SampleKey(5, 1, SIDE)), (3, SampleKey(6, 1, SIDE)), (3, SampleKey(5, 2, SIDE))]
)
def test_another_seed_step_or_number_is_another_sample(images: Path, seed: int, key: SampleKey) -> None:
    usual = DamagedCrops(images, seed=3)[SampleKey(5, 1, SIDE)]
    assert not torch.equal(DamagedCrops(images, seed=seed)[key]["mask"], usual["mask"])


def test_spawned_workers_see_the_same_samples(images: Path) -> None:
    crops = DamagedCrops(images)
    batches = StepBatches(lambda step: (SIDE + step, 3), 7, 10)
    here = [default_collate([crops[key] for key in batch]) for batch in batches]
    loader = DataLoader(crops, batch_sampler=batches, num_workers=2, multiprocessing_context="spawn")
    there = list(loader)
    assert [batch["image"].shape for batch in there] == [(3, 3, SIDE + step, SIDE + step) for step in (7, 8, 9)]
    assert all(equal(a, b) for a, b in zip(here, there, strict=True))


@given(st.integers(0, 50), st.integers(0, 5), st.integers(1, 4), st.integers(1, 5))
def test_processes_share_a_batch_without_gap_or_overlap(start: int, steps: int, world: int, n: int) -> None:
    def plan(step: int) -> tuple[int, int]:
        return 64 + step, world * (n + step % 2)

    ranks = [StepBatches(plan, start, start + steps, rank=rank, world=world) for rank in range(world)]
    alone = list(StepBatches(plan, start, start + steps))
    assert [[key for share in shares for key in share] for shares in zip(*ranks, strict=True)] == alone
    assert alone == [
        [SampleKey(step, number, 64 + step) for number in range(plan(step)[1])] for step in range(start, start + steps)
    ]
    assert {len(share) for rank in ranks for share in rank} <= {n, n + 1}
    assert [len(rank) for rank in ranks] == [steps] * world


def test_a_batch_that_cannot_be_shared_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match="batch of 6 can't be shared equally by 4"):
        StepBatches(lambda step: (64, 8 if step < 900 else 6), 0, 1000, world=4)


def test_modalities_then_files_then_planes_are_equally_frequent(tmp_path: Path) -> None:
    write(tmp_path / "few" / "one.png", flat(10))
    for number in range(30):
        write(tmp_path / "many" / str(number % 7) / f"{number}.png", flat(60))
    write(tmp_path / "top.png", flat(110))
    write(tmp_path / "stack.tif", np.stack([flat(160), flat(210)]))
    crops = DamagedCrops(tmp_path, colours=False)
    found = Counter(round(255 * float(crops[SampleKey(0, n, 16)]["image"].mean())) for n in range(480))
    expected = {10: 160, 60: 160, 110: 80, 160: 40, 210: 40}
    assert found.keys() == expected.keys()
    assert all(abs(found[value] - number) < 3.5 * number**0.5 for value, number in expected.items())


def test_true_edges_are_trusted_as_often_as_asked(images: Path) -> None:
    def share(true_edges: float, number: int) -> float:
        crops = DamagedCrops(images, true_edges=true_edges)
        trusted = torch.stack([crops[key]["trusted"] for key in keys(number)])
        assert trusted.shape == (number, 1, 1, 1)
        assert trusted.dtype == torch.float32
        return float(trusted.mean())

    assert share(0, 20) == 0
    assert share(1, 20) == 1
    assert 0.25 < share(0.4, 120) < 0.55


@pytest.mark.parametrize(("sigma_range", "low", "high"), [((1.0, 3.0), 0.5, 0.9), (None, 1, 1)])
def test_sigma_leaves_its_usual_value_in_three_of_ten(
    images: Path, sigma_range: tuple[float, float] | None, low: float, high: float
) -> None:
    crops = DamagedCrops(images, sigma=1.7, sigma_range=sigma_range)
    cases = [crops[SampleKey(0, number, 64)] for number in range(60)]
    usual = [
        np.array_equal(case["target"][0] > 0, canny(rgb2gray(case["image"].numpy(), channel_axis=0), sigma=1.7))
        for case in cases
    ]
    assert low <= np.mean(usual) <= high


def test_the_kind_of_damage_is_the_one_asked_for(images: Path) -> None:
    crops = DamagedCrops(images, damage="half")
    assert all(crops[key]["mask"].mean() == 0.5 for key in keys(5))
    with pytest.raises(ValueError, match="no damage 'rust': give one of mixed, "):
        DamagedCrops(images, damage="rust")


def test_without_colours_crops_keep_their_values_in_all_8_symmetries(tmp_path: Path) -> None:
    pixels = data.astronaut()[100:136, 200:240]
    write(tmp_path / "a.png", pixels)
    crops = DamagedCrops(tmp_path, colours=False)
    windows = np.lib.stride_tricks.sliding_window_view(pixels, (SIDE, SIDE), (0, 1)).transpose(0, 1, 3, 4, 2)
    found: Counter[int | None] = Counter()
    for key in keys(100):
        image = crops[key]["image"].numpy().transpose(1, 2, 0)
        assert pixels.min() <= 255 * image.min() + 1e-3 <= 255 * image.max() <= pixels.max() + 1e-3
        turned = [np.rot90(m, k) for m in (image, image.transpose(1, 0, 2)) for k in range(4)]
        exact = [s for s, t in enumerate(turned) if (windows == np.float32(255) * t).all((2, 3, 4)).any()]
        found[exact[0] if exact else None] += 1
    assert set(found) == {None, *range(8)}
    assert 30 < found[None] < 70  # scaled


@pytest.mark.parametrize(
    ("seen", "low", "high"),
    [("gray", 0.2, 0.4), ("stretched", 0.3, 0.6), ("bent", 0.1, 0.3), ("inverted", 0.07, 0.25), ("faint", 0.1, 0.3)],
)
def test_colours_are_varied_as_often_as_said(seen: str, low: float, high: float) -> None:
    pixels = np.zeros((SIDE, SIDE, 3), np.uint8)
    if seen in ("stretched", "bent"):
        pixels[:11], pixels[11:21], pixels[21:] = 64, 128, 192
    else:
        pixels[8:24, 8:24] = 255, 255, 200  # a bright spot, the same in all symmetries

    def has(image: np.ndarray) -> bool:
        dark, middle, bright = np.percentile(image[..., 0], (5, 50, 95))
        return {
            "gray": bool((image == image[..., :1]).all()),
            "stretched": bright - dark > 0.9,
            "bent": abs((middle - dark) / (bright - dark) - 0.5) > 0.04,
            "inverted": image[14:18, 14:18].mean() < image[:2, :2].mean(),
            "faint": np.ptp(image) < 0.9,
        }[seen]

    found = [has(augmented(plane_of(pixels), SIDE, np.random.default_rng(seed))) for seed in range(400)]
    assert low < np.mean(found) < high


def test_some_crops_are_noisy_and_gray_ones_have_gray_noise() -> None:
    plane = plane_of(np.full((SIDE, SIDE, 3), 128, np.uint8))
    crops = [augmented(plane, SIDE, np.random.default_rng(seed)) for seed in range(300)]
    noise = [float(crop.std()) for crop in crops]
    assert 0.05 < np.mean([n > 0.001 for n in noise]) < 0.25
    assert max(noise) < 0.1
    assert all((crop == crop[..., :1]).all() for crop in crops)


@given(
    hnp.arrays(
        st.sampled_from([np.uint8, np.int16, np.uint16, np.float32, np.float64, np.bool_]),
        st.tuples(st.integers(16, 40), st.integers(16, 40), st.sampled_from([1, 3])),
        fill=st.nothing(),
        elements={"allow_nan": False, "allow_infinity": False},
    )
    | st.just(np.zeros((20, 30, 1), np.float32)),
    st.integers(16, 50),
    st.integers(0, 10_000),
)
def test_every_image_becomes_a_crop_in_range(pixels: np.ndarray, crop: int, seed: int) -> None:
    image = augmented(plane_of(pixels), crop, np.random.default_rng(seed))
    assert image.shape == (crop, crop, 3)
    assert image.dtype == np.float32
    assert 0 <= image.min() <= image.max() <= 1


@pytest.mark.parametrize("name", ["a.png", "a.tif", "a.npy"])
@pytest.mark.parametrize("channels", [0, 3, 4])
def test_8_bit_values_are_divided_by_255(tmp_path: Path, name: str, channels: int) -> None:
    pixels = np.dstack([data.astronaut()[:40, :50], flat(7, 50)[:40]])
    pixels = pixels[..., :channels] if channels else pixels[..., 0]
    if name == "a.tif" and channels == 4:
        tifffile.imwrite(tmp_path / name, pixels, photometric="rgb", extrasamples=["unassalpha"])
    else:
        write(tmp_path / name, pixels)
    expected = pixels[..., :3] if channels else np.dstack([pixels] * 3)
    assert np.array_equal(read_rgb(tmp_path / name), expected.astype(np.float32) / 255)


@pytest.mark.parametrize("pair", [("a.tif", np.uint16, np.float32), ("a.npy", np.uint16, np.float64)])
def test_other_values_are_mapped_by_their_contrast(tmp_path: Path, pair: tuple[str, Any, Any]) -> None:
    name, *dtypes = pair
    values = 100 * data.coins()[:150, :150].astype(np.int64) + 300
    both = [DamagedCrops(write(tmp_path / str(dtype) / name, values.astype(dtype)).parent) for dtype in dtypes]
    assert all(equal(both[0][key], both[1][key]) for key in keys(8))
    plain = DamagedCrops(write(tmp_path / "plain" / "a.npy", data.coins()[:150, :150].astype(np.uint16)).parent)
    for key in keys(8):
        assert torch.allclose(both[0][key]["image"], plain[key]["image"], atol=1e-5)
    unit = read_rgb(tmp_path / "plain" / "a.npy")
    assert (unit.min(), unit.max()) == (0, 1)
    assert 0.002 < np.mean(unit == 0) < 0.03


@pytest.mark.parametrize("kind", [*TIFFS, "npy", "fortran"])
def test_only_the_wanted_plane_of_a_stack_is_read(tmp_path: Path, kind: str) -> None:
    view = np.lib.stride_tricks.sliding_window_view(data.coins().astype(np.uint16) * 7 + 50, (240, 256))
    stack = np.ascontiguousarray(view[::3, ::6]).reshape(-1, 2, 240, 256)[:30]
    if kind in ("colour", "planar"):
        stack = np.ascontiguousarray(np.stack([stack[:, 0], stack[:, 1], stack[:, 0] // 2], axis=-1))
    path = tmp_path / ("stack.npy" if kind in ("npy", "fortran") else "stack.tif")
    if kind in TIFFS:
        written = np.moveaxis(stack, -1, 1) if kind == "planar" else stack
        tifffile.imwrite(path, written, **{"photometric": "minisblack"} | TIFFS[kind])
    else:
        np.save(path, np.asfortranarray(stack) if kind == "fortran" else stack)
    planes = stack.reshape(-1, *stack.shape[-3 if stack.shape[-1] == 3 else -2 :])
    tracemalloc.start()
    try:
        pixels = read_plane(path, len(planes) - 7).pixels
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert np.array_equal(pixels.squeeze(), planes[-7])
    assert peak < 0.5 * stack.nbytes
    assert np.array_equal(read_plane(path, 3).pixels.squeeze(), planes[3])
    assert DamagedCrops(tmp_path).modalities == {"": [(path, len(planes))]}


def test_a_file_that_was_written_again_is_read_again(tmp_path: Path) -> None:
    path = write(tmp_path / "stack.tif", np.stack([flat(10), flat(20)]))
    assert read_plane(path, 1).pixels[0, 0, 0] == 20
    path.unlink()
    write(path, np.stack([flat(30), flat(40), flat(50)]))
    assert read_plane(path, 2).pixels[0, 0, 0] == 50


def test_pixels_that_are_not_finite_are_avoided(tmp_path: Path) -> None:
    pixels = (np.indices((80, 80)).sum(0) % 2).astype(np.float32)  # 0 and 1: a replaced pixel is 0.5
    pixels[30:50:2, 40:50], pixels[31:50:2, 40:50] = np.nan, np.inf
    write(tmp_path / "a.npy", pixels)
    plane = read_plane(tmp_path / "a.npy")
    assert (plane.unit()[30:50, 40:50] == 0.5).all()
    crops = [augmented(plane, 16, np.random.default_rng(seed), colours=False) for seed in range(200)]
    exact = [crop for crop in crops if np.isin(crop, (0, 0.5, 1)).all()]
    assert len(exact) > 50
    assert not any((crop == 0.5).any() for crop in exact)


def test_pixels_that_are_not_finite_get_the_median_where_they_are_everywhere(tmp_path: Path) -> None:
    pixels = data.coins()[:100, :100].astype(np.float64)
    pixels[::8, ::8] = np.nan
    write(tmp_path / "a.npy", pixels)
    plane = read_plane(tmp_path / "a.npy")
    assert (plane.pixels[::8, ::8, 0] == np.nanmedian(pixels)).all()
    assert np.isfinite(augmented(plane, SIDE, np.random.default_rng(0))).all()


def test_a_plane_without_a_finite_pixel_has_its_sentence(tmp_path: Path) -> None:
    write(tmp_path / "a.npy", np.stack([np.ones((20, 20)), np.full((20, 20), np.nan)]))
    with pytest.raises(FileError, match=r"No pixel of plane 1 of .*a\.npy is finite"):
        read_plane(tmp_path / "a.npy", 1)


def test_images_too_small_are_left_out_with_a_warning(tmp_path: Path) -> None:
    write(tmp_path / "small.png", flat(9, 15))
    with pytest.raises(ValueError, match=r"No image below .* has sides of at least 16 pixels"):
        DamagedCrops(tmp_path)
    write(tmp_path / "large.png", flat(100))
    with pytest.warns(UserWarning, match=r"1 of 2 images are left out, .*: small\.png\.$"):
        crops = DamagedCrops(tmp_path, colours=False)
    assert all(crops[key]["image"].max() == np.float32(100 / 255) for key in keys(20))


def test_a_folder_without_images_has_its_sentence(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="No image"):
        DamagedCrops(tmp_path)


@pytest.mark.parametrize("name", ["a.png", "a.tif", "a.npy"])
def test_an_unreadable_file_is_named(tmp_path: Path, name: str) -> None:
    path = write(tmp_path / name, data.coins()[:64, :64])
    whole = path.read_bytes()
    for broken in (b"not an image", whole[: len(whole) // 2]):
        path.write_bytes(broken)
        with pytest.raises(FileError, match=rf"{name} (can't be read|is truncated)"):
            DamagedCrops(tmp_path)[SampleKey(0, 0, SIDE)]


def test_palettes_are_no_intensities(tmp_path: Path) -> None:
    palette = np.random.default_rng(0).integers(0, 2**16, (3, 256), dtype=np.uint16)
    for name, pixels in (("a.tif", flat(3)), ("b.tif", np.stack([flat(3), flat(4)]))):
        tifffile.imwrite(tmp_path / name, pixels, photometric="palette", colormap=palette)
        with pytest.raises(FileError, match=f"{name} has the colour space PALETTE"):
            read_plane(tmp_path / name)


@pytest.fixture
def three(tmp_path: Path) -> Path:
    for value in (50, 100, 150):
        write(tmp_path / f"{value}.png", flat(value, 1000))
    return tmp_path


def key_of(folder: Path, value: int) -> SampleKey:
    crops = DamagedCrops(folder, colours=False)
    return next(key for key in keys(60) if round(255 * float(crops[key]["image"].mean())) == value)


def test_the_least_recently_used_image_goes_first(three: Path) -> None:
    first, second, third = (key_of(three, value) for value in (50, 100, 150))
    crops = DamagedCrops(three, cache_mib=2)
    for key in (first, second, first, third):
        crops[key]
    for path in three.iterdir():
        path.unlink()
    assert crops[first]["image"].shape == crops[third]["image"].shape
    with pytest.raises(FileError, match=r"100\.png"):
        crops[second]


def test_an_image_larger_than_the_cache_is_read_each_time(three: Path) -> None:
    crops = DamagedCrops(three, cache_mib=0)
    crops[keys(1)[0]]
    for path in three.iterdir():
        path.unlink()
    with pytest.raises(FileError):
        crops[keys(1)[0]]


def test_kept_images_do_not_travel_to_other_processes(three: Path) -> None:
    crops = DamagedCrops(three)
    before = crops[keys(1)[0]]
    pickled = pickle.dumps(crops)
    assert len(pickled) < 10_000
    assert equal(pickle.loads(pickled)[keys(1)[0]], before)
