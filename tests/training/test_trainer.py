"""A run learns, survives whatever ends it, ends where it would have ended anyway, and leaves what it should."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from PIL import Image
from short_runs import finished, small
from typer.testing import CliRunner

from napari_edgeconnect.cli import app
from napari_edgeconnect.core.checkpoints import inspect_checkpoint, load_generator
from napari_edgeconnect.core.edgeconnect import EdgeConnect
from napari_edgeconnect.core.formulations import FORMULATIONS
from napari_edgeconnect.core.models import find_model
from napari_edgeconnect.core.results import result_of
from napari_edgeconnect.training import state as state_module
from napari_edgeconnect.training.data import SampleKey
from napari_edgeconnect.training.learner import choose_precision
from napari_edgeconnect.training.log import LOG
from napari_edgeconnect.training.losses import edge_cross_entropy
from napari_edgeconnect.training.state import STATE, StateError
from napari_edgeconnect.training.trainer import Run, train_steps

MakeRun = Callable[..., Run]
MODULE = ["-m", "napari_edgeconnect"]


def learner_state(folder: Path) -> dict:
    return torch.load(folder / STATE, weights_only=True)["learner"]


def assert_same(one: object, other: object) -> None:
    """Equal to the last bit, however deep."""
    if isinstance(one, dict):
        assert one.keys() == other.keys()
        for key in one:
            assert_same(one[key], other[key])
    elif isinstance(one, list):
        assert len(one) == len(other)
        for a, b in zip(one, other, strict=True):
            assert_same(a, b)
    elif isinstance(one, torch.Tensor):
        assert torch.equal(one, other)
    else:
        assert one == other


def tensors(path: Path) -> dict[str, torch.Tensor]:
    """Of a weight file; its header's order is chance."""
    return load_generator(path)[0].state_dict()


def rows(folder: Path) -> list[tuple[int, str]]:
    with (folder / LOG).open(newline="") as file:
        return [(int(row["step"]), row["name"]) for row in csv.DictReader(file)]


@pytest.mark.parametrize("stage", ["edge", "inpaint", "edge-inpaint", "joint"])
@pytest.mark.parametrize("recipe", ["open-science", "open-science-texture", "published"])
def test_every_stage_trains_by_every_recipe_and_ends_as_a_model(
    run_of: MakeRun, tmp_path: Path, stage: str, recipe: str
) -> None:
    made = small(recipe, features="efficientnet-lite0")  # VGG-19 is the user's to bring
    edges = None
    if stage == "edge-inpaint":
        edges = str(tmp_path / "edges")
        finished(run_of("edge", 1, recipe=made, output=Path(edges)))
    outcome = finished(run_of(stage, 2, recipe=made, edges=edges))
    assert outcome.finished
    assert outcome.step == 2
    for kind, path in outcome.weights.items():
        info = inspect_checkpoint(path)
        assert (info.kind, info.formulation, info.width) == (kind, made.formulation, 4)
    kinds = {"edge": {"edge"}, "inpaint": {"inpaint"}}.get(stage, {"edge", "inpaint"})
    assert outcome.weights.keys() == kinds
    if len(kinds) == 2:  # the run's folder is a model
        assert EdgeConnect.load(tmp_path / "run", device="cpu").info.width == 4


def test_training_makes_unseen_crops_better(run_of: MakeRun, tmp_path: Path) -> None:
    finished(run_of("edge", 1, output=tmp_path / "short", recipe=small(learning_rate=1e-6)))
    run = run_of("edge", 80, output=tmp_path / "long", recipe=small(crops=((1.0, 32, 8),)))
    finished(run)
    unseen = run.crops(99)
    batch = torch.utils.data.default_collate([unseen[SampleKey(0, n, 32)] for n in range(16)])
    losses = []
    for name in ("short", "long"):
        network, _ = load_generator(tmp_path / name / "edge.safetensors")
        x = FORMULATIONS["residual"].edge_input(batch["image"], batch["fill"], batch["edges"], batch["mask"])
        losses.append(edge_cross_entropy(network.raw(x), batch["target"], batch["mask"]).item())
    assert losses[1] < 0.9 * losses[0]


@pytest.mark.parametrize("recipe", ["open-science", "published"])
def test_a_run_in_pieces_ends_like_a_run_in_one(run_of: MakeRun, tmp_path: Path, recipe: str) -> None:
    stage = "joint" if recipe == "published" else "edge"
    settings = {"recipe": small(recipe, features="efficientnet-lite0")}
    whole = run_of(stage, 4, output=tmp_path / "whole", **settings)
    finished(whole)
    pieces = run_of(stage, 4, output=tmp_path / "pieces", minutes=0, **settings)
    for step in (1, 2, 3, 4):  # no minutes at all: one step a call
        outcome = finished(pieces)
        assert (outcome.step, outcome.finished) == (step, step == 4)
    assert_same(learner_state(tmp_path / "whole"), learner_state(tmp_path / "pieces"))
    for path in (tmp_path / "whole").glob("*.safetensors"):
        assert_same(tensors(path), tensors(tmp_path / "pieces" / path.name))


def test_a_killed_run_ends_where_it_would_have_ended(images: Path, tmp_path: Path) -> None:
    """Killed (-9) twice, at whatever it is doing; then run to the end, and compared to the last bit."""

    def command(output: Path) -> list[str]:
        sizes = ["width=4", "blocks=1", "crops=[[1.0, 32, 2]]"]
        changes = [word for size in sizes for word in ("--set", size)]
        words = ["train", "edge", str(images), "-o", str(output), "--steps", "8", "--recipe", "published", *changes]
        running = ["--device", "cpu", "--threads", "1", "--workers", "1", "--save-minutes", "0", "--json"]
        return [sys.executable, *MODULE, *words, *running]

    for step in (3, 5):
        process = subprocess.Popen(command(tmp_path / "killed"), stderr=subprocess.PIPE, text=True)
        assert process.stderr is not None
        for line in process.stderr:
            if json.loads(line).get("done") == step:
                process.send_signal(signal.SIGKILL)
                break
        assert process.wait(60) == -signal.SIGKILL
        process.stderr.close()
        assert step - 1 <= learner_state(tmp_path / "killed")["step"] <= step + 1
    for output in ("killed", "whole"):
        done = subprocess.run(command(tmp_path / output), capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout.splitlines()[-1])["step"] == 8
    assert_same(learner_state(tmp_path / "killed"), learner_state(tmp_path / "whole"))
    assert_same(*(tensors(tmp_path / name / "edge.safetensors") for name in ("killed", "whole")))


def test_two_processes_train_like_one(images: Path, tmp_path: Path) -> None:
    launcher = ["-m", "torch.distributed.run", "--standalone", "--local-addr", "127.0.0.1", "--nproc-per-node", "2"]
    sizes = ["--set", "width=4", "--set", "blocks=1", "--set", "crops=[[1.0, 32, 4]]"]
    running = ["--device", "cpu", "--precision", "no", "--threads", "1", "--workers", "0"]
    for output, start in (("one", []), ("two", launcher)):
        words = ["train", "edge", str(images), "-o", str(tmp_path / output), "--steps", "3", *sizes, *running]
        done = subprocess.run([sys.executable, *start, *MODULE, *words], capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stderr
    one, two = (learner_state(tmp_path / name) for name in ("one", "two"))
    for name, value in one["networks"]["edge"].items():
        assert torch.allclose(value, two["networks"]["edge"][name], atol=1e-4), name


def test_a_save_that_fails_leaves_the_old_state(
    run_of: MakeRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    finished(run_of("edge", 2))
    before = (tmp_path / "run" / STATE).read_bytes()

    def half_a_file(state: object, file: object) -> None:
        file.write(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(state_module.torch, "save", half_a_file)
    with pytest.raises(OSError, match="No space left"):
        finished(run_of("edge", 3))
    assert (tmp_path / "run" / STATE).read_bytes() == before
    monkeypatch.undo()
    assert finished(run_of("edge", 3)).step == 3


def test_a_stop_signal_ends_after_a_whole_step_and_saves(run_of: MakeRun, tmp_path: Path) -> None:
    before = signal.getsignal(signal.SIGTERM)
    steps = train_steps(run_of("edge", 1000, workers=1))
    next(steps)
    os.kill(os.getpid(), signal.SIGTERM)
    outcome = result_of(steps)
    assert (outcome.step, outcome.finished) == (2, False)
    assert learner_state(tmp_path / "run")["step"] == 2
    assert signal.getsignal(signal.SIGTERM) == before


def test_what_an_earlier_version_did_not_ask_is_taken_as_its_default(run_of: MakeRun, tmp_path: Path) -> None:
    finished(run_of("edge", 1))
    path = tmp_path / "run" / STATE
    state = torch.load(path, weights_only=True)
    del state["identity"]["recipe"]["feature_shift"]
    torch.save(state, path)
    with pytest.raises(StateError, match=r"begun with recipe.feature_shift = 0, but now it is 2"):
        finished(run_of("edge", 2, recipe=small(feature_shift=2)))
    assert finished(run_of("edge", 2)).step == 2


def test_a_folder_takes_no_other_run(run_of: MakeRun, tmp_path: Path) -> None:
    finished(run_of("edge", 1))
    kept = (tmp_path / "run" / STATE).read_bytes()
    with pytest.raises(StateError, match=r"begun with recipe.learning_rate = 0.002, but now it is 0.5"):
        finished(run_of("edge", 2, recipe=small(learning_rate=0.5)))
    with pytest.raises(StateError, match="begun with stage = 'edge', but now it is 'inpaint'"):
        finished(run_of("inpaint", 2))
    with pytest.raises(StateError, match="begun with seed = 0"):
        finished(run_of("edge", 2, seed=1))
    assert (tmp_path / "run" / STATE).read_bytes() == kept
    assert finished(run_of("edge", 2)).step == 2  # a longer schedule is the same run
    with pytest.raises(StateError, match="at step 2, beyond 1"):
        finished(run_of("edge", 1))
    (tmp_path / "run" / STATE).write_bytes(b"no state")
    with pytest.raises(StateError, match="can't be read"):
        finished(run_of("edge", 2))


def test_a_finished_run_is_not_run_again(run_of: MakeRun, tmp_path: Path) -> None:
    first = tensors(finished(run_of("edge", 2)).weights["edge"])
    again = finished(run_of("edge", 2))
    assert again.finished
    assert_same(tensors(again.weights["edge"]), first)


def test_the_log_has_each_row_once_after_a_kill(run_of: MakeRun, tmp_path: Path) -> None:
    run = run_of("edge", 150)
    steps = train_steps(replace(run, save_minutes=1e9))
    for _ in range(120):  # two rows are written; then the process is gone, and with it all after the last state
        next(steps)
    written = rows(tmp_path / "run")
    assert {step for step, _ in written} == {50, 100}
    steps.close()
    finished(run)
    names = {name for _, name in written}
    assert {"edge_cross_entropy", "precision", "recall", "learning_rate"} <= names
    assert sorted(rows(tmp_path / "run")) == sorted((step, name) for step in (50, 100, 150) for name in names)
    assert list((tmp_path / "run" / "tensorboard").iterdir())


def test_a_sheet_shows_what_the_networks_make(run_of: MakeRun, tmp_path: Path) -> None:
    finished(run_of("edge", 1))
    finished(run_of("edge-inpaint", 1, output=tmp_path / "both", edges=str(tmp_path / "run")))
    sizes = {name: Image.open(next((tmp_path / name / "sheets").glob("*.jpg"))).size for name in ("run", "both")}
    # Eight rows of 32 px with gaps of 4; damaged, edges, true edges, truth; and completed.
    assert sizes == {"run": (4 * 36, 8 * 36), "both": (5 * 36, 8 * 36)}


def test_fine_tuning_starts_where_the_model_is(run_of: MakeRun) -> None:
    kept = small(learning_rate=1e-12, ema=0)
    outcome = finished(run_of("edge-inpaint", 1, recipe=kept, start="open-science-16"))
    for kind, path in outcome.weights.items():
        old, _ = load_generator(getattr(find_model("open-science-16"), kind))
        new, info = load_generator(path)
        assert info.width == 16
        for name, value in old.state_dict().items():
            assert torch.allclose(value, new.state_dict()[name], atol=1e-7), (kind, name)


def test_spectral_norm_comes_on_and_off_without_changing_what_the_edges_are(run_of: MakeRun) -> None:
    """Every normalised convolution is followed by an instance norm, which takes its scale out again."""
    kept = small("published", learning_rate=1e-12, formulation="residual")
    outcome = finished(run_of("edge", 1, recipe=kept, start="open-science-16"))
    old, _ = load_generator(find_model("open-science-16").edge)
    new, _ = load_generator(outcome.weights["edge"])
    assert not any("weight_orig" in name for name in new.state_dict())
    x = torch.randn(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(old(x), new(x), atol=0.02)


def test_bfloat16_trains(run_of: MakeRun, tmp_path: Path) -> None:
    finished(run_of("edge", 3, precision="no", output=tmp_path / "exact"))
    finished(run_of("edge", 3, precision="bf16", output=tmp_path / "half"))
    exact, half = (learner_state(tmp_path / name)["networks"]["edge"] for name in ("exact", "half"))
    assert all(value.dtype == torch.float32 for value in half.values())
    assert any(not torch.equal(exact[name], half[name]) for name in exact)
    assert all(torch.isfinite(value).all() for value in half.values())


def test_precision_follows_what_the_device_multiplies_in(monkeypatch: pytest.MonkeyPatch) -> None:
    cpu, cuda, mps = (torch.device(name) for name in ("cpu", "cuda", "mps"))
    for can, precision in (({"avx512_bf16": True}, "bf16"), ({"amx_bf16": True}, "bf16"), ({"avx2": True}, "no")):
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda can=can: can, raising=False)
        assert choose_precision("auto", cpu) == precision
    for has, precision in ((True, "bf16"), (False, "no")):
        monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation, has=has: has)
        assert choose_precision("auto", cuda) == precision
    assert choose_precision("auto", mps) == "no"
    assert choose_precision("fp16", cuda) == "fp16"


def test_settings_that_do_not_fit_have_their_sentence(run_of: MakeRun, images: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="stage is 'edges': known are edge, inpaint"):
        run_of("edges")
    with pytest.raises(ValueError, match="learns from an edge generator's maps"):
        run_of("edge-inpaint")
    with pytest.raises(ValueError, match="vgg19"):
        finished(run_of("inpaint", recipe=small("published")))  # VGG-19 without its weights
    assert not (tmp_path / "run").exists()
    result = CliRunner().invoke(
        app, ["train", "edge", str(images), "-o", str(tmp_path / "run"), "--steps", "1", "--start", "nowhere"]
    )
    assert result.exit_code == 1
    assert "There is no model 'nowhere'" in result.stderr
    assert not (tmp_path / "run").exists()
