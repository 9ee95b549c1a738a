"""A run on a stack that was killed or stopped leaves no output, and goes on with what is missing."""

import sys
from pathlib import Path

import numpy as np
import pytest

from napari_edgeconnect.cli import stack_outputs, stack_run

from .conftest import everything, killed_when, record, run, saved, scratch, succeed
from .stacks import expected, interrupt, interrupted_before, read, stack

COMMAND = ["inpaint", "in.npy", "--mask", "mask.png", "-o", "out.npy", "--axes", "TCYX", "--device", "cpu"]


@pytest.fixture
def inputs():
    np.save("in.npy", stack(6))
    saved("mask.png", scratch() * np.uint8(255))


def killed_after(places):
    """Run in another process until so many places are finished."""
    killed_when(lambda step: step["done"] >= places, *COMMAND)


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


def test_planes_of_other_settings_or_input_are_not_taken(inputs, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(stack_run.Staging, "commit", interrupt)
        assert run(*COMMAND, "--sigma", 3).exit_code == 130
    message = " ".join(run(*COMMAND).stderr.split())
    assert "holds an unfinished run on other input or with other settings" in message
    succeed(*COMMAND, "--overwrite")
    np.testing.assert_array_equal(read("out.npy"), expected(np.load("in.npy"), scratch())[0])


def test_an_interrupted_run_says_that_finished_planes_are_kept(inputs):
    with interrupted_before(2):
        result = run(*COMMAND)
    assert result.exit_code == 130
    assert "Interrupted: finished planes are kept" in result.stderr
    assert len(list(Path(".out.npy.unfinished").glob("*.npz"))) == 2
