"""Other fills for one hole: each is a repair, no two are the same, and what a person decided holds in all."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
import torch
from skimage import data
from skimage.morphology import thin

from napari_edgeconnect import EdgeConnect, EdgeMap, EdgeSource, Settings
from napari_edgeconnect.core import stages
from napari_edgeconnect.core.alternatives import (
    SIGMAS,
    THRESHOLDS,
    Alternative,
    alternatives,
    alternatives_steps,
)

from .conftest import TINY

Case = tuple[np.ndarray, np.ndarray]


@pytest.fixture
def two_holes(camera: Case) -> Case:
    """Two holes, so far apart that tiny windows do not hold both."""
    image = np.tile(camera[0], (2, 2))
    mask = np.zeros(image.shape, bool)
    mask[40:50, 40:60] = mask[136:146, 150:170] = True
    return image, mask


def in_hole(alternative: Alternative) -> np.ndarray:
    return alternative.edges.for_stage_two()[alternative.edges.hole]


def of_title(made: list[Alternative], title: str) -> Alternative:
    (found,) = (alternative for alternative in made if alternative.title == title)
    return found


def decided_by_hand(edges: EdgeMap) -> EdgeMap:
    """A line drawn across the hole of ``camera``, all proposals in its lower half and a measured edge erased."""
    labels = edges.labels.copy()
    labels[30:42, 55] = EdgeSource.DRAWN
    labels[44:54, 40:70] = EdgeSource.NONE
    labels[:20, :20] = EdgeSource.NONE
    return edges.edited(labels)


# --- each is a repair ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["gray", "colour with alpha", "uint16", "float with NaN"])
def test_known_pixels_are_bit_identical_in_every_alternative(model: EdgeConnect, kind: str) -> None:
    colour = data.astronaut()[60:140, 190:270]
    image = {
        "gray": data.camera()[60:140, 170:250],
        "colour with alpha": np.dstack([colour, colour[..., 0]]),
        "uint16": data.camera()[60:140, 170:250].astype(np.uint16) * 16,
        "float with NaN": np.where(np.eye(80, dtype=bool), np.nan, data.camera()[60:140, 170:250] / 7),
    }[kind]
    mask = np.zeros((80, 80), bool)
    mask[25:50, 30:55] = True
    hole = mask | np.eye(80, dtype=bool) if kind == "float with NaN" else mask
    made = alternatives(model, image, mask)
    assert len(made) > 2
    for alternative in made:
        repaired = alternative.repair.image
        assert repaired.dtype == image.dtype
        assert np.array_equal(alternative.repair.altered, hole)
        assert repaired[~hole].tobytes() == image[~hole].tobytes()
        assert np.isfinite(repaired).all()


def test_the_first_is_what_complete_makes_of_the_proposal(model: EdgeConnect, camera: Case) -> None:
    settings = Settings(sigma=1.5, grow_px=2)
    first = alternatives(model, *camera, settings, sigmas=(1.0,))[0]
    edges = model.hallucinate_edges(*camera, settings)
    assert np.array_equal(first.edges.labels, edges.labels)
    assert np.array_equal(first.edges.probability, edges.probability)
    assert np.array_equal(first.repair.image, model.complete(*camera, edges, settings))
    assert (first.sigma, first.threshold, first.title) == (1.5, 0.3, "sigma 1.5, as proposed")


def test_each_image_is_what_complete_makes_of_its_edges(model: EdgeConnect, camera: Case) -> None:
    for alternative in alternatives(model, *camera):
        edges, repair = alternative.edges, alternative.repair
        assert repair.edges is edges
        again = model.complete(*camera, edges, sigma=alternative.sigma, threshold=alternative.threshold)
        assert np.array_equal(repair.image, again)
        assert np.array_equal(edges.labels, edges.proposal)
        assert repair.record["alternative"] == alternative.title
        assert repair.record["settings"]["sigma"] == alternative.sigma
        assert repair.record["settings"]["threshold"] == repair.record["edges"]["threshold"] == alternative.threshold


def test_no_edges_means_none_in_the_hole_and_the_measured_ones_around_it(model: EdgeConnect, camera: Case) -> None:
    image, mask = camera
    without = of_title(alternatives(model, image, mask, sigmas=()), "no edges")
    assert not without.edges.labels[mask].any()
    assert np.array_equal(without.edges.labels[~mask], model.hallucinate_edges(image, mask).labels[~mask])
    assert np.array_equal(without.repair.image, model.complete(image, mask, np.zeros(mask.shape, bool)))


@pytest.mark.parametrize("sigma", SIGMAS)
@pytest.mark.parametrize("threshold", THRESHOLDS)
def test_a_threshold_makes_certain_lines_of_its_proposals(
    model: EdgeConnect, camera: Case, sigma: float, threshold: float
) -> None:
    image, mask = camera
    proposed = model.hallucinate_edges(image, mask, sigma=sigma, threshold=threshold)
    lines = thin(proposed.labels > 0) & mask
    made = alternatives(model, image, mask, Settings(sigma=sigma), sigmas=(sigma,), thresholds=(threshold,))
    same = [a for a in made if np.array_equal(in_hole(a), lines[mask])]
    assert len(same) == 1, "certain lines, or none: then it is the one without edges"
    # The same lines drawn by hand are another way to the same picture.
    assert np.array_equal(same[0].repair.image, model.complete(image, mask, lines, sigma=sigma))
    assert lines.any() == (same[0].title != "no edges")


def test_sigma_none_is_a_sigma_like_others(model: EdgeConnect, camera: Case) -> None:
    image, mask = camera
    made = alternatives(model, image, mask, Settings(sigma=None), sigmas=(2.0, None), thresholds=(0.2,))
    assert made[0].title == "no known edges, as proposed"
    assert [a.title for a in made if (a.edges.labels[~mask] > 0).any()] == ["sigma 2, threshold 0.2"]
    assert {a.sigma for a in made} == {2.0, None}
    assert np.array_equal(made[0].repair.image, model.inpaint(image, mask, sigma=None))


def test_the_image_and_the_mask_are_not_modified(model: EdgeConnect, camera: Case) -> None:
    before = [array.copy() for array in camera]
    for array in camera:
        array.flags.writeable = False
    alternatives(model, *camera)
    assert all(np.array_equal(array, old) for array, old in zip(camera, before, strict=True))


# --- a choice -----------------------------------------------------------------------------------------------------


def test_no_two_alternatives_are_the_same(model: EdgeConnect, camera: Case) -> None:
    made = alternatives(model, *camera)
    assert len(made) > 4
    for a, b in combinations(made, 2):
        assert not np.array_equal(a.repair.image, b.repair.image)
        assert not np.array_equal(in_hole(a), in_hole(b))


def test_what_is_asked_for_twice_is_given_once(model: EdgeConnect, camera: Case) -> None:
    made = alternatives(model, *camera, sigmas=(1.0, 1.0, 2.0), thresholds=(0.2, 0.2))
    assert sorted(a.title for a in made) == sorted(
        ["sigma 2, as proposed", "no edges", "sigma 1, threshold 0.2", "sigma 2, threshold 0.2"]
    )


def test_a_threshold_that_finds_nothing_gives_no_second_fill_without_edges(model: EdgeConnect, camera: Case) -> None:
    made = alternatives(model, *camera, thresholds=(1.0,))
    assert sorted(a.title for a in made) == ["no edges", "sigma 2, as proposed"]


def test_fills_of_other_edges_but_the_same_pixels_are_given_once(model: EdgeConnect) -> None:
    image = np.full((64, 64), 90, np.uint8)  # nothing to standardise by: edges change nothing
    mask = np.zeros(image.shape, bool)
    mask[20:40, 20:40] = True
    edges = model.hallucinate_edges(image, mask)
    assert edges.probability[mask].any()
    (only,) = alternatives(model, image, mask)
    assert only.title == "sigma 2, as proposed"


def test_an_empty_mask_leaves_nothing_to_choose(model: EdgeConnect, camera: Case) -> None:
    image = camera[0]
    steps, (only,) = run(alternatives_steps(model, image, np.zeros(image.shape, bool)))
    assert np.array_equal(only.repair.image, image)
    assert [(step.done, step.total) for step in steps] == [(0, 0)]


@pytest.mark.parametrize("colour", [False, True])
def test_the_most_alike_to_the_first_come_first(model: EdgeConnect, camera: Case, colour: bool) -> None:
    image, mask = camera
    if colour:
        image = data.astronaut()[60:156, 170:282]
    made = [a.repair.image.astype(int) for a in alternatives(model, image, mask)]
    differences = [np.abs(other - made[0])[mask].mean() for other in made[1:]]
    assert differences == sorted(differences)
    assert 0 < differences[0] < differences[-1]


# --- a person's decisions -----------------------------------------------------------------------------------------


def test_what_a_person_decided_holds_in_every_alternative(model: EdgeConnect, camera: Case) -> None:
    image, mask = camera
    before = decided_by_hand(model.hallucinate_edges(image, mask, threshold=0.1))
    assert before.erased[mask].any()
    assert before.erased[~mask].any()
    made = alternatives(model, image, mask, before=before)
    assert len(made) > 2
    for alternative in made:
        edges = alternative.edges
        assert np.array_equal(edges.decided, before.decided)
        assert np.array_equal(edges.labels[before.decided], before.labels[before.decided])
        given = edges.for_stage_two()
        assert (given[before.drawn] == 1).all()
        assert not given[before.erased].any()
        record = alternative.repair.record["edges"]
        assert (record["drawn_px"], record["erased_px"]) == (before.drawn.sum(), before.erased.sum())
    without = of_title(made, "no edges")
    assert np.array_equal(without.edges.labels[mask] > 0, before.drawn[mask])


def test_with_decisions_the_first_is_what_hallucinating_again_gives(model: EdgeConnect, camera: Case) -> None:
    before = decided_by_hand(model.hallucinate_edges(*camera, sigma=3, threshold=0.1))
    first = alternatives(model, *camera, sigmas=(), before=before)[0]
    edges = before.again(model.hallucinate_edges(*camera))
    assert np.array_equal(first.repair.image, model.complete(*camera, edges))


# --- refusals and steps -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("threshold", [0, -0.1, 1.01, float("nan")])
def test_a_threshold_that_is_none_has_its_sentence(model: EdgeConnect, camera: Case, threshold: float) -> None:
    with pytest.raises(ValueError, match=r"^A threshold is .+: give probabilities above 0 and up to 1\.$") as refusal:
        alternatives(model, *camera, thresholds=(0.2, threshold))
    assert f"is {threshold!r}:" in str(refusal.value)


def test_a_sigma_that_is_none_is_refused_before_anything_runs(
    model: EdgeConnect, camera: Case, calls: list[str]
) -> None:
    with pytest.raises(ValueError, match="sigma is 0"):
        alternatives(model, *camera, sigmas=(1.0, 0))
    assert calls == []


def test_edges_of_another_plane_are_refused(model: EdgeConnect, camera: Case) -> None:
    before = model.hallucinate_edges(*camera).cropped((slice(0, 50), slice(0, 60)))
    with pytest.raises(ValueError, match=r"shape \(96, 112\), but the plane is \(50, 60\)"):
        alternatives(model, *camera, before=before)


def test_stage_one_runs_once_for_each_sigma(model: EdgeConnect, camera: Case, calls: list[str]) -> None:
    made = alternatives(model, *camera, sigmas=(1.0, 2.0), thresholds=(0.1, 0.2, 0.4))
    assert calls == ["edge_probability"] * 2 + ["completed"] * len(made)


@pytest.mark.parametrize("thresholds", [THRESHOLDS, (0.2, 1.0)], ids=["all differ", "the last is left out"])
def test_steps_count_up_to_their_total(model: EdgeConnect, two_holes: Case, thresholds: tuple[float, ...]) -> None:
    steps, made = run(alternatives_steps(model, *two_holes, TINY, thresholds=thresholds))
    (total,) = {step.total for step in steps}
    assert total == 2 * (len(SIGMAS) + 2 + len(SIGMAS) * len(thresholds))  # two windows in each run
    done = [step.done for step in steps]
    assert done == sorted(set(done))
    assert (done[0], done[-1]) == (0, total)
    assert len(steps) == 2 * (len(SIGMAS) + len(made)) + 1
    assert steps[0].what == "Hallucinating edges: sigma 2"
    assert "Completing: no edges" in {step.what for step in steps}
    assert steps[-1].what == "Done"
    directly = alternatives(model, *two_holes, TINY, thresholds=thresholds)
    assert [a.title for a in made] == [a.title for a in directly]
    assert all(np.array_equal(a.repair.image, b.repair.image) for a, b in zip(made, directly, strict=True))


def test_steps_keep_their_total_when_memory_runs_out(
    model: EdgeConnect, camera: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("edge_probability", "completed"):
        original = getattr(stages.Stages, name)

        def limited(self, views, original=original, **options):
            if sum(v.unknown.size for v in views) > 100 * 100:
                raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
            return original(self, views, **options)

        monkeypatch.setattr(stages.Stages, name, limited)
    image = np.tile(camera[0], (2, 2))
    mask = np.zeros(image.shape, bool)
    mask[40:50, 40:60] = mask[146:156, 170:190] = True
    settings = Settings(margin_px=64, smallest_window_px=64, largest_window_px=256)
    steps, made = run(alternatives_steps(model, image, mask, settings, sigmas=(2.0,)))
    assert "Memory ran out" in made[0].repair.record["notes"][0]
    (total,) = {step.total for step in steps}
    done = [step.done for step in steps]
    assert done == sorted(done)
    assert done[-1] == total


def test_closing_the_steps_runs_no_further_window(model: EdgeConnect, two_holes: Case, calls: list[str]) -> None:
    steps = alternatives_steps(model, *two_holes, TINY)
    while not next(steps).what.startswith("Completing"):
        pass
    next(steps)
    before = list(calls)
    steps.close()
    assert calls == before == ["edge_probability"] * 2 * len(SIGMAS) + ["completed"]
    with pytest.raises(StopIteration):
        next(steps)


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The networks' runs, by name."""
    seen: list[str] = []
    for name in ("edge_probability", "completed"):
        original = getattr(stages.Stages, name)

        def counted(self, views, name=name, original=original, **options):
            seen.append(name)
            return original(self, views, **options)

        monkeypatch.setattr(stages.Stages, name, counted)
    return seen


def run(steps):
    """All steps, and what they return."""
    seen = []
    while True:
        try:
            seen.append(next(steps))
        except StopIteration as stop:
            return seen, stop.value
