"""Stacks: every plane comes out as it would alone, and what all share is decided once."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import zarr
from contract import any_bits, same_bits
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage import data

from napari_edgeconnect import EdgeConnect, EdgeMap, Settings
from napari_edgeconnect.core import stages
from napari_edgeconnect.core.job import Job
from napari_edgeconnect.core.results import result_of
from napari_edgeconnect.core.settings import StackSettings
from napari_edgeconnect.core.stack import Stack
from napari_edgeconnect.core.stack_fill import Fill
from napari_edgeconnect.core.stack_run import place_steps, repair_stack, repair_stack_steps

from .conftest import TINY


def crops(count: int, side: int = 96) -> np.ndarray:
    """Different crops of one picture, (count, side, side) uint16."""
    image = data.camera().astype(np.uint16) * 12 + 100
    return np.stack([image[60 + 30 * i :][:side, 170 + 20 * i :][:, :side] for i in range(count)])


def square(side: int = 96) -> np.ndarray:
    mask = np.zeros((side, side), dtype=bool)
    mask[30:50, 40:60] = True
    return mask


def repaired(model: EdgeConnect, stack: Stack) -> np.ndarray:
    out = np.zeros(stack.axes.shape, stack.image.dtype)
    repair_stack(model, stack, out)
    return out


# --- planes -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mapping", ["plane", "stack"])
def test_a_stack_is_repaired_as_each_of_its_planes_would_be_alone(model: EdgeConnect, mapping: str) -> None:
    image = np.stack([crops(3), crops(3)[::-1] // 3], axis=1)  # TCYX
    masks = np.zeros((3, 96, 96), dtype=bool)
    masks[0] = square()
    masks[2, 70:80, 5:90] = True
    before = image.copy()
    stack = Stack.prepare(image, masks, "TCYX", mask_axes="TYX", settings=TINY, choices=StackSettings(mapping=mapping))
    out, altered = np.zeros_like(image), np.zeros(image.shape, dtype=bool)
    records = repair_stack(model, stack, out, altered)
    assert same_bits(image, before)
    assert np.array_equal(altered, np.broadcast_to(masks[:, None], image.shape))
    assert same_bits(out[~altered], image[~altered])
    assert [(r["plane"]["place"], r["plane"]["channel"]) for r in records] == [([0], 0), ([0], 1), ([2], 0), ([2], 1)]
    assert json.loads(json.dumps(records)) == records
    for t, c in ((0, 0), (0, 1), (2, 0), (2, 1)):
        alone = TINY
        if mapping == "stack":
            low, high = (records[c]["mapping"][name] for name in ("low", "high"))
            alone = replace(TINY, contrast=(low, high))
        assert same_bits(out[t, c], model.inpaint(image[t, c], masks[t], alone))


@pytest.mark.parametrize("dtype", ["u1", ">u2", "i2", "f4", "f8"])
@settings(max_examples=4)
@given(draw=st.data())
def test_known_pixels_are_bit_identical_in_any_order_of_axes(
    model: EdgeConnect, dtype: str, draw: st.DataObject
) -> None:
    names = "".join(draw.draw(st.permutations("TCYX")))
    shape = tuple({"T": 2, "C": 2, "Y": 17, "X": 14}[name] for name in names)
    image = any_bits(dtype, shape, draw.draw(st.integers(0, 2**32)))
    mask = np.random.default_rng(draw.draw(st.integers(0, 99))).random(shape) < 0.1
    stack = Stack.prepare(image, mask, names, settings=TINY)
    out, altered = np.zeros_like(image), np.zeros(shape, dtype=bool)
    repair_stack(model, stack, out, altered)
    assert np.array_equal(altered, mask | ~np.isfinite(image))
    assert same_bits(out[~altered], image[~altered])
    assert np.isfinite(out.astype(np.float64)[altered]).all()


def test_colours_are_one_plane_and_alpha_is_kept(model: EdgeConnect) -> None:
    colour = data.astronaut()[:64, :64]
    image = np.stack([np.dstack([colour, colour[..., 0]]), np.dstack([colour[::-1], colour[..., 1]])], axis=3)  # YXST
    stack = Stack.prepare(image, square(64), "YXST", settings=TINY)
    out = repaired(model, stack)
    for t in range(2):
        assert same_bits(out[..., t], model.inpaint(image[..., t], square(64), TINY))


def test_planes_without_damage_run_no_network_and_are_copied(
    model: EdgeConnect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stages.Stages, "edge_probability", None)
    image = crops(2)
    stack = Stack.prepare(image, np.zeros(image.shape, bool), "ZYX")
    assert same_bits(repaired(model, stack), image)


def test_zarr_goes_in_and_out(model: EdgeConnect, tmp_path: Path) -> None:
    image = crops(3)
    source = zarr.create_array(tmp_path / "in.zarr", data=image, chunks=(1, 48, 48))
    out = zarr.create_array(tmp_path / "out.zarr", shape=image.shape, dtype=image.dtype, chunks=(2, 96, 32))
    altered = zarr.create_array(tmp_path / "altered.zarr", shape=image.shape, dtype=bool, chunks=(1, 96, 96))
    repair_stack(model, Stack.prepare(source, square(), "ZYX", settings=TINY), out, altered)
    assert same_bits(out[...], repaired(model, Stack.prepare(image, square(), "ZYX", settings=TINY)))
    assert np.array_equal(altered[...], np.broadcast_to(square(), image.shape))


def test_steps_count_places_and_closing_them_stops(model: EdgeConnect) -> None:
    image = crops(3)
    out = np.zeros_like(image)
    steps = repair_stack_steps(model, Stack.prepare(image, square(), "ZYX", settings=TINY), out)
    seen = [next(steps) for _ in range(4)]
    assert [step.done for step in seen] == [0, 0, 0, 1]
    assert {step.total for step in seen} == {3}
    assert seen[3].what == "Z 1: Hallucinating edges"
    steps.close()
    assert not out[1:].any()


# --- what planes share --------------------------------------------------------------------------------------------


def static_scene(frames: int, deviation: float) -> np.ndarray:
    """A film of one scene with camera noise, in which something bright comes into a far corner."""
    scene = np.tile(data.camera()[60:188, 170:298], (1, 3)) * 10.0 + 200
    film = scene + np.random.default_rng(0).normal(0, deviation, (frames, *scene.shape))
    film[frames // 2 :, :60, -60:] = 20_000
    return np.rint(film).astype(np.uint16)


def jumps(model: EdgeConnect, film: np.ndarray, mapping: str) -> np.ndarray:
    """Root mean square of the change of the fill from each frame to the next."""
    mask = np.zeros(film.shape[1:], dtype=bool)
    mask[60:80, 50:75] = True  # its window does not see the corner
    out = repaired(model, Stack.prepare(film, mask, "TYX", choices=StackSettings(mapping=mapping)))
    return np.sqrt((np.diff(out[:, mask].astype(float), axis=0) ** 2).mean(axis=1))


def test_the_fill_of_a_static_scene_does_not_jump_with_one_mapping_for_the_stack(model: EdgeConnect) -> None:
    film = static_scene(4, deviation=0)
    assert not jumps(model, film, "stack").any()
    assert jumps(model, film, "plane")[1] > 20  # of the mapping alone


def test_the_fill_of_a_noisy_static_scene_changes_less_than_its_noise(model: EdgeConnect) -> None:
    assert (jumps(model, static_scene(4, deviation=20), "stack") < 20 * np.sqrt(2)).all()


def test_matching_noise_is_another_in_each_plane_and_the_same_again(model: EdgeConnect) -> None:
    film = static_scene(2, deviation=20)[:, :, :128]
    film[1] = film[0]
    stack = Stack.prepare(film, square(128), "TYX", settings=Settings(match_noise=True, seed=3))
    first, second = repaired(model, stack)
    assert not np.array_equal(first, second)
    assert same_bits(first, model.inpaint(film[0], square(128), stack.settings_at((0,))))
    assert same_bits(second, model.inpaint(film[1], square(128), stack.settings_at((1,))))


# --- channels -----------------------------------------------------------------------------------------------------


def two_channels() -> np.ndarray:
    """A channel of noise, and one with a picture: (2, 96, 96) uint16."""
    return np.stack([np.random.default_rng(0).integers(900, 1100, (96, 96)).astype(np.uint16), crops(1)[0]])


def test_one_channels_edges_guide_all(model: EdgeConnect) -> None:
    image = two_channels()
    out = repaired(model, Stack.prepare(image, square(), "CYX", choices=StackSettings(edges_from=1), settings=TINY))
    edges = model.hallucinate_edges(image[1], square(), TINY)
    for channel in range(2):
        assert same_bits(out[channel], model.complete(image[channel], square(), edges, TINY))
    own = repaired(model, Stack.prepare(image, square(), "CYX", settings=TINY))
    assert same_bits(own[1], out[1])
    assert not same_bits(own[0], out[0])


def test_stage_one_runs_once_a_place_for_all_channels(model: EdgeConnect, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    original = stages.Stages.edge_probability
    monkeypatch.setattr(
        stages.Stages, "edge_probability", lambda self, views, **kw: calls.append(1) or original(self, views, **kw)
    )
    image = np.stack([two_channels()] * 3)
    repaired(model, Stack.prepare(image, square(), "TCYX", choices=StackSettings(edges_from=0), settings=TINY))
    assert len(calls) == 3


def test_the_strongest_channel_is_the_one_that_stands_out_from_its_noise(model: EdgeConnect) -> None:
    image = two_channels()
    choices = StackSettings(edges_from="strongest")
    assert Stack.prepare(image, square(), "CYX", choices=choices).guide == 1
    assert Stack.prepare(image[::-1], square(), "CYX", choices=choices).guide == 0


def test_a_channel_that_is_intact_guides_with_the_edges_measured_in_it(model: EdgeConnect) -> None:
    image = two_channels()
    masks = np.stack([square(), np.zeros_like(square())])
    stack = Stack.prepare(image, masks, "CYX", choices=StackSettings(edges_from=1), settings=TINY)
    out = repaired(model, stack)
    assert same_bits(out[1], image[1])
    nothing = model.hallucinate_edges(image[1], masks[1], TINY)
    (window,) = Job.prepare(image[0], square(), TINY).plan.windows
    measured = np.zeros((96, 96), bool)
    measured[window.box.slices] = Job.prepare(image[1], masks[1], TINY).measured(window.box)
    assert measured[square()].any()
    expected = model.complete(image[0], square(), nothing.with_measured(measured), TINY)
    assert same_bits(out[0], expected)


# --- edges --------------------------------------------------------------------------------------------------------


def test_a_stack_is_completed_from_given_edges_as_each_plane_would_be(model: EdgeConnect) -> None:
    image = np.stack([crops(2), crops(2)[::-1]], axis=1)  # TCYX
    labels = np.zeros((2, 96, 96), np.uint8)  # for both channels
    labels[0, 35:45, 50], labels[1, 40, 42:58] = 3, 2
    probability = np.random.default_rng(0).random((2, 96, 96)).astype(np.float32)
    stack = Stack.prepare(image, square(), "TCYX", settings=TINY)
    hard = repaired(model, stack.with_edges(labels, "TYX"))
    soft = repaired(model, stack.with_edges(labels, "TYX", probability=probability))
    drawn = repaired(model, stack.with_edges(labels[0] > 0))
    for t, c in np.ndindex(2, 2):
        assert same_bits(hard[t, c], model.complete(image[t, c], square(), labels[t], TINY))
        edges = EdgeMap(labels[t], probability[t], square(), TINY.threshold)
        assert same_bits(soft[t, c], model.complete(image[t, c], square(), edges, TINY))
        assert same_bits(drawn[t, c], model.complete(image[t, c], square(), labels[0] > 0, TINY))


def test_kept_edges_give_the_same_completion_again(model: EdgeConnect) -> None:
    image = crops(3)
    stack = Stack.prepare(image, square(), "ZYX", settings=TINY)
    keeping = replace(stack, keeps_edges=True)
    fills = [fill for place in stack.axes.places() for fill in place_fills(model, keeping, place)]
    labels, probability = (np.stack([getattr(fill, name) for fill in fills]) for name in ("labels", "probability"))
    again = stack.with_edges(labels, probability=probability)
    assert same_bits(repaired(model, again), repaired(model, stack))
    (without,) = place_fills(model, stack, (0,))
    assert without.labels is None


def place_fills(model: EdgeConnect, stack: Stack, place: tuple[int, ...]) -> list[Fill]:
    return result_of(place_steps(model, stack, place))


def test_edges_that_do_not_fit_are_refused() -> None:
    stack = Stack.prepare(crops(2), square(), "ZYX")
    labels = np.zeros((2, 96, 96), np.uint8)
    with pytest.raises(ValueError, match=r"The edge image is 3 long along Z, but the image 2"):
        stack.with_edges(np.zeros((3, 96, 96), np.uint8))
    with pytest.raises(ValueError, match=r"The edge image has the axes 'TYX', but the image 'ZYX': it has no T"):
        stack.with_edges(labels, "TYX")
    with pytest.raises(ValueError, match=r"probabilities have shape"):
        stack.with_edges(labels, probability=np.zeros((96, 96), np.float32))
    with pytest.raises(ValueError, match=r"probabilities go with labels"):
        stack.with_edges(labels > 0, probability=labels / 3)
    guided = Stack.prepare(two_channels(), square(), "CYX", choices=StackSettings(edges_from=1))
    with pytest.raises(ValueError, match=r"edges_from is 1, but edges are given"):
        guided.with_edges(labels)


# --- refusals -----------------------------------------------------------------------------------------------------


def test_a_plane_that_cannot_be_repaired_is_named(model: EdgeConnect) -> None:
    masks = np.zeros((3, 96, 96), dtype=bool)
    masks[1] = True
    with pytest.raises(ValueError, match=r"^Z 1: Every pixel is masked"):
        repaired(model, Stack.prepare(crops(3), masks, "ZYX"))


def test_what_does_not_fit_is_refused(model: EdgeConnect) -> None:
    image = crops(2)
    with pytest.raises(ValueError, match="edges_from is 1, but the image has 1 channels"):
        Stack.prepare(image, square(), "ZYX", choices=StackSettings(edges_from=1))
    with pytest.raises(ValueError, match="edges_from is 'loudest'"):
        StackSettings(edges_from="loudest")
    with pytest.raises(ValueError, match="mapping is 'film'"):
        StackSettings(mapping="film")
    with pytest.raises(ValueError, match="no common mapping"):
        Stack.prepare(image, np.ones((96, 96)), "ZYX", choices=StackSettings(mapping="stack"))
    stack = Stack.prepare(image, square(), "ZYX")
    with pytest.raises(ValueError, match=r"out has shape .* and dtype uint8"):
        repair_stack(model, stack, np.zeros(image.shape, np.uint8))
    with pytest.raises(ValueError, match="altered has shape"):
        repair_stack(model, stack, np.zeros_like(image), np.zeros((96, 96), bool))


def test_a_given_contrast_is_used_recorded_and_checked(model: EdgeConnect) -> None:
    image = crops(1)[0]
    repair = model.inpaint(image, square(), TINY, contrast=(100, 4000), return_record=True)
    assert repair.record["mapping"] == {"kind": "given", "low": 100, "high": 4000}
    assert not same_bits(repair.image, model.inpaint(image, square(), TINY))
    known = image[~square()]
    assert known.min() <= repair.image[square()].min() <= repair.image[square()].max() <= known.max()
    with pytest.raises(ValueError, match=r"contrast is .*the lower one first"):
        Settings(contrast=(4, 4))
    with pytest.raises(ValueError, match="seed is -1"):
        Settings(seed=-1)
