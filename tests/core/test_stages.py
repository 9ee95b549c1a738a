"""Rim correction, padding, and where torch's tensors end."""

from __future__ import annotations

from contextlib import nullcontext

import numpy as np
import pytest
import torch
from skimage import data

from napari_edgeconnect.core.device import choose_device
from napari_edgeconnect.core.fill import biharmonic_fill
from napari_edgeconnect.core.formulations import FORMULATIONS, known_statistics
from napari_edgeconnect.core.job import View
from napari_edgeconnect.core.models import find_model
from napari_edgeconnect.core.networks import InpaintGenerator
from napari_edgeconnect.core.stages import Stages, rim_corrected


@pytest.fixture
def view() -> View:
    unit = data.astronaut()[:48, :64] / 255
    unknown = np.zeros((48, 64), bool)
    unknown[10:30, 20:40] = True
    return View(unit, unknown, biharmonic_fill(unit, unknown), np.zeros((48, 64), np.float32))


def test_rim_correction_of_no_output_is_the_biharmonic_fill(view: View) -> None:
    corrected = rim_corrected(np.zeros_like(view.unit), view)
    assert np.abs(corrected - view.fill).max() <= 1e-9


def test_rim_correction_takes_off_a_cast_exactly(view: View) -> None:
    cast = rim_corrected(view.unit * 1.0 + np.array([0.2, -0.1, 0.05]), view)
    assert np.abs(cast - view.unit).max() <= 1e-9


def test_a_residual_network_that_says_nothing_gives_the_fill(view: View) -> None:
    network = InpaintGenerator(in_channels=5, width=4, blocks=1)
    torch.nn.init.zeros_(network.decoder[-1].weight)
    torch.nn.init.zeros_(network.decoder[-1].bias)
    fill = torch.from_numpy(view.fill.transpose(2, 0, 1)[None].astype(np.float32))
    mask = torch.from_numpy(view.unknown[None, None].astype(np.float32))
    out = FORMULATIONS["residual"].completed(network, fill, fill, torch.zeros_like(mask), mask)
    assert torch.equal(out, fill)


def test_statistics_are_of_known_pixels() -> None:
    image = torch.rand(2, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    mask = torch.zeros(2, 1, 8, 8)
    mask[:, :, :4] = 1
    mean, std = known_statistics(torch.where(mask.bool(), 99.0, image), mask)
    known = image[:, :, 4:]
    assert torch.allclose(mean[..., 0, 0], known.mean((2, 3)))
    assert torch.allclose(std.squeeze(), known.var((2, 3), correction=0).mean(1).sqrt())


def test_a_flat_window_has_the_smallest_spread() -> None:
    _, std = known_statistics(torch.ones(1, 3, 8, 8), torch.zeros(1, 1, 8, 8))
    assert std.item() == pytest.approx(0.004)


@pytest.mark.parametrize("shape", [(1, 1), (3, 50), (12, 12), (13, 14)])
def test_odd_sizes_are_padded_and_cropped_back(shape: tuple[int, int]) -> None:
    stages = Stages(find_model("open-science-16"), choose_device("cpu"))
    rng = np.random.default_rng(0)
    unit = rng.random((*shape, 1))
    unknown = np.zeros(shape, bool)
    view = View(unit, unknown, unit, np.zeros(shape, np.float32))
    assert stages.edge_probability([view])[0].shape == shape
    assert stages.completed([view])[0].shape == (*shape, 1)


@pytest.mark.parametrize(
    ("device", "half", "expected"),
    [("cuda", True, [("cuda", torch.float16)]), ("cuda", False, []), ("cpu", True, []), ("mps", True, [])],
)
def test_half_precision_is_for_cuda_alone(
    monkeypatch: pytest.MonkeyPatch, device: str, half: bool, expected: list[object]
) -> None:
    asked: list[object] = []

    def autocast(device_type: str, dtype: torch.dtype) -> nullcontext[None]:
        asked.append((device_type, dtype))
        return nullcontext()

    stages = Stages(find_model("open-science-16"), choose_device("cpu"))
    monkeypatch.setattr("torch.autocast", autocast)
    monkeypatch.setattr(stages, "device", torch.device(device))
    with stages._precision(half):
        pass
    assert asked == expected
