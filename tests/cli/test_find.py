"""``find``: a mask from what an image says about itself."""

import json

import numpy as np
from typer.testing import CliRunner

from napari_edgeconnect.cli import app
from napari_edgeconnect.core.find import FINDERS

from .conftest import camera, contents, fail, pixels, saved, succeed


def damaged():
    image = camera().copy()
    image[20, 30] = 255 - image[20, 30] // 2
    image[60] = 0
    return image


def test_what_is_found_is_written_as_a_mask():
    saved("image.png", damaged())
    result = succeed("find", "image.png", "-o", "mask.png", "--what", "dead-rows")
    assert result.stdout.split() == ["mask.png"]
    expected = np.zeros(damaged().shape, np.uint8)
    expected[60] = 255
    np.testing.assert_array_equal(pixels("mask.png"), expected)
    assert "Found 96 pixels (1 % of the image): dead-rows 96." in result.stderr


def test_several_finders_share_a_mask_and_are_counted_apart():
    saved("image.png", damaged())
    result = succeed("find", "image.png", "-o", "mask.npy", "--what", "dead-rows, dead", "--sensitivity", 0.7, "--json")
    told = json.loads(result.stdout)
    assert told["by_finder"] == {"dead-rows": 96, "dead": 96}
    assert told["found_px"] == np.count_nonzero(pixels("mask.npy")) == 96


def test_the_frames_of_a_stack_show_their_dust():
    rng = np.random.default_rng(0)
    scene = np.kron(rng.integers(80, 160, (60, 60)), np.ones((4, 4)))
    names = []
    for number in range(16):
        frame = np.roll(scene, (7 * number, 11 * number), (0, 1))[:80, :80].copy()
        frame[30:45, 40:55] *= 0.6
        names.append(saved(f"{number}.png", frame.astype(np.uint8)))
    succeed("find", *names, "-o", "dust.png", "--what", "dust-shadows")
    found = pixels("dust.png") == 255
    assert found[32:43, 42:53].all()
    found[27:48, 37:58] = False
    assert not found.any()


def test_an_unknown_finder_a_single_frame_and_unlike_images_are_one_sentence():
    saved("image.png", damaged())
    saved("small.png", damaged()[:50])
    assert "There is no finder 'cracks': known are" in fail("find", "image.png", "-o", "m.png", "--what", "cracks")
    assert "give at least 5 gray frames" in fail("find", "image.png", "-o", "m.png", "--what", "dust-shadows")
    message = fail("find", "image.png", "small.png", "-o", "m.png", "--what", "dead")
    assert message.startswith("Error: small.png is 96 x 50 pixels (width x height), but image.png is 96 x 96")


def test_the_image_is_never_written_to():
    saved("image.png", damaged())
    before = contents()
    fail("find", "image.png", "-o", "image.png", "--what", "dead", "--overwrite")
    assert contents() == before


def test_help_names_every_finder():
    said = CliRunner().invoke(app, ["find", "--help"], env={"COLUMNS": "300"}).output
    for name in FINDERS:
        assert name in said
