"""While live is on the picture follows the edges, bit for bit, and whatever else happens to the layers ends that."""

from __future__ import annotations

import threading
from collections.abc import Callable

import numpy as np
import pytest
from contract import same_bits
from napari.layers import Labels
from napari.utils.notifications import notification_manager
from qtpy.QtCore import Qt, QThreadPool
from qtpy.QtWidgets import QApplication
from skimage import data

from napari_edgeconnect import EdgeConnect
from napari_edgeconnect.core.edges import EdgeSource
from napari_edgeconnect.core.record_reading import checked_record
from napari_edgeconnect.core.refusals import reasons_against
from napari_edgeconnect.core.stages import Stages
from napari_edgeconnect.plugin import layers as ours
from napari_edgeconnect.plugin.layer_plane import read_plane
from napari_edgeconnect.plugin.live_subject import OUTGROWN
from napari_edgeconnect.plugin.onto_plane import plane_mask

from .conftest import PATIENCE_MS, status


@pytest.fixture
def edges(widget, press, viewer):
    """The edge layer after hallucinating."""
    press(widget, "hallucinate")
    return viewer.layers["camera [edges]"]


@pytest.fixture
def settle(qtbot):
    """Wait until the picture has caught up."""

    def settle(widget) -> None:
        qtbot.waitUntil(lambda: widget.live.is_idle, timeout=PATIENCE_MS)

    return settle


@pytest.fixture
def switch_on(settle):
    def switch_on(widget) -> None:
        widget.panel.live.setChecked(True)
        settle(widget)

    return switch_on


def stroke(layer: Labels, *at: tuple[int, ...], label: EdgeSource = EdgeSource.DRAWN) -> None:
    """One stroke of one pixel's width, as the brush makes it."""
    layer.brush_size = 1
    with layer.block_history():
        for point in at:
            layer.paint(point, int(label))


def line(row: int, first: int, last: int) -> list[tuple[int, int]]:
    return [(row, column) for column in range(first, last)]


def completed(viewer):
    return next(layer for layer in reversed(viewer.layers) if ours.is_own(layer, ours.COMPLETED))


def expected(widget):
    """What a run would make of the layers as they are: the repair, and the image it repairs."""
    session = widget.session
    now = session.situation()
    image = read_plane(now.plane)
    model = session.models.get(session.model.name, session.device)
    edges = ours.read_edges(session.edges(now.plane))
    return model.complete(image, now.mask, edges, session.settings(), return_record=True), image


def check_follows(widget, viewer) -> None:
    """The completed layer holds the picture and the record that a run would give it."""
    repair, image = expected(widget)
    layer = completed(viewer)
    shown = ours.pixels_of(layer, widget.session.plane())
    assert same_bits(shown, repair.image)
    assert same_bits(shown[~repair.altered], image[~repair.altered])
    mask, settings = widget.session.situation().mask, widget.session.settings()
    record = dict(layer.metadata[ours.KEY]["record"])
    for volatile in ("seconds", "created"):
        del record[volatile], repair.record[volatile]
    reasons = reasons_against(image, mask, settings, model=widget.session.model)
    assert record.pop("reasons_against") == {each.name: each.sentence for each in reasons}
    assert record == repair.record


class Held:
    """Stage 2 with a gate before every window, and a count of those that went through."""

    def __init__(self) -> None:
        self.gate = threading.Semaphore(0)
        self.waiting = threading.Event()
        self.windows = 0

    def let_through(self, windows: int = 1) -> None:
        self.waiting.clear()
        self.gate.release(windows)


@pytest.fixture
def held(monkeypatch):
    """Holds every window of stage 2 until it is let through."""
    held, original = Held(), Stages.completed

    def completed(self, views, **options):
        held.waiting.set()
        assert held.gate.acquire(timeout=PATIENCE_MS / 1000)
        held.windows += 1
        return original(self, views, **options)

    monkeypatch.setattr(Stages, "completed", completed)
    yield held
    held.gate.release(1000)


@pytest.fixture
def two_windows(viewer, make_widget, press):
    """A widget on an image with two holes so far apart that each has a window, and its edge layer."""
    image = np.tile(data.camera()[100:164, 150:350], (1, 3))
    mask = np.zeros(image.shape, np.uint8)
    mask[20:40, 20:40] = mask[20:40, 540:560] = 1
    viewer.add_image(image, name="camera")
    viewer.add_labels(mask, name="mask")
    widget = make_widget(viewer)
    press(widget, "hallucinate")
    return widget, viewer.layers["camera [edges]"]


IN_BOTH = [*line(30, 20, 40), *line(30, 540, 560)]


# ---- it follows


def test_switched_on_it_completes_from_the_edges_and_leaves_them_to_be_corrected(widget, viewer, edges, switch_on):
    switch_on(widget)
    check_follows(widget, viewer)
    made = ["camera [reconstructed]", "camera [reconstructed] · altered pixels", "camera [edges]"]
    assert [layer.name for layer in viewer.layers] == ["camera", "mask", *made]
    assert viewer.layers.selection.active is edges
    assert edges.mode == "paint"
    assert status(widget).startswith("The picture follows the edges.")


def test_it_begins_when_there_are_edges(widget, viewer, press, settle):
    widget.panel.live.setChecked(True)
    settle(widget)
    assert len(viewer.layers) == 2
    press(widget, "hallucinate")
    settle(widget)
    check_follows(widget, viewer)


def erase(widget, edges) -> None:
    stroke(edges, *(tuple(at) for at in np.argwhere(edges.data == EdgeSource.PROPOSED)[:5]), label=EdgeSource.NONE)


CHANGES: dict[str, Callable] = {
    "brush": lambda widget, edges: stroke(edges, *line(48, 20, 60)),
    "eraser": erase,
    "fill": lambda widget, edges: edges.fill((48, 30), EdgeSource.DRAWN),
    "a tool": lambda widget, edges: edges.data_setitem((np.full(40, 47), np.arange(20, 60)), EdgeSource.DRAWN),
    "threshold": lambda widget, edges: widget.panel.threshold.setValue(0.1),
    "sigma": lambda widget, edges: widget.panel.sigma.setValue(1.0),
    "reset": lambda widget, edges: (stroke(edges, *line(48, 20, 60)), widget.panel.reset.trigger()),
    "margin": lambda widget, edges: widget.panel.margin.setValue(64),
    "noise": lambda widget, edges: widget.panel.noise.setChecked(True),
    "labels from elsewhere": lambda widget, edges: setattr(edges, "data", np.where(edges.data == 2, 0, edges.data)),
}


@pytest.mark.parametrize("change", CHANGES)
def test_it_follows_any_change_and_its_undo(widget, viewer, edges, switch_on, settle, change):
    switch_on(widget)
    first = completed(viewer).data.copy()
    CHANGES[change](widget, edges)
    settle(widget)
    check_follows(widget, viewer)
    if change not in ("reset", "sigma", "margin", "threshold"):
        assert not same_bits(completed(viewer).data, first)
    for step in (edges.undo, edges.redo, edges.undo):
        step()
        settle(widget)
        check_follows(widget, viewer)


def test_the_layer_is_changed_in_place_and_no_other_event_is_fired(widget, viewer, edges, switch_on, settle):
    switch_on(widget)
    layer = completed(viewer)
    array, fired = layer.data, []
    layer.events.connect(lambda event: fired.append(event.type))
    stroke(edges, *line(48, 20, 60))
    settle(widget)
    check_follows(widget, viewer)
    assert layer.data is array
    assert set(fired) <= {"set_data", "reload", "thumbnail", "loaded"}
    assert fired.count("set_data") == 1


def test_a_stroke_runs_the_window_that_it_touches_alone(two_windows, viewer, switch_on, settle, monkeypatch):
    widget, edges = two_windows
    switch_on(widget)
    windows, original = [], Stages.completed
    monkeypatch.setattr(Stages, "completed", lambda self, *a, **o: windows.append(1) or original(self, *a, **o))
    stroke(edges, *line(30, 540, 560))
    settle(widget)
    assert len(windows) == 1
    check_follows(widget, viewer)


def test_while_a_mouse_button_is_down_the_stroke_is_not_read(widget, viewer, edges, switch_on, qtbot, monkeypatch):
    switch_on(widget)
    before = completed(viewer).data.copy()
    button = Qt.MouseButton.LeftButton
    monkeypatch.setattr(QApplication, "mouseButtons", lambda: button)
    live, read = widget.live, []
    monkeypatch.setattr(live, "_look", lambda look=live._look: read.append(1) or look())
    stroke(edges, *line(48, 20, 60))
    ticks = []
    live._soon.timeout.connect(lambda: ticks.append(1))
    qtbot.waitUntil(lambda: len(ticks) >= 2)
    assert not read
    assert same_bits(completed(viewer).data, before)
    button = Qt.MouseButton.NoButton
    qtbot.waitUntil(lambda: live.is_idle, timeout=PATIENCE_MS)
    check_follows(widget, viewer)


# ---- the newest edges win


def test_newer_edges_end_an_update_between_two_windows(two_windows, viewer, settle, held, qtbot):
    widget, edges = two_windows
    live = widget.live
    widget.panel.live.setChecked(True)
    qtbot.waitUntil(held.waiting.is_set, timeout=PATIENCE_MS)
    stroke(edges, *IN_BOTH)
    qtbot.waitUntil(lambda: not live._soon.isActive())
    held.let_through(100)
    settle(widget)
    assert held.windows == 1 + 2
    check_follows(widget, viewer)


def test_edges_that_are_taken_back_during_their_update_are_taken_back_in_the_picture(
    two_windows, viewer, switch_on, settle, held, qtbot
):
    widget, edges = two_windows
    held.let_through(2)
    switch_on(widget)
    held.waiting.clear()
    stroke(edges, *IN_BOTH)
    qtbot.waitUntil(held.waiting.is_set, timeout=PATIENCE_MS)
    edges.undo()
    qtbot.waitUntil(lambda: not widget.live._soon.isActive())
    held.let_through(100)
    settle(widget)
    assert held.windows == 2 + 1 + 1
    check_follows(widget, viewer)


def test_until_an_update_has_ended_the_record_says_so(two_windows, viewer, switch_on, settle, held, qtbot):
    widget, edges = two_windows
    widget.panel.live.setChecked(True)
    held.let_through()
    qtbot.waitUntil(lambda: len(viewer.layers) == 5, timeout=PATIENCE_MS)
    metadata = completed(viewer).metadata[ours.KEY]
    assert metadata["record"]["unfinished"] is True
    assert checked_record(metadata["record"])["kind"] == "unfinished"
    held.let_through()
    settle(widget)
    finished = metadata["record"]
    held.let_through(2)
    check_follows(widget, viewer)

    stroke(edges, *IN_BOTH)
    held.let_through()
    qtbot.waitUntil(lambda: metadata["record"] is not finished, timeout=PATIENCE_MS)
    assert metadata["record"] == {**finished, "unfinished": True}
    widget.panel.live.setChecked(False)
    held.let_through()
    settle(widget)
    assert metadata["record"] == {**finished, "unfinished": True}


# ---- what ends it


def test_switched_off_nothing_changes_any_more(widget, viewer, edges, switch_on):
    switch_on(widget)
    before, record = completed(viewer).data.copy(), completed(viewer).metadata[ours.KEY]["record"]
    widget.panel.live.setChecked(False)
    stroke(edges, *line(48, 20, 60))
    assert widget.live.is_idle
    assert same_bits(completed(viewer).data, before)
    assert completed(viewer).metadata[ours.KEY]["record"] is record


def test_switched_off_during_an_update_its_window_is_dropped(widget, viewer, edges, settle, held, qtbot):
    widget.panel.live.setChecked(True)
    qtbot.waitUntil(held.waiting.is_set, timeout=PATIENCE_MS)
    widget.panel.live.setChecked(False)
    held.let_through()
    settle(widget)
    assert len(viewer.layers) == 3


def test_a_run_ends_an_update_and_has_the_last_word(two_windows, viewer, press, settle, held, qtbot):
    widget, _ = two_windows
    widget.panel.live.setChecked(True)
    qtbot.waitUntil(held.waiting.is_set, timeout=PATIENCE_MS)
    placed = []
    widget._runs.placed.connect(lambda outcome: placed.append(completed(viewer).data.copy()))
    widget.panel.complete.click()
    assert widget.live._wanted is False
    held.let_through(100)
    qtbot.waitUntil(lambda: not widget.is_busy, timeout=PATIENCE_MS)
    assert len(placed) == 1
    settle(widget)
    assert held.windows <= 1 + 2 + 1  # given up after one; the run's two; and the other one after it
    assert same_bits(completed(viewer).data, placed[0])
    check_follows(widget, viewer)


def test_what_a_run_has_made_is_followed_on_but_its_array_is_left_alone(
    widget, viewer, edges, switch_on, settle, press
):
    switch_on(widget)
    press(widget, "inpaint")
    settle(widget)
    layer = completed(viewer)
    check_follows(widget, viewer)
    widget.panel.live.setChecked(False)
    press(widget, "complete")
    made = layer.data
    kept = made.copy()
    switch_on(widget)
    stroke(edges, *line(48, 20, 60))
    settle(widget)
    check_follows(widget, viewer)
    assert same_bits(made, kept)
    assert completed(viewer) is layer


def test_removed_edges_end_an_update(widget, viewer, edges, settle, held, qtbot):
    widget.panel.live.setChecked(True)
    qtbot.waitUntil(held.waiting.is_set, timeout=PATIENCE_MS)
    viewer.layers.remove(edges)
    qtbot.waitUntil(lambda: not widget.live._soon.isActive())
    held.let_through()
    settle(widget)
    assert [layer.name for layer in viewer.layers] == ["camera", "mask"]


def test_a_removed_image_ends_an_update_at_once(widget, viewer, edges, settle, held, qtbot):
    widget.panel.live.setChecked(True)
    qtbot.waitUntil(held.waiting.is_set, timeout=PATIENCE_MS)
    viewer.layers.remove("camera")
    held.let_through()
    settle(widget)
    assert [layer.name for layer in viewer.layers] == ["mask", "camera [edges]"]


def test_replaced_pixels_are_completed_anew(widget, viewer, edges, switch_on, settle):
    switch_on(widget)
    viewer.layers["camera"].data = viewer.layers["camera"].data[::-1]
    settle(widget)
    check_follows(widget, viewer)


def test_a_deleted_picture_is_made_anew_by_the_next_stroke(two_windows, viewer, switch_on, settle):
    widget, edges = two_windows
    switch_on(widget)
    viewer.layers.remove(completed(viewer))
    settle(widget)
    assert len(viewer.layers) == 3
    stroke(edges, *line(30, 540, 560))
    settle(widget)
    check_follows(widget, viewer)
    assert viewer.layers[-1] is viewer.layers.selection.active is edges


def test_where_the_damage_outgrows_its_edges_it_waits_for_new_ones(widget, viewer, edges, switch_on, settle, press):
    switch_on(widget)
    before = completed(viewer).data.copy()
    notifications = len(notification_manager.records)
    stroke(viewer.layers["mask"], *line(80, 20, 30))
    settle(widget)
    assert status(widget) == OUTGROWN
    assert len(notification_manager.records) == notifications
    assert widget.panel.live.isChecked()
    assert same_bits(completed(viewer).data, before)
    press(widget, "hallucinate")
    settle(widget)
    check_follows(widget, viewer)
    assert status(widget) != OUTGROWN


def test_less_damage_is_completed_and_no_more(widget, viewer, edges, switch_on, settle):
    switch_on(widget)
    mask = viewer.layers["mask"]
    mask.data = np.where(np.arange(mask.data.shape[1]) < 40, mask.data, 0)
    settle(widget)
    check_follows(widget, viewer)


def test_a_failure_is_shown_once_and_switches_it_off(widget, viewer, edges, settle, monkeypatch):
    def crash(*args, **options):
        raise RuntimeError("no kernel image")

    monkeypatch.setattr(Stages, "completed", crash)
    notifications = len(notification_manager.records)
    widget.panel.live.setChecked(True)
    settle(widget)
    assert not widget.panel.live.isChecked()
    assert status(widget) == "no kernel image"
    assert len(notification_manager.records) == notifications + 1
    assert len(viewer.layers) == 3


def test_another_device_loads_the_model_and_says_so(widget, viewer, edges, switch_on, qtbot, settle, monkeypatch):
    switch_on(widget)
    go_on, load = threading.Event(), EdgeConnect.load

    def slow(*args, **options):
        assert go_on.wait(PATIENCE_MS / 1000)
        return load(*args, **options)

    monkeypatch.setattr(EdgeConnect, "load", slow)
    widget.panel.device.setCurrentText("cpu")
    qtbot.waitUntil(lambda: status(widget) == "Loading the model…", timeout=PATIENCE_MS)
    go_on.set()
    settle(widget)
    assert status(widget).startswith("The picture follows the edges.")
    check_follows(widget, viewer)


# ---- stacks


@pytest.fixture
def stack(viewer, make_widget, pixels, scratch, press):
    """A widget on three slices, all damaged, of which the second has edges."""
    viewer.add_image(np.stack([pixels, pixels[::-1], pixels[:, ::-1]]).astype(np.uint16) * 257, name="camera")
    viewer.add_labels(np.stack([scratch] * 3), name="mask")
    viewer.dims.set_point(0, 1)
    widget = make_widget(viewer)
    press(widget, "hallucinate")
    return widget


def test_a_slice_is_followed_while_it_is_displayed(stack, viewer, switch_on, settle):
    switch_on(stack)
    check_follows(stack, viewer)
    layer, edges = completed(viewer), stack.session.edges(stack.session.plane())
    assert layer.data.shape[0] == 1
    viewer.dims.set_point(0, 2)
    settle(stack)
    assert len(viewer.layers) == 5
    before = layer.data.copy()
    stroke(edges, *((0, 48, column) for column in range(20, 60)))
    settle(stack)
    assert same_bits(layer.data, before)
    viewer.dims.set_point(0, 1)
    settle(stack)
    check_follows(stack, viewer)
    assert not same_bits(layer.data, before)


def test_in_a_layer_of_all_slices_the_others_stay(stack, viewer, press, switch_on, settle):
    stack.panel.slices.setCurrentIndex(1)
    press(stack, "complete")
    layer, plane = completed(viewer), stack.session.plane()
    assert ours.holds_every_slice(layer)
    before = layer.data.copy()
    switch_on(stack)
    stroke(stack.session.edges(plane), *((0, 48, column) for column in range(20, 60)))
    settle(stack)
    check_follows(stack, viewer)
    assert completed(viewer) is layer
    changed = (layer.data != before).any(axis=(1, 2))
    assert changed.tolist() == [False, True, False]
    records = layer.metadata[ours.KEY]["records"]
    assert records[plane.index]["record"] == layer.metadata[ours.KEY]["record"]
    assert len(records) == 3


def test_a_mask_in_the_world_is_followed(viewer, make_widget, press, switch_on, settle, pixels):
    """Of RGB pixels, and a mask on another grid."""
    viewer.add_image(np.stack([pixels, pixels[::-1], pixels], axis=-1), name="camera", scale=(2, 2))
    viewer.add_labels(np.pad(np.ones((6, 50), np.uint8), ((45, 0), (10, 0))), name="mask", scale=(2, 2))
    widget = make_widget(viewer)
    press(widget, "hallucinate")
    switch_on(widget)
    assert plane_mask(widget.session.plane(), viewer.layers["mask"]).sum() == 300
    stroke(viewer.layers["camera [edges]"], *line(48, 20, 60))
    settle(widget)
    check_follows(widget, viewer)
    assert np.array_equal(completed(viewer).scale, (2, 2))


# ---- windows


@pytest.fixture
def window(make_napari_viewer, plugin, press, pixels, scratch):
    """A shown viewer with edges, and the docked widget of the installed plugin."""
    viewer = make_napari_viewer(show=True)
    _, widget = viewer.window.add_plugin_dock_widget(plugin, "Inpaint")
    viewer.add_image(pixels, name="camera")
    viewer.add_labels(scratch, name="mask")
    press(widget, "hallucinate")
    return viewer, widget


def test_closing_the_window_during_an_update_ends_cleanly(window, held, qtbot):
    viewer, widget = window
    widget.panel.live.setChecked(True)
    qtbot.waitUntil(held.waiting.is_set, timeout=PATIENCE_MS)
    viewer.close()
    held.let_through()
    assert QThreadPool.globalInstance().waitForDone(PATIENCE_MS)


def test_closing_the_dock_during_an_update_ends_it(window, settle, held, qtbot):
    viewer, widget = window
    widget.panel.live.setChecked(True)
    qtbot.waitUntil(held.waiting.is_set, timeout=PATIENCE_MS)
    viewer.window.remove_dock_widget(widget.parent())
    held.let_through()
    settle(widget)
    assert len(viewer.layers) == 3
