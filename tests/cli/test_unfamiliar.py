"""``inpaint`` and ``selftest`` say that an image is unlike those that the model was trained on, or that none knows."""

import shutil
from pathlib import Path

import numpy as np

from napari_edgeconnect.core.models import DEFAULT_MODEL, find_model

from .conftest import record, saved, succeed

SAID = "the image is unlike the images that open-science-16 was trained on"


def said(result):
    return " ".join(result.stderr.split())


def saved_code():
    """A code's and its mask's names."""
    modules = np.random.default_rng(0).integers(0, 2, (24, 24))
    mask = np.zeros((192, 192), np.uint8)
    mask[90:96, 60:120] = 255
    return saved("code.png", (255 * np.kron(modules, np.ones((8, 8)))).astype(np.uint8)), saved("its.png", mask)


def test_a_code_is_told_to_be_unlike_and_a_photograph_is_not(pair):
    code, mask = saved_code()
    assert SAID in said(succeed("inpaint", code, "-m", mask, "-o", "out.png"))
    assert SAID not in said(succeed("inpaint", pair[0], "-m", pair[1], "-o", "other.png"))
    assert SAID not in said(succeed("inpaint", code, "-m", mask, "-o", "third.png", "--method", "biharmonic"))


def test_the_self_test_says_so_too():
    code, mask = saved_code()
    result = succeed("selftest", code, "-m", mask, "-o", "out", "--methods", "edgeconnect-no-edges", "--trials", 1)
    assert SAID in said(result)
    assert SAID in record("out/selftest.json")["reasons_against"]["unfamiliar"]
    assert SAID in Path("out/selftest.md").read_text(encoding="utf-8")


def test_models_that_do_not_say_what_they_were_trained_on_are_named(pair):
    bundled = find_model(DEFAULT_MODEL)
    bare = Path("bare")
    bare.mkdir()
    for path in (bundled.edge, bundled.inpaint):
        shutil.copy(path, bare)
    told = "bare does not say what images it was trained on, so none can be told to be unlike them"
    assert told in said(succeed("inpaint", pair[0], "-m", pair[1], "-o", "out.png", "--model", "bare"))
    assert "does not say" not in said(succeed("inpaint", pair[0], "-m", pair[1], "-o", "other.png"))
