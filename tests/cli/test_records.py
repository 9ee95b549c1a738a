"""Records of every command: in the published schema, inside the images, with a self-test, in words and in figures."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import numpy as np
import pytest
import tifffile

from napari_edgeconnect.core.record_reading import checked_record
from napari_edgeconnect.core.record_schema import json_schema
from napari_edgeconnect.files import read_embedded

from .conftest import camera, fail, pixels, record, run, saved, scratch, succeed


def in_the_schema(name):
    said = record(name)
    assert checked_record(said) == said
    assert list(jsonschema.Draft202012Validator(json_schema()).iter_errors(said)) == []
    return said


@pytest.fixture
def tested(pair):
    """A self-test of the pair, of two methods."""
    succeed("selftest", *pair[:1], "-m", pair[1], "-o", "st", "--methods", "edgeconnect,telea", "--trials", 2)
    return "st/selftest.json"


@pytest.mark.parametrize(
    "arguments",
    [
        ("inpaint", "-o", "out.png"),
        ("inpaint", "-o", "out.tif", "--method", "telea"),
        ("edges", "-o", "out.png"),
        ("uncertainty", "-o", "out.npy", "--trials", 1),
    ],
)
def test_records_of_single_images_are_in_the_schema(pair, arguments):
    command, *rest = arguments
    succeed(command, pair[0], "-m", pair[1], *rest)
    said = in_the_schema("out.json")
    assert said["command"] == command
    assert sorted(said["inputs"]) == ["image", "mask"]


def test_records_of_batch_stack_and_demo_are_in_the_schema(pair):
    Path("images").mkdir()
    saved("images/a.png", camera())
    np.save("images/b.npy", np.stack([camera()] * 2))
    mask = saved("mask.tif", scratch() * np.uint8(255))
    succeed("batch", "images", "--mask", mask, "-o", "repaired", "--axes", "TYX")
    assert in_the_schema("repaired/a.json")["kind"] == "repair"
    assert in_the_schema("repaired/a.json")["inputs"]["image"]["file"] == "../images/a.png"
    assert len(in_the_schema("repaired/b.json")["planes"]) == 2
    succeed("demo", "-o", "demo", "--no-napari")
    (path,) = Path("demo").glob("*.json")
    assert in_the_schema(str(path))["command"] == "demo"
    assert read_embedded(path.with_suffix(".png")) == (record(path),)


def test_the_record_inside_is_the_one_beside(pair):
    for name in ("out.png", "out.tif"):
        succeed("inpaint", pair[0], "-m", pair[1], "-o", name, "--overwrite")
        assert read_embedded(Path(name)) == (record("out.json"),)


def test_a_mask_goes_into_a_tiff_that_is_asked_to_take_it(pair):
    succeed("inpaint", pair[0], "-m", pair[1], "-o", "plain.tif")
    succeed("inpaint", pair[0], "-m", pair[1], "-o", "out.tif", "--embed-mask")
    with tifffile.TiffFile("plain.tif") as plain, tifffile.TiffFile("out.tif") as file:
        assert plain.pages[0].subifds is None
        assert np.array_equal(file.pages[0].pages[0].asarray(), pixels("out_altered.png") > 0)
    assert np.array_equal(pixels("out.tif"), pixels("plain.tif"))
    message = fail("inpaint", pair[0], "-m", pair[1], "-o", "other.png", "--embed-mask")
    assert message == "Error: other.png: a mask has a place in TIFF and OME-Zarr only; it is written beside the image."


# --- the self-test's result ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["edgeconnect", "telea"])
def test_a_self_test_becomes_part_of_the_record(pair, tested, method):
    succeed("inpaint", pair[0], "-m", pair[1], "-o", "out.png", "--selftest", tested, "--method", method)
    said = in_the_schema("out.json")
    assert said["self_test"] == in_the_schema(tested)
    text = succeed("methods", "out.json").stdout
    figures = [trial["figures"][method]["rms"] for trial in said["self_test"]["trials"]]
    assert f"±{np.sqrt(np.mean(np.square(figures))):.3g} grey values (root mean square)" in text


def test_a_self_test_of_another_image_is_refused_and_nothing_is_written(pair, tested):
    other = saved("other.png", camera()[::-1])
    message = fail("inpaint", other, "-m", pair[1], "-o", "out.png", "--selftest", tested)
    assert message == "Error: The self-test was made on another image: run selftest on the one that is repaired."
    succeed("edges", pair[0], "-m", pair[1], "-o", "e.png")
    message = fail("complete", pair[0], "-m", pair[1], "-e", "e.png", "-o", "out.png", "--selftest", "e.json")
    assert message == "Error: A record of kind 'edges' is no self-test: selftest makes one."
    np.save("film.npy", np.stack([camera()] * 2))
    refused = run("inpaint", "film.npy", "-m", pair[1], "-o", "f.npy", "--axes", "TYX", "--selftest", tested)
    assert refused.exit_code == 2
    assert "it goes with one plane" in refused.stderr


# --- in words and in figures --------------------------------------------------------------------------------------


def test_methods_are_written_for_all_records_together(pair):
    succeed("inpaint", pair[0], "-m", pair[1], "-o", "a.png")
    succeed("inpaint", pair[0], "-m", pair[1], "-o", "b.tif")
    succeed("inpaint", pair[0], "-m", pair[1], "-o", "c.png", "--method", "biharmonic")
    pixels_twice = 2 * record("a.json")["hole_px"]
    text = succeed("methods", "a.json", "b.tif", "c.png").stdout
    assert f"{pixels_twice:,} pixels in 2 damaged regions" in text
    assert text.count("must not be measured.") == 2
    told = json.loads(succeed("methods", "a.json", "--format", "bibtex", "--json").stdout)
    assert told["text"].startswith("@inproceedings{nazeri2019edgeconnect,")
    succeed("methods", "c.json", "--format", "markdown", "-o", "methods.md")
    assert "**References**" in Path("methods.md").read_text(encoding="utf-8")
    assert "methods.md exists" in fail("methods", "c.json", "-o", "methods.md")
    saved("bare.png", camera())
    assert "There is no record in bare.png" in fail("methods", "bare.png")
    Path("odd.json").write_text("{}")
    assert "odd.json is no record of napari-edgeconnect" in fail("methods", "odd.json")


def test_a_figure_shows_and_says_what_is_reconstructed(pair):
    succeed("inpaint", pair[0], "-m", pair[1], "-o", "out.png")
    said = succeed("figure", "out.png", "-o", "fig.png").stderr
    assert "Outlined: reconstructed by EdgeConnect (napari-edgeconnect" in said
    assert "not measured; 9.5 % of the image." in " ".join(said.split())
    bare = ("figure", "out.png", "--record", "out.json", "--contrast", "0,255", "--no-caption")
    succeed(*bare, "-o", "bare.png")
    succeed(*bare, "--no-outline", "-o", "plain.png")
    figure, plain, altered = pixels("bare.png"), pixels("plain.png"), pixels("out_altered.png") > 0
    assert np.array_equal(plain, np.repeat(pixels("out.png")[..., None], 3, axis=2))
    assert np.array_equal(figure[altered], plain[altered])
    assert (figure != plain).any()


def test_a_figure_of_another_mask_or_without_one_is_refused(pair):
    succeed("inpaint", pair[0], "-m", pair[1], "-o", "out.png")
    message = fail("figure", "out.png", "-o", "fig.png", "--altered", pair[1])
    assert message == "Error: mask.png is not the mask of altered pixels that the record is about."
    Path("out_altered.png").unlink()
    assert "say with --altered where it is" in fail("figure", "out.png", "-o", "fig.png")
    refused = run("figure", "out.png", "-o", "fig.png", "--contrast", "bright")
    assert refused.exit_code == 2
    assert "'bright' is not two numbers" in refused.stderr
    assert "is written as .png or .tif" in fail("figure", "out.png", "-o", "fig.npy")
