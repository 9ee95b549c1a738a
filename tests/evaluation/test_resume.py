"""What an interrupted run leaves is taken where it still holds, and nowhere else."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from skimage import data
from typer.testing import CliRunner

from napari_edgeconnect import EdgeConnect, Settings
from napari_edgeconnect.cli import app
from napari_edgeconnect.evaluation import methods as methods_room
from napari_edgeconnect.evaluation import run as run_room
from napari_edgeconnect.evaluation.cases import CaseList
from napari_edgeconnect.evaluation.fingerprint import code_sha256
from napari_edgeconnect.evaluation.masks import BINS
from napari_edgeconnect.evaluation.run import UNFINISHED, Evaluation, evaluate_steps, forget
from napari_edgeconnect.files import FileError, write_image

SIZE = 64
PHOTO, COINS = "photo/photo.png", "coins/coins.png"
CASES_EACH = len(BINS)


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """Two tiny real images of two modalities."""
    folder = tmp_path / "images"
    for name, picture in ((PHOTO, data.astronaut()[:80, 150:230]), (COINS, data.coins()[100:180, :80])):
        (folder / name).parent.mkdir(parents=True)
        write_image(folder / name, picture)
    return folder


@pytest.fixture
def output(tmp_path: Path) -> Path:
    folder = tmp_path / "output"
    folder.mkdir()
    return folder


@pytest.fixture
def computed(monkeypatch) -> list[str]:
    """The image of every case that is computed, not taken from what was kept."""
    names = []
    outcome = run_room._outcome

    def noted(evaluation, case, *arguments):
        names.append(case.image)
        return outcome(evaluation, case, *arguments)

    monkeypatch.setattr(run_room, "_outcome", noted)
    return names


def evaluation(images: Path, *, masks: Path | None = None, **changes) -> Evaluation:
    source = CaseList(images=images, masks=masks, size=SIZE, per_cell=1)
    given = {"methods": ("biharmonic", "mean"), "perceptual": False, "sheets": False} | changes
    return Evaluation(source=source, **given)


def steps_of(wanted: Evaluation, folder: Path, **options):
    cases = wanted.source.cases()
    return evaluate_steps(wanted, cases, wanted.kept(cases, folder, **options))


def run_to_end(wanted: Evaluation, folder: Path, **options):
    steps = steps_of(wanted, folder, **options)
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            return stop.value


def change(image: Path) -> None:
    """Other pixels under the same name, of the same size and date."""
    before = image.stat()
    write_image(image, np.ascontiguousarray(data.coins()[150:230, 100:180]))
    os.utime(image, ns=(before.st_atime_ns, before.st_mtime_ns))


def test_an_interrupted_run_goes_on_to_the_same_figures(images: Path, tmp_path: Path, output: Path, computed) -> None:
    steps = steps_of(evaluation(images), output)
    for _ in range(5):
        next(steps)
    steps.close()
    log = output / UNFINISHED / "cases.jsonl"
    with log.open("a", encoding="utf-8") as file:
        file.write('["0f3a", {"case": {"moda')  # cut short by a power failure
    assert len(computed) == 4
    halves = run_to_end(evaluation(images), output)
    assert len(computed) == 2 * CASES_EACH
    (tmp_path / "whole").mkdir()
    assert halves == run_to_end(evaluation(images), tmp_path / "whole")
    forget(output)
    assert not list(output.iterdir())


def test_cases_of_a_changed_image_are_computed_anew_and_others_taken(
    images: Path, tmp_path: Path, output: Path, computed
) -> None:
    before = run_to_end(evaluation(images), output)
    computed.clear()
    change(images / COINS)
    after = run_to_end(evaluation(images), output)
    assert computed == [COINS] * CASES_EACH
    assert after[CASES_EACH:] == before[CASES_EACH:]  # coins come first
    assert all(one != other for one, other in zip(after[:CASES_EACH], before[:CASES_EACH], strict=True))
    (tmp_path / "anew").mkdir()
    assert after == run_to_end(evaluation(images), tmp_path / "anew")


def test_an_image_that_was_changed_and_is_again_as_it_was_is_computed_anew(
    images: Path, output: Path, computed
) -> None:
    """What was kept goes when it is found to be stale: later pictures may lie over its own."""
    was = (images / COINS).read_bytes()
    run_to_end(evaluation(images), output)
    change(images / COINS)
    steps_of(evaluation(images), output).close()
    evaluation(images).kept(evaluation(images).source.cases(), output)
    (images / COINS).write_bytes(was)
    computed.clear()
    run_to_end(evaluation(images), output)
    assert computed == [COINS] * CASES_EACH


def test_an_image_that_changes_while_the_run_is_on_ends_it(images: Path, output: Path, computed) -> None:
    steps = steps_of(evaluation(images), output)
    next(steps)
    change(images / PHOTO)
    with pytest.raises(FileError, match=r"photo\.png was changed while the evaluation ran"):
        list(steps)
    assert computed == [COINS] * CASES_EACH + [PHOTO]


def test_a_changed_mask_is_computed_anew(images: Path, tmp_path: Path, output: Path, computed) -> None:
    masks = tmp_path / "masks"
    masks.mkdir()
    for name, rows in (("few", 3), ("many", 30)):
        mask = np.zeros((SIZE, SIZE), np.uint8)
        mask[:rows] = 255
        write_image(masks / f"{name}.png", mask)
    before = run_to_end(evaluation(images, masks=masks), output)
    computed.clear()
    write_image(masks / "few.png", mask[::-1] * (np.arange(SIZE)[:, None] > 60))
    after = run_to_end(evaluation(images, masks=masks), output)
    assert len(computed) == 2
    same = [one == other for one, other in zip(before, after, strict=True)]
    assert [outcome.case["mask"] == "many.png" for outcome in after] == same


def test_other_weights_under_the_same_name_are_evaluated_anew(images: Path, output: Path, computed) -> None:
    model = EdgeConnect.load(device="cpu")
    with_model = evaluation(images, model=model, methods=("edgeconnect",))
    run_to_end(with_model, output)
    assert len(computed) == 2 * CASES_EACH
    run_to_end(with_model, output)
    assert len(computed) == 2 * CASES_EACH
    swapped = EdgeConnect.load(device="cpu")
    swapped.info = replace(model.info, edge=model.info.inpaint, inpaint=model.info.edge)
    run_to_end(evaluation(images, model=swapped, methods=("edgeconnect",)), output)
    assert len(computed) == 4 * CASES_EACH


@pytest.mark.parametrize("what", ["code_sha256", "package_versions"])
def test_other_code_computes_anew(images: Path, output: Path, computed, monkeypatch, what) -> None:
    run_to_end(evaluation(images), output)
    monkeypatch.setattr(run_room, what, lambda: "another")
    run_to_end(evaluation(images), output)
    assert len(computed) == 4 * CASES_EACH


def test_any_changed_line_of_code_is_other_code(tmp_path: Path) -> None:
    ours = Path(methods_room.__file__).parents[1]
    copy, again, edited = (tmp_path / name for name in ("copy", "again", "edited"))
    shutil.copytree(ours, copy, ignore=shutil.ignore_patterns("__pycache__", "napari.yaml"))
    for other in (again, edited):
        shutil.copytree(copy, other)
    with (edited / "core" / "fill.py").open("a", encoding="utf-8") as file:
        file.write("# one more line\n")
    assert code_sha256(copy) == code_sha256(again) != code_sha256(edited)


def test_another_evaluation_in_the_folder_is_not_mixed_in(images: Path, output: Path, computed) -> None:
    run_to_end(evaluation(images), output)
    other = evaluation(images, settings=Settings(sigma=1.0))
    with pytest.raises(FileError, match="other settings"):
        run_to_end(other, output)
    assert len(run_to_end(evaluation(images), output)) == len(computed) == 2 * CASES_EACH
    run_to_end(other, output, start_anew=True)
    assert len(computed) == 4 * CASES_EACH


def test_the_command_keeps_what_is_done_and_says_what_it_runs_again(images: Path, output: Path, monkeypatch) -> None:
    inpaint, calls = methods_room.inpaint, []

    def interrupted(*arguments, **options):
        calls.append(arguments)
        if len(calls) > 9:
            raise KeyboardInterrupt
        return inpaint(*arguments, **options)

    arguments = ["evaluate", images, "-o", output, "--size", SIZE, "--cases", 1, "--methods", "biharmonic"]
    command = [str(argument) for argument in (*arguments, "--no-sheets")]
    monkeypatch.setattr(methods_room, "inpaint", interrupted)
    stopped = CliRunner().invoke(app, command)
    assert stopped.exit_code == 130
    assert "goes on from there" in stopped.stderr
    assert [path.name for path in output.iterdir()] == [UNFINISHED]
    monkeypatch.setattr(methods_room, "inpaint", inpaint)
    change(images / PHOTO)
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 0, done.output
    assert "2 finished cases are run again: their image" in " ".join(done.stderr.split())
    assert UNFINISHED not in [path.name for path in output.iterdir()]
