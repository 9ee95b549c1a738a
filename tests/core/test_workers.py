"""Several workers give what one gives, also where one of them is killed."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from contract import same_bits
from distributed import Client, LocalCluster
from skimage import data

from napari_edgeconnect import EdgeConnect
from napari_edgeconnect.cli.stack_task import StackTask, open_on_worker
from napari_edgeconnect.core import cutouts, workers
from napari_edgeconnect.core.results import Step
from napari_edgeconnect.core.settings import StackSettings
from napari_edgeconnect.core.stack import Stack
from napari_edgeconnect.core.stack_fill import Fill
from napari_edgeconnect.core.stack_parts import errands_of
from napari_edgeconnect.core.stack_run import places_steps
from napari_edgeconnect.core.workers import connected, places_on_workers

from .conftest import TINY


@pytest.fixture(scope="module")
def cluster() -> Iterator[LocalCluster]:
    """Two worker processes of one thread each."""
    with LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0") as cluster:
        yield cluster


@pytest.fixture
def stack(tmp_path: Path) -> tuple[Stack, workers.Opener]:
    """A stack of 12 planes in files; and how a worker opens it."""
    plane = data.camera()[60:156, 170:282].astype(np.uint16) * 12
    image = np.stack([np.roll(plane, 8 * z, axis=z % 2) for z in range(12)])
    mask = np.zeros(plane.shape, dtype=bool)
    mask[30:50, 40:60] = True
    np.save(tmp_path / "in.npy", image)
    np.save(tmp_path / "mask.npy", mask)
    choices = StackSettings(mapping="stack")
    prepared = Stack.prepare(image, mask, "ZYX", settings=replace(TINY, match_noise=True, seed=3), choices=choices)
    task = StackTask(
        command="test",
        image=tmp_path / "in.npy",
        mask=tmp_path / "mask.npy",
        output=tmp_path / "out.npy",
        axes="ZYX",
        device="cpu",
        settings=prepared.settings,
    )
    return prepared, partial(open_on_worker, task, choices, prepared.contrasts, prepared.guide)


def serial(model: EdgeConnect, stack: Stack) -> dict[tuple[int, ...], list[Fill]]:
    events = places_steps(model, stack, list(stack.axes.places()))
    return {event.place: event.fills for event in events if not isinstance(event, Step)}


def check_same(found: dict[tuple[int, ...], list[Fill]], expected: dict[tuple[int, ...], list[Fill]]) -> None:
    assert found.keys() == expected.keys()
    for place in expected:
        (one,), (other,) = found[place], expected[place]
        assert np.array_equal(one.altered, other.altered)
        assert same_bits(one.values, other.values)
        dated = ("created", "seconds")
        assert {k: v for k, v in one.record.items() if k not in dated} == {
            k: v for k, v in other.record.items() if k not in dated
        }


def test_threads_give_what_one_gives(model: EdgeConnect, stack: tuple[Stack, workers.Opener]) -> None:
    prepared, opener = stack
    places = list(prepared.axes.places())
    with connected(threads=3) as client:
        events = list(places_on_workers(client, opener, prepared.axes, places))
    assert workers._opened == {}  # closed again
    steps = [event for event in events if isinstance(event, Step)]
    assert [step.done for step in steps] == list(range(13))
    assert {step.total for step in steps} == {12}
    check_same({e.place: e.fills for e in events if not isinstance(e, Step)}, serial(model, prepared))


def test_parts_of_a_large_plane_are_shared_out(
    model: EdgeConnect, cluster: LocalCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cutouts, "WHOLE_PLANE_PX", 1000)  # not known to the workers, nor needed there
    image = np.tile(data.camera().astype(np.uint16) * 12, (1, 2))
    mask = np.zeros(image.shape, dtype=bool)
    mask[30:50, 40:60] = mask[300:310, 500:520] = mask[500:, 1000:] = True
    np.save(tmp_path / "in.npy", image[None])
    np.save(tmp_path / "mask.npy", mask)
    prepared = Stack.prepare(image[None], mask, "ZYX", settings=replace(TINY, match_noise=True, seed=3))
    task = StackTask(
        command="test",
        image=tmp_path / "in.npy",
        mask=tmp_path / "mask.npy",
        output=tmp_path / "out.npy",
        axes="ZYX",
        device="cpu",
        settings=prepared.settings,
    )
    opener = partial(open_on_worker, task, prepared.choices, prepared.contrasts, prepared.guide)
    errands = list(errands_of(prepared))
    with connected(cluster.scheduler_address) as client:
        events = list(places_on_workers(client, opener, prepared.axes, errands))
    finished = [event for event in events if not isinstance(event, Step)]
    assert sorted(event.errand.key(prepared.axes) for event in finished) == ["0-0", "0-1", "0-2"]
    assert "Z 0, part 2 is done" in {event.what for event in events if isinstance(event, Step)}
    fills = [fill for event in sorted(finished, key=lambda event: event.errand.number) for fill in event.fills]
    (expected,) = serial(model, prepared).values()
    for one, other in zip(fills, expected, strict=True):
        assert one.box == other.box
        assert same_bits(one.values, other.values)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_a_worker_that_is_killed_changes_nothing(
    model: EdgeConnect, stack: tuple[Stack, workers.Opener], cluster: LocalCluster
) -> None:
    prepared, opener = stack
    found, victim = {}, None
    with connected(cluster.scheduler_address) as client:
        before = client.run(os.getpid)
        assert len(before) == 2
        for event in places_on_workers(client, opener, prepared.axes, list(prepared.axes.places())):
            if isinstance(event, Step):
                continue
            found[event.place] = event.fills
            if victim is None:
                # One that has planes in hand: they are lost with it.
                address, in_hand = next((a, keys) for a, keys in client.processing().items() if keys)
                assert in_hand
                victim = before[address]
                os.kill(victim, signal.SIGKILL)
        client.wait_for_workers(2)
        assert victim not in client.run(os.getpid).values()
    check_same(found, serial(model, prepared))


def test_what_a_worker_refuses_comes_back_as_its_sentence(
    stack: tuple[Stack, workers.Opener], cluster: LocalCluster, tmp_path: Path
) -> None:
    prepared, opener = stack
    np.save(tmp_path / "mask.npy", np.ones((96, 112), bool))
    with (
        connected(cluster.scheduler_address) as client,
        pytest.raises(ValueError, match=r"^Z \d+: Every pixel is masked"),
    ):
        list(places_on_workers(client, opener, prepared.axes, list(prepared.axes.places())))


def test_giving_up_cancels_what_is_not_done(stack: tuple[Stack, workers.Opener], cluster: LocalCluster) -> None:
    prepared, opener = stack
    with connected(cluster.scheduler_address) as client:
        events = places_on_workers(client, opener, prepared.axes, list(prepared.axes.places()))
        next(events)
        next(events)
        events.close()
        assert {state.status for state in client.futures.values()} <= {"finished"}


def test_a_scheduler_that_is_lost_is_said(stack: tuple[Stack, workers.Opener]) -> None:
    prepared, opener = stack
    cluster = LocalCluster(n_workers=1, threads_per_worker=1, processes=True, dashboard_address=":0")
    with cluster, connected(cluster.scheduler_address) as client:
        events = places_on_workers(client, opener, prepared.axes, list(prepared.axes.places()))
        next(event for event in events if not isinstance(event, Step))
        cluster.close()
        with pytest.raises(
            ConnectionError, match=r"^The dask scheduler was lost when \d+ of 12 places were finished\.$"
        ):
            list(events)


def connect(*arguments: Any, **options: Any) -> None:
    with connected(*arguments, **options):
        pass


def test_a_scheduler_that_is_not_there_or_has_no_workers_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "_CONNECT_SECONDS", 0.5)
    with pytest.raises(ValueError, match=r"No dask scheduler answers at tcp://127.0.0.1:9"):
        connect("tcp://127.0.0.1:9")
    empty = LocalCluster(n_workers=0, processes=False, dashboard_address=":0")
    with empty, pytest.raises(ValueError, match=r"has no workers"):
        connect(empty.scheduler_address)


def test_workers_with_another_version_are_refused(cluster: LocalCluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Client, "run", lambda self, *_, **__: {"tcp://w": "0.0.1"})
    with pytest.raises(ValueError, match=r"Worker tcp://w has version 0.0.1 of napari-edgeconnect, and here it is"):
        connect(cluster.scheduler_address)


def test_without_the_package_the_sentence_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ImportError, match=r"dask.distributed: pip install \"napari-edgeconnect\[distributed\]\"\.$"):
        connect(threads=2)
