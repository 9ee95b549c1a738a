"""What a run says: events for programs, and nothing when it is to be quiet."""

import json

import numpy as np

from napari_edgeconnect import list_models

from .conftest import SIDE, fail, record, run, saved, succeed


def test_json_events_parse_line_by_line_and_the_result_is_on_stdout(pair):
    result = succeed("inpaint", pair[0], "-m", pair[1], "-o", "out.png", "--json")
    events = [json.loads(line) for line in result.stderr.splitlines()]
    info = list_models()[0]
    model = {"event": "model", "name": info.name, "licence": info.licence}
    assert events[0].items() >= model.items()
    steps = [event for event in events if event["event"] == "step"]
    assert [set(step) for step in steps] == [{"event", "done", "total", "what"}] * len(steps)
    assert [step["done"] for step in steps] == sorted(step["done"] for step in steps)
    assert steps[-1]["done"] == steps[-1]["total"]
    written = [event["path"] for event in events if event["event"] == "written"]
    assert written == ["out.png", "out.json", "out_altered.png"]
    final = json.loads(result.stdout)
    assert final["output"] == "out.png"
    assert final["hole_px"] == record("out.json")["hole_px"]


def test_json_errors_and_notes_are_events(pair):
    assert json.loads(fail("inpaint", "none.png", "-m", pair[1], "-o", "out.png", "--json")) == {
        "event": "error",
        "message": "There is no file none.png.",
    }
    saved("empty.png", np.zeros((SIDE, SIDE), np.uint8))
    result = succeed("inpaint", pair[0], "-m", "empty.png", "-o", "out.png", "--json")
    events = [json.loads(line) for line in result.stderr.splitlines()]
    assert any(event["event"] == "note" and "mask is empty" in event["message"] for event in events)


def test_quiet_says_nothing(pair):
    result = succeed("inpaint", pair[0], "-m", pair[1], "-o", "out.png", "--quiet")
    assert result.output == ""
    assert "exists" in run("inpaint", pair[0], "-m", pair[1], "-o", "out.png", "--quiet").stderr
