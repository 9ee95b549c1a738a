"""``selftest``: the advice, a table, pictures and a record."""

import json
from pathlib import Path

import numpy as np

from napari_edgeconnect.core.settings import Settings
from napari_edgeconnect.selftest.run import self_test

from .conftest import camera, contents, fail, pixels, record, run, saved, scratch, sha256_of, succeed


def test_the_folder_holds_record_table_and_pictures(pair):
    command = ("selftest", pair[0], "-m", pair[1], "-o", "out", "--methods", "telea,biharmonic", "--trials", 2)
    result = succeed(*command)
    names = ["selftest.json", "selftest.png", "selftest.md"]
    assert [Path(line).name for line in result.stdout.split()] == names
    assert set(contents("out")) == set(names)
    expected = self_test(camera(), scratch(), None, Settings(grow_px=2), methods=["telea", "biharmonic"], trials=2)
    written = record("out/selftest.json")
    assert written["trials"] == expected.record["trials"]
    assert written["advice"] == expected.record["advice"]
    assert written["inputs"]["mask"]["sha256"] == sha256_of(pair[1])
    assert expected.advice.sentences[0] in Path("out/selftest.md").read_text(encoding="utf-8")
    assert expected.advice.sentences[0] in " ".join(result.stderr.split())
    assert pixels("out/selftest.png").shape[2] == 3
    before = contents("out")
    assert "--overwrite" in run(*command).stderr
    assert contents("out") == before
    succeed(*command, "--overwrite")
    again = contents("out")
    del before["selftest.json"], again["selftest.json"]  # says when it was made
    assert again == before
    assert {**record("out/selftest.json"), "created": written["created"]} == written


def test_edgeconnect_is_among_the_methods(pair):
    result = succeed("selftest", pair[0], "-m", pair[1], "-o", "out", "--trials", 1, "--device", "cpu", "--json")
    told = json.loads(result.stdout)
    assert told["trials"] == 1
    methods = record("out/selftest.json")["methods"]
    assert methods[:2] == ["edgeconnect", "edgeconnect-no-edges"]
    assert told["advice"]["method"] in methods


def test_bad_input_is_one_sentence(pair):
    saved("empty.png", np.zeros(scratch().shape, np.uint8))
    saved("small.png", np.zeros((20, 20), np.uint8))
    for mask, said in (("empty.png", "The mask is empty"), ("small.png", "The mask has shape (20, 20)")):
        assert said in fail("selftest", pair[0], "-m", mask, "-o", "out", "--methods", "telea")
    assert "There is no method 'magic'" in fail("selftest", pair[0], "-m", pair[1], "-o", "out", "--methods", "magic")
    assert "is a file" in fail("selftest", pair[0], "-m", pair[1], "-o", pair[0], "--methods", "telea")
