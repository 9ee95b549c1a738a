"""Our networks are the published ones: every key, shape and output of the golden file."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from published import CASES, golden, state_dict

from napari_edgeconnect.core.formulations import FORMULATIONS
from napari_edgeconnect.core.networks import Discriminator, EdgeGenerator, InpaintGenerator

BUILD = {
    "edge_gen": EdgeGenerator,
    "inpaint_gen": InpaintGenerator,
    "edge_dis": lambda: Discriminator(2),
    "inpaint_dis": lambda: Discriminator(3),
}


def published(network: str) -> torch.nn.Module:
    module = BUILD[network]()
    module.load_state_dict(state_dict(network), strict=True)
    return module.eval()


def batch(name: str) -> torch.Tensor:
    """A golden array as (1, C, H, W) float32 in [0, 1]."""
    array = golden()[name]
    scale = 255 if name.endswith("image") else 1
    planes = array if array.ndim == 3 and array.shape[0] == 3 else np.atleast_3d(array).transpose(2, 0, 1)
    return torch.from_numpy(planes[None].astype(np.float32) / scale)


@pytest.mark.parametrize("network", BUILD)
def test_every_tensor_has_its_published_name_and_shape(network: str) -> None:
    ours = {name: list(value.shape) for name, value in BUILD[network]().state_dict().items()}
    assert ours == golden()["manifest"][network]


@pytest.mark.parametrize("case", CASES)
@torch.inference_mode()
def test_edge_generator_answers_as_published(case: str) -> None:
    image, mask, known = batch(f"{case}_image"), batch(f"{case}_mask"), batch(f"{case}_canny_sigma2")
    x = FORMULATIONS["published"].edge_input(image, image, known, mask)
    out = published("edge_gen")(x)[0, 0].numpy()
    assert np.abs(out - golden()[f"{case}_edge_gen_out"]).max() <= 1e-4


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize(("merged", "expected"), [(True, "inpaint_gen_out"), (False, "inpaint_gen_out_unmerged_edges")])
@torch.inference_mode()
def test_completion_network_answers_as_published(case: str, merged: bool, expected: str) -> None:
    image, mask, known = batch(f"{case}_image"), batch(f"{case}_mask"), batch(f"{case}_canny_sigma2")
    edges = batch(f"{case}_edge_gen_out")
    if merged:
        edges = edges * mask + known * (1 - mask)
    network = published("inpaint_gen")
    out = FORMULATIONS["published"].completed(network, image, image, edges, mask)[0].numpy()
    assert np.abs(out - golden()[f"{case}_{expected}"]).max() <= 1e-4


@pytest.mark.parametrize("case", CASES)
@torch.inference_mode()
def test_edge_discriminator_answers_as_published(case: str) -> None:
    mask, known = batch(f"{case}_mask"), batch(f"{case}_canny_sigma2")
    edges = batch(f"{case}_edge_gen_out") * mask + known * (1 - mask)
    patches, features = published("edge_dis")(torch.cat([batch(f"{case}_gray"), edges], dim=1))
    assert np.abs(patches[0, 0].numpy() - golden()[f"{case}_edge_dis_out"]).max() <= 1e-3
    assert [f.shape[1] for f in features] == [64, 128, 256, 512, 1]


@pytest.mark.parametrize("case", CASES)
@torch.inference_mode()
def test_completion_discriminator_answers_as_published(case: str) -> None:
    patches, _ = published("inpaint_dis")(batch(f"{case}_composite"))
    assert np.abs(patches[0, 0].numpy() - golden()[f"{case}_inpaint_dis_out"]).max() <= 1e-3


def test_width_and_blocks_are_free() -> None:
    narrow = InpaintGenerator(in_channels=5, width=8, blocks=2)
    assert narrow.raw(torch.zeros(2, 5, 16, 24)).shape == (2, 3, 16, 24)
    assert narrow.encoder[1].weight.shape == (8, 5, 7, 7)
    assert len(narrow.middle) == 2
