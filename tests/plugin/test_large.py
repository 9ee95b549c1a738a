"""Planes larger than memory in the widget: what is read, what is written, and that a part comes out as in the whole."""

from __future__ import annotations

import gc
from itertools import product

import dask.array as da
import numpy as np
import pytest
from contract import same_bits
from skimage import data

from napari_edgeconnect import EdgeConnect, Settings
from napari_edgeconnect.core import cutouts
from napari_edgeconnect.core.holes import Box
from napari_edgeconnect.core.job import measured_edges
from napari_edgeconnect.core.overlay import Overlay
from napari_edgeconnect.plugin import large, lazy_results
from napari_edgeconnect.plugin import layers as ours
from napari_edgeconnect.plugin.damage import TOOLS
from napari_edgeconnect.plugin.panel import ALL_PARTS, THIS_PART

from .conftest import PATIENCE_MS, status

SIDE, CHUNK = 20_000, 512


class Slide:
    """A multiscale image of 20 000 x 20 000 px that makes its chunks when they are read, and remembers which."""

    def __init__(self) -> None:
        self.read: list[set[tuple[int, int]]] = [set(), set(), set()]
        self.levels = [self._level(number) for number in range(3)]

    def _level(self, number: int) -> da.Array:
        size = SIDE // 4**number
        ends = (*[CHUNK] * (size // CHUNK), *([size % CHUNK] if size % CHUNK else []))

        def chunk(block_id: tuple[int, int], block_info=None) -> np.ndarray:
            self.read[number].add(block_id)
            rows, columns = (np.arange(at * CHUNK, at * CHUNK + ends[at]) * 4**number for at in block_id)
            return pixels_at(rows, columns)

        return da.map_blocks(chunk, chunks=(ends, ends), dtype=np.uint16, meta=np.zeros((0, 0), np.uint16))

    def forget(self) -> None:
        for read in self.read:
            read.clear()


def pixels_at(rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    picture = data.camera().astype(np.uint16) * 100
    return picture[(rows % 509)[:, None], (columns + (rows // 509)[:, None]) % 503]


def pixels_in(box: Box) -> np.ndarray:
    """The slide's own pixels."""
    return np.asarray(Slide().levels[0][box.slices])


def chunks_of(boxes: list[Box]) -> set[tuple[int, int]]:
    return {
        number
        for box in boxes
        for number in product(
            range(box.top // CHUNK, -(-box.bottom // CHUNK)), range(box.left // CHUNK, -(-box.right // CHUNK))
        )
    }


HOLES = [Box(9_000, 9_020, 12_000, 12_030), Box(300, 312, 17_000, 17_012)]


@pytest.fixture
def slide() -> Slide:
    return Slide()


@pytest.fixture
def widget(viewer, make_widget, slide):
    """A widget on a slide with two holes painted over its full resolution; the view's middle is at the first."""
    viewer.add_image(slide.levels, name="slide", contrast_limits=(0, 25_500), scale=(0.5, 0.5), units=("um", "um"))
    made = make_widget(viewer)
    made.panel.new_mask.click()
    mask = viewer.layers["slide [damage]"]
    for hole in HOLES:
        mask.data_setitem(tuple(axis.ravel() for axis in np.mgrid[hole.slices]), 1)
    look_at(viewer, HOLES[0])
    return made


def look_at(viewer, box: Box) -> None:
    viewer.scene.camera.center = (0, 0.25 * (box.top + box.bottom), 0.25 * (box.left + box.right))


def test_a_small_hole_is_repaired_from_the_chunks_around_it(widget, viewer, slide, press):
    assert widget.panel.slices_row.isVisibleTo(widget.panel)
    assert widget.panel.slices.currentText() == THIS_PART
    plane = widget.session.plane()
    assert plane.box is not None
    assert max(plane.box.shape) < 600
    slide.forget()

    press(widget, "inpaint")

    parts = [part.box for part, _ in widget.session.damaged_planes()]
    assert len(parts) == 2
    squares = cutouts._squares((SIDE, SIDE))  # what the contrast is taken from, too
    assert slide.read[0] == chunks_of([*parts, *squares])
    slide.forget()
    press(widget, "inpaint")  # the contrast is known by now
    assert slide.read[0] == chunks_of([plane.box])


def test_the_result_is_lazy_multiscale_and_that_of_the_whole_plane(widget, viewer, slide, press):
    press(widget, "inpaint")
    completed = viewer.layers["slide [reconstructed]"]
    plane = widget.session.plane()
    record = ours.details_of(completed, plane)["record"]
    hole = ours.details_of(completed, plane)["altered"]

    assert completed.multiscale
    assert [level.shape for level in completed.data] == [level.shape for level in slide.levels]
    assert all(isinstance(level, Overlay) for level in completed.data)
    kept = sum(np.prod([part.stop - part.start for part in block]) for block in completed.data[0].changed())
    assert kept <= 4 * CHUNK**2
    # As in a repair of far more of the plane than the part, with the same contrast.
    around = plane.box.widened(300, plane.whole_shape)
    mask = np.zeros(around.shape, bool)
    mask[HOLES[0].within(around)] = True
    settings = Settings(grow_px=2.0, contrast=tuple(record["settings"]["contrast"]))
    expected = EdgeConnect.load(device="cpu").inpaint(pixels_in(around), mask, settings)
    assert same_bits(np.asarray(completed.data[0][around.slices]), expected)
    assert same_bits(ours.pixels_of(completed, plane)[~hole], pixels_in(plane.box)[~hole])
    # The smaller level shows the repair, as its own downsampling (by picking) makes it.
    at = tuple(slice(part.start // 4, part.stop // 4) for part in HOLES[0].slices)
    assert same_bits(
        np.asarray(completed.data[1][at]),
        np.asarray(completed.data[0][HOLES[0].slices])[::4, ::4][
            : at[0].stop - at[0].start, : at[1].stop - at[1].start
        ],
    )
    assert np.allclose(completed.scale, (0.5, 0.5))


def test_all_parts_are_repaired_one_after_another(widget, viewer, press, slide, monkeypatch):
    taken = []
    take = large._contrast
    monkeypatch.setattr(large, "_contrast", lambda *arguments: taken.append(1) or take(*arguments))
    widget.panel.slices.setCurrentText(ALL_PARTS)
    press(widget, "inpaint")
    assert taken == [1]  # one for all parts
    completed = viewer.layers["slide [reconstructed]"]

    assert "2 parts" in status(widget)
    for hole in HOLES:
        changed = np.asarray(completed.data[0][hole.slices]) != pixels_in(hole)
        assert changed.mean() > 0.5
    assert len(completed.metadata[ours.KEY]["records"]) == 2


def test_edges_are_a_layer_of_the_part_and_can_be_edited(widget, viewer, press, slide):
    press(widget, "hallucinate")
    plane = widget.session.plane()
    edges = widget.session.edges(plane)

    assert edges.data.shape == plane.box.shape
    assert np.allclose(edges.translate, (0.5 * plane.box.top, 0.5 * plane.box.left))
    slide.forget()
    edges.data_setitem(
        (np.full(10, HOLES[0].top + 8 - plane.box.top), np.arange(10) + HOLES[0].left + 4 - plane.box.left), 3
    )
    press(widget, "complete")
    assert slide.read[0] == chunks_of([plane.box])
    record = ours.details_of(widget.session.completed(plane), plane)["record"]
    assert record["edges"]["drawn_px"] == 10


def test_sigma_redraws_with_the_contrast_of_the_plane(widget, press):
    press(widget, "hallucinate")
    plane = widget.session.plane()
    widget.panel.sigma.setValue(3.0)
    edges = ours.read_edges(widget.session.edges(plane))
    contrast = ours.contrast_of(widget.session.edges(plane))
    expected = measured_edges(pixels_in(plane.box), edges.hole, sigma=3.0, contrast=contrast)
    assert same_bits(edges.measured, expected)
    assert widget.session.plane().box == plane.box  # a wider Canny does not cut anew


def test_the_part_follows_the_view_and_the_damage(widget, viewer, press):
    first = widget.session.plane()
    look_at(viewer, HOLES[1])
    second = widget.session.plane()
    assert not first.box.overlaps(second.box)
    assert second.box.united(HOLES[1]) == second.box
    mask = viewer.layers["slide [damage]"]
    mask.data_setitem(tuple(axis.ravel() for axis in np.mgrid[HOLES[1].slices]), 0)
    assert widget.session.plane().box == first.box
    mask.undo()
    assert widget.session.plane().box == second.box


def test_only_what_a_stroke_has_touched_is_looked_at_again(widget, viewer, monkeypatch):
    widget.session.plane()
    seen = []
    original = large.plane_mask
    monkeypatch.setattr(large, "plane_mask", lambda plane, mask: seen.append(plane.box) or original(plane, mask))
    widget.session.plane()
    assert seen == []
    viewer.layers["slide [damage]"].data_setitem((np.arange(5000, 5020), np.arange(7000, 7020)), 1)
    assert len(list(widget.session.damaged_planes())) == 3
    (box,) = seen
    assert max(box.shape) <= 3 * 32


def test_edges_keep_their_edits_when_the_damage_outgrows_their_part(widget, viewer, press):
    press(widget, "hallucinate")
    before = widget.session.plane()
    edges = widget.session.edges(before)
    there = HOLES[0].top + 5, HOLES[0].left + 5
    edges.data_setitem(tuple(np.array([a]) for a in (there[0] - before.box.top, there[1] - before.box.left)), 3)
    mask = viewer.layers["slide [damage]"]
    mask.data_setitem((np.full(600, HOLES[0].top), np.arange(600) + HOLES[0].left), 1)
    after = widget.session.plane()
    assert widget.session.edges(after) is None

    press(widget, "hallucinate")

    assert edges not in viewer.layers
    now = ours.read_edges(widget.session.edges(after))
    assert now.drawn[there[0] - after.box.top, there[1] - after.box.left]


def test_live_follows_the_edges_of_a_part(widget, viewer, press, qtbot, slide):
    press(widget, "hallucinate")
    plane = widget.session.plane()
    slide.forget()
    widget.panel.live.setChecked(True)
    qtbot.waitUntil(lambda: widget.live.is_idle and widget.session.completed(plane) is not None, timeout=PATIENCE_MS)
    completed = widget.session.completed(plane)
    assert "unfinished" not in ours.details_of(completed, plane)["record"]
    assert (np.asarray(completed.data[0][HOLES[0].slices]) != pixels_in(HOLES[0])).mean() > 0.5
    assert slide.read[0] == chunks_of([plane.box])


def test_a_candidate_is_kept_and_shown_again(widget, viewer, press):
    press(widget, "inpaint")
    press(widget, "keep")
    plane = widget.session.plane()
    completed = widget.session.completed(plane)
    kept = ours.pixels_of(completed, plane).copy()
    ours.put_pixels(completed, plane, np.zeros_like(kept))
    widget.candidates.kept.show(widget.candidates.kept.of(plane)[0])
    assert same_bits(ours.pixels_of(completed, plane), kept)


def test_a_finder_looks_through_what_is_in_view(widget, viewer, slide):
    slide.forget()
    plane = widget.session.view()
    assert max(plane.shape) <= 4096
    widget._use_tool(TOOLS[0])
    assert slide.read[0] == chunks_of([plane.box])


def test_the_temporary_store_goes_with_its_layer_and_not_before(widget, viewer, press, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    press(widget, "inpaint")
    assert len(list(tmp_path.glob("napari-edgeconnect-*"))) == 3
    completed = viewer.layers["slide [reconstructed]"]
    viewer.layers.remove(completed)
    gc.collect()
    assert len(list(tmp_path.glob("napari-edgeconnect-*"))) == 3  # somebody still holds the layer
    np.asarray(completed.data[0][HOLES[0].slices])


def test_what_is_known_of_layers_that_are_gone_is_forgotten(widget, viewer, press):
    press(widget, "hallucinate")
    large_planes = widget.session.large
    assert large_planes._marks
    assert large_planes._contrasts
    viewer.layers.remove("slide")
    assert large_planes._marks == large_planes._contrasts == []


def test_a_stack_above_the_threshold_is_completed_without_a_copy(viewer, make_widget, press, monkeypatch):
    monkeypatch.setattr(lazy_results, "LAZY_BYTES", 1000)
    frames = np.stack([data.camera()[:96, :80]] * 3)
    mask = np.zeros(frames.shape, np.uint8)
    mask[:2, 40:46, 20:50] = 1
    viewer.add_image(frames, name="film")
    viewer.add_labels(mask, name="mask")
    widget = make_widget(viewer)
    widget.panel.slices.setCurrentIndex(1)
    press(widget, "inpaint")
    completed = viewer.layers["film [reconstructed]"]
    assert isinstance(completed.data, Overlay)
    changed = np.asarray(completed.data) != frames
    assert changed[:2].any(axis=(1, 2)).all()
    assert not changed[2].any()
    assert completed.data.source is frames


def test_a_mask_above_the_threshold_is_painted_and_undone_in_chunks(viewer, make_widget, monkeypatch):
    monkeypatch.setattr(lazy_results, "LAZY_BYTES", 1000)
    viewer.add_image(data.camera(), name="camera")
    widget = make_widget(viewer)
    widget.panel.new_mask.click()
    mask = viewer.layers["camera [damage]"]
    assert isinstance(mask.data, Overlay)
    mask.brush_size = 9
    mask.paint((100, 200), 1)
    assert 50 < int(np.asarray(mask.data).sum()) < 100
    assert widget.session.situation().mask.sum() == np.asarray(mask.data).sum()
    mask.undo()
    assert not np.asarray(mask.data).any()


@pytest.fixture
def parts_of_small_planes(monkeypatch):
    """Planes of more than 10,000 px are worked on part by part."""
    monkeypatch.setattr(cutouts, "WHOLE_PLANE_PX", 10_000)


def test_colours_and_slices_have_parts_too(viewer, make_widget, press, parts_of_small_planes):
    frames = np.stack([np.tile(data.astronaut(), (1, 3, 1))] * 2)
    mask = np.zeros(frames.shape[:3], np.uint8)
    mask[1, 100:110, 100:130] = mask[1, 460:470, 1300:1310] = mask[0, 20:30, 400:410] = 1
    viewer.add_image(frames, name="film", rgb=True, axis_labels=("t", "y", "x"))
    viewer.add_labels(mask, name="mask")
    widget = make_widget(viewer)
    widget.panel.slices.setCurrentIndex(1)
    press(widget, "inpaint")
    completed = viewer.layers["film [reconstructed]"]
    changed = (np.asarray(completed.data) != frames).any(axis=-1)

    assert "3 parts" in status(widget)
    altered = np.zeros(mask.shape, bool)
    for (index, box), details in completed.metadata[ours.KEY]["records"].items():
        altered[index[0]][box.slices] |= details["altered"]
    assert (changed <= altered).all()
    assert changed[mask > 0].mean() > 0.9
    # 8-bit colour has one mapping for all: each slice comes out as it would as a whole.
    for t in range(2):
        expected = EdgeConnect.load(device="cpu").inpaint(frames[t], mask[t], Settings(grow_px=2.0))
        assert same_bits(np.asarray(completed.data[t]), expected)


def test_a_shapes_layer_marks_parts(viewer, make_widget, parts_of_small_planes):
    viewer.add_image(np.tile(data.camera(), (3, 3)), name="camera")
    viewer.add_shapes([[(100, 100), (100, 120), (110, 120), (110, 100)]], name="outlines")
    widget = make_widget(viewer)
    plane = widget.session.plane()
    assert widget.session.situation().mask.sum() == 11 * 21
    assert plane.box.united(Box(100, 111, 100, 121)) == plane.box
    viewer.layers["outlines"].data = [[(900, 900), (900, 920), (910, 920), (910, 900)]]
    assert not widget.session.plane().box.overlaps(Box(100, 111, 100, 121))


def test_without_damage_the_view_is_what_is_worked_on(viewer, make_widget, parts_of_small_planes):
    viewer.add_image(data.camera(), name="camera")
    widget = make_widget(viewer)
    assert widget.session.plane().box == Box(0, 512, 0, 512)
    assert "New mask" in status(widget)


def test_panning_over_a_plane_that_fits_looks_at_nothing_again(widget, viewer, monkeypatch):
    viewer.layers.clear()
    viewer.add_image(data.camera(), name="camera")
    seen = []
    widget.session.large.on_move.append(lambda: seen.append(1))
    viewer.scene.camera.center = (0, 3, 4)
    assert seen == []
