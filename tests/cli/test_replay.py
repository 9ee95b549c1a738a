"""``replay``: what each command has recorded, from files, bit for bit; and what keeps it from being repeated."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import tifffile
import zarr

from napari_edgeconnect import EdgeConnect, EdgeSource
from napari_edgeconnect.core import cutouts
from napari_edgeconnect.core.replay_files import save_for_replay

from .conftest import SIDE, camera, fail, pixels, record, run, saved, scratch, succeed
from .stacks import read, stack

SAME = "Reproduced bit for bit: all"


def replayed(*arguments):
    result = succeed("replay", *arguments)
    assert SAME in result.stderr
    return result


def moved(*names, to="elsewhere"):
    Path(to).mkdir()
    for name in names:
        shutil.move(name, to)
    return Path(to)


@pytest.mark.parametrize(
    "options",
    [
        (),
        ("--match-noise", "--seed", 7, "--grow-px", 0, "--sigma", 1.2, "--threshold", 0.4),
        ("--no-known-edges",),
        ("--no-merge-known-edges", "--rim-correction"),
        ("--method", "telea", "--grow-px", 3),
        ("--method", "patchmatch"),
    ],
)
def test_inpaint_is_repeated_with_exactly_its_options(pair, options):
    succeed("inpaint", pair[0], "--mask", pair[1], "-o", "out.png", *options)
    result = replayed("out.json", "-o", "again.png")
    assert result.stdout.split() == ["again.png", "again.json", "again_altered.png"]
    assert np.array_equal(pixels("again.png"), pixels("out.png"))
    assert record("again.json")["settings"] == record("out.json")["settings"]
    assert record("again.json")["replay_of"] == {
        "created": record("out.json")["created"],
        "version": record("out.json")["version"],
        "same_bits": True,
    }


def test_edited_edges_are_inputs_of_a_replay(pair):
    succeed("edges", pair[0], "-m", pair[1], "-o", "e.png", "--save-probability", "p.npy")
    labels = pixels("e.png").copy()
    labels[44, 20:40] = EdgeSource.DRAWN
    labels[labels == EdgeSource.MEASURED] = np.where(np.arange((labels == 1).sum()) < 5, 0, 1)
    saved("edited.png", labels)
    succeed("complete", pair[0], "-m", pair[1], "-e", "edited.png", "--probability", "p.npy", "-o", "out.tif")
    assert record("out.json")["edges"]["drawn_px"] == 20
    replayed("out.json", "-o", "again.tif")
    saved("edited.png", np.where(labels == EdgeSource.DRAWN, 0, labels).astype(np.uint8))
    message = fail("replay", "out.json", "-o", "third.tif")
    assert message == "Error: edited.png is not the file that was read then: its SHA-256 is another one."
    message = fail("replay", "out.json", "-o", "third.tif", "--edges", "edited.png")
    assert "The edges are not those that the image was completed from: their labels and drawn have" in message


@pytest.mark.parametrize("kind", ["drawing", "probabilities"])
def test_edge_images_of_all_kinds_are_repeated(pair, kind):
    drawn = np.zeros((SIDE, SIDE), np.uint8)
    drawn[:, 40] = 255  # outside the hole, too, where it does not count
    edges = saved("e.png", drawn) if kind == "drawing" else saved("e.npy", (drawn / 300).astype(np.float32))
    succeed("complete", pair[0], "-m", pair[1], "-e", edges, "-o", "out.png")
    replayed("out.json", "-o", "again.png")


def test_files_are_found_from_the_record_wherever_both_are_moved(pair):
    Path("results").mkdir()
    succeed("inpaint", pair[0], "-m", pair[1], "-o", "results/out.png")
    assert record("results/out.json")["inputs"]["image"]["file"] == "../image.png"
    assert record("results/out.json")["outputs"]["altered"] == "out_altered.png"
    folder = moved(*pair, "results")
    replayed(folder / "results/out.json", "-o", "again.png")
    beside = moved(folder / "image.png", folder / "mask.png", folder / "results/out.json", to="together")
    replayed(beside / "out.json", "-o", "third.png")
    shutil.move(beside / "image.png", "renamed.png")
    message = fail("replay", beside / "out.json", "-o", "fourth.png")
    assert message.endswith("image.png, which the record names: say where it is.")
    replayed(beside / "out.json", "--image", "renamed.png", "-o", "fourth.png")


def test_the_record_inside_the_image_will_do(pair):
    succeed("inpaint", pair[0], "-m", pair[1], "-o", "out.png")
    Path("out.json").unlink()
    replayed("out.png", "-o", "again.png")
    assert "There is no record in image.png" in fail("replay", pair[0], "-o", "third.png")


def test_the_same_pixels_may_come_from_another_kind_of_file(pair):
    succeed("inpaint", pair[0], "-m", pair[1], "-o", "out.png")
    replayed("out.json", "--image", saved("image.npy", camera()), "-o", "again.npy")
    other = camera()
    other[0, 0] += 1
    message = fail("replay", "out.json", "--image", saved("other.npy", other), "-o", "third.npy")
    assert message == "Error: The image is not the one that was repaired: its pixels have another SHA-256."


def test_what_differs_is_counted_and_told_by_the_exit_code(pair):
    succeed("inpaint", pair[0], "-m", pair[1], "-o", "out.png")
    said = record("out.json")
    said["pixels"]["result"] = "0" * 64
    Path("out.json").write_text(json.dumps(said))
    then = pixels("out.png").copy()
    then[44, 20], then[45, 30] = then[44, 20] ^ 1, then[45, 30] ^ 128
    saved("out.png", then)
    result = run("replay", "out.json", "-o", "again.png", "--json")
    assert result.exit_code == 4
    told = json.loads(result.stdout)
    assert (told["same_bits"], told["differing_px"], told["largest_difference"]) == (False, 2, 128.0)
    assert Path("again.png").exists()
    assert record("again.json")["replay_of"]["same_bits"] is False
    Path("out.png").unlink()
    result = run("replay", "out.json", "-o", "third.png")
    assert result.exit_code == 4
    assert "how far off it is can't be said" in result.stderr


def test_another_package_is_said_and_what_is_compared_with_is_kept(pair):
    succeed("inpaint", pair[0], "-m", pair[1], "-o", "out.png", "--method", "telea")
    said = record("out.json")
    for name in ("out.png", "out.tif"):
        message = fail("replay", "out.json", "-o", name, "--overwrite")
        assert message == f"Error: {name} is what the replay is to be compared with: give another output name."
    Path("older.json").write_text(json.dumps({**said, "package": {"name": "opencv", "version": "4.0"}}))
    result = replayed("older.json", "-o", "again.png")
    assert "Note: The repair was made with opencv 4.0, and this is opencv " in result.stderr


def test_another_version_or_device_is_said_and_other_weights_are_refused(pair):
    succeed("inpaint", pair[0], "-m", pair[1], "-o", "out.png")
    said = record("out.json")
    Path("older.json").write_text(json.dumps({**said, "version": "0.0.1", "device": "cuda"}))
    result = replayed("older.json", "-o", "again.png")
    assert "Note: The repair was made by napari-edgeconnect 0.0.1, and this is" in result.stderr
    assert "Note: The repair was made on cuda, and this runs on cpu" in result.stderr
    model = {**said["model"], "sha256": {"edge": "0" * 64, "inpaint": "1" * 64}}
    Path("other.json").write_text(json.dumps({**said, "model": model}))
    message = fail("replay", "other.json", "-o", "third.png")
    assert "(SHA-256 edge 00000000…, inpaint 11111111…), and no model here has these weights" in message
    Path("newer.json").write_text(json.dumps({**said, "record_version": 2}))
    assert "newer.json is a record of version 2" in fail("replay", "newer.json", "-o", "third.png")
    succeed("edges", pair[0], "-m", pair[1], "-o", "e.png")
    assert "kind 'edges', which repaired nothing" in fail("replay", "e.json", "-o", "third.png")


def test_what_the_widget_made_is_repeated_from_what_was_kept():
    image, mask = camera(np.uint16), scratch()
    model = EdgeConnect.load(device="cpu")
    edges = model.hallucinate_edges(image, mask)
    labels = edges.labels.copy()
    labels[44, 20:40] = EdgeSource.MEASURED  # drawn by hand, in another colour
    repair = model.complete(image, mask, edges.edited(labels).at_threshold(0.7), return_record=True)
    save_for_replay(Path("kept"), repair.record, image, mask, repair.edges)
    replayed("kept/record.json", "-o", "again.tif")
    assert np.array_equal(pixels("again.tif"), repair.image)


# --- stacks -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options",
    [("--mapping", "stack", "--match-noise", "--seed", 5), ("--edges-from", "strongest")],
)
def test_a_stack_is_repeated_plane_by_plane(options):
    tifffile.imwrite("in.ome.tif", stack(3), ome=True, metadata={"axes": "TCYX"})
    mask = saved("mask.png", scratch() * np.uint8(255))
    succeed("inpaint", "in.ome.tif", "-m", mask, "-o", "out.ome.tif", *options)
    result = succeed("replay", "out.ome.tif", "-o", "again.ome.tif", "--json")
    assert json.loads(result.stdout)["same_bits"] is True
    assert np.array_equal(read("again.ome.tif"), read("out.ome.tif"))


def test_a_stack_s_axes_masks_and_edges_are_those_of_the_record():
    image = np.moveaxis(stack(2), 1, -1)  # TYXC
    np.save("in.npy", image)
    masks = np.stack([scratch(), np.roll(scratch(), 20, 0)])  # one for each channel
    np.save("mask.npy", masks)
    names = ("in.npy", "-m", "mask.npy", "--axes", "TYXC", "--mask-axes", "CYX")
    succeed("inpaint", *names, "-o", "first.npy", "--save-edges", "e.tif", "--save-probability", "p.tif")
    edges = tifffile.imread("e.tif")
    edges[..., 43, 20:40] = EdgeSource.DRAWN
    tifffile.imwrite("e.tif", edges, metadata={"axes": "TCYX"})
    succeed("complete", *names, "-e", "e.tif", "--probability", "p.tif", "-o", "out.npy")
    replayed("out.json", "-o", "again.npy")
    assert np.array_equal(np.load("again.npy"), np.load("out.npy"))
    np.save("in.npy", image + np.uint16(1))
    assert "in.npy is not the file that was read then" in fail("replay", "out.json", "-o", "third.npy")
    message = fail("replay", "out.json", "-o", "third.npy", "--image", "in.npy")
    assert message == "Error: in.npy is not the image that was read then: its SHA-256 is another one."


def test_a_difference_in_a_stack_is_counted_over_its_planes():
    np.save("in.npy", stack(2)[:, 0])
    mask = saved("mask.png", scratch() * np.uint8(255))
    succeed("inpaint", "in.npy", "-m", mask, "--axes", "TYX", "-o", "out.npy")
    said = record("out.json")
    said["planes"][1]["pixels"]["result"] = "0" * 64
    Path("out.json").write_text(json.dumps(said))
    then = np.load("out.npy")
    then[1, 44, 20] += 9
    np.save("out.npy", then)
    result = run("replay", "out.json", "-o", "again.npy")
    assert result.exit_code == 4
    assert "1 of" in result.stderr
    assert "differ, by 9 grey values at most" in " ".join(result.stderr.split())


def test_large_planes_are_repeated_part_by_part(monkeypatch):
    monkeypatch.setattr(cutouts, "WHOLE_PLANE_PX", 1000)
    monkeypatch.setattr(cutouts, "READ_PX", 96)
    image = np.tile(stack(1)[0, :1], (1, 9, 9))
    mask = np.zeros(image.shape[1:], np.uint8)
    mask[20:30, 20:30] = mask[840:850, 840:850] = 255
    np.save("in.npy", image)
    succeed("inpaint", "in.npy", "-m", saved("mask.png", mask), "--axes", "ZYX", "-o", "out.npy", "--match-noise")
    (plane,) = record("out.json")["planes"]
    assert plane["pixels"]["parts"] == plane["holes"] == 2
    replayed("out.json", "-o", "again.npy")
    assert np.array_equal(np.load("again.npy"), np.load("out.npy"))


def test_an_ome_zarr_is_repeated():
    group = zarr.open_group("in.zarr", mode="w", zarr_format=3)
    group.create_array("0", data=stack(2)[:, 0], chunks=(1, 64, 64))
    axes = [{"name": "t", "type": "time"}, {"name": "y", "type": "space"}, {"name": "x", "type": "space"}]
    transformations = [{"type": "scale", "scale": [1, 0.1, 0.1]}]
    datasets = [{"path": "0", "coordinateTransformations": transformations}]
    group.attrs["ome"] = {"version": "0.5", "multiscales": [{"axes": axes, "datasets": datasets}]}
    mask = saved("mask.png", scratch() * np.uint8(255))
    succeed("inpaint", "in.zarr", "-m", mask, "-o", "out.zarr")
    replayed("out.zarr", "-o", "again.zarr")
    labels = zarr.open_group("again.zarr")["labels/reconstructed/0"][...]
    assert np.array_equal(labels != 0, tifffile.imread("out_altered.tif") > 0)
    succeed("inpaint", "in.zarr", "-m", mask, "-o", "bare.zarr", "--no-embed-mask")
    assert "labels" not in zarr.open_group("bare.zarr")
