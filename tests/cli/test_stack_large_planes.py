"""``inpaint`` on planes larger than memory: cutout by cutout, with the bits of a repair of the whole."""

from pathlib import Path

import numpy as np
import pytest
import tifffile
import zarr

from napari_edgeconnect import EdgeConnect
from napari_edgeconnect.core import cutouts

from .conftest import camera, record, run, succeed
from .stacks import expected, interrupted_before, read


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


def test_a_run_on_a_large_plane_goes_on_with_the_parts_that_are_missing(all_planes_are_large):
    image, mask = large_plane()
    zarr.create_array("in.zarr", data=image, chunks=(256, 256))
    zarr.create_array("mask.zarr", data=mask, chunks=(512, 512))
    command = ["inpaint", "in.zarr", "--mask", "mask.zarr", "-o", "out.zarr", "--axes", "YX", "--match-noise"]
    succeed(*command)
    whole, whole_record = read("out.zarr"), record("out.json")
    with interrupted_before("0-1"):
        assert run(*command, "--overwrite").exit_code == 130
    assert [path.name for path in Path(".out.zarr.unfinished").glob("*.npz")] == ["0-0.npz"]
    result = succeed(*command, "--overwrite", "--threads", 2)
    assert "1 of 3 parts were finished before" in result.stderr
    np.testing.assert_array_equal(read("out.zarr"), whole)
    windows = [plane["windows"] for record_ in (record("out.json"), whole_record) for plane in record_["planes"]]
    assert windows[0] == windows[1]
    assert len(windows) == 2
