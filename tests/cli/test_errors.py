"""What can't be done is one sentence and an exit code, and leaves the folder as it was."""

import numpy as np
import pytest

from napari_edgeconnect import EdgeConnect, Step
from napari_edgeconnect.core.device import OutOfMemoryError

from .conftest import SIDE, camera, contents, fail, run, saved, succeed


@pytest.mark.parametrize(
    ("image", "mask", "output", "more", "sentence"),
    [
        ("none.png", "mask.png", "out.png", [], "There is no file none.png"),
        ("image.png", "none.png", "out.png", [], "There is no file none.png"),
        ("note.txt", "mask.png", "out.png", [], "note.txt is none of the formats"),
        ("half.png", "mask.png", "out.png", [], "half.png can't be read"),
        (
            "image.png",
            "small.png",
            "out.png",
            [],
            "small.png is 20 x 10 pixels (width x height), but image.png is 96 x 96",
        ),
        ("image.png", "all.png", "out.png", [], "Every pixel is masked"),
        ("image.png", "mask.png", "image.png", ["--overwrite"], "image.png is an input of this run"),
        ("image.png", "mask.png", "./mask.png", ["--overwrite"], "mask.png is an input of this run"),
        ("image.png", "mask.png", "note.txt", [], "note.txt exists"),
        ("image.png", "mask.png", "none/out.png", [], "There is no folder none"),
        ("image.png", "mask.png", "out.bmp", [], "the ending '.bmp' is not known"),
        ("image.png", "mask.png", "out.png", ["--save-edges", "out.png"], "written twice"),
        ("image.png", "mask.png", "out.png", ["--save-probability", "p.png"], "gray values of float32"),
        ("image.png", "mask.png", "out.png", ["--model", "nope"], "There is no model 'nope'"),
        ("image.png", "mask.png", "out.png", ["--device", "abacus"], "Device 'abacus' is not available"),
        ("image.png", "mask.png", "out.png", ["--sigma", "-1"], "sigma is -1.0"),
        ("image.png", "mask.png", "out.png", ["--edges", "small.png"], "small.png is 20 x 10 pixels"),
        ("image.png", "mask.png", "out.png", ["--edges", "image.tif"], "an edge image has labels 0 to 3"),
        (
            "image.png",
            "mask.png",
            "out.png",
            ["--edges", "mask.png", "--probability", "mask.png"],
            "--probability goes with labels only",
        ),
    ],
)
def test_a_mistake_is_one_sentence_and_nothing_is_written(pair, image, mask, output, more, sentence):
    saved("small.png", np.zeros((10, 20), np.uint8))
    saved("all.png", np.ones((SIDE, SIDE), np.uint8))
    saved("image.tif", camera(np.uint16))
    for name, content in {"note.txt": b"no image", "half.png": contents()["image.png"][:2000]}.items():
        with open(name, "wb") as file:
            file.write(content)
    message = fail("inpaint", image, "--mask", mask, "-o", output, *more)
    assert message.startswith("Error: ")
    assert sentence in message


@pytest.mark.parametrize("existing", ["out.png", "out.json", "out_altered.png"])
def test_outputs_that_exist_are_replaced_with_overwrite_only(pair, existing):
    with open(existing, "w") as file:
        file.write("precious")
    arguments = ["inpaint", pair[0], "-m", pair[1], "-o", "out.png"]
    assert f"{existing} exists: give another name, or allow it with --overwrite." in fail(*arguments)
    succeed(*arguments, "--overwrite")
    assert contents()[existing] != b"precious"


@pytest.mark.parametrize(
    "arguments",
    [
        ["inpaint", "image.png", "-o", "out.png"],
        ["inpaint", "image.png", "-m", "mask.png", "-o", "out.png", "--sigma", "much"],
        ["inpaint", "image.png", "-m", "mask.png", "-o", "out.png", "--sigma", "2", "--no-known-edges"],
        ["inpaint", "image.png", "-m", "mask.png", "-o", "out.png", "--edge-weights", "a.pth"],
        ["inpaint", "image.png", "-m", "mask.png", "-o", "out.png", "--probability", "p.npy"],
        ["complete", "image.png", "-m", "mask.png", "-o", "out.png"],
        ["paint"],
    ],
)
def test_wrong_usage_is_exit_code_2(pair, arguments):
    result = run(*arguments)
    assert result.exit_code == 2
    assert set(contents()) == set(pair)


def steps_that_raise(error):
    def steps(self, image, mask, *rest, **changes):
        yield Step(0, 2, "Hallucinating edges")
        raise error

    return steps


@pytest.mark.parametrize(
    ("error", "code", "sentence"),
    [
        (KeyboardInterrupt(), 130, "Interrupted: nothing was written."),
        (OutOfMemoryError("There is not enough memory even for windows of 256 px."), 3, "even for windows of 256 px"),
        (RuntimeError("CUDA error: unspecified launch failure\nmore\nlines"), 3, "The device failed: CUDA error"),
        (OSError(28, "No space left on device", "out.tif"), 1, "out.tif: No space left on device."),
    ],
)
def test_failures_while_working_leave_nothing_behind(pair, monkeypatch, error, code, sentence):
    monkeypatch.setattr(EdgeConnect, "inpaint_steps", steps_that_raise(error))
    assert sentence in fail("inpaint", pair[0], "-m", pair[1], "-o", "out.png", "--save-edges", "e.png", code=code)


def test_a_bug_is_not_taken_for_a_users_mistake(pair, monkeypatch):
    monkeypatch.setattr(EdgeConnect, "inpaint_steps", steps_that_raise(TypeError("got an unexpected argument")))
    assert isinstance(run("inpaint", pair[0], "-m", pair[1], "-o", "out.png").exception, TypeError)


def test_an_interruption_closes_the_running_generator(pair, monkeypatch):
    closed = []

    def steps(self, image, mask, *rest, **changes):
        try:
            yield Step(0, 2, "Hallucinating edges")
            yield Step(1, 2, "Completing the image")
        finally:
            closed.append(True)

    def interrupted(self, line, event):
        if event["event"] == "step":
            raise KeyboardInterrupt

    monkeypatch.setattr(EdgeConnect, "inpaint_steps", steps)
    monkeypatch.setattr("napari_edgeconnect.cli.report.Report._say", interrupted)
    assert run("inpaint", pair[0], "-m", pair[1], "-o", "out.png", "--json").exit_code == 130
    assert closed == [True]


def test_a_failure_while_writing_leaves_the_old_outputs_whole(pair, monkeypatch):
    arguments = ["inpaint", pair[0], "-m", pair[1], "-o", "out.png", "--overwrite"]
    succeed(*arguments)

    def half(path, pixels, carried):
        path.write_bytes(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr("napari_edgeconnect.files.raster.write_png", half)
    fail(*arguments, "--grow-px", 0, code=130)
