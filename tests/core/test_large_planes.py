"""Planes larger than memory: read in parts, repaired as the whole plane is with the same contrast."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from contract import same_bits
from skimage import data

from napari_edgeconnect import EdgeConnect, Settings
from napari_edgeconnect.core import cutouts
from napari_edgeconnect.core.holes import Box
from napari_edgeconnect.core.patched import Patched
from napari_edgeconnect.core.results import Step, result_of
from napari_edgeconnect.core.settings import StackSettings
from napari_edgeconnect.core.stack import Stack
from napari_edgeconnect.core.stack_fill import Fill
from napari_edgeconnect.core.stack_run import place_steps, places_steps, plane_records, repair_stack

from .conftest import TINY

SHAPE = (400, 520)


@contextmanager
def all_planes_are_large() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cutouts, "WHOLE_PLANE_PX", 1000)
        patch.setattr(cutouts, "READ_PX", 96)
        patch.setattr(cutouts, "_CONTRAST_SQUARE_PX", 16)
        yield


@pytest.fixture
def large() -> Iterator[None]:
    with all_planes_are_large():
        yield


def picture(dtype: str = "u2", shape: tuple[int, int] = SHAPE) -> np.ndarray:
    image = np.tile(data.camera(), (6, 6))[: shape[0], : shape[1]]
    return (image.astype(np.uint16) * 12 + 100).astype(dtype) if dtype != "u1" else image.copy()


def specks(shape: tuple[int, int] = SHAPE) -> np.ndarray:
    """Holes alone, at a corner, near each other and larger than a window."""
    mask = np.zeros(shape, bool)
    mask[:4, :5] = mask[200:207, 250:262] = mask[30:33, 300:340] = mask[45:60, 310:312] = mask[300:375, 400:470] = True
    return mask


def repaired(model: EdgeConnect, stack: Stack) -> tuple[np.ndarray, np.ndarray, list[dict[str, Any]]]:
    shape = tuple(size for name, size in zip(stack.axes.names, stack.axes.shape, strict=True) if name != "S")
    out, altered = np.zeros(stack.axes.shape, stack.image.dtype), np.zeros(shape, bool)
    return out, altered, repair_stack(model, stack, out, altered)


class Recorded:
    """An array that remembers what it was asked for."""

    def __init__(self, array: np.ndarray) -> None:
        self._array = array
        self.shape, self.dtype = array.shape, array.dtype
        self.asked: list[tuple[slice, slice]] = []

    def __getitem__(self, key: Any) -> np.ndarray:
        self.asked.append(key[-2:])
        return self._array[key]


def with_contrast(record: dict[str, Any], settings: Settings) -> Settings:
    assert record["mapping"]["kind"] == "given"
    return replace(settings, contrast=(record["mapping"]["low"], record["mapping"]["high"]))


def test_a_large_plane_is_repaired_as_a_whole_one_with_its_contrast(model: EdgeConnect, large: None) -> None:
    image, settings = picture(), replace(TINY, grow_px=2, match_noise=True, seed=5)
    stack = Stack.prepare(image, specks(), "YX", settings=settings)
    out, altered, (record,) = repaired(model, stack)
    chosen = with_contrast(record, stack.settings_at(()))
    assert chosen == stack.settings_at(())
    whole = model.inpaint(image, specks(), chosen, return_record=True)
    assert same_bits(out, whole.image)
    assert np.array_equal(altered, whole.altered)
    for name in ("image", "mapping", "mask_px", "hole_px", "hole_fraction", "holes", "settings", "notes"):
        assert record[name] == whole.record[name], name
    assert {**record["edges"], "sha256": 0} == {**whole.record["edges"], "sha256": 0}  # digests are of each part
    assert sorted(map(str, record["windows"])) == sorted(map(str, whole.record["windows"]))
    low, high = np.percentile(image, (0.5, 99.5))
    assert np.allclose(chosen.contrast, (low, high), atol=0.1 * (high - low))


def test_little_more_than_the_damage_is_read(model: EdgeConnect, large: None) -> None:
    image = Recorded(np.stack([picture(shape=(3000, 3000))] * 2))
    mask = np.zeros((3000, 3000), bool)
    mask[1000:1010, 700:720] = mask[:6, 2990:] = True
    stack = Stack.prepare(image, mask, "ZYX", settings=TINY)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cutouts, "READ_PX", 1024)
        fills = result_of(place_steps(model, stack, (1,)))
    boxes = [Box(rows.start, rows.stop, columns.start, columns.stop) for rows, columns in image.asked]
    near = [Box(900, 1110, 600, 820), Box(0, 120, 2880, 3000)]
    squares = [box for box in boxes if box.shape == (16, 16)]
    assert 60 <= len(squares) <= 64
    assert all(box in squares or any(box == box.shared(n) for n in near if n.overlaps(box)) for box in boxes)
    assert [fill.box for fill in fills] == [Box(0, 6, 2990, 3000), Box(1000, 1010, 700, 720)]
    assert sum(fill.altered.size for fill in fills) == 260


class Endless:
    """A plane that is nowhere: each part is made when it is asked for, and counted."""

    def __init__(self, side: int, make: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> None:
        self.shape, self._make = (side, side), make
        self.dtype = make(np.zeros((1, 1), int), np.zeros((1, 1), int)).dtype
        self.asked_px = 0

    def __getitem__(self, key: tuple[slice, slice]) -> np.ndarray:
        rows, columns = (np.arange(*one.indices(size)) for one, size in zip(key, self.shape, strict=True))
        self.asked_px += rows.size * columns.size
        return self._make(rows[:, None], columns[None])


def test_a_plane_far_larger_than_the_memory_used_is_repaired(model: EdgeConnect) -> None:
    picture = data.camera().astype(np.uint16) * 16
    image = Endless(30_000, lambda rows, columns: picture[rows % 512, columns % 512])
    mask = Endless(30_000, lambda rows, columns: (rows // 10 % 1500 == 700) & (columns // 10 % 1500 == 900))
    stack = Stack.prepare(image, mask, "YX")
    tracemalloc.start()
    fills = result_of(place_steps(model, stack, ()))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    corners = [(fill.box.top, fill.box.left) for fill in fills if fill.box]
    assert corners == [(7000, 9000), (7000, 24_000), (22_000, 9000), (22_000, 24_000)]
    assert all(fill.altered.all() and fill.altered.shape == (10, 10) for fill in fills)
    assert peak < 250e6 < image.shape[0] * image.shape[1]
    assert image.asked_px < 0.01 * image.shape[0] * image.shape[1]
    (record,) = plane_records(fills)
    assert record["hole_px"] == 400
    assert len(record["windows"]) == 4


def test_planes_up_to_the_limit_are_repaired_whole(model: EdgeConnect, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cutouts, "WHOLE_PLANE_PX", SHAPE[0] * SHAPE[1])
    stack = Stack.prepare(picture(), specks(), "YX", settings=TINY)
    out, _, (record,) = repaired(model, stack)
    assert record["mapping"]["kind"] == "percentiles"
    assert same_bits(out, model.inpaint(picture(), specks(), TINY))


def test_colours_keep_their_fixed_contrast_and_alpha(model: EdgeConnect, large: None) -> None:
    colour = np.tile(data.astronaut()[:200, :300], (2, 2, 1))[: SHAPE[0], : SHAPE[1]]
    image = np.dstack([colour, colour[..., 0]])
    out, _, (record,) = repaired(model, Stack.prepare(image, specks(), "YXS", settings=TINY))
    assert record["mapping"]["kind"] == "divide by 255"
    assert same_bits(out, model.inpaint(image, specks(), TINY))


def test_pixels_that_are_not_finite_are_found_everywhere(model: EdgeConnect, large: None) -> None:
    image = picture("f4")
    image[150, 90:95] = np.nan
    image[380, 20] = np.inf
    for mask in (specks(), np.zeros(SHAPE, bool)):
        out, altered, (record,) = repaired(model, Stack.prepare(image, mask, "YX", settings=TINY))
        whole = model.inpaint(image, mask, with_contrast(record, TINY), return_record=True)
        assert same_bits(out, whole.image)
        assert np.array_equal(altered, mask | ~np.isfinite(image))
        assert record["nonfinite_px"] == 6


@pytest.mark.parametrize("edges_from", [1, "strongest", "own"])
def test_a_channel_guides_others_in_cutouts_as_in_planes(
    model: EdgeConnect, large: None, edges_from: int | str
) -> None:
    image = np.stack([picture()[::-1].copy(), picture()], axis=1)  # YCX
    masks = np.stack([specks(), np.roll(specks(), 23, axis=0)], axis=1)
    choices = StackSettings(edges_from=edges_from)  # type: ignore[arg-type]
    stack = Stack.prepare(image, masks, "YCX", settings=TINY, choices=choices)
    out, altered, records = repaired(model, stack)
    assert [record["plane"]["channel"] for record in records] == [0, 1]
    assert np.array_equal(altered, masks)
    shared = tuple(with_contrast(record, TINY).contrast for record in records)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cutouts, "WHOLE_PLANE_PX", 10**9)
        whole, _, _ = repaired(model, replace(stack, contrasts=shared))
    assert same_bits(out, whole)


def test_large_planes_are_completed_from_given_and_from_kept_edges(model: EdgeConnect, large: None) -> None:
    image = np.stack([picture(), picture()[::-1]])
    drawn = specks() & (np.random.default_rng(0).random(SHAPE) > 0.9)
    choices = StackSettings(mapping="stack")
    stack = Stack.prepare(image, specks(), "ZYX", settings=TINY, choices=choices)
    out, _, _ = repaired(model, stack.with_edges(drawn))
    for z in range(2):
        assert same_bits(out[z], model.complete(image[z], specks(), drawn, stack.settings_at((z,))))
    keeping = replace(stack, keeps_edges=True)
    by_place = {place: result_of(place_steps(model, keeping, place)) for place in stack.axes.places()}
    view = Patched(keeping, by_place.__getitem__)
    labels, probability = (np.stack(list(view.each(name))) for name in ("labels", "probability"))
    again, _, _ = repaired(model, stack.with_edges(labels, probability=probability))
    first, _, _ = repaired(model, stack)
    assert same_bits(again, first)
    tiles = list(cutouts.tiles(SHAPE, 128))
    parts = list(view.each("labels", tiles))
    assert all(np.array_equal(part, labels[n // len(tiles)][tiles[n % len(tiles)].slices])
               for n, part in enumerate(parts))  # fmt: skip


def test_a_view_shows_parts_of_a_large_plane(model: EdgeConnect, large: None) -> None:
    image = np.stack([picture(), picture()[::-1]], axis=2)  # YXT
    stack = Stack.prepare(image, specks(), "YXT", settings=TINY)
    fills: dict[tuple[int, ...], list[Fill]] = {}
    for event in places_steps(model, stack, [(1,)]):
        if not isinstance(event, Step):
            fills[event.place] = event.fills
    view = Patched(stack, lambda place: fills.get(place, []))
    out = image.copy()
    for index in view.changed():
        out[index] = view[index]
    assert len(list(view.changed())) == len(fills[1,]) > 2
    expected, _, _ = repaired(model, stack)
    assert same_bits(out[..., 1], expected[..., 1])
    assert same_bits(out[..., 0], image[..., 0])
    for box in cutouts.tiles(SHAPE, 37):
        assert same_bits(view[(*box.slices, 1)], expected[(*box.slices, 1)])
    assert same_bits(view[250:, ::7], np.stack([image[250:, ::7, 0], expected[250:, ::7, 1]], axis=2))


def test_a_large_plane_without_damage_is_left_alone(model: EdgeConnect, large: None) -> None:
    image = Recorded(picture())
    stack = Stack.prepare(image, np.zeros(SHAPE, np.uint8), "YX", settings=TINY)
    assert result_of(place_steps(model, stack, ())) == []
    assert image.asked == []
    assert plane_records([]) == []


def test_a_large_plane_that_is_all_hole_is_refused(model: EdgeConnect, large: None) -> None:
    stack = Stack.prepare(picture(), np.ones(SHAPE), "YX", settings=TINY)
    with pytest.raises(ValueError, match=r"^Every pixel is masked"):
        result_of(place_steps(model, stack, ()))
