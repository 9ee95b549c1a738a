"""``inpaint --method``: the classical methods, from files to files."""

import json
import sys

import numpy as np
import pytest

from napari_edgeconnect import EdgeConnect
from napari_edgeconnect.core.classical import inpaint
from napari_edgeconnect.core.settings import CLASSICAL_METHODS

from .conftest import camera, contents, fail, pixels, record, run, saved, scratch, sha256_of, succeed


@pytest.mark.parametrize("method", CLASSICAL_METHODS)
def test_each_classical_method_repairs_with_its_record_and_the_mask_of_altered_pixels(pair, method):
    result = succeed("inpaint", pair[0], "-m", pair[1], "-o", "out.png", "--method", method)
    assert result.stdout.split() == ["out.png", "out.json", "out_altered.png"]
    expected = inpaint(camera(), scratch(), method, grow_px=2, return_record=True)
    np.testing.assert_array_equal(pixels("out.png"), expected.image)
    np.testing.assert_array_equal(pixels("out_altered.png") == 255, expected.altered)
    written = record("out.json")
    assert written["method"] == method
    assert written["package"] == expected.record["package"]
    assert written["hole_px"] == np.count_nonzero(expected.altered)
    assert written["command"] == "inpaint"
    assert written["inputs"]["image"]["sha256"] == sha256_of(pair[0])


def test_a_16_bit_image_stays_one():
    image = camera(np.uint16)
    saved("image.tif", image)
    saved("mask.png", scratch())
    succeed("inpaint", "image.tif", "-m", "mask.png", "-o", "out.tif", "--method", "telea", "--grow-px", 0)
    np.testing.assert_array_equal(pixels("out.tif"), inpaint(image, scratch(), "telea"))
    assert pixels("out.tif").dtype == np.uint16


def test_edgeconnect_is_the_default_and_can_be_named(pair):
    succeed("inpaint", pair[0], "-m", pair[1], "-o", "one.png")
    succeed("inpaint", pair[0], "-m", pair[1], "-o", "two.png", "--method", "edgeconnect", "--device", "cpu")
    np.testing.assert_array_equal(pixels("one.png"), pixels("two.png"))
    np.testing.assert_array_equal(pixels("one.png"), EdgeConnect.load().inpaint(camera(), scratch(), grow_px=2))
    assert record("one.json")["method"] == "edgeconnect"


@pytest.mark.parametrize(
    "option",
    [
        ["--model", "x"],
        ["--edge-weights", "e.pth"],
        ["--inpaint-weights", "i.pth"],
        ["--rim-correction"],
        ["--edges", "mask.png"],
        ["--probability", "p.npy"],
        ["--save-edges", "e.png"],
        ["--save-probability", "p.npy"],
        ["--sigma", "2"],
        ["--no-known-edges"],
        ["--threshold", "0.3"],  # the default, but asked for
        ["--merge-known-edges"],
        ["--half"],
        ["--device", "cpu"],
    ],
)
def test_an_option_of_the_networks_with_another_method_is_wrong_usage(pair, option):
    result = run("inpaint", pair[0], "-m", pair[1], "-o", "out.png", "--method", "mean", *option)
    assert result.exit_code == 2
    said = " ".join(result.stderr.replace("│", " ").split())
    assert f"Invalid value for {option[0]}: only --method edgeconnect knows that; mean has no networks." in said
    assert "out.png" not in contents()


def test_several_such_options_are_named_together(pair):
    result = run("inpaint", pair[0], "-m", pair[1], "-o", "o.png", "--method", "mean", "--sigma", 1, "--half")
    said = " ".join(result.stderr.replace("│", " ").split())
    assert "--sigma and --half: only --method edgeconnect knows that" in said


def test_an_unknown_method_is_answered_with_those_there_are(pair):
    result = run("inpaint", pair[0], "-m", pair[1], "-o", "out.png", "--method", "magic")
    assert result.exit_code == 2
    for method in ("edgeconnect", "telea", "mean"):
        assert method in result.stderr


def test_a_missing_package_is_one_sentence(pair, monkeypatch):
    monkeypatch.setitem(sys.modules, "patchmatch", None)  # what Python keeps for "there is none"
    message = fail("inpaint", pair[0], "-m", pair[1], "-o", "out.png", "--method", "patchmatch")
    assert message == ("Error: Method 'patchmatch' needs pypatchmatch: pip install \"napari-edgeconnect[classical]\".")


def test_programs_get_steps_and_the_method(pair):
    result = succeed("inpaint", pair[0], "-m", pair[1], "-o", "out.png", "--method", "biharmonic", "--json")
    events = [json.loads(line) for line in result.stderr.splitlines()]
    assert [event["done"] for event in events if event["event"] == "step"] == [0, 1]
    assert json.loads(result.stdout)["method"] == "biharmonic"


def test_notes_are_passed_on(pair):
    saved("empty.png", np.zeros(scratch().shape, np.uint8))
    result = succeed("inpaint", pair[0], "-m", "empty.png", "-o", "out.png", "--method", "mean")
    np.testing.assert_array_equal(pixels("out.png"), camera())
    assert "Note: The mask is empty" in result.stderr
