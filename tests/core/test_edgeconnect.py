"""From array to array: nothing known is altered, every edit counts, and the published result is met."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from contract import DTYPES, check_known_pixels_are_kept
from hypothesis import given, settings
from hypothesis import strategies as st
from published import CASES, golden, save_generators
from skimage import data

from napari_edgeconnect import EdgeConnect, EdgeSource

# --- known pixels -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES)
@settings(max_examples=8)
@given(draw=st.data())
def test_known_pixels_are_bit_identical(model: EdgeConnect, dtype: str, draw: st.DataObject) -> None:
    check_known_pixels_are_kept(partial(model.inpaint, return_record=True), dtype, draw)


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
    by_column = change[30:54].mean(axis=0)
    assert abs(int(by_column.argmax()) - 55) <= 2
    assert by_column[52:59].mean() > 0.5
    # A line parts two sides, so the change reaches beyond it; at the hole's sides it has faded.
    assert by_column[52:59].mean() > 3 * np.concatenate([by_column[40:46], by_column[65:70]]).mean()


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


# --- calls --------------------------------------------------------------------------------------------------------


def test_the_same_input_gives_the_same_output(model: EdgeConnect, camera: tuple[np.ndarray, np.ndarray]) -> None:
    first, second = (model.inpaint(*camera, return_record=True) for _ in range(2))
    assert np.array_equal(first.image, second.image)
    assert np.array_equal(first.edges.probability, second.edges.probability)


def test_the_number_of_threads_is_given_back(model: EdgeConnect, camera: tuple[np.ndarray, np.ndarray]) -> None:
    before = torch.get_num_threads()
    model.inpaint(*camera)
    assert torch.get_num_threads() == before


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


def test_loading_files_and_folders(tmp_path: Path) -> None:
    edge, inpaint = save_generators(tmp_path)
    assert EdgeConnect.load((edge, inpaint), device="cpu").info.formulation == "published"
    assert EdgeConnect.load(tmp_path, device="cpu").info.width == 64
