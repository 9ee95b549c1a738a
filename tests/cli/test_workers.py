"""``--threads`` and ``--scheduler``: the same files as without them."""

import json
from pathlib import Path

import numpy as np
import pytest
from distributed import LocalCluster

from .conftest import camera, contents, everything, pixels, record, run, saved, scratch, succeed
from .stacks import stack

COMMAND = ["inpaint", "in.npy", "--mask", "mask.png", "--axes", "TYX", "--mapping", "stack", "--device", "cpu"]


@pytest.fixture(scope="module")
def scheduler():
    """The address of a worker process that runs in another folder than the tests."""
    with LocalCluster(n_workers=1, threads_per_worker=2, processes=True, dashboard_address=":0") as cluster:
        yield cluster.scheduler_address


@pytest.fixture
def inputs():
    np.save("in.npy", stack(5)[:, 0])
    saved("mask.png", scratch() * np.uint8(255))


def test_threads_and_workers_elsewhere_write_the_same_files(inputs, scheduler):
    succeed(*COMMAND, "-o", "one.npy")
    succeed(*COMMAND, "-o", "threads.npy", "--threads", 2)
    result = succeed(*COMMAND, "-o", "cluster.npy", "--scheduler", scheduler)
    assert f"on 1 workers of {scheduler}" in result.stderr
    files = contents()
    for name in ("threads", "cluster"):
        assert files[f"{name}.npy"] == files["one.npy"]
        assert files[f"{name}_altered.tif"] == files["one_altered.tif"]
        planes = [json.dumps({**plane, "created": 0, "seconds": 0}) for plane in record(f"{name}.json")["planes"]]
        assert planes == [json.dumps({**plane, "created": 0, "seconds": 0}) for plane in record("one.json")["planes"]]


def test_batch_takes_them_for_its_stacks(inputs):
    Path("many").mkdir()
    Path("in.npy").rename("many/in.npy")
    saved("many/single.png", camera())
    options = COMMAND[4:]
    succeed("batch", "many", "--mask", "mask.png", "-o", "one", *options)
    succeed("batch", "many", "--mask", "mask.png", "-o", "two", *options, "--threads", 2)
    np.testing.assert_array_equal(np.load("one/in.npy"), np.load("two/in.npy"))
    np.testing.assert_array_equal(pixels("one/single.png"), pixels("two/single.png"))


def test_what_does_not_go_together_is_wrong_usage(inputs):
    result = run(*COMMAND, "-o", "out.npy", "--threads", 2, "--scheduler", "tcp://127.0.0.1:9")
    assert result.exit_code == 2
    assert "--threads" in result.stderr
    saved("image.png", camera())
    result = run("inpaint", "image.png", "--mask", "mask.png", "-o", "out.png", "--threads", 2)
    assert result.exit_code == 2


def test_a_scheduler_that_does_not_answer_leaves_nothing(inputs, monkeypatch):
    monkeypatch.setattr("napari_edgeconnect.core.workers._CONNECT_SECONDS", 0.5)
    before = everything()
    result = run(*COMMAND, "-o", "out.npy", "--scheduler", "tcp://127.0.0.1:9")
    assert result.exit_code == 1
    assert "No dask scheduler answers at tcp://127.0.0.1:9" in result.stderr
    assert everything() == before
