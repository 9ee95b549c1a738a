"""``inpaint --exclude``: the damage is marked as missing, from files to files."""

import numpy as np
import pytest

from .conftest import camera, contents, fail, pixels, record, run, saved, scratch, sha256_of, succeed


def test_floats_get_nan_with_a_record_and_the_mask_of_altered_pixels():
    image = camera(np.float32)
    saved("image.tif", image)
    saved("mask.png", scratch())
    result = succeed("inpaint", "image.tif", "-m", "mask.png", "-o", "out.tif", "--exclude", "nan", "--grow-px", 0)
    assert result.stdout.split() == ["out.tif", "out.json", "out_altered.png"]
    assert "Excluded 560 pixels" in result.stderr
    assert "Model" not in result.stderr
    written = pixels("out.tif")
    assert np.isnan(written[scratch()]).all()
    assert written[~scratch()].tobytes() == image[~scratch()].tobytes()
    np.testing.assert_array_equal(pixels("out_altered.png") == 255, scratch())
    about = record("out.json")
    assert about["method"] == "exclude"
    assert (about["value"], about["hole_px"]) == ("nan", 560)
    assert about["inputs"]["image"]["sha256"] == sha256_of("image.tif")


def test_integers_get_a_value(pair):
    succeed("inpaint", pair[0], "-m", pair[1], "-o", "out.png", "--exclude", 255, "--grow-px", 0)
    assert (pixels("out.png")[scratch()] == 255).all()
    np.testing.assert_array_equal(pixels("out.png")[~scratch()], camera()[~scratch()])
    assert record("out.json")["value"] == 255


@pytest.mark.parametrize("value", ["nan", "256", "-1", "0.5"])
def test_values_that_the_file_s_type_can_t_hold_are_one_sentence(pair, value):
    message = fail("inpaint", pair[0], "-m", pair[1], "-o", "out.png", "--exclude", value)
    assert message.startswith("Error: The image has dtype uint8, which can't hold")


@pytest.mark.parametrize(
    "option", [["--method", "telea"], ["--model", "x"], ["--sigma", "2"], ["--device", "cpu"], ["--match-noise"]]
)
def test_options_of_a_repair_do_not_go_with_it(pair, option):
    before = contents()
    result = run("inpaint", pair[0], "-m", pair[1], "-o", "out.png", "--exclude", 0, *option)
    assert result.exit_code == 2
    assert option[0] in result.stderr
    assert "does not go with --exclude" in " ".join(result.stderr.replace("│", " ").split())
    assert contents() == before


def test_what_is_no_number_and_stacks_are_refused(pair):
    result = run("inpaint", pair[0], "-m", pair[1], "-o", "out.png", "--exclude", "none")
    assert result.exit_code == 2
    assert "neither nan nor a number" in " ".join(result.stderr.replace("│", " ").split())
    np.save("stack.npy", np.zeros((3, 96, 96), np.float32))
    refused = run("inpaint", "stack.npy", "-m", pair[1], "-o", "out.npy", "--axes", "TYX", "--exclude", "nan")
    assert refused.exit_code == 2
    assert "--axes: it does not go with --exclude" in " ".join(refused.stderr.replace("│", " ").split())
