"""From array to array: nothing known is altered, every edit counts, and the published result is met."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from published import CASES, golden, save_generators
from skimage import data

from napari_edgeconnect import EdgeConnect, EdgeSource, Repair, Settings
from napari_edgeconnect.core import edgeconnect, stages
from napari_edgeconnect.core.device import OutOfMemoryError

DTYPES = ["?", "u1", "i1", "u2", ">u2", "i2", "u4", ">i4", "i4", "f2", "f4", ">f4", "f8"]
TINY = Settings(margin_px=16, smallest_window_px=16, largest_window_px=64)


@pytest.fixture(scope="module")
def model() -> EdgeConnect:
    return EdgeConnect.load(device="cpu")


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> EdgeConnect:
    return EdgeConnect.load(save_generators(tmp_path_factory.mktemp("published")), device="cpu")


@pytest.fixture
def camera() -> tuple[np.ndarray, np.ndarray]:
    """A real 96x112 crop with a 24x30 hole."""
    image = data.camera()[60:156, 170:282].copy()
    mask = np.zeros(image.shape, dtype=bool)
    mask[30:54, 40:70] = True
    return image, mask


def same_bits(a: np.ndarray, b: np.ndarray) -> bool:
    return a.dtype == b.dtype and np.ascontiguousarray(a).tobytes() == np.ascontiguousarray(b).tobytes()


def any_bits(dtype: str, shape: tuple[int, ...], seed: int) -> np.ndarray:
    """Every bit at random: the extremes of integers, and NaN, infinities and subnormals of floats."""
    count = int(np.prod(shape)) * np.dtype(dtype).itemsize
    random = np.random.default_rng(seed).integers(0, 256, count).astype(np.uint8)
    return (random % 2 if dtype == "?" else random).view(dtype).reshape(shape)


# --- known pixels -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES)
@settings(max_examples=8)
@given(draw=st.data())
def test_known_pixels_are_bit_identical(model: EdgeConnect, dtype: str, draw: st.DataObject) -> None:
    channels = draw.draw(st.sampled_from([(), (3,), (4,)]))
    shape = draw.draw(st.tuples(st.integers(1, 40), st.integers(1, 40)))
    image = any_bits(dtype, (*shape, *channels), draw.draw(st.integers(0, 2**32)))
    mask = draw.draw(arrays(bool, shape))
    missing = ~np.isfinite(image.reshape(*shape, -1)[..., :3]).all(axis=2)
    if (mask | missing).all():
        with pytest.raises(ValueError, match="Every pixel is masked"):
            model.inpaint(image, mask)
        return
    before, mask_before = image.copy(), mask.copy()
    repair = model.inpaint(image, mask, return_record=True)
    assert same_bits(image, before)
    assert same_bits(mask, mask_before)
    assert np.array_equal(repair.altered, mask | missing)
    assert repair.image.shape == image.shape
    assert same_bits(repair.image[~repair.altered], image[~repair.altered])
    if channels == (4,):
        assert same_bits(repair.image[..., 3], image[..., 3])
    invented = repair.image[repair.altered][..., :3] if channels else repair.image[repair.altered]
    assert np.isfinite(invented.astype(np.float64)).all()


@pytest.mark.parametrize("layout", ["strided", "fortran", "read-only", "reversed"])
def test_any_memory_layout_gives_the_same_result(
    model: EdgeConnect, camera: tuple[np.ndarray, np.ndarray], layout: str
) -> None:
    image, mask = camera
    expected = model.inpaint(image, mask)
    other = {
        "strided": np.repeat(np.repeat(image, 2, 0), 3, 1)[::2, ::3],
        "fortran": np.asfortranarray(image),
        "read-only": image.copy(),
        "reversed": image[::-1].copy()[::-1],
    }[layout]
    other.flags.writeable = layout != "read-only"
    assert np.array_equal(model.inpaint(other, mask), expected)


def test_pixels_that_are_not_finite_count_as_hole(model: EdgeConnect, camera: tuple[np.ndarray, np.ndarray]) -> None:
    image = camera[0].astype(np.float32)
    image[10, 10], image[80, 3] = np.nan, -np.inf
    repair = model.inpaint(image, np.zeros(image.shape, bool), return_record=True)
    assert np.argwhere(repair.altered).tolist() == [[10, 10], [80, 3]]
    assert np.isfinite(repair.image).all()
    assert repair.record["nonfinite_px"] == 2


def test_alpha_is_kept(model: EdgeConnect) -> None:
    image = np.dstack([data.astronaut()[:64, :64], np.arange(4096, dtype=np.uint8).reshape(64, 64)])
    mask = np.zeros((64, 64), bool)
    mask[20:40, 20:40] = True
    result = model.inpaint(image, mask)
    assert np.array_equal(result[..., 3], image[..., 3])
    assert not np.array_equal(result[mask][:, :3], image[mask][:, :3])


# --- the published method -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", CASES)
def test_inpaint_is_the_published_composite(published: EdgeConnect, case: str) -> None:
    image, mask = golden()[f"{case}_image"], golden()[f"{case}_mask"]
    repair = published.inpaint(image, mask, grow_px=0, rim_correction=False, return_record=True)
    expected = golden()[f"{case}_composite"].transpose(1, 2, 0) * 255
    assert np.abs(repair.image - expected).max() <= 1
    known_edges = repair.edges.labels == EdgeSource.MEASURED
    assert np.array_equal(known_edges, golden()[f"{case}_canny_sigma2"].astype(bool))
    inside = mask.astype(bool)
    assert np.abs(repair.edges.probability - golden()[f"{case}_edge_gen_out"])[inside].max() <= 1e-4


@pytest.mark.parametrize("case", CASES)
def test_unmerged_edges_are_the_published_scripts(published: EdgeConnect, case: str) -> None:
    image, mask = golden()[f"{case}_image"], golden()[f"{case}_mask"].astype(bool)
    result = published.inpaint(image, mask, rim_correction=False, merge_known_edges=False)
    expected = golden()[f"{case}_inpaint_gen_out_unmerged_edges"].transpose(1, 2, 0) * 255
    assert np.abs(result - expected)[mask].max() <= 1


def test_rim_correction_is_on_for_published_weights_and_meets_the_rim(
    published: EdgeConnect, camera: tuple[np.ndarray, np.ndarray]
) -> None:
    image, mask = camera
    corrected = published.inpaint(image, mask, return_record=True)
    plain = published.inpaint(image, mask, rim_correction=False)
    assert corrected.record["settings"]["rim_correction"] is True
    # Weights by formula paint noise: it is the rim's colour, not its pixels, that can be met.
    outside = np.mean([image[29, 42:68].mean(), image[54, 42:68].mean()])
    cast = [abs(np.mean(r[[30, 53], 42:68]) - outside) for r in (corrected.image, plain)]
    assert cast[0] < 0.5 * cast[1]


# --- the residual formulation -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("a", "b"), [(1 / 255, 0.0), (16.0, 300.0), (0.5, -1000.0)])
def test_repair_commutes_with_intensity(
    model: EdgeConnect, camera: tuple[np.ndarray, np.ndarray], a: float, b: float
) -> None:
    image, mask = camera[0].astype(np.float64), camera[1]
    edges = np.zeros(mask.shape, bool)
    edges[40, 40:70] = True
    expected = a * model.complete(image, mask, edges) + b
    assert np.abs(model.complete(a * image + b, mask, edges) - expected).max() <= 1e-4 * a * 255


# --- edges are the point ------------------------------------------------------------------------------------------


def test_a_drawn_line_changes_the_image_along_it_and_nothing_known(
    model: EdgeConnect, camera: tuple[np.ndarray, np.ndarray]
) -> None:
    image, mask = camera[0].astype(np.float32), camera[1]
    edges = model.hallucinate_edges(image, mask)
    labels = edges.labels.copy()
    labels[30:54, 55] = EdgeSource.DRAWN
    before = model.complete(image, mask, edges)
    after = model.complete(image, mask, edges.edited(labels))
    change = np.abs(after - before)
    assert not change[~mask].any()
    near = np.zeros_like(mask)
    near[30:54, 52:59] = True
    assert change[near & mask].mean() > 3 * change[mask & ~near].mean()
    assert change[near & mask].mean() > 0.5


def test_an_erased_proposal_changes_the_image(published: EdgeConnect, camera: tuple[np.ndarray, np.ndarray]) -> None:
    image, mask = camera
    edges = published.hallucinate_edges(image, mask)
    assert (edges.labels[mask] == EdgeSource.PROPOSED).any()
    erased = edges.edited(np.where(mask, 0, edges.labels))
    repair = published.complete(image, mask, erased, return_record=True)
    assert not np.array_equal(repair.image, published.complete(image, mask, edges))
    assert repair.record["edges"]["erased_px"] == (edges.labels[mask] == EdgeSource.PROPOSED).sum()


def test_complete_on_untouched_edges_is_inpaint(model: EdgeConnect, camera: tuple[np.ndarray, np.ndarray]) -> None:
    image, mask = camera
    edges = model.hallucinate_edges(image, mask)
    assert np.array_equal(model.complete(image, mask, edges), model.inpaint(image, mask))


def test_every_form_of_edges_is_taken(model: EdgeConnect, camera: tuple[np.ndarray, np.ndarray]) -> None:
    image, mask = camera
    lines = np.zeros(mask.shape, bool)
    lines[42, 40:70] = True
    drawn = model.complete(image, mask, lines)
    assert np.array_equal(model.complete(image, mask, lines.astype(np.float32)), drawn)
    labels = model.complete(image, mask, lines, return_record=True).edges.labels
    assert np.array_equal(model.complete(image, mask, labels), drawn)
    assert not np.array_equal(model.complete(image, mask, np.zeros_like(lines)), drawn)


def test_sigma_none_means_no_known_edges(model: EdgeConnect, camera: tuple[np.ndarray, np.ndarray]) -> None:
    image, mask = camera
    assert (model.hallucinate_edges(image, mask).labels == EdgeSource.MEASURED).any()
    assert not (model.hallucinate_edges(image, mask, sigma=None).labels == EdgeSource.MEASURED).any()


# --- windows ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (13, 1), (5, 7), (11, 12), (33, 50), (97, 101)])
def test_any_size_is_repaired(model: EdgeConnect, shape: tuple[int, int]) -> None:
    image = data.coins()[100 : 100 + shape[0], 100 : 100 + shape[1]].copy()
    mask = np.zeros(shape, bool)
    mask[0, 0] = mask.size > 1
    result = model.inpaint(image, mask)
    assert result.shape == shape
    assert np.array_equal(result[~mask], image[~mask])


@pytest.mark.parametrize("where", [np.s_[40, :], np.s_[:, 3:6], np.s_[:9, :9], np.s_[-5:, -30:], np.s_[::2, ::2]])
def test_rows_columns_corners_and_lattices_are_repaired(model: EdgeConnect, where: tuple[object, ...]) -> None:
    image = data.coins()[:90, :110].copy()
    mask = np.zeros(image.shape, bool)
    mask[where] = True
    damaged = np.where(mask, 255, image).astype(np.uint8)
    result = model.inpaint(damaged, mask)
    truth = image.astype(float)
    assert np.abs(result - truth)[mask].mean() < 0.5 * np.abs(damaged - truth)[mask].mean()


def test_a_hole_is_repaired_alike_in_a_larger_image(model: EdgeConnect) -> None:
    """Cost and result depend on a window: what lies beyond it has no influence."""
    image = data.camera()
    mask = np.zeros(image.shape, bool)
    mask[200:212, 250:262] = True
    other = image.copy()
    other[:, :90] = image[:, :90][::-1]
    fixed = [np.where(mask, 0, i).astype(np.uint8) for i in (image, other)]
    # One contrast mapping for both, so that only the windows can differ.
    a, b = (model.inpaint(np.dstack([f] * 3), mask) for f in fixed)
    assert np.array_equal(a[mask], b[mask])


def test_a_hole_larger_than_a_window_shows_no_seam(model: EdgeConnect) -> None:
    image = data.camera().astype(np.float32)
    mask = np.zeros(image.shape, bool)
    mask[150:330, 60:240] = True
    small = Settings(margin_px=32, smallest_window_px=64, largest_window_px=160)
    repair = model.inpaint(image, mask, small, return_record=True)
    assert sum(w["tile_of_large_hole"] for w in repair.record["windows"]) > 3
    rows = np.abs(np.diff(repair.image[:, 60:240], axis=0)).mean(axis=1)
    columns = np.abs(np.diff(repair.image[150:330], axis=1)).mean(axis=0)
    for steps, seam in ((rows, 150 + 84), (rows, 150 + 168), (columns, 60 + 96)):
        beside = np.r_[steps[seam - 6 : seam - 2], steps[seam + 1 : seam + 5]]
        assert steps[seam - 1] < 2 * beside.max()


def test_a_tiled_scratch_is_close_to_the_whole_run(model: EdgeConnect) -> None:
    image = data.camera().astype(np.float32)
    rows, columns = np.mgrid[:512, :512]
    mask = np.abs(rows - columns) <= 1
    whole = model.inpaint(image, mask)
    tiled = model.inpaint(image, mask, margin_px=32, smallest_window_px=64, largest_window_px=160)
    error = [np.abs(result - image)[mask].mean() for result in (whole, tiled)]
    assert error[1] < 1.15 * error[0]


# --- steps, records, notes ----------------------------------------------------------------------------------------


def test_steps_count_up_and_end_with_the_result(model: EdgeConnect, camera: tuple[np.ndarray, np.ndarray]) -> None:
    image = np.tile(camera[0], (3, 3))
    mask = np.zeros(image.shape, bool)
    mask[10:14, 10:14] = mask[250:254, 300:304] = True
    steps = model.inpaint_steps(image, mask, TINY)
    seen = []
    while True:
        try:
            seen.append(next(steps))
        except StopIteration as stop:
            repair = stop.value
            break
    assert [s.done for s in seen] == [0, 1, 2, 3, 4]
    assert {s.total for s in seen} == {4}
    assert [s.what for s in seen] == ["Hallucinating edges"] * 2 + ["Completing the image"] * 2 + ["Done"]
    assert isinstance(repair, Repair)
    assert np.array_equal(repair.image, model.inpaint(image, mask, TINY))


def test_closing_the_steps_runs_no_further_window(
    model: EdgeConnect, camera: tuple[np.ndarray, np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []
    original = stages.Stages.edge_probability
    monkeypatch.setattr(
        stages.Stages, "edge_probability", lambda self, views, **kw: calls.append(1) or original(self, views, **kw)
    )
    image = np.tile(camera[0], (3, 3))
    before = image.copy()
    mask = np.zeros(image.shape, bool)
    mask[10:14, 10:14] = mask[250:254, 300:304] = True
    steps = model.inpaint_steps(image, mask, TINY)
    next(steps)
    next(steps)
    steps.close()
    assert len(calls) == 1
    assert np.array_equal(image, before)


def test_the_same_input_gives_the_same_output(model: EdgeConnect, camera: tuple[np.ndarray, np.ndarray]) -> None:
    first, second = (model.inpaint(*camera, return_record=True) for _ in range(2))
    assert np.array_equal(first.image, second.image)
    assert np.array_equal(first.edges.probability, second.edges.probability)


def test_the_number_of_threads_is_given_back(model: EdgeConnect, camera: tuple[np.ndarray, np.ndarray]) -> None:
    before = torch.get_num_threads()
    model.inpaint(*camera)
    assert torch.get_num_threads() == before


def test_the_record_says_what_was_invented(model: EdgeConnect, camera: tuple[np.ndarray, np.ndarray]) -> None:
    image, mask = camera
    edges = model.hallucinate_edges(image, mask, sigma=1.5)
    labels = edges.labels.copy()
    labels[45, 42:60] = EdgeSource.DRAWN
    record = model.complete(image, mask, edges.edited(labels), sigma=1.5, grow_px=2, return_record=True).record
    assert json.loads(json.dumps(record)) == record
    assert record["model"]["sha256"] == model.info.sha256
    assert record["settings"]["sigma"] == 1.5
    assert record["settings"]["rim_correction"] is False
    assert record["mask_px"] == mask.sum() == 720
    assert record["hole_px"] == 720 + 2 * 2 * (24 + 30) + 4
    assert record["edges"]["drawn_px"] == 18
    assert record["mapping"]["kind"] == "percentiles"
    assert record["device"] == "cpu"
    assert record["notes"] == []


def test_an_empty_mask_gives_the_input_and_a_note(model: EdgeConnect, camera: tuple[np.ndarray, np.ndarray]) -> None:
    image, mask = camera
    repair = model.inpaint(image, np.zeros_like(mask), return_record=True)
    assert np.array_equal(repair.image, image)
    assert repair.image is not image
    assert repair.record["notes"] == ["The mask is empty: nothing was repaired."]


def test_an_inverted_mask_gives_a_note(model: EdgeConnect, camera: tuple[np.ndarray, np.ndarray]) -> None:
    image, mask = camera
    notes = model.inpaint(image, ~mask, return_record=True).record["notes"]
    assert notes == ["The hole covers 93 % of the image: expect invention, or check the mask's polarity."]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"sigma": 0}, "sigma is 0"),
        ({"sigma": float("nan")}, "sigma is nan"),
        ({"grow_px": -1}, "grow_px is -1"),
        ({"threshold": 2}, "threshold is 2"),
        ({"margin_px": 3}, "margin_px is 3"),
        ({"largest_window_px": 100}, "largest_window_px is 100"),
    ],
)
def test_bad_settings_have_their_sentence(model: EdgeConnect, change: dict[str, float], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        model.inpaint(np.zeros((8, 8)), np.eye(8), **change)


# --- memory -------------------------------------------------------------------------------------------------------


@pytest.fixture
def little_memory(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """Every batch above 100x100 pixels in all runs out of memory; the shapes that did not are listed."""
    fitted: list[tuple[int, int]] = []
    for name in ("edge_probability", "completed"):
        original = getattr(stages.Stages, name)

        def limited(self, views, original=original, **options):
            area = sum(v.unknown.size for v in views)
            if area > 100 * 100:
                raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
            fitted.append((len(views), area))
            return original(self, views, **options)

        monkeypatch.setattr(stages.Stages, name, limited)
    return fitted


def test_out_of_memory_halves_the_batch_and_then_the_window(
    model: EdgeConnect, little_memory: list[tuple[int, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(edgeconnect, "_batch_size", lambda device: 8)
    image = np.tile(data.camera()[:200, :200], (2, 2))
    mask = np.zeros(image.shape, bool)
    mask[20:24, 20:24] = mask[300:304, 20:24] = mask[20:24, 300:304] = mask[300:304, 300:304] = True
    repair = model.inpaint(image, mask, margin_px=64, smallest_window_px=64, largest_window_px=256, return_record=True)
    assert np.array_equal(repair.image[~mask], image[~mask])
    assert not np.array_equal(repair.image[mask], image[mask])
    assert little_memory
    assert repair.record["notes"] == ["Memory ran out: repaired in windows of at most 128 px."]


def test_out_of_memory_to_the_end_is_one_sentence(
    model: EdgeConnect, camera: tuple[np.ndarray, np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(self: object, views: object, **options: object) -> None:
        raise RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes.")

    monkeypatch.setattr(stages.Stages, "edge_probability", never)
    with pytest.raises(OutOfMemoryError, match="not enough memory even for windows of"):
        model.inpaint(*camera)


def test_another_runtime_error_is_not_taken_for_memory(
    model: EdgeConnect, camera: tuple[np.ndarray, np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(self: object, views: object, **options: object) -> None:
        raise RuntimeError("shape mismatch")

    monkeypatch.setattr(stages.Stages, "edge_probability", broken)
    with pytest.raises(RuntimeError, match="shape mismatch"):
        model.inpaint(*camera)


def test_batches_of_windows_equal_single_ones(model: EdgeConnect, monkeypatch: pytest.MonkeyPatch) -> None:
    image = np.tile(data.camera()[:200, :200], (2, 2))
    mask = np.zeros(image.shape, bool)
    mask[20:24, 20:24] = mask[300:304, 20:24] = mask[20:24, 300:304] = mask[200:204, 200:204] = True
    one = model.inpaint(image, mask, TINY)
    monkeypatch.setattr(edgeconnect, "_batch_size", lambda device: 3)
    several = model.inpaint(image, mask, TINY)
    assert np.abs(several.astype(int) - one).max() <= 1


def test_loading_files_and_folders(tmp_path: Path) -> None:
    edge, inpaint = save_generators(tmp_path)
    assert EdgeConnect.load((edge, inpaint), device="cpu").info.formulation == "published"
    assert EdgeConnect.load(tmp_path, device="cpu").info.width == 64
