"""The compass: the same cases every time, the fill for an untrained network; and the model makers' commands."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from short_runs import finished, small
from typer.testing import CliRunner

from napari_edgeconnect.core.checkpoints import load_generator
from napari_edgeconnect.core.models import find_model
from napari_edgeconnect.core.networks import EdgeGenerator
from napari_edgeconnect.training.__main__ import app
from napari_edgeconnect.training.generators import new_generator
from napari_edgeconnect.training.validation import CASES_PER_MODALITY, held_out, validate


def test_validation_uses_the_same_cases_every_time(images: Path) -> None:
    first, second = held_out(images), held_out(images)
    assert {m: len(c) for m, c in first.items()} == {"gray": CASES_PER_MODALITY, "photo": CASES_PER_MODALITY}
    assert torch.equal(first["photo"][3]["mask"], second["photo"][3]["mask"])


def test_validation_of_an_untrained_network_is_that_of_the_fill(images: Path) -> None:
    completion, _ = new_generator("inpaint", small())
    table = validate(EdgeGenerator(width=4, blocks=1, spectral=False), completion.eval(), images)
    assert table["all"]["hallucinated"] == pytest.approx(table["all"]["fill"], abs=0.01)
    assert table["all"]["fill"] == pytest.approx((table["gray"]["fill"] + table["photo"]["fill"]) / 2)


def test_one_network_alone_gives_its_own_figures(images: Path) -> None:
    edge, _ = new_generator("edge", small())
    completion, _ = new_generator("inpaint", small())
    assert {"F1@0.3", "fill"} <= validate(edge, None, images)["all"].keys()
    assert validate(None, completion, images)["all"].keys() == {"fill", "true", "none"}


def test_the_commands_validate_widen_and_bundle(run_of, images: Path, tmp_path: Path) -> None:
    def run(*words: object) -> str:
        result = CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return result.output

    folder = finished(run_of("joint", 2)).weights["edge"].parent
    pair = ("--edges", folder, "--inpaint", folder)
    assert run("validate", *pair, "--data", images).splitlines()[-1].split()[0] == "all"
    run("widen", folder / "inpaint.safetensors", 6, tmp_path / "wide.safetensors")
    wide = ("--edges", folder, "--inpaint", tmp_path / "wide.safetensors")
    run("bundle", *wide, "--out", tmp_path / "trial", "--training", "two steps")
    info = find_model(tmp_path / "trial")
    assert (info.formulation, info.width, info.blocks, info.training) == ("residual", 6, 1, "two steps")
    # Half the bytes, the same network to three digits.
    whole = tmp_path / "wide.safetensors"
    assert info.inpaint.stat().st_size < 0.7 * whole.stat().st_size
    for name, value in load_generator(whole)[0].state_dict().items():
        kept = load_generator(info.inpaint)[0].state_dict()[name]
        assert kept.dtype == torch.float32
        assert torch.allclose(value, kept, rtol=1e-3, atol=1e-6)
