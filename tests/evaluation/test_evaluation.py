"""The run from images to tables: fixed, and the same twice."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage import data
from skimage.feature import canny
from typer.testing import CliRunner

from napari_edgeconnect import EdgeConnect, Settings
from napari_edgeconnect.cli import app
from napari_edgeconnect.evaluation import methods as room
from napari_edgeconnect.evaluation.cases import CaseList
from napari_edgeconnect.evaluation.masks import BINS
from napari_edgeconnect.evaluation.methods import chosen_methods, repaired
from napari_edgeconnect.evaluation.names import METHODS, NO_EDGES, TRUE_EDGES
from napari_edgeconnect.files import sha256, write_image

SIZE = 64


@pytest.fixture(scope="module")
def images(tmp_path_factory) -> Path:
    """Two tiny real images of two modalities."""
    folder = tmp_path_factory.mktemp("evaluation") / "images"
    for modality, picture in (("photo", data.astronaut()[:80, 150:230]), ("coins", data.coins()[100:180, :80])):
        (folder / modality).mkdir(parents=True)
        write_image(folder / modality / f"{modality}.png", picture)
    return folder


@pytest.fixture(scope="module")
def finished(images: Path) -> Path:
    """What the command writes for all methods that are installed."""
    output = images.parent / "finished"
    done = evaluate(images, output)
    assert done.exit_code == 0, done.output
    return output


def evaluate(images: Path, output: Path, *more: str):
    arguments = ["evaluate", images, "-o", output, "--size", SIZE, "--cases", 1, "--device", "cpu", *more]
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_the_command_writes_tables_plots_and_sheets(finished: Path) -> None:
    sheets = {"sheet_photo.png", "sheet_coins.png"}
    plots = {"plot_by_bin.png", "plot_gain.png"}
    assert set(contents(finished)) == {"figures.csv", "summary.csv", "evaluation.json", "table.md"} | sheets | plots
    width, height = Image.open(finished / "sheet_photo.png").size
    assert height > len(BINS) * SIZE
    assert width > (len(METHODS) + 4) * SIZE  # damaged, edges, true edges, truth


def test_the_csv_has_a_row_for_each_case_and_method(finished: Path) -> None:
    rows = list(csv.DictReader((finished / "figures.csv").open(encoding="utf-8")))
    assert len(rows) == 2 * len(BINS) * len(METHODS)
    assert {row["method"] for row in rows} == set(METHODS)
    by_method = {row["method"]: row for row in rows if row["modality"] == "photo" and row["bin"] == "20-30%"}
    assert 0.2 <= float(by_method["mean"]["hole_fraction"]) <= 0.3
    for figure, better in (("psnr_db_hole", 1), ("ssim_hole", 1), ("l1_percent_hole", -1), ("features_hole", -1)):
        ours, theirs = (better * float(by_method[name][figure]) for name in ("edgeconnect", "mean"))
        assert ours > theirs
    assert float(by_method["mean"]["noise_level"]) == 0
    assert 0 <= float(by_method["edgeconnect"]["edge_recall_at_0.3_1px"]) <= 1
    assert by_method["biharmonic"]["edge_recall_at_0.3_1px"] == ""


def test_the_table_says_what_was_measured(images: Path, finished: Path) -> None:
    text = (finished / "table.md").read_text(encoding="utf-8")
    assert "12 cases of 64 x 64 px from 2 images, seed 0" in text
    assert "| photo | 40-50% |" in text
    assert "| edgeconnect-true-edges - edgeconnect | (all) |" in text
    assert "not LPIPS" in text
    record = json.loads((finished / "evaluation.json").read_text(encoding="utf-8"))
    assert set(record["model"]["sha256"]) == {"edge", "inpaint"}
    photo = "photo/photo.png"
    assert record["images"][photo] == sha256(images / photo)


def test_a_second_run_writes_the_same_bytes(images: Path, finished: Path) -> None:
    before = contents(finished)
    again = evaluate(images, finished, "--overwrite", "--quiet")
    assert (again.exit_code, again.output) == (0, "")
    assert contents(finished) == before


def test_results_are_not_written_over_without_leave(images: Path, finished: Path) -> None:
    refused = evaluate(images, finished)
    assert refused.exit_code == 1
    assert "--overwrite" in refused.stderr


def test_the_three_runs_differ_in_their_edges_alone(images: Path) -> None:
    source = CaseList(images=images, size=SIZE, per_cell=1)
    case = source.load(source.cases()[-1])
    model = EdgeConnect.load(device="cpu")
    repair = repaired(case, METHODS[:3], model, Settings())
    assert np.array_equal(repair.results["edgeconnect"], model.inpaint(case.damaged, case.hole))
    gray = case.truth @ np.array([0.2125, 0.7154, 0.0721]) / 255
    assert (repair.true_edges != canny(gray, sigma=2.0)).mean() < 0.001
    assert not np.array_equal(repair.results[TRUE_EDGES], repair.results[NO_EDGES])
    for result in repair.results.values():
        assert np.array_equal(result[~case.hole], case.truth[~case.hole])


def test_matched_noise_is_evaluated_too_and_said(images: Path, finished: Path) -> None:
    output = images.parent / "noisy"
    done = evaluate(images, output, "--match-noise", "--methods", "edgeconnect,telea", "--no-sheets")
    assert done.exit_code == 0, done.output
    assert "model: open-science-16, noise matched" in (output / "table.md").read_text(encoding="utf-8")

    def levels(folder: Path, method: str) -> np.ndarray:
        rows = csv.DictReader((folder / "figures.csv").open(encoding="utf-8"))
        return np.array([float(row["noise_level"]) for row in rows if row["method"] == method])

    assert np.array_equal(levels(output, "telea"), levels(finished, "telea"))
    assert (levels(output, "edgeconnect") >= levels(finished, "edgeconnect")).mean() > 0.7
    assert levels(output, "edgeconnect").mean() > levels(finished, "edgeconnect").mean()


def test_methods_are_chosen_by_name_and_in_the_tables_order(monkeypatch) -> None:
    assert chosen_methods(["mean", "edgeconnect"]) == (("edgeconnect", "mean"), ())
    with pytest.raises(ValueError, match="no method 'lama'"):
        chosen_methods(["lama"])
    with pytest.raises(ValueError, match="No method"):
        chosen_methods([])

    def without_opencv(image, hole, method):
        if method in ("telea", "navier-stokes"):
            raise ImportError(f"Method {method!r} needs OpenCV: pip install …")

    monkeypatch.setattr(room, "inpaint", without_opencv)
    assert chosen_methods(None)[1] == ("telea", "navier-stokes")
    with pytest.raises(ValueError, match="needs OpenCV"):
        chosen_methods(["telea"])


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--methods", "lama"), "no method 'lama'"),
        (("--size", "16"), "at least 64"),
        (("--masks", "nowhere"), "no folder nowhere"),
        (("--model", "nothing"), "nothing"),
    ],
)
def test_what_can_not_be_run_ends_in_a_sentence(images: Path, tmp_path: Path, more, said) -> None:
    done = evaluate(images, tmp_path / "out", *more)
    assert done.exit_code == 1
    assert done.stderr.splitlines()[-1].startswith("Error: ")
    assert said in done.stderr
    assert not (tmp_path / "out").exists()


def test_results_do_not_go_among_the_images(images: Path) -> None:
    assert "would take sheets for images" in evaluate(images, images / "out").stderr


def test_help_lists_every_method_without_loading_scikit_image() -> None:
    script = (
        "import sys\n"
        "from typer.testing import CliRunner\n"
        "from napari_edgeconnect.cli import app\n"
        "print(CliRunner().invoke(app, ['evaluate', '--help'], env={'COLUMNS': '400'}).output)\n"
        "print(sorted({'skimage', 'scipy', 'torch'} & set(sys.modules)))\n"
    )
    out = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert ", ".join(METHODS) in out
    assert out.splitlines()[-1] == "[]"
