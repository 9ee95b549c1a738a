"""The three networks of EdgeConnect, layer for layer, at any width.

Apart from everything else, because these classes *are* the published
architecture: their module names are the tensor names of published checkpoints
(``encoder.N``, ``middle.N.conv_block.N``, ``decoder.N``, ``conv1.0`` …), and a
test pins every key, shape and output to the golden file. Nothing here knows
about windows, masks or dtypes.

References
----------
Nazeri et al., EdgeConnect: Generative Image Inpainting with Adversarial Edge
Learning, arXiv:1901.00212, section 3 and appendix A.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.utils import spectral_norm

PUBLISHED_WIDTH = 64
PUBLISHED_BLOCKS = 8
#: Two stride-2 convolutions: heights and widths have to be multiples of this.
SIZE_MULTIPLE = 4
#: Reflection pads of 3 at full and 2 at quarter resolution need this many pixels.
SMALLEST_SIDE = 12


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions, the first dilated, added to their input (no ReLU after the sum)."""

    def __init__(self, channels: int, *, spectral: bool) -> None:
        super().__init__()
        # A spectrally normalised convolution carries no bias in the published files.
        self.conv_block = nn.Sequential(
            nn.ReflectionPad2d(2),
            _maybe_spectral(nn.Conv2d(channels, channels, 3, dilation=2, bias=not spectral), spectral),
            nn.InstanceNorm2d(channels),
            nn.ReLU(inplace=True),
            nn.ReflectionPad2d(1),
            _maybe_spectral(nn.Conv2d(channels, channels, 3, bias=not spectral), spectral),
            nn.InstanceNorm2d(channels),
        )

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to (B, C, H, W)."""
        return x + self.conv_block(x)


class Generator(nn.Module):
    """The encoder, residual middle and decoder that both stages share.

    Parameters
    ----------
    in_channels, out_channels : int
    width : int
        Channels after the first convolution; 64 in the published weights.
    blocks : int
        Residual blocks; 8 in the published weights.
    spectral : bool
        Spectral norm on every convolution but the last.
    """

    def __init__(self, in_channels: int, out_channels: int, *, width: int, blocks: int, spectral: bool) -> None:
        super().__init__()
        w = width
        self.encoder = nn.Sequential(
            nn.ReflectionPad2d(3),
            _maybe_spectral(nn.Conv2d(in_channels, w, 7), spectral),
            nn.InstanceNorm2d(w),
            nn.ReLU(inplace=True),
            _maybe_spectral(nn.Conv2d(w, 2 * w, 4, stride=2, padding=1), spectral),
            nn.InstanceNorm2d(2 * w),
            nn.ReLU(inplace=True),
            _maybe_spectral(nn.Conv2d(2 * w, 4 * w, 4, stride=2, padding=1), spectral),
            nn.InstanceNorm2d(4 * w),
            nn.ReLU(inplace=True),
        )
        self.middle = nn.Sequential(*(ResidualBlock(4 * w, spectral=spectral) for _ in range(blocks)))
        self.decoder = nn.Sequential(
            _maybe_spectral(nn.ConvTranspose2d(4 * w, 2 * w, 4, stride=2, padding=1), spectral),
            nn.InstanceNorm2d(2 * w),
            nn.ReLU(inplace=True),
            _maybe_spectral(nn.ConvTranspose2d(2 * w, w, 4, stride=2, padding=1), spectral),
            nn.InstanceNorm2d(w),
            nn.ReLU(inplace=True),
            nn.ReflectionPad2d(3),
            nn.Conv2d(w, out_channels, 7),
        )

    def raw(self, x: Tensor) -> Tensor:
        """Output of the last convolution, before any activation.

        Parameters
        ----------
        x : (B, in_channels, H, W) float tensor
            H and W multiples of 4 and at least 12.

        Returns
        -------
        (B, out_channels, H, W) float tensor
        """
        return self.decoder(self.middle(self.encoder(x)))


class EdgeGenerator(Generator):
    """Stage 1: hallucinates the edges inside the hole (paper, section 3.1).

    Input channels: gray with the hole filled, known edges, mask.
    """

    def __init__(self, *, width: int = PUBLISHED_WIDTH, blocks: int = PUBLISHED_BLOCKS, spectral: bool = True) -> None:
        super().__init__(3, 1, width=width, blocks=blocks, spectral=spectral)

    def forward(self, x: Tensor) -> Tensor:
        """(B, 3, H, W) to edge probabilities (B, 1, H, W) in [0, 1]."""
        return torch.sigmoid(self.raw(x))


class InpaintGenerator(Generator):
    """Stage 2: completes the image from its known part and the edge map (paper, section 3.2).

    ``in_channels`` is 4 in the published formulation (RGB, edges) and 5 in the
    residual one (RGB, edges, mask).
    """

    def __init__(self, *, in_channels: int = 4, width: int = PUBLISHED_WIDTH, blocks: int = PUBLISHED_BLOCKS) -> None:
        super().__init__(in_channels, 3, width=width, blocks=blocks, spectral=False)

    def forward(self, x: Tensor) -> Tensor:
        """(B, in_channels, H, W) to colours (B, 3, H, W) in [0, 1]: the published output."""
        return (torch.tanh(self.raw(x)) + 1) / 2


class Discriminator(nn.Module):
    """70x70 patch discriminator, spectrally normalised (paper, appendix A)."""

    def __init__(self, in_channels: int, *, width: int = PUBLISHED_WIDTH, sigmoid: bool = True) -> None:
        super().__init__()
        self.sigmoid = sigmoid
        w = width

        def stage(cin: int, cout: int, stride: int) -> nn.Sequential:
            conv = spectral_norm(nn.Conv2d(cin, cout, 4, stride=stride, padding=1, bias=False))
            return nn.Sequential(conv, nn.LeakyReLU(0.2, inplace=True))

        # Registered twice in the published code, so its tensors appear twice in a checkpoint.
        self.conv1 = self.features = stage(in_channels, w, 2)
        self.conv2 = stage(w, 2 * w, 2)
        self.conv3 = stage(2 * w, 4 * w, 2)
        self.conv4 = stage(4 * w, 8 * w, 1)
        self.conv5 = nn.Sequential(
            spectral_norm(nn.Conv2d(8 * w, 1, 4, stride=1, padding=1, bias=False)),
        )

    def forward(self, x: Tensor) -> tuple[Tensor, list[Tensor]]:
        """(B, in_channels, H, W) to a patch map (B, 1, h, w) and the five feature maps."""
        features = []
        for stage in (self.conv1, self.conv2, self.conv3, self.conv4, self.conv5):
            x = stage(x)
            features.append(x)
        patches = torch.sigmoid(x) if self.sigmoid else x
        return patches, features


def initialise(network: nn.Module, gain: float = 0.02) -> None:
    """Draw convolution weights from N(0, gain) and set biases to zero, as published."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            weight = getattr(module, "weight_orig", module.weight)
            nn.init.normal_(weight.data, 0.0, gain)
            if module.bias is not None:
                nn.init.zeros_(module.bias)


def _maybe_spectral(conv: nn.Module, spectral: bool) -> nn.Module:
    return spectral_norm(conv) if spectral else conv
