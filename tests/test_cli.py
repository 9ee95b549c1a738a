"""The command line, from files to files, on the bundled model."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image
from published import CASES, golden, save_generators
from skimage import data
from typer.testing import CliRunner

from napari_edgeconnect import EdgeConnect, Step, list_models
from napari_edgeconnect.cli import app
from napari_edgeconnect.core.device import OutOfMemoryError
from napari_edgeconnect.files import read_image, sha256, write_image

SIDE = 96


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path, monkeypatch):
    """Every test has a folder and a models folder of its own, and works in it."""
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.setenv("NAPARI_EDGECONNECT_MODELS", str(tmp_path / "models"))


def run(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def succeed(*arguments):
    result = run(*arguments)
    assert result.exit_code == 0, result.output
    return result


def fail(*arguments, code=1):
    """Run what can't be done: one line on stderr, and nothing new in the folder."""
    before = contents()
    result = run(*arguments)
    assert result.exit_code == code, result.output
    assert contents() == before
    lines = [line for line in result.stderr.splitlines() if not line.startswith(("Note:", "Model "))]
    assert len(lines) == 1
    return lines[0]


def contents(folder="."):
    return {path.name: path.read_bytes() for path in Path(folder).iterdir() if path.is_file()}


def camera(dtype=np.uint8):
    image = data.camera()[120 : 120 + SIDE, 160 : 160 + SIDE]
    return image if dtype == np.uint8 else (image.astype(dtype) * 16 + 100).astype(dtype)


def scratch():
    mask = np.zeros((SIDE, SIDE), bool)
    mask[40:48, 10:80] = True
    return mask


def saved(name, array):
    write_image(Path(name), array)
    return name


@pytest.fixture
def pair():
    """The names of an image and its mask in the working folder."""
    return saved("image.png", camera()), saved("mask.png", scratch() * np.uint8(255))


def pixels(name):
    return read_image(Path(name)).pixels


def record(name):
    return json.loads(Path(name).read_text())


# --- inpaint --------------------------------------------------------------------------------------------------------


def test_a_16_bit_tiff_is_repaired_with_its_tags_its_record_and_the_mask_of_altered_pixels():
    image = camera(np.uint16)
    options = {
        "resolution": (12345, 6789),
        "resolutionunit": "CENTIMETER",
        "description": "detector 3",
        "metadata": None,
    }
    tifffile.imwrite("image.tif", image, compression="zlib", **options)
    saved("mask.tif", scratch())
    result = succeed("inpaint", "image.tif", "--mask", "mask.tif", "-o", "repaired.tif")
    assert result.stdout.split() == ["repaired.tif", "repaired.json", "repaired_altered.png"]
    assert set(contents()) == {"image.tif", "mask.tif", "repaired.tif", "repaired.json", "repaired_altered.png"}

    repaired, altered = pixels("repaired.tif"), pixels("repaired_altered.png")
    expected = EdgeConnect.load().inpaint(image, scratch(), grow_px=2, return_record=True)
    np.testing.assert_array_equal(repaired, expected.image)
    np.testing.assert_array_equal(altered, expected.altered * np.uint8(255))
    assert repaired.dtype == np.uint16
    known = altered == 0
    np.testing.assert_array_equal(repaired[known], image[known])
    assert (altered[scratch()] == 255).all()
    assert np.count_nonzero(altered) > np.count_nonzero(scratch())  # grown by 2 px
    assert (repaired[~known] != image[~known]).any()

    with tifffile.TiffFile("image.tif") as one, tifffile.TiffFile("repaired.tif") as two:
        for code in (282, 283, 296, 270, 259):
            assert one.pages[0].tags[code].value == two.pages[0].tags[code].value

    written = record("repaired.json")
    assert written["command"] == "inpaint"
    assert written["inputs"]["image"] == {"file": "image.tif", "sha256": sha256_of("image.tif")}
    assert written["inputs"]["mask"] == {"file": "mask.tif", "sha256": sha256_of("mask.tif")}
    assert written["outputs"] == {
        "output": "repaired.tif",
        "record": "repaired.json",
        "altered": "repaired_altered.png",
    }
    assert written["settings"]["grow_px"] == 2
    assert written["hole_px"] == np.count_nonzero(altered)
    assert written["model"] == expected.record["model"]
    assert written["edges"] == expected.record["edges"]


def sha256_of(name):
    return sha256(Path(name))


def test_the_options_reach_the_model(pair):
    model = ["--model", list_models()[0].name, "--device", "cpu"]
    edges = ["--sigma", 1.5, "--threshold", 0.2, "--no-merge-known-edges"]
    succeed("inpaint", *pair[:1], "-m", pair[1], "-o", "out.png", *model, *edges, "--grow-px", 0, "--rim-correction")
    settings = {
        "sigma": 1.5,
        "threshold": 0.2,
        "merge_known_edges": False,
        "grow_px": 0,
        "rim_correction": True,
    }
    expected = EdgeConnect.load(device="cpu").inpaint(camera(), scratch(), **settings)
    np.testing.assert_array_equal(pixels("out.png"), expected)
    assert settings.items() <= record("out.json")["settings"].items()


def test_without_known_edges_the_networks_see_none(pair):
    succeed("inpaint", pair[0], "-m", pair[1], "-o", "out.png", "--no-known-edges", "--save-edges", "edges.png")
    assert record("out.json")["settings"]["sigma"] is None
    assert not (pixels("edges.png") == 1).any()


@pytest.mark.parametrize("suffix", [".png", ".tif", ".npy"])
def test_colours_and_alpha_go_through(suffix):
    image = np.dstack([data.astronaut()[:SIDE, 150 : 150 + SIDE], camera()])
    saved(f"image{suffix}", image)
    saved("mask.png", scratch())
    succeed("inpaint", f"image{suffix}", "-m", "mask.png", "-o", f"out{suffix}")
    out = pixels(f"out{suffix}")
    np.testing.assert_array_equal(out[..., 3], camera())
    np.testing.assert_array_equal(out, EdgeConnect.load().inpaint(image, scratch(), grow_px=2))


def test_a_jpeg_is_repaired_into_a_lossless_file():
    Image.fromarray(camera()).save("image.jpg")
    saved("mask.png", scratch())
    succeed("inpaint", "image.jpg", "-m", "mask.png", "-o", "out.png")
    known = pixels("out_altered.png") == 0
    np.testing.assert_array_equal(pixels("out.png")[known], np.asarray(Image.open("image.jpg"))[known])
    message = fail("inpaint", "image.jpg", "-m", "mask.png", "-o", "other.jpg")
    assert "JPEG compression would change pixels outside the hole" in message


def test_nan_pixels_are_repaired_and_said_to_be_altered():
    image = camera(np.float32)
    image[5, 5] = np.nan
    saved("image.tif", image)
    saved("mask.png", scratch())
    succeed("inpaint", "image.tif", "-m", "mask.png", "-o", "out.tif")
    assert np.isfinite(pixels("out.tif")).all()
    assert pixels("out_altered.png")[5, 5] == 255


def test_model_licence_and_device_are_said_when_a_repair_starts(pair):
    info = list_models()[0]
    result = succeed("inpaint", pair[0], "-m", pair[1], "-o", "out.png", "--device", "cpu")
    assert f"Model {info.name} (licence: {info.licence}) on cpu." in result.stderr.splitlines()


def test_an_empty_mask_gives_the_input_and_a_note(pair):
    saved("empty.png", np.zeros((SIDE, SIDE), np.uint8))
    result = succeed("inpaint", pair[0], "-m", "empty.png", "-o", "out.png")
    np.testing.assert_array_equal(pixels("out.png"), camera())
    assert "Note: The mask is empty" in result.stderr


def test_a_soft_mask_is_cut_and_a_note_says_so(pair):
    soft = scratch() * np.uint8(255)
    soft[39, 10:80], soft[48, 10:80] = 100, 140
    saved("soft.png", soft)
    result = succeed("inpaint", pair[0], "-m", "soft.png", "-o", "out.png", "--grow-px", 0)
    np.testing.assert_array_equal(pixels("out_altered.png") == 255, soft > 127)
    assert "Note: soft.png is a soft mask" in result.stderr


# --- edges, complete ------------------------------------------------------------------------------------------------


def test_edges_then_complete_equals_inpaint(pair):
    image, mask = pair
    succeed("inpaint", image, "-m", mask, "-o", "both.png", "--save-edges", "e.png", "--save-probability", "p.tif")
    succeed("edges", image, "-m", mask, "-o", "edges.png", "--save-probability", "probability.npy")
    np.testing.assert_array_equal(pixels("edges.png"), pixels("e.png"))
    np.testing.assert_array_equal(pixels("probability.npy"), pixels("p.tif"))
    for name, edges in {
        "labels.png": ["--edges", "edges.png", "--probability", "probability.npy"],
        "soft.png": ["--edges", "p.tif"],
    }.items():
        succeed("complete", image, "-m", mask, *edges, "-o", name)
        np.testing.assert_array_equal(pixels(name), pixels("both.png"))
        succeed("inpaint", image, "-m", mask, *edges, "-o", f"inpaint_{name}")
        np.testing.assert_array_equal(pixels(f"inpaint_{name}"), pixels("both.png"))


def test_what_edges_writes_are_labels_of_the_sources_with_a_record(pair):
    succeed("edges", pair[0], "-m", pair[1], "-o", "edges.tif", "--threshold", 0.1, "--save-probability", "p.npy")
    expected = EdgeConnect.load().hallucinate_edges(camera(), scratch(), grow_px=2, threshold=0.1)
    np.testing.assert_array_equal(pixels("edges.tif"), expected.labels)
    np.testing.assert_array_equal(pixels("p.npy"), expected.probability)
    assert set(np.unique(expected.labels)) == {0, 1, 2}
    written = record("edges.json")
    assert written["command"] == "edges"
    assert written["edges"]["proposed_px"] == np.count_nonzero(expected.labels == 2) > 0
    assert written["model"]["licence"] == list_models()[0].licence
    assert written["inputs"]["image"]["sha256"] == sha256_of(pair[0])


def test_a_drawn_line_changes_the_completion_inside_the_hole_only(pair):
    image, mask = pair
    drawing = np.zeros((SIDE, SIDE), np.uint8)
    saved("nothing.png", drawing)
    drawing[44, 10:80] = 255
    saved("line.png", drawing)
    for name in ("nothing", "line"):
        result = succeed("complete", image, "-m", mask, "-e", f"{name}.png", "-o", f"out_{name}.png")
    assert "line.png is read as a drawing of the edges inside the hole" in result.stderr
    changed = pixels("out_nothing.png") != pixels("out_line.png")
    assert changed[44, 10:80].mean() > 0.3
    assert not changed[pixels("out_line_altered.png") == 0].any()
    assert record("out_line.json")["edges"]["drawn_px"] >= 70
    assert record("out_line.json")["inputs"]["edges"]["sha256"] == sha256_of("line.png")


def test_an_erased_proposal_is_honoured_when_its_probability_comes_along(pair):
    image, mask = pair
    succeed("edges", image, "-m", mask, "-o", "edges.png", "--save-probability", "p.npy", "--threshold", 0.1)
    labels = pixels("edges.png").copy()
    labels[labels == 2] = 0
    saved("erased.png", labels)
    given = ["--probability", "p.npy", "--threshold", 0.1]
    succeed("complete", image, "-m", mask, "-e", "erased.png", *given, "-o", "erased_out.png")
    succeed("complete", image, "-m", mask, "-e", "edges.png", *given, "-o", "out.png")
    assert record("erased_out.json")["edges"]["erased_px"] > 0
    assert (pixels("erased_out.png") != pixels("out.png")).any()


def test_labels_without_their_probabilities_are_hard_and_a_note_says_so(pair):
    succeed("edges", pair[0], "-m", pair[1], "-o", "edges.png", "--threshold", 0.1)
    result = succeed("complete", pair[0], "-m", pair[1], "-e", "edges.png", "-o", "out.png")
    assert "without --probability the proposed edges count as if they were drawn" in result.stderr


# --- errors and exit codes ------------------------------------------------------------------------------------------


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


# --- for programs ---------------------------------------------------------------------------------------------------


def test_json_events_parse_line_by_line_and_the_result_is_on_stdout(pair):
    result = succeed("inpaint", pair[0], "-m", pair[1], "-o", "out.png", "--json")
    events = [json.loads(line) for line in result.stderr.splitlines()]
    info = list_models()[0]
    model = {"event": "model", "name": info.name, "licence": info.licence}
    assert events[0].items() >= model.items()
    steps = [event for event in events if event["event"] == "step"]
    assert [set(step) for step in steps] == [{"event", "done", "total", "what"}] * len(steps)
    assert [step["done"] for step in steps] == sorted(step["done"] for step in steps)
    assert steps[-1]["done"] == steps[-1]["total"]
    written = [event["path"] for event in events if event["event"] == "written"]
    assert written == ["out.png", "out.json", "out_altered.png"]
    final = json.loads(result.stdout)
    assert final["output"] == "out.png"
    assert final["hole_px"] == record("out.json")["hole_px"]


def test_json_errors_and_notes_are_events(pair):
    assert json.loads(fail("inpaint", "none.png", "-m", pair[1], "-o", "out.png", "--json")) == {
        "event": "error",
        "message": "There is no file none.png.",
    }
    saved("empty.png", np.zeros((SIDE, SIDE), np.uint8))
    result = succeed("inpaint", pair[0], "-m", "empty.png", "-o", "out.png", "--json")
    events = [json.loads(line) for line in result.stderr.splitlines()]
    assert any(event["event"] == "note" and "mask is empty" in event["message"] for event in events)


def test_quiet_says_nothing(pair):
    result = succeed("inpaint", pair[0], "-m", pair[1], "-o", "out.png", "--quiet")
    assert result.output == ""
    assert "exists" in run("inpaint", pair[0], "-m", pair[1], "-o", "out.png", "--quiet").stderr


def test_the_command_runs_as_a_process_of_its_own(pair):
    command = [sys.executable, "-c", "from napari_edgeconnect.cli import main; main()"]
    done = subprocess.run(
        [*command, "inpaint", pair[0], "-m", pair[1], "-o", "out.png"], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["out.png", "out.json", "out_altered.png"]
    assert "\x1b" not in done.stderr  # no progress bar without a terminal
    np.testing.assert_array_equal(pixels("out.png"), EdgeConnect.load().inpaint(camera(), scratch(), grow_px=2))
    broken = subprocess.run(
        [*command, "inpaint", pair[0], "-m", "out.json", "-o", "x.png"], capture_output=True, text=True
    )
    assert broken.returncode == 1
    assert broken.stderr == "Error: out.json is none of the formats that are read here: PNG, JPEG, TIFF, NPY.\n"


def test_help_names_commands_and_exit_codes_without_loading_torch():
    script = (
        "import sys\n"
        "from typer.testing import CliRunner\n"
        "from napari_edgeconnect.cli import app\n"
        "print(CliRunner().invoke(app, ['--help']).output)\n"
        "print(sorted({'torch', 'napari', 'qtpy'} & set(sys.modules)))\n"
    )
    out = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    for word in ("inpaint", "edges", "complete", "demo", "models", "Exit codes", "130"):
        assert word in out
    assert out.splitlines()[-1] == "[]"


def test_the_version_is_said():
    from napari_edgeconnect import __version__

    assert succeed("--version").stdout.strip() == f"napari-edgeconnect {__version__}"


# --- models ---------------------------------------------------------------------------------------------------------


def test_models_are_listed_with_all_that_one_should_know():
    info = list_models()[0]
    text = succeed("models").stdout
    for known in (info.name, info.licence, info.training, f"width {info.width}", *info.sha256.values()):
        assert known in text
    (listed,) = json.loads(succeed("models", "--json").stdout)
    assert listed["name"] == info.name
    assert listed["sha256"] == info.sha256
    assert listed["size_bytes"] == info.size_bytes
    assert listed["bundled"] is True


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """Published weight files: (edge, completion)."""
    return save_generators(tmp_path_factory.mktemp("published"))


def test_imported_published_weights_repair_as_the_published_code_does(published):
    licence = "CC BY-NC 4.0"
    result = succeed("models", "import", *published, "--name", "places2", "--licence", licence)
    assert licence in result.stderr
    assert licence in succeed("models").stdout
    for case in CASES:
        saved("image.png", golden()[f"{case}_image"])
        saved("mask.png", golden()[f"{case}_mask"])
        exact = ["--grow-px", 0, "--no-rim-correction", "--overwrite"]
        result = succeed("inpaint", "image.png", "-m", "mask.png", "-o", "out.png", "--model", "places2", *exact)
        assert f"Model places2 (licence: {licence})" in result.stderr
        difference = pixels("out.png") - 255 * golden()[f"{case}_composite"].transpose(1, 2, 0).astype(float)
        assert np.abs(difference).max() <= 1
        assert record("out.json")["model"]["formulation"] == "published"


def test_published_weights_can_be_used_without_importing_them(published, pair):
    files = ["--edge-weights", published[0], "--inpaint-weights", published[1]]
    succeed("inpaint", pair[0], "-m", pair[1], "-o", "out.png", *files)
    expected = EdgeConnect.load(published).inpaint(camera(), scratch(), grow_px=2)
    np.testing.assert_array_equal(pixels("out.png"), expected)


def test_an_import_that_fails_says_why_and_leaves_no_model(published, tmp_path):
    swapped = run("models", "import", *reversed(published), "--name", "x", "--licence", "y")
    assert swapped.exit_code == 1
    assert "are the two files swapped?" in swapped.stderr
    taken = run("models", "import", *published, "--name", list_models()[0].name, "--licence", "y")
    assert taken.exit_code == 1
    assert "There is a model" in taken.stderr
    assert not (tmp_path / "models").exists()


# --- demo -----------------------------------------------------------------------------------------------------------


def test_the_demo_writes_every_stage_as_pictures():
    from napari_edgeconnect.plugin.samples import SAMPLES, sample_arrays

    result = succeed("demo", "--sample", "cell", "-o", "pictures", "--no-napari")
    image, mask = sample_arrays("cell")
    assert "cell" in SAMPLES
    assert sorted(result.stdout.split()) == sorted(str(path) for path in Path("pictures").iterdir())
    np.testing.assert_array_equal(pixels("pictures/cell_damaged.png"), image)
    np.testing.assert_array_equal(pixels("pictures/cell_mask.png"), mask * np.uint8(255))
    completed, altered = pixels("pictures/cell_completed.png"), pixels("pictures/cell_altered.png")
    np.testing.assert_array_equal(completed[altered == 0], image[altered == 0])
    assert np.abs(completed[mask].astype(int) - image[mask]).mean() > 20
    row = pixels("pictures/cell_side_by_side.png")
    height, width = image.shape
    assert row.shape == (height, 3 * width + 2 * 8, 3)
    np.testing.assert_array_equal(row[:, -width:, 0], completed)
    assert record("pictures/cell_completed.json")["sample"] == "cell"
    assert "pictures/cell_damaged.png exists" in run("demo", "--sample", "cell", "-o", "pictures", "--no-napari").stderr


def test_the_demo_without_a_screen_says_so_and_is_done(monkeypatch):
    for variable in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    assert "There is no screen, so napari is not shown" in succeed("demo", "--sample", "cell").stderr
    message = run("demo", "--sample", "cell", "--napari", "-o", "other")
    assert message.exit_code == 1
    assert "There is no screen" in message.stderr


def test_the_demo_survives_a_screen_that_qt_cannot_reach(monkeypatch):
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.delenv("QT_QPA_PLATFORM", raising=False)
    monkeypatch.setenv("DISPLAY", ":4711")
    monkeypatch.setattr(sys, "platform", "linux")
    assert "Qt can't open a window here" in succeed("demo", "--sample", "cell").stderr


def test_an_unknown_sample_is_answered_with_those_there_are():
    assert "known are photograph, cell" in fail("demo", "--sample", "mona lisa", "--no-napari")


def test_the_demo_shows_image_damage_completion_and_edges_as_layers_that_can_be_worked_on():
    from napari.components import ViewerModel

    from napari_edgeconnect.cli.show import add_layers
    from napari_edgeconnect.plugin.geometry import displayed_plane
    from napari_edgeconnect.plugin.layers import EDGES, find_own, read_edges

    repair = EdgeConnect.load().inpaint(camera(), scratch(), return_record=True)
    viewer = ViewerModel()
    add_layers(viewer, camera(), scratch(), repair, title="camera")
    image, damage, completed, edges = viewer.layers
    np.testing.assert_array_equal(image.data, camera())
    np.testing.assert_array_equal(damage.data != 0, scratch())
    np.testing.assert_array_equal(completed.data, repair.image)
    plane = displayed_plane(image, viewer.dims)
    assert find_own(viewer.layers, plane, EDGES) is edges
    np.testing.assert_array_equal(read_edges(edges, plane).labels, repair.edges.labels)
