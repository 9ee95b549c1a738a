"""``uncertainty``: the interval's half width as an image of floats."""

import numpy as np

from napari_edgeconnect import EdgeConnect, Settings
from napari_edgeconnect.core.results import result_of
from napari_edgeconnect.selftest.calibration import uncertainty_steps

from .conftest import camera, fail, pixels, record, run, scratch, sha256_of, succeed


def test_the_interval_is_written_with_its_record(pair):
    result = succeed("uncertainty", pair[0], "-m", pair[1], "-o", "u.tif", "--trials", 1, "--level", 0.8, "--seed", 3)
    assert result.stdout.split() == ["u.tif", "u.json"]
    settings = Settings(grow_px=2)
    steps = uncertainty_steps(camera(), scratch(), EdgeConnect.load(), settings, trials=1, level=0.8, seed=3)
    expected = result_of(steps)
    np.testing.assert_array_equal(pixels("u.tif"), expected.half_width)
    assert pixels("u.tif").dtype == np.float32
    written = record("u.json")
    assert written["calibration"] == expected.calibration.as_dict()
    assert written["inputs"]["image"]["sha256"] == sha256_of(pair[0])
    assert "(80 % interval, calibrated on 1 copies of the damage)" in " ".join(result.stderr.split())


def test_formats_that_can_t_hold_it_and_wrong_levels_are_one_sentence(pair):
    assert "can't be written as PNG" in fail("uncertainty", pair[0], "-m", pair[1], "-o", "u.png")
    message = fail("uncertainty", pair[0], "-m", pair[1], "-o", "u.npy", "--level", 90, "--trials", 1)
    assert message.startswith("Error: The level is 90")
    assert run("uncertainty", pair[0], "-m", pair[1], "-o", "u.npy", "--trials", 0).exit_code == 2
