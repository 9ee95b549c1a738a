"""The trainer learns, resumes where it was, and can be stopped; its samples are what inference will see."""

from __future__ import annotations

import os
import signal
from dataclasses import replace
from itertools import islice
from multiprocessing import active_children
from pathlib import Path

import imageio.v3 as iio
import numpy as np
import pytest
import torch
from skimage import data
from skimage.color import rgb2gray
from skimage.feature import canny
from torch.utils.data import default_collate
from typer.testing import CliRunner

from napari_edgeconnect.core.fill import biharmonic_fill
from napari_edgeconnect.core.models import find_model
from napari_edgeconnect.core.networks import EdgeGenerator, InpaintGenerator, initialise
from napari_edgeconnect.training.__main__ import app
from napari_edgeconnect.training.data import DamagedCrops, sample
from napari_edgeconnect.training.losses import completion_loss, edge_loss
from napari_edgeconnect.training.trainer import EdgeStage, InpaintStage, TrainSettings, train
from napari_edgeconnect.training.validation import CASES_PER_MODALITY, held_out, validate


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two modalities of real pictures."""
    folder = tmp_path_factory.mktemp("images")
    for modality, name, picture in (("photo", "astronaut", data.astronaut()), ("gray", "coins", data.coins())):
        (folder / modality).mkdir()
        iio.imwrite(folder / modality / f"{name}.png", picture[:200, :200])
    return folder


def settings(images: Path, state: Path, steps: int) -> TrainSettings:
    return TrainSettings(
        images, state, steps, crop=32, batch=2, workers=0, threads=1, learning_rate=2e-3, warmup_steps=1
    )


def completion_network() -> InpaintGenerator:
    torch.manual_seed(0)
    network = InpaintGenerator(in_channels=5, width=4, blocks=1)
    initialise(network)
    torch.nn.init.zeros_(network.decoder[-1].weight)
    return network


def test_a_sample_holds_what_inference_will_see() -> None:
    rgb = (data.astronaut()[:64, :80] / 255).astype(np.float32)
    mask = np.zeros((64, 80), dtype=bool)
    mask[20:40, 30:50] = True
    case = sample(rgb, mask, 2.0)
    assert np.allclose(case["fill"].numpy(), biharmonic_fill(rgb, mask).transpose(2, 0, 1), atol=1e-6)
    assert np.array_equal(case["edges"].numpy()[0] > 0, canny(rgb2gray(rgb), sigma=2.0, mask=~mask))
    assert np.array_equal(case["target"].numpy()[0] > 0, canny(rgb2gray(rgb), sigma=2.0))
    assert not case["edges"].numpy()[0][mask].any()


def test_equal_seeds_give_equal_crops(images: Path) -> None:
    first, second = (list(islice(DamagedCrops(images, crop=32, seed=3), 4)) for _ in range(2))
    other = next(iter(DamagedCrops(images, crop=32, seed=4)))
    assert all(torch.equal(a[n], b[n]) for a, b in zip(first, second, strict=True) for n in a)
    assert not torch.equal(first[0]["image"], other["image"])


def test_a_folder_without_images_has_its_sentence(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="No image"):
        DamagedCrops(tmp_path, crop=32)


def test_losses_are_least_for_the_truth(images: Path) -> None:
    batch = default_collate(list(islice(DamagedCrops(images, crop=32), 4)))
    image, fill, mask, target = (batch[n] for n in ("image", "fill", "mask", "target"))
    assert completion_loss(image, image, fill, mask).item() == pytest.approx(0, abs=1e-6)
    assert completion_loss(fill, image, fill, mask) > 0.01
    known_changed = torch.where(mask.bool(), image, 0.5)
    assert completion_loss(known_changed, image, fill, mask).item() == pytest.approx(0, abs=1e-6)
    right, wrong = (edge_loss(sign * (20 * target - 10), target, mask) for sign in (1, -1))
    assert right < 0.01 < wrong


def test_completion_starts_at_the_fill(images: Path) -> None:
    stage = InpaintStage(completion_network(), EdgeGenerator(width=4, blocks=1, spectral=False))
    batch = default_collate(list(islice(DamagedCrops(images, crop=32, seed=9), 8)))
    fill_loss = completion_loss(batch["fill"], batch["image"], batch["fill"], batch["mask"]).item()
    with torch.no_grad():
        assert stage.loss(batch).item() == pytest.approx(fill_loss, abs=1e-5)


def test_training_makes_unseen_crops_better(images: Path, tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = EdgeGenerator(width=4, blocks=1, spectral=False)
    initialise(network)
    stage = EdgeStage(network)
    batch = default_collate(list(islice(DamagedCrops(images, crop=32, seed=9), 16)))
    with torch.no_grad():
        before = stage.loss(batch).item()
    train(stage, settings(images, tmp_path / "state.pt", 60))
    with torch.no_grad():
        assert stage.loss(batch).item() < 0.9 * before


def test_training_goes_on_where_it_was(images: Path, tmp_path: Path) -> None:
    state = tmp_path / "state.pt"
    edges = EdgeGenerator(width=4, blocks=1, spectral=False)
    train(InpaintStage(completion_network(), edges), settings(images, state, 3))
    after_three = torch.load(state, weights_only=True)
    assert after_three["step"] == 3
    again = train(InpaintStage(completion_network(), edges), settings(images, state, 3))
    assert all(torch.equal(value, after_three["average"][name]) for name, value in again.state_dict().items())
    train(InpaintStage(completion_network(), edges), settings(images, state, 5))
    assert torch.load(state, weights_only=True)["step"] == 5
    assert not state.with_suffix(".part").exists()


def test_a_stop_signal_ends_after_a_whole_step_and_saves(images: Path, tmp_path: Path) -> None:
    class Interrupted(EdgeStage):
        def loss(self, batch: dict[str, torch.Tensor]) -> torch.Tensor:
            for process in (os.getpid(), *(child.pid for child in active_children())):
                os.kill(process, signal.SIGTERM)
            return super().loss(batch)

    before = signal.getsignal(signal.SIGTERM)
    state = tmp_path / "state.pt"
    endless = replace(settings(images, state, 1000), workers=1)
    train(Interrupted(EdgeGenerator(width=4, blocks=1, spectral=False)), endless)
    assert torch.load(state, weights_only=True)["step"] == 1
    assert signal.getsignal(signal.SIGTERM) == before


def test_validation_uses_the_same_cases_every_time(images: Path) -> None:
    first, second = held_out(images), held_out(images)
    assert {m: len(c) for m, c in first.items()} == {"gray": CASES_PER_MODALITY, "photo": CASES_PER_MODALITY}
    assert torch.equal(first["photo"][3]["mask"], second["photo"][3]["mask"])


def test_validation_of_an_untrained_network_is_that_of_the_fill(images: Path) -> None:
    table = validate(EdgeGenerator(width=4, blocks=1, spectral=False), completion_network().eval(), images)
    assert table["all"]["hallucinated"] == pytest.approx(table["all"]["fill"], abs=0.01)
    assert table["all"]["fill"] == pytest.approx((table["gray"]["fill"] + table["photo"]["fill"]) / 2)


@pytest.mark.parametrize("start", ["nothing", "weights"])
def test_the_command_trains_both_stages_and_bundles_them(images: Path, tmp_path: Path, start: str) -> None:
    def run(*words: object) -> str:
        result = CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return result.output

    size = ("--data", images, "--steps", 2, "--crop", 32, "--batch", 2, "--width", 4, "--blocks", 1)
    run("edge", *size, "--state", tmp_path / "e.pt")
    edges = ("--edges", tmp_path / "e.safetensors")
    run("inpaint", *size, *edges, "--state", tmp_path / "i.pt")
    weights = tmp_path / "i.safetensors"
    if start == "weights":
        run("inpaint", *size, *edges, "--state", tmp_path / "j.pt", "--start", weights)
        weights = tmp_path / "j.safetensors"
    run("bundle", *edges, "--inpaint", weights, "--out", tmp_path / "trial", "--training", "two steps")
    info = find_model(tmp_path / "trial")
    assert (info.formulation, info.width, info.blocks, info.training) == ("residual", 4, 1, "two steps")
    assert run("validate", *edges, "--inpaint", weights, "--data", images).splitlines()[-1].split()[0] == "all"
