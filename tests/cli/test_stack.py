"""``inpaint`` on stacks: from files to files, plane by plane."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile
import zarr
from skimage import data

from napari_edgeconnect.core import classical
from napari_edgeconnect.core.settings import StackSettings
from napari_edgeconnect.core.stack_masks import in_between
from napari_edgeconnect.files import open_stack

from .conftest import SIDE, everything, fail, record, run, saved, scratch, succeed
from .stacks import OME, expected, interrupted_before, read, stack


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
def test_a_classical_method_repairs_each_plane_as_it_would_alone_and_goes_on(method):
    image = stack(3)
    np.save("in.npy", image)
    mask = saved("mask.png", scratch() * np.uint8(255))
    command = ["inpaint", "in.npy", "--mask", mask, "-o", "out.npy", "--axes", "TCYX", "--method", method]
    with interrupted_before(1):
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
def test_neighbours_help_alike_in_one_process_in_threads_and_after_a_stop(kind):
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
    with interrupted_before(3):
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
