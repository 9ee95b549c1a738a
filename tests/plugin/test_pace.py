"""How long a run is said to take."""

from __future__ import annotations

import numpy as np
import pytest

from napari_edgeconnect.core.models import DEFAULT_MODEL, list_models
from napari_edgeconnect.core.settings import Settings
from napari_edgeconnect.plugin.pace import Expected, Pace, windows_px

from .conftest import PATIENCE_MS


@pytest.fixture
def model():
    return next(info for info in list_models() if info.name == DEFAULT_MODEL)


def test_what_was_measured_here_counts_by_model_device_and_size(model):
    pace = Pace()
    pace.note(model.name, "cpu", 1000, 3.0)

    assert pace.expected(model, "cpu", 2000) == (6.0, True)
    assert not pace.expected(model, "cuda:0", 2000).measured


def test_nothing_to_do_teaches_nothing(model):
    pace = Pace()
    pace.note(model.name, "cpu", 0, 3.0)

    assert not pace.expected(model, "cpu", 2000).measured


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.2, "less than a second"), (2.4, "about 2 s"), (89, "about 89 s"), (300, "about 5 min")]
)
def test_in_words(seconds, words):
    assert Expected(seconds, measured=True).in_words == words


def test_a_small_hole_in_a_large_plane_costs_its_window():
    hole = np.zeros((3000, 4000), bool)
    hole[1500, 2000] = True

    assert windows_px(hole, Settings()) == 288**2  # a margin of 128 px around it, in steps of 32


def test_the_widget_says_it_and_learns_from_a_run(widget, press, qtbot):
    note = widget.panel.expected
    qtbot.waitUntil(lambda: "laptop cores" in note.text(), timeout=PATIENCE_MS)
    press(widget, "inpaint")
    qtbot.waitUntil(lambda: "measured here" in note.text(), timeout=PATIENCE_MS)
