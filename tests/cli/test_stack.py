"""``inpaint`` on stacks: from files to files, plane by plane, and on from where a killed run stopped."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile
import zarr
from skimage import data

from napari_edgeconnect import EdgeConnect
from napari_edgeconnect.cli import stack_outputs, stack_run
from napari_edgeconnect.core import classical, cutouts
from napari_edgeconnect.core.settings import Settings, StackSettings
from napari_edgeconnect.core.stack import Stack
from napari_edgeconnect.core.stack_masks import in_between
from napari_edgeconnect.core.stack_run import repair_stack
from napari_edgeconnect.files import open_stack

from .conftest import SIDE, camera, fail, record, run, saved, scratch, succeed

OME = {"axes": "TCYX", "PhysicalSizeX": 0.1, "PhysicalSizeXUnit": "µm", "Channel": {"Name": ["DAPI", "GFP"]}}


def stack(places=3):
    """Different planes in two channels, TCYX uint16."""
    plane = camera(np.uint16)
    return np.stack([[np.roll(plane, 9 * t, 0), np.roll(plane, 7 * t, 1) // 2] for t in range(places)])


def expected(image, mask, axes="TCYX", mask_axes=None, choices=None, **changes):
    settings = Settings(**{"grow_px": 2, **changes})
    prepared = Stack.prepare(image, mask, axes, mask_axes=mask_axes, settings=settings, choices=choices)
    out, altered = np.empty_like(image), np.empty(image.shape, bool)
    repair_stack(EdgeConnect.load(), prepared, out, altered)
    return out, altered


def read(name):
    with open_stack(Path(name)) as file:
        return np.array(file.pixels[...])


def everything():
    return sorted(str(path) for path in Path().iterdir())


@pytest.mark.parametrize("compression", [None, "zlib"])
def test_an_ome_tiff_is_repaired_with_its_record_and_the_mask_of_altered_pixels(compression):
    image = stack()
    tifffile.imwrite("in.ome.tif", image, ome=True, metadata=OME, compression=compression)
    mask = saved("mask.png", scratch() * np.uint8(255))
    result = succeed("inpaint", "in.ome.tif", "--mask", mask, "-o", "out.ome.tif")
    assert result.stdout.split() == ["out.ome.tif", "out.ome.json", "out.ome_altered.tif"]
    assert everything() == ["in.ome.tif", "mask.png", "out.ome.json", "out.ome.tif", "out.ome_altered.tif"]
    wanted, altered = expected(image, scratch())
    np.testing.assert_array_equal(read("out.ome.tif"), wanted)
    np.testing.assert_array_equal(read("out.ome_altered.tif"), altered * np.uint8(255))
    with tifffile.TiffFile("out.ome.tif") as file, open_stack(Path("out.ome_altered.tif")) as mask_file:
        assert 'Name="GFP"' in file.ome_metadata
        assert mask_file.axes == "TCYX"
    written = record("out.ome.json")
    assert written["hole_px"] == np.count_nonzero(altered)
    assert written["stack"]["axes"] == "TCYX"
    assert [plane["plane"]["place"] for plane in written["planes"]] == [[0], [0], [1], [1], [2], [2]]
    assert written["inputs"]["image"]["file"] == "in.ome.tif"
    assert len(written["inputs"]["image"]["sha256"]) == 64
    assert written["software"] == "napari-edgeconnect"


@pytest.mark.parametrize("zarr_format", [2, 3])
def test_ome_zarr_goes_in_and_out_with_a_mask_in_zarr(zarr_format):
    image = stack(2)
    masks = np.zeros((2, 1, SIDE, SIDE), bool)
    masks[1, 0] = scratch()
    for name, array in (("in.zarr", image), ("mask.zarr", masks)):
        group = zarr.open_group(name, mode="w", zarr_format=zarr_format)
        group.create_array("0", data=array, chunks=(1, 1, 64, 64))
        axes = [{"name": a} for a in "tcyx"]
        ome = {"multiscales": [{"axes": axes, "datasets": [{"path": "0"}]}], "omero": {"channels": [{"label": "a"}]}}
        group.attrs.update(ome if zarr_format == 2 else {"ome": {"version": "0.5", **ome}})
    succeed("inpaint", "in.zarr", "--mask", "mask.zarr", "-o", "out.zarr")
    wanted, _ = expected(image, masks)
    np.testing.assert_array_equal(read("out.zarr"), wanted)
    attributes = zarr.open_group("out.zarr").attrs.asdict()
    assert attributes.pop("napari-edgeconnect")["records"] == [record("out.json")]
    assert attributes == zarr.open_group("in.zarr").attrs.asdict()
    assert [plane["plane"]["place"] for plane in record("out.json")["planes"]] == [[1], [1]]
    message = fail("inpaint", "in.zarr", "--mask", "mask.zarr", "-o", "out.zarr")
    assert "out.zarr exists" in message
    succeed("inpaint", "in.zarr", "--mask", "mask.zarr", "-o", "out.zarr", "--overwrite", "--grow-px", 0)
    np.testing.assert_array_equal(read("out.zarr"), expected(image, masks, grow_px=0)[0])


def test_axes_are_given_where_files_do_not_say_them():
    image = np.moveaxis(stack(2), 1, -1)  # TYXC
    np.save("in.npy", image)
    np.save("mask.npy", np.stack([scratch(), ~scratch() & False], axis=-1))
    arguments = ["inpaint", "in.npy", "--mask", "mask.npy", "-o", "out.npy"]
    assert "in.npy does not say what its axes are, and its shape is (2, 96, 96, 2)" in fail(*arguments)
    assert "say which the mask's are" in fail(*arguments, "--axes", "TYXC")
    succeed(*arguments, "--axes", "tyxc", "--mask-axes", "YXC")
    wanted, altered = expected(image, np.load("mask.npy"), "TYXC", "YXC")
    np.testing.assert_array_equal(read("out.npy"), wanted)
    assert not altered[..., 1].any()
    assert read("out_altered.tif").shape == (2, 2, SIDE, SIDE)  # places, channels, plane


def test_the_options_reach_the_stack():
    image = stack(2)
    np.save("in.npy", image)
    mask = saved("mask.png", scratch() * np.uint8(255))
    options = ["--axes", "TCYX", "--mapping", "stack", "--edges-from", "1", "--match-noise", "--seed", 4, "--sigma", 1]
    succeed("inpaint", "in.npy", "--mask", mask, "-o", "out.npy", *options)
    choices = StackSettings(mapping="stack", edges_from=1)
    wanted, _ = expected(image, scratch(), choices=choices, match_noise=True, seed=4, sigma=1)
    np.testing.assert_array_equal(read("out.npy"), wanted)
    assert record("out.json")["settings"]["seed"] == 4
    assert record("out.json")["stack"]["guide"] == 1


def test_axes_that_contradict_the_file_are_used_with_a_note():
    tifffile.imwrite("in.ome.tif", stack(2)[:, 0], ome=True, metadata={"axes": "ZYX"})
    mask = saved("mask.png", scratch() * np.uint8(255))
    result = succeed("inpaint", "in.ome.tif", "--mask", mask, "-o", "out.tif", "--axes", "TYX")
    assert "in.ome.tif says that its axes are ZYX; TYX is used, as asked" in result.stderr


@pytest.mark.parametrize(
    ("more", "code", "sentence"),
    [
        (["-o", "out.tif"], 1, "give a name that ends in .npy"),
        (["-o", "in.npy", "--overwrite"], 1, "in.npy is an input of this run"),
        (["-o", "out.npy", "--edges-from", "2"], 1, "edges_from is 2, but the image has 2 channels"),
        (["-o", "out.npy", "--edges-from", "best"], 1, "edges_from is 'best'"),
        (["-o", "out.npy", "--axes", "ZTCYX"], 1, "axes 'ZTCYX' are 5, but the array has 4"),
        (["-o", "out.npy", "--save-edges", "e.npy"], 1, "the edges of a stack are written as .tif"),
        (["-o", "out.npy", "--method", "mean", "--mapping", "stack"], 2, "--mapping"),
        (["-o", "out.npy", "--method", "mean", "--neighbours", "contents"], 2, "--neighbours"),
        (["-o", "out.npy", "--plane", "2"], 1, "T of the image goes from 0 to 1"),
        (["-o", "out.npy", "--plane", "y=2"], 1, "counts planes by T, C"),
        (["-o", "out.npy", "--neighbours", "edges", "--neighbour-axis", "z"], 1, "neighbour_axis is 'Z'"),
        (["-o", "out.npy", "--spread-mask", "between"], 1, "but 'YX' has none"),
    ],
)
def test_a_mistake_is_one_sentence_and_nothing_is_left(more, code, sentence):
    np.save("in.npy", stack(2))
    mask = saved("mask.png", scratch() * np.uint8(255))
    before = everything()
    result = run("inpaint", "in.npy", "--mask", mask, "--axes", "TCYX", *more)
    assert result.exit_code == code
    assert sentence in " ".join(result.stderr.split())
    assert everything() == before


@pytest.mark.parametrize("method", ["biharmonic", "telea"])
def test_a_classical_method_repairs_each_plane_as_it_would_alone_and_goes_on(method, monkeypatch):
    image = stack(3)
    np.save("in.npy", image)
    mask = saved("mask.png", scratch() * np.uint8(255))
    command = ["inpaint", "in.npy", "--mask", mask, "-o", "out.npy", "--axes", "TCYX", "--method", method]
    original = stack_run.keep

    def interrupted(parts, name, fills):
        if name == 1:
            raise KeyboardInterrupt
        original(parts, name, fills)

    with monkeypatch.context() as patch:
        patch.setattr(stack_run, "keep", interrupted)
        assert run(*command).exit_code == 130
    result = succeed(*command, "--threads", 2)
    assert "1 of 3 places were finished before" in result.stderr
    for t, c in np.ndindex(3, 2):
        np.testing.assert_array_equal(
            read("out.npy")[t, c], classical.inpaint(image[t, c], scratch(), method, grow_px=2)
        )
    written = record("out.json")
    assert written["method"] == method
    assert "model" not in written
    assert {plane["method"] for plane in written["planes"]} == {method}


def test_a_classical_method_that_is_not_installed_leaves_nothing(monkeypatch):
    monkeypatch.setitem(sys.modules, "cv2", None)
    np.save("in.npy", stack(2))
    mask = saved("mask.png", scratch())
    message = fail("inpaint", "in.npy", "--mask", mask, "-o", "out.npy", "--axes", "TCYX", "--method", "telea")
    assert "needs OpenCV" in message
    assert everything() == ["in.npy", "mask.png"]


def test_chosen_planes_alone_are_repaired():
    image = stack(4)
    np.save("in.npy", image)
    mask = saved("mask.png", scratch() * np.uint8(255))
    command = ["inpaint", "in.npy", "--mask", mask, "--axes", "TCYX", "-o", "out.npy"]
    result = succeed(*command, "--plane", "t=1,c=0", "--plane", "T=3", "--json")
    assert json.loads(result.stdout)["planes"] == 3
    wanted, _ = expected(image, scratch())
    out = read("out.npy")
    for t, c in np.ndindex(4, 2):
        np.testing.assert_array_equal(out[t, c], (wanted if (t, c) in ((1, 0), (3, 0), (3, 1)) else image)[t, c])
    assert record("out.json")["stack"]["planes"] == ["t=1,c=0", "T=3"]
    assert np.flatnonzero(read("out_altered.tif").any(axis=(2, 3))).tolist() == [2, 6, 7]


@pytest.mark.parametrize("threads", [1, 2])
def test_painted_planes_of_a_mask_are_spread_over_those_between(threads):
    image = stack(5)[:, 0]
    np.save("in.npy", image)
    masks = np.zeros((5, SIDE, SIDE), np.uint8)
    masks[1, 20:40, 20:40] = masks[3, 24:44, 24:44] = 1
    np.save("mask.npy", masks)
    options = ["--axes", "ZYX", "--mask-axes", "ZYX", "--grow-px", 0, "--threads", threads]
    succeed("inpaint", "in.npy", "--mask", "mask.npy", "-o", "out.npy", *options, "--spread-mask", "between")
    np.testing.assert_array_equal(read("out_altered.tif") > 0, in_between(masks > 0))
    everywhere = ["--spread-mask", "everywhere", "--method", "mean"]
    succeed("inpaint", "in.npy", "--mask", "mask.npy", "-o", "all.npy", *options, *everywhere)
    altered = read("all_altered.tif") > 0
    np.testing.assert_array_equal(altered, np.broadcast_to((masks > 0).any(axis=0), altered.shape))


@pytest.mark.parametrize("kind", ["edges", "start", "contents"])
def test_neighbours_help_alike_in_one_process_in_threads_and_after_a_stop(kind, monkeypatch):
    image = drifting()
    np.save("in.npy", image)
    masks = np.zeros(image.shape, np.uint8)
    masks[2, 42:50, 30:55] = masks[4, 60:66, 20:50] = 1
    np.save("mask.npy", masks)
    command = ["inpaint", "in.npy", "--mask", "mask.npy", "--axes", "ZYX", "--neighbours", kind, "--mask-axes", "ZYX"]
    succeed(*command, "-o", "one.npy")
    wanted, _ = expected(image, masks, "ZYX", "ZYX", choices=StackSettings(neighbours=kind))
    np.testing.assert_array_equal(read("one.npy"), wanted)
    assert (read("one.npy") != expected(image, masks, "ZYX", "ZYX")[0]).any()
    succeed(*command, "-o", "two.npy", "--threads", 2)
    original = stack_run.keep

    def interrupted(parts, name, fills):
        if name == 3:
            raise KeyboardInterrupt
        original(parts, name, fills)

    with monkeypatch.context() as patch:
        patch.setattr(stack_run, "keep", interrupted)
        assert run(*command, "-o", "three.npy").exit_code == 130
    succeed(*command, "-o", "three.npy")
    for name in ("two", "three"):
        np.testing.assert_array_equal(read(f"{name}.npy"), wanted)
        found = [plane["neighbours"] for plane in record(f"{name}.json")["planes"]]
        assert found == [plane["neighbours"] for plane in record("one.json")["planes"]]
    for plane in record("one.json")["planes"]:
        (window,) = plane["neighbours"]["windows"]
        assert [(one["offset"], one["shift"]) for one in window["planes"]] == [(-1, [3, -2]), (1, [-3, 2])]


def drifting():
    """A film of one scene that drifts by 3 rows and -2 columns a frame, with noise: (6, 96, 96) uint16."""
    scene = data.camera()[100:240, 200:320].astype(float) * 12 + 100
    frames = [scene[20 - 3 * z :, 12 + 2 * z :][:SIDE, :SIDE] for z in range(6)]
    return np.rint(np.stack(frames) + np.random.default_rng(0).normal(0, 20, (6, SIDE, SIDE))).astype(np.uint16)


def test_how_fast_holes_were_repaired_is_told():
    np.save("in.npy", stack(2))
    mask = saved("mask.png", scratch() * np.uint8(255))
    command = ["inpaint", "in.npy", "--mask", mask, "--axes", "TCYX", "-o", "out.npy"]
    result = succeed(*command)
    pace = record("out.json")["throughput"]
    assert pace["hole_px"] == record("out.json")["hole_px"]
    assert pace["hole_mpx_per_second"] == pytest.approx(pace["hole_px"] / 1e6 / pace["seconds"], rel=0.01)
    assert pace["hole_mpx_per_core_second"] == pytest.approx(pace["hole_px"] / 1e6 / pace["core_seconds"], rel=0.01)
    assert 0 < pace["seconds"] <= record("out.json")["seconds"]
    assert "Mpx of hole a second" in result.stderr


def test_options_of_stacks_do_not_go_with_one_plane(pair):
    result = run("inpaint", pair[0], "--mask", pair[1], "-o", "out.png", "--mapping", "stack")
    assert result.exit_code == 2
    assert "--mapping" in result.stderr
    assert "it goes with stacks" in result.stderr


# --- edges --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("threads", [1, 2])
def test_edges_of_a_stack_are_saved_corrected_and_completed_from(threads):
    image = stack(2)
    tifffile.imwrite("in.ome.tif", image, ome=True, metadata=OME)
    mask = saved("mask.png", scratch() * np.uint8(255))
    edges = ["--save-edges", "edges.tif", "--save-probability", "soft.tif"]
    result = succeed("inpaint", "in.ome.tif", "--mask", mask, "-o", "out.ome.tif", *edges, "--threads", threads)
    assert {"edges.tif", "soft.tif"} <= set(result.stdout.split())
    labels, probability = read("edges.tif"), read("soft.tif")
    model = EdgeConnect.load()
    for t, c in np.ndindex(2, 2):
        hallucinated = model.hallucinate_edges(image[t, c], scratch(), grow_px=2)
        np.testing.assert_array_equal(labels[t, c], hallucinated.labels)
        np.testing.assert_array_equal(probability[t, c], hallucinated.probability)

    complete = ["complete", "in.ome.tif", "--mask", mask, "--threads", threads]
    succeed(*complete, "--edges", "edges.tif", "--probability", "soft.tif", "-o", "again.ome.tif")
    np.testing.assert_array_equal(read("again.ome.tif"), read("out.ome.tif"))

    labels[0, :, 42:46, 30] = 3
    with open_stack(Path("edges.tif")) as file:
        axes = file.axes
    tifffile.imwrite("edited.tif", labels, photometric="minisblack", metadata={"axes": axes})
    succeed(*complete, "--edges", "edited.tif", "--probability", "soft.tif", "-o", "corrected.ome.tif")
    changed = (read("corrected.ome.tif") != read("out.ome.tif")).any(axis=(2, 3))
    assert changed.tolist() == [[True, True], [False, False]]
    record_of_first = record("corrected.ome.json")["planes"][0]
    assert record_of_first["edges"]["drawn_px"] > 0
    assert record("corrected.ome.json")["inputs"]["edges"]["file"] == "edited.tif"


@pytest.mark.parametrize("options", [[], ["--edges-from", "1"], ["--threads", "2"]])
def test_edges_of_a_stack_are_proposed_alone(options):
    image = stack(2)
    tifffile.imwrite("in.ome.tif", image, ome=True, metadata=OME)
    mask = saved("mask.png", scratch() * np.uint8(255))
    common = ["in.ome.tif", "--mask", mask, *options]
    result = succeed("edges", *common, "-o", "edges.tif", "--save-probability", "soft.tif")
    assert everything() == ["edges.json", "edges.tif", "in.ome.tif", "mask.png", "soft.tif"]
    assert result.stdout.split() == ["edges.tif", "edges.json", "soft.tif"]
    saving = ["--save-edges", "also.tif", "--save-probability", "also-soft.tif"]
    succeed("inpaint", *common, "-o", "out.ome.tif", *saving)
    np.testing.assert_array_equal(read("edges.tif"), read("also.tif"))
    np.testing.assert_array_equal(read("soft.tif"), read("also-soft.tif"))
    with open_stack(Path("edges.tif")) as file:
        assert file.axes == "TCYX"
    counts = [plane["edges"] for plane in record("edges.json")["planes"]]
    completed_from = [plane["edges"] for plane in record("out.ome.json")["planes"]]
    assert [{**count, "given": None} for count in counts] == [{**count, "given": None} for count in completed_from]
    # What a guiding channel gives was not proposed for the plane itself.
    assert {count["given"] for count in completed_from} == {"--edges-from" in options}
    proposed = sum(count["proposed_px"] for count in counts)
    assert f"Proposed {proposed} edge pixels inside holes of 4 planes" in result.stderr
    assert "edges.tif exists" in fail("edges", *common, "-o", "edges.tif")


def test_edges_of_a_stack_go_on_where_they_were_stopped(monkeypatch):
    np.save("in.npy", stack(3))
    mask = saved("mask.png", scratch() * np.uint8(255))
    command = ["edges", "in.npy", "--mask", mask, "--axes", "TCYX", "-o", "edges.tif"]
    with monkeypatch.context() as patch:
        patch.setattr(stack_run, "commit", interrupt)
        assert run(*command).exit_code == 130
    assert everything() == [".edges.tif.unfinished", "in.npy", "mask.png"]
    monkeypatch.setattr(stack_run, "load_model", None)  # nothing is left to do for it
    succeed(*command)
    assert everything() == ["edges.json", "edges.tif", "in.npy", "mask.png"]
    wrong = run("edges", "in.npy", "--mask", mask, "--axes", "TCYX", "-o", "more.tif", "--neighbours", "contents")
    assert wrong.exit_code == 2
    assert "invents no contents" in " ".join(wrong.stderr.split())
    assert "edges of a stack are written as .tif" in fail(*command[:-1], "edges.png")


def test_one_drawing_is_for_all_planes():
    image = stack(2)
    np.save("in.npy", image)
    mask = saved("mask.png", scratch() * np.uint8(255))
    drawing = np.zeros((SIDE, SIDE), bool)
    drawing[40:48, 30] = True
    saved("drawing.png", drawing * np.uint8(255))
    arguments = ["complete", "in.npy", "--mask", mask, "--axes", "TCYX", "--edges", "drawing.png", "-o", "out.npy"]
    result = succeed(*arguments)
    assert "the same everywhere" in result.stderr
    expected = EdgeConnect.load().complete(image[1, 0], scratch(), drawing, grow_px=2)
    np.testing.assert_array_equal(read("out.npy")[1, 0], expected)


# --- killed -------------------------------------------------------------------------------------------------------


COMMAND = ["inpaint", "in.npy", "--mask", "mask.png", "-o", "out.npy", "--axes", "TCYX", "--device", "cpu"]


@pytest.fixture
def inputs():
    np.save("in.npy", stack(6))
    saved("mask.png", scratch() * np.uint8(255))


def killed_after(places):
    """Run in another process, and kill it with no chance to clean up once so many places are finished."""
    command = [sys.executable, "-m", "napari_edgeconnect", *COMMAND, "--json"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) as process:
        for line in process.stderr:
            event = json.loads(line)
            if event["event"] == "step" and event["done"] >= places:
                break
        os.kill(process.pid, signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_a_killed_run_leaves_no_output_and_goes_on_where_it_stopped(inputs):
    killed_after(3)
    assert everything() == [".out.npy.unfinished", "in.npy", "mask.png"]
    kept = {path.name: path.stat().st_mtime_ns for path in Path(".out.npy.unfinished").glob("*.npz")}
    assert {"0.npz", "1.npz", "2.npz"} <= kept.keys()
    assert len(kept) < 6
    killed_after(1)  # of those that are left
    still = {path.name: path.stat().st_mtime_ns for path in Path(".out.npy.unfinished").glob("*.npz")}
    assert still.items() > kept.items()
    result = succeed(*COMMAND)
    assert f"{len(still)} of 6 places were finished before" in result.stderr
    assert everything() == ["in.npy", "mask.png", "out.json", "out.npy", "out_altered.tif"]
    np.testing.assert_array_equal(read("out.npy"), expected(np.load("in.npy"), scratch())[0])
    assert len(record("out.json")["planes"]) == 12


def test_a_run_that_fails_while_it_writes_goes_on_with_all_planes(inputs, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device", "out.npy")

    with monkeypatch.context() as patch:
        patch.setattr(stack_outputs, "write_stack", full)
        assert run(*COMMAND).exit_code == 1
    assert everything() == [".out.npy.unfinished", "in.npy", "mask.png"]
    monkeypatch.setattr(stack_run, "load_model", None)  # nothing is left to do for it
    succeed(*COMMAND)
    assert everything() == ["in.npy", "mask.png", "out.json", "out.npy", "out_altered.tif"]


def interrupt(*_, **__):
    raise KeyboardInterrupt


def test_planes_of_other_settings_or_input_are_not_taken(inputs, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(stack_run.Staging, "commit", interrupt)
        assert run(*COMMAND, "--sigma", 3).exit_code == 130
    message = " ".join(run(*COMMAND).stderr.split())
    assert "holds an unfinished run on other input or with other settings" in message
    succeed(*COMMAND, "--overwrite")
    np.testing.assert_array_equal(read("out.npy"), expected(np.load("in.npy"), scratch())[0])


def test_an_interrupted_run_says_that_finished_planes_are_kept(inputs, monkeypatch):
    original = stack_run.Parts.put

    def interrupted(self, number, *rest):
        if number == 2:
            raise KeyboardInterrupt
        original(self, number, *rest)

    monkeypatch.setattr(stack_run.Parts, "put", interrupted)
    result = run(*COMMAND)
    assert result.exit_code == 130
    assert "Interrupted: finished planes are kept" in result.stderr
    assert len(list(Path(".out.npy.unfinished").glob("*.npz"))) == 2


# --- planes larger than memory ------------------------------------------------------------------------------------


@pytest.fixture
def all_planes_are_large(monkeypatch):
    for name, value in (("WHOLE_PLANE_PX", 1000), ("READ_PX", 128), ("_CONTRAST_SQUARE_PX", 16)):
        monkeypatch.setattr(cutouts, name, value)


def large_plane():
    image = np.tile(camera(np.uint16), (13, 14))
    mask = np.zeros(image.shape, np.uint8)
    mask[600:608, 620:650] = mask[:5, 1300:] = mask[1200:1210, 30:35] = 1
    return image, mask


def halved(image):
    blocks = image.reshape(image.shape[0] // 2, 2, image.shape[1] // 2, 2)
    return np.rint(blocks.mean(axis=(1, 3))).astype(image.dtype)


@pytest.mark.parametrize("threads", [1, 2])
def test_a_large_plane_in_zarr_is_repaired_with_its_pyramid(all_planes_are_large, threads):
    image, mask = large_plane()
    group = zarr.open_group("in.zarr", mode="w")
    group.create_array("0", data=image, chunks=(256, 256))
    group.create_array("1", data=halved(image), chunks=(256, 256))
    ome = {"multiscales": [{"axes": [{"name": a} for a in "yx"], "datasets": [{"path": "0"}, {"path": "1"}]}]}
    group.attrs.update({"ome": {"version": "0.5", **ome}})
    zarr.create_array("mask.zarr", data=mask, chunks=(512, 512))
    edges = ["--save-edges", "edges.tif", "--save-probability", "soft.tif"]
    result = succeed("inpaint", "in.zarr", "--mask", "mask.zarr", "-o", "out.zarr", "--threads", threads, *edges)
    assert "in 1 planes" in result.stderr
    (plane,) = record("out.json")["planes"]
    contrast = plane["mapping"]["low"], plane["mapping"]["high"]
    whole = EdgeConnect.load().inpaint(image, mask, grow_px=2, contrast=contrast, return_record=True)
    np.testing.assert_array_equal(read("out.zarr"), whole.image)
    np.testing.assert_array_equal(read("out_altered.tif"), whole.altered * np.uint8(255))
    np.testing.assert_array_equal(read("edges.tif"), whole.edges.labels)
    np.testing.assert_array_equal(read("soft.tif"), whole.edges.probability)
    assert record("out.json")["hole_px"] == np.count_nonzero(whole.altered)
    assert record("out.json")["hole_fraction"] == pytest.approx(whole.altered.mean())
    np.testing.assert_array_equal(zarr.open_group("out.zarr")["1"][...], halved(whole.image))
    complete = ["complete", "in.zarr", "--mask", "mask.zarr", "--edges", "edges.tif", "--probability", "soft.tif"]
    succeed(*complete, "-o", "again.zarr")
    np.testing.assert_array_equal(read("again.zarr"), whole.image)


@pytest.mark.parametrize("suffix", ["npy", "tif"])
def test_large_planes_of_other_files_are_repaired(all_planes_are_large, suffix):
    plane, mask = large_plane()
    image = np.stack([plane, plane[::-1]])
    np.save("mask.npy", np.stack([mask, mask[::-1]]))
    if suffix == "npy":
        np.save("in.npy", image)
    else:
        tifffile.imwrite("in.tif", image, photometric="minisblack")
    options = ["--axes", "ZYX", "--mask-axes", "ZYX"]
    succeed("inpaint", f"in.{suffix}", "--mask", "mask.npy", "-o", f"out.{suffix}", *options)
    wanted, altered = expected(image, np.load("mask.npy"), "ZYX")
    np.testing.assert_array_equal(read(f"out.{suffix}"), wanted)
    np.testing.assert_array_equal(read("out_altered.tif"), altered * np.uint8(255))
    assert len(record("out.json")["planes"]) == 2


def test_a_run_on_a_large_plane_goes_on_with_the_parts_that_are_missing(all_planes_are_large, monkeypatch):
    image, mask = large_plane()
    zarr.create_array("in.zarr", data=image, chunks=(256, 256))
    zarr.create_array("mask.zarr", data=mask, chunks=(512, 512))
    command = ["inpaint", "in.zarr", "--mask", "mask.zarr", "-o", "out.zarr", "--axes", "YX", "--match-noise"]
    succeed(*command)
    whole, whole_record = read("out.zarr"), record("out.json")
    original = stack_run.Parts.put

    def interrupted(self, name, *rest):
        if name == "0-1":
            raise KeyboardInterrupt
        original(self, name, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(stack_run.Parts, "put", interrupted)
        assert run(*command, "--overwrite").exit_code == 130
    assert [path.name for path in Path(".out.zarr.unfinished").glob("*.npz")] == ["0-0.npz"]
    result = succeed(*command, "--overwrite", "--threads", 2)
    assert "1 of 3 parts were finished before" in result.stderr
    np.testing.assert_array_equal(read("out.zarr"), whole)
    windows = [plane["windows"] for record_ in (record("out.json"), whole_record) for plane in record_["planes"]]
    assert windows[0] == windows[1]
    assert len(windows) == 2
