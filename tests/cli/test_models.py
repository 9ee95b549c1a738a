"""``models``: listed with all that one should know, and imported."""

import json

import numpy as np
import pytest
from published import CASES, golden, save_generators

from napari_edgeconnect import EdgeConnect, list_models

from .conftest import camera, pixels, record, run, saved, scratch, succeed


def test_models_are_listed_with_all_that_one_should_know():
    text = succeed("models").stdout
    listed = json.loads(succeed("models", "--json").stdout)
    assert len(listed) == len(list_models()) >= 2
    for info, shown in zip(list_models(), listed, strict=True):
        known = (info.name, info.purpose, info.licence, info.training, f"width {info.width}", *info.sha256.values())
        assert all(words in text for words in known)
        assert shown["name"] == info.name
        assert shown["sha256"] == info.sha256
        assert shown["purpose"] == info.purpose
        assert shown["size_bytes"] == info.size_bytes
        assert shown["bundled"] is True


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
