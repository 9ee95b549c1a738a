"""``measure``: objects without the damage, with its repair and across its uncertainty, from files to a folder."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from napari_edgeconnect import EdgeConnect, Settings
from napari_edgeconnect.core.results import result_of
from napari_edgeconnect.core.uncertainty import repair_spread
from napari_edgeconnect.measurement.effect import effect_on_measurements
from napari_edgeconnect.measurement.segmentation import above, above_otsu
from napari_edgeconnect.measurement.table import conclusion
from napari_edgeconnect.selftest.calibration import uncertainty_steps

from .conftest import camera, contents, fail, record, run, saved, scratch, sha256_of, succeed

NAMES = ["measurement.json", "measurement.csv", "measurement.md"]
#: Without copies of the damage: a seventh of the time.
QUICK = ("--trials", 0)


@pytest.fixture(scope="module")
def spread():
    return repair_spread(EdgeConnect.load(), camera(), scratch(), Settings(grow_px=2))


def test_the_folder_holds_table_record_and_the_conclusion_in_plain_words(pair, spread):
    command = ("measure", pair[0], "-m", pair[1], "-o", "out", "--segment", "threshold=140", *QUICK)
    result = succeed(*command)
    assert [Path(line).name for line in result.stdout.split()] == NAMES
    assert set(contents("out")) == set(NAMES)
    expected = effect_on_measurements(spread, above(140))
    written = record("out/measurement.json")
    assert {key: written[key] for key in expected.as_dict()} == json.loads(json.dumps(expected.as_dict()))
    assert written["inputs"]["mask"]["sha256"] == sha256_of(pair[1])
    assert written["segmentation"] == "what is connected and brighter than 140"
    said = conclusion(expected)
    assert written["conclusion"] == said
    assert said in Path("out/measurement.md").read_text(encoding="utf-8")
    assert said in " ".join(result.stderr.split())
    with Path("out/measurement.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert float(rows[1]["with_fill"]) == expected.totals["total area"].with_fill
    assert rows[1]["low"] == ""
    assert "--overwrite" in run(*command).stderr
    before = {**contents("out"), NAMES[0]: {**written, "created": None}}
    succeed(*command, "--overwrite")
    assert {**contents("out"), NAMES[0]: {**record("out/measurement.json"), "created": None}} == before


def test_otsu_of_the_known_pixels_is_the_default_and_intervals_are_calibrated_on_copies(pair):
    options = ("--trials", 1, "--samples", 10, "--level", 0.8, "--seed", 3, "--pixel-size", 0.5)
    succeed("measure", pair[0], "-m", pair[1], "-o", "out", *options)
    steps = uncertainty_steps(camera(), scratch(), EdgeConnect.load(), Settings(grow_px=2), trials=1, level=0.8, seed=3)
    found = result_of(steps)
    objects, threshold = above_otsu(found.spread.repaired, found.spread.hole)
    expected = effect_on_measurements(found, objects, samples=10, seed=3, pixel_size=0.5, unit="µm")
    written = record("out/measurement.json")
    assert written["totals"] == json.loads(json.dumps(expected.as_dict()))["totals"]
    assert (written["level"], written["samples"], written["unit"]) == (0.8, 10, "µm")
    assert written["segmentation"].startswith(f"what is connected and brighter than {threshold:g}, Otsu's threshold")


def test_given_labels_and_a_user_s_function_are_the_objects(pair):
    labels = np.zeros((96, 96), np.uint16)
    labels[30:60, 20:50], labels[70:90, 70:90] = 3, 8
    saved("labels.tif", labels)
    succeed("measure", pair[0], "-m", pair[1], "-o", "one", "--labels", "labels.tif", *QUICK)
    totals = record("one/measurement.json")["totals"]
    assert totals["count"]["with_fill"] == 2
    assert totals["total area"]["lowest"] == totals["total area"]["with_fill"] == 30 * 30 + 20 * 20
    assert record("one/measurement.json")["inputs"]["labels"]["sha256"] == sha256_of("labels.tif")
    Path("own_objects.py").write_text("def bright(image):\n    return image > 140\n")
    succeed("measure", pair[0], "-m", pair[1], "-o", "two", "--segment-with", "own_objects:bright", *QUICK)
    succeed("measure", pair[0], "-m", pair[1], "-o", "three", "--segment", "threshold=140", *QUICK)
    two, three = (record(f"{name}/measurement.json") for name in ("two", "three"))
    assert two["totals"]["total area"] == three["totals"]["total area"]
    assert two["segmentation"] == "by own_objects:bright"


def test_bad_input_is_one_sentence(pair):
    saved("small.png", np.zeros((20, 20), np.uint8))
    saved("floats.tif", np.zeros((96, 96), np.float32))
    command = ("measure", pair[0], "-m", pair[1], "-o", "out", *QUICK)
    assert "as labels, whole numbers of shape (96, 96)" in fail(*command, "--labels", "small.png")
    assert "holds float32" in fail(*command, "--labels", "floats.tif")
    assert "module 'nothing_here'" in fail(*command, "--segment-with", "nothing_here:f")
    assert "is a file" in fail("measure", pair[0], "-m", pair[1], "-o", pair[0], *QUICK)
    assert "The pixel size is 0" in fail(*command, "--pixel-size", 0)
    for wrong in (("--segment", "magic"), ("--segment", "threshold=x"), ("--segment", "otsu", "--labels", "small.png")):
        assert run(*command, *wrong).exit_code == 2
