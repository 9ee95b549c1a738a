"""One run at a time in an output folder, told by real processes."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path

import pytest
from skimage import data

from napari_edgeconnect.evaluation.lock import LOCK, held
from napari_edgeconnect.evaluation.masks import BINS
from napari_edgeconnect.evaluation.run import UNFINISHED
from napari_edgeconnect.files import FileError, write_image

COMMAND = [sys.executable, "-c", "from napari_edgeconnect.cli import main; main()", "evaluate"]
#: No case has it by itself.
MARK = 123.25


@pytest.fixture
def images(tmp_path: Path) -> Path:
    folder = tmp_path / "images"
    folder.mkdir()
    write_image(folder / "coins.png", data.coins()[100:180, :80])
    return folder


def contents(output: Path) -> dict[Path, tuple[bytes, int]]:
    """Every file but the lock, which Windows lets nobody read."""
    files = [path for path in output.rglob("*") if path.is_file() and path.name != LOCK]
    return {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in files}


def arguments(images: Path, output: Path, *, cases: int) -> list[str]:
    options = ["--size", "64", "--cases", str(cases), "--methods", "biharmonic,mean", "--no-sheets", "--json"]
    return [*COMMAND, str(images), "-o", str(output), *options]


def test_a_second_run_is_refused_in_a_sentence_and_changes_nothing(images: Path, tmp_path: Path) -> None:
    output = tmp_path / "output"
    (output / UNFINISHED).mkdir(parents=True)
    (output / UNFINISHED / "cases.jsonl").write_text("the first run's\n", encoding="utf-8")
    with held(output):
        before = contents(output)
        second = subprocess.run(
            [*arguments(images, output, cases=1), "--overwrite"], capture_output=True, text=True, check=False
        )
        after = contents(output)
    assert second.returncode == 1
    said = json.loads(second.stderr.splitlines()[-1])["message"]
    assert said == f"Another evaluation is running in {output}: wait until it ends, or give another output folder."
    assert after == before
    assert len(before) == 1


def test_a_killed_run_leaves_a_folder_in_which_the_same_command_goes_on(images: Path, tmp_path: Path) -> None:
    output = tmp_path / "output"
    command = arguments(images, output, cases=5)
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) as first:
        for line in first.stderr:
            if json.loads(line).get("done", 0) >= 2:
                break
        with pytest.raises(FileError, match="Another evaluation is running"), held(output):
            pass
        first.kill()
    log = output / UNFINISHED / "cases.jsonl"
    assert (output / LOCK).exists()
    asked, first_case, *others = log.read_text(encoding="utf-8").splitlines(keepends=True)
    made_by, values = json.loads(first_case)
    values["case"]["noise_level_of_truth"] = MARK
    log.write_text("".join([asked, json.dumps([made_by, values]) + "\n", *others]), encoding="utf-8")
    second = subprocess.run(command, capture_output=True, text=True, check=False)
    assert second.returncode == 0, second.stderr
    rows = list(csv.DictReader((output / "figures.csv").open(encoding="utf-8")))
    assert [row["noise_level_of_truth"] for row in rows].count(str(MARK)) == 2  # two methods on the first case
    assert len(rows) == 2 * 5 * len(BINS)
    assert {path.name for path in output.iterdir()}.isdisjoint({LOCK, UNFINISHED})
