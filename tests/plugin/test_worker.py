from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from napari_edgeconnect import EdgeConnect
from napari_edgeconnect.core.edges import EdgeSource
from napari_edgeconnect.core.models import DEFAULT_MODEL
from napari_edgeconnect.plugin.layer_plane import displayed_plane
from napari_edgeconnect.plugin.preferences import DEFAULTS
from napari_edgeconnect.plugin.worker import Failure, LoadedModels, Request, Task, repair_steps


@pytest.fixture
def request_for(viewer, pixels, scratch):
    plane = displayed_plane(viewer.add_image(pixels), viewer.dims)

    def request_for(task, **more):
        return Request(task, plane, pixels, scratch > 0, DEFAULTS, DEFAULT_MODEL, "cpu", **more)

    return request_for


@pytest.fixture(scope="module")
def models():
    return LoadedModels()


def finished(steps):
    said = []
    while True:
        try:
            said.append(next(steps))
        except StopIteration as end:
            return end.value, said


def test_a_run_gives_what_the_core_gives(request_for, models, pixels, scratch):
    outcome, _ = finished(repair_steps(request_for(Task.INPAINT), models))

    expected = EdgeConnect.load(device="cpu").inpaint(pixels, scratch, DEFAULTS)
    assert (outcome.repair.image == expected).all()
    assert (outcome.edges.labels == outcome.repair.edges.labels).all()


def test_loading_is_announced_and_done_once(request_for, monkeypatch):
    loads = []
    load = EdgeConnect.load
    monkeypatch.setattr(EdgeConnect, "load", lambda *a, **k: loads.append(a) or load(*a, **k))
    models = LoadedModels()

    _, first = finished(repair_steps(request_for(Task.HALLUCINATE), models))
    _, second = finished(repair_steps(request_for(Task.HALLUCINATE), models))

    assert "Loading" in first[0].what
    assert not any("Loading" in step.what for step in second)
    assert len(loads) == 1


def test_a_run_of_both_stages_counts_them_together(request_for, models):
    _, steps = finished(repair_steps(request_for(Task.INPAINT), models))
    counted = [step for step in steps if step.total]
    shares = [step.done / step.total for step in counted]

    assert shares == sorted(shares)
    assert shares[0] < 0.5 <= shares[-1] <= 1
    assert len({step.total for step in counted}) == 1


def test_what_was_decided_before_steers_a_run_of_both_stages(request_for, models):
    plain, _ = finished(repair_steps(request_for(Task.INPAINT), models))
    labels = plain.edges.labels.copy()
    labels[45:51, 40] = EdgeSource.DRAWN
    noise = tuple(np.argwhere(labels == EdgeSource.MEASURED)[0])
    labels[noise] = EdgeSource.NONE
    steered, _ = finished(repair_steps(request_for(Task.INPAINT, before=plain.edges.edited(labels)), models))

    assert (steered.edges.labels[45:51, 40] == EdgeSource.DRAWN).all()
    assert steered.edges.labels[noise] == EdgeSource.NONE
    assert (steered.repair.image != plain.repair.image).any()
    assert steered.repair.record["edges"]["drawn_px"] == 6
    assert steered.repair.record["edges"]["erased_px"] == 1


def test_completing_never_runs_the_first_stage(request_for, models, monkeypatch):
    hallucinated, _ = finished(repair_steps(request_for(Task.HALLUCINATE), models))
    monkeypatch.delattr(EdgeConnect, "hallucinate_edges_steps")

    outcome, _ = finished(repair_steps(request_for(Task.COMPLETE, edges=hallucinated.edges), models))

    assert outcome.edges is None
    assert outcome.repair.record["edges"]["drawn_px"] == 0


@pytest.mark.parametrize("kind", [RuntimeError, ValueError, MemoryError])
def test_an_error_of_any_kind_is_an_outcome(request_for, monkeypatch, kind):
    error = kind("CUDA error: no kernel image")

    def load(*args, **kwargs):
        raise error

    monkeypatch.setattr(EdgeConnect, "load", load)
    request = request_for(Task.INPAINT)
    outcome, _ = finished(repair_steps(request, LoadedModels()))

    assert isinstance(outcome, Failure)
    assert outcome.error is error
    assert outcome.request is request


def test_importing_the_widget_does_not_import_torch():
    code = "import sys, napari_edgeconnect.plugin.widget; sys.exit('torch' in sys.modules)"

    assert subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=False).returncode == 0
