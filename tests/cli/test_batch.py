"""``batch``: every file is done or reported, and nothing is done twice."""

import csv
import json
import os
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile
from skimage import io

from napari_edgeconnect import EdgeConnect
from napari_edgeconnect.cli import batch_task
from napari_edgeconnect.files import open_stack

from .conftest import SIDE, camera, killed_when, pixels, record, run, saved, scratch, succeed


@pytest.fixture
def folder():
    """Images of several kinds, of which some can't be repaired; and a mask."""
    Path("in").mkdir()
    saved("in/a.png", camera())
    saved("in/b.tif", camera(np.uint16))
    tifffile.imwrite("in/c.ome.tif", np.stack([camera(), camera()[::-1]]), ome=True, metadata={"axes": "ZYX"})
    Path("in/d.png").write_bytes(Path("in/a.png").read_bytes()[:500])
    saved("in/e.png", camera()[:50])
    Path("in/notes.txt").write_text("not an image")
    saved("mask.png", scratch() * np.uint8(255))


def table(name="out/batch.csv"):
    with open(name, encoding="utf-8", newline="") as file:
        return {row["file"]: row for row in csv.DictReader(file)}


def test_bad_files_are_reported_and_do_not_stop_the_rest(folder):
    result = run("batch", "in", "--mask", "mask.png", "-o", "out")
    assert result.exit_code == 1
    rows = table()
    assert {name: row["status"] for name, row in rows.items()} == {
        "a.png": "repaired",
        "b.tif": "repaired",
        "c.ome.tif": "repaired",
        "d.png": "failed",
        "e.png": "failed",
    }
    assert "d.png can't be read" in rows["d.png"]["message"]
    assert "96 x 96 pixels (width x height), but in/e.png is 96 x 50" in rows["e.png"]["message"]
    lines = result.stdout.splitlines()
    assert lines[0].split() == ["file", "what", "happened", "pixels", "seconds", "remarks"]
    assert [line.split()[0] for line in lines[1:]] == list(rows)
    model = EdgeConnect.load()
    np.testing.assert_array_equal(pixels("out/b.tif"), model.inpaint(camera(np.uint16), scratch(), grow_px=2))
    with open_stack(Path("out/c.ome.tif")) as stack:
        assert stack.axes == "ZYX"
        np.testing.assert_array_equal(stack.pixels[1], model.inpaint(camera()[::-1], scratch(), grow_px=2))
    assert int(rows["b.tif"]["hole_px"]) == record("out/b.json")["hole_px"]
    names = ["a.png", "a.json", "a_altered.png", "b.tif", "b.json", "b_altered.png"]
    names += ["batch.csv", "c.ome.tif", "c.ome.json", "c.ome_altered.tif"]
    assert sorted(path.name for path in Path("out").iterdir()) == sorted(names)


def test_not_even_a_bug_in_one_file_stops_the_rest(folder, monkeypatch):
    original = batch_task.repair_image

    def stumbles(task, *rest):
        if task.image.name == "a.png":
            raise IndexError("out of bounds")
        original(task, *rest)

    monkeypatch.setattr(batch_task, "repair_image", stumbles)
    assert run("batch", "in", "--mask", "mask.png", "-o", "out").exit_code == 1
    assert table()["a.png"]["message"] == "Unexpected IndexError: out of bounds"
    assert table()["b.tif"]["status"] == "repaired"


def test_given_again_only_what_is_missing_is_done(folder, monkeypatch):
    run("batch", "in", "--mask", "mask.png", "-o", "out")
    before = {path: path.stat().st_mtime_ns for path in Path("out").iterdir() if path.name != "batch.csv"}
    Path("in/d.png").unlink()
    Path("in/e.png").unlink()
    saved("in/f.png", camera()[::-1])
    monkeypatch.setattr(batch_task, "repair_stack_file", None)
    result = succeed("batch", "in", "--mask", "mask.png", "-o", "out")
    assert "f.png      repaired" in result.stdout
    assert [row["status"] for row in table().values()] == ["done before"] * 3 + ["repaired"]
    assert all(path.stat().st_mtime_ns == time for path, time in before.items())


def test_results_of_other_settings_are_not_taken_for_done(folder):
    run("batch", "in", "--mask", "mask.png", "-o", "out")
    again = run("batch", "in", "--mask", "mask.png", "-o", "out", "--grow-px", 0)
    assert again.exit_code == 1
    assert "out/a.json exists" in table()["a.png"]["message"] or "out/a.png exists" in table()["a.png"]["message"]
    run("batch", "in", "--mask", "mask.png", "-o", "out", "--grow-px", 0, "--overwrite")
    assert table()["a.png"]["status"] == "repaired"
    assert record("out/a.json")["settings"]["grow_px"] == 0


def test_each_file_has_its_own_mask_in_a_folder_of_masks(folder):
    Path("masks").mkdir()
    saved("masks/a.tif", scratch())
    saved("masks/c.png", scratch()[::-1])
    saved("masks/b.png", scratch())
    saved("masks/b.tif", scratch())
    result = run("batch", "in", "--mask", "masks", "-o", "out")
    assert result.exit_code == 1
    rows = table()
    assert "should hold one mask called b, with any ending: there is b.png and b.tif" in rows["b.tif"]["message"]
    assert "there is none" in rows["e.png"]["message"]
    assert rows["a.png"]["status"] == rows["c.ome.tif"]["status"] == "repaired"
    altered = tifffile.imread("out/c.ome_altered.tif") > 0
    assert altered[:, SIDE - 44].any()
    assert not altered[:, 44].any()


def test_files_of_one_name_are_not_mixed_up(folder):
    saved("in/a.tif", camera())
    run("batch", "in", "--mask", "mask.png", "-o", "out")
    for name in ("a.png", "a.tif"):
        assert table()[name]["message"].startswith("a.png and a.tif have one name")
    assert not Path("out/a.json").exists()


def test_a_zarr_store_is_a_batch_of_one_and_programs_get_an_object():
    import zarr

    image = np.stack([camera()] * 2)
    zarr.create_array("in.zarr", data=image, dimension_names=["t", "y", "x"])
    saved("mask.png", scratch() * np.uint8(255))
    result = succeed("batch", "in.zarr", "--mask", "mask.png", "-o", "out", "--json")
    written = json.loads(result.stdout)
    assert written["repaired"] == 1
    assert written["files"][0]["output"] == str(Path("out/in.zarr"))
    with open_stack(Path("out/in.zarr")) as stack:
        expected = EdgeConnect.load().inpaint(camera(), scratch(), grow_px=2)
        np.testing.assert_array_equal(stack.pixels[1], expected)


def test_the_model_is_loaded_once(folder, monkeypatch):
    loaded = []
    original = batch_task.load_model
    monkeypatch.setattr(batch_task, "load_model", lambda *a: loaded.append(1) or original(*a))
    run("batch", "in", "--mask", "mask.png", "-o", "out")
    assert loaded == [1]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["none", "--mask", "mask.png"], "none is no folder"),
        (["in", "--mask", "none.png"], "There is no mask none.png"),
        (["in", "--mask", "in"], "holds both images and masks"),
        (["empty", "--mask", "mask.png"], "empty holds nothing that can be repaired"),
        (["in", "--mask", "mask.png", "--model", "nope"], "There is no model 'nope'"),
        (["in", "--mask", "mask.png", "--threshold", "2"], "threshold is 2.0: give a probability"),
        (["in", "--mask", "mask.png", "--edges-from", "green"], "edges_from is 'green': give 'own'"),
        (["in", "--mask", "mask.png", "--device", "abacus"], "Device 'abacus' is not available"),
    ],
)
def test_what_is_everybodys_mistake_ends_the_run(folder, arguments, sentence):
    Path("empty").mkdir()
    result = run("batch", *arguments, "-o", "out")
    assert result.exit_code == 1
    assert sentence in result.stderr
    assert not Path("out/batch.csv").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_a_killed_batch_goes_on_within_the_stack_where_it_stopped(folder):
    # The stack is the last file of this folder, so the kill comes in the middle of it.
    os.rename("in/c.ome.tif", "in/z.ome.tif")
    command = ["batch", "in", "--mask", "mask.png", "-o", "out", "--device", "cpu"]
    killed_when(lambda step: step["what"].startswith("z.ome.tif: Z 1"), *command)
    assert not Path("out/z.ome.tif").exists()
    assert [path.name for path in Path("out/.z.ome.tif.unfinished").glob("*.npz")] == ["0.npz"]
    run(*command)
    rows = table()
    assert [rows[name]["status"] for name in ("a.png", "b.tif", "z.ome.tif")] == ["done before"] * 2 + ["repaired"]
    assert rows["z.ome.tif"]["message"] == "1 of 2 places were finished before"
    assert not Path("out/.z.ome.tif.unfinished").exists()


@pytest.mark.parametrize("name", ["a.png", "c.ome.tif"])
def test_a_kill_between_an_outputs_files_is_no_obstacle(folder, name):
    run("batch", "in", "--mask", "mask.png", "-o", "out")
    wanted = io.imread(Path("out", name))
    Path("out", name).unlink()  # its record has its name first, and the output last
    run("batch", "in", "--mask", "mask.png", "-o", "out")
    assert table()[name]["status"] == "repaired"
    assert np.array_equal(io.imread(Path("out", name)), wanted)
