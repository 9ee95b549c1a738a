"""The published schema: what real records say is in it, and what is no record is told in one sentence."""

from __future__ import annotations

import json
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any, get_args

import jsonschema
import numpy as np
import pytest

from napari_edgeconnect import EdgeConnect, Settings
from napari_edgeconnect.core.classical import inpaint
from napari_edgeconnect.core.record import RECORD_VERSION, Kind, origin, with_self_test
from napari_edgeconnect.core.record_reading import RecordError, checked_record, read_record
from napari_edgeconnect.core.record_schema import Classical, json_schema
from napari_edgeconnect.core.settings import CLASSICAL_METHODS
from napari_edgeconnect.selftest.run import self_test

COMMITTED = Path(__file__).parents[2] / "docs" / "record.schema.json"

Pair = tuple[np.ndarray, np.ndarray]


@pytest.fixture
def record(model: EdgeConnect, camera: Pair) -> dict[str, Any]:
    return model.inpaint(*camera, return_record=True).record


def test_the_committed_schema_is_that_of_the_models() -> None:
    """Where this fails: python scripts/record_schema.py."""
    assert json.loads(COMMITTED.read_text(encoding="utf-8")) == json_schema()


def test_every_kind_of_record_has_its_schema() -> None:
    assert set(json_schema()["discriminator"]["mapping"]) == set(get_args(Kind))
    assert set(get_args(Classical.model_fields["method"].annotation)) == set(CLASSICAL_METHODS)


def test_records_of_all_calls_are_in_it_as_json_schema_too(model: EdgeConnect, camera: Pair) -> None:
    image, mask = camera
    repair = model.inpaint(image, mask, return_record=True, match_noise=True)
    test = self_test(image, mask, None, methods=["biharmonic"], trials=1).record
    records = [
        repair.record,
        model.complete(image, mask, repair.edges, return_record=True, contrast=(0, 200)).record,
        model.record_of(repair.edges, Settings()),
        inpaint(image, mask, "biharmonic", return_record=True).record,
        with_self_test(repair.record, test),
        test,
        {**origin("unfinished"), "unfinished": True},
    ]
    validator = jsonschema.Draft202012Validator(json_schema())
    for record in records:
        plain = json.loads(json.dumps(record))
        assert checked_record(plain) == plain
        assert list(validator.iter_errors(plain)) == []
        assert plain["record_version"] == RECORD_VERSION


def changed(path: str, value: Any) -> Callable[[dict[str, Any]], None]:
    def change(record: dict[str, Any]) -> None:
        *outer, last = path.split(".")
        for name in outer:
            record = record[name]
        if value is ...:
            del record[last]
        else:
            record[last] = value

    return change


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (changed("record_version", 2), "is a record of version 2, written by napari-edgeconnect"),
        (changed("record_version", ...), "it has no record_version"),
        (changed("kind", "collage"), "its kind is 'collage', and known are 'repair', 'classical'"),
        (changed("kind", ...), "it does not say its kind"),
        (changed("settings.sigma", "wide"), "settings.sigma is 'wide': input should be a valid number"),
        (changed("settings.sharpen", True), "settings.sharpen is unknown, so it could not be followed"),
        (changed("pixels.result", ...), "it lacks pixels.result"),
        (changed("pixels.result", "abc"), "pixels.result is 'abc'"),
        (changed("edges.threshold", 1.5), "edges.threshold is 1.5: input should be less than or equal to 1"),
        (changed("hole_px", -1), "hole_px is -1"),
        (changed("hole_px", True), "hole_px is True"),
    ],
)
def test_what_is_no_record_is_told_in_one_sentence(
    record: dict[str, Any], tmp_path: Path, change: Callable[[dict[str, Any]], None], sentence: str
) -> None:
    change(record)
    path = tmp_path / "repaired.json"
    path.write_text(json.dumps(record))
    with pytest.raises(RecordError) as refusal:
        read_record(path)
    said = str(refusal.value)
    assert said.startswith(f"{path} ")
    assert sentence in said
    assert said.endswith(".")
    assert "\n" not in said


def test_a_newer_version_is_told_before_anything_else(record: dict[str, Any]) -> None:
    with pytest.raises(RecordError, match=r"versions up to 1 are read here: install a newer napari-edgeconnect\.$"):
        checked_record({"record_version": 2, "kind": "hologram"})


@pytest.mark.parametrize("text", ["", "{", "[]", '"repair"', "{}", "\x00"])
def test_other_files_are_no_records(tmp_path: Path, text: str) -> None:
    path = tmp_path / "other.json"
    path.write_text(text)
    with pytest.raises(RecordError, match=r"other\.json is no "):
        read_record(path)
    with pytest.raises(RecordError, match="There is no file"):
        read_record(tmp_path / "none.json")


def test_a_record_may_say_more_beside_its_fields(record: dict[str, Any]) -> None:
    noted = deepcopy(record)
    noted["microscope"] = {"objective": "63x"}
    assert checked_record(noted) == noted
