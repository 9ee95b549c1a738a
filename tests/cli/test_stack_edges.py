"""The edges of stacks: proposed alone, saved with a repair, corrected and completed from."""

from pathlib import Path

import numpy as np
import pytest
import tifffile

from napari_edgeconnect import EdgeConnect
from napari_edgeconnect.cli import stack_run
from napari_edgeconnect.files import open_stack

from .conftest import SIDE, everything, fail, record, run, saved, scratch, succeed
from .stacks import OME, interrupt, read, stack


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
