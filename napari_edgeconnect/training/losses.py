"""What each stage is asked to get right, as functions of tensors.

Only the terms: how much each of them weighs is the recipe's, which networks
they look through is ``features``', and who is trained with them is the stages'.

All tensors are batches ``(B, C, H, W)``, images in [0, 1], masks
``(B, 1, H, W)`` with 1 inside the hole; every loss is one number in float32,
under autocast too. A batch without any hole gives finite losses.

References
----------
Nazeri et al., EdgeConnect, arXiv:1901.00212, section 3.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from ..core.formulations import known_statistics
from .features import FeatureNetwork

ADVERSARIAL_KINDS = ("nsgan", "lsgan", "hinge")
#: Edges are rare: a missed one costs as much as two false ones.
EDGE_POSITIVE_WEIGHT = 2.0
#: Known pixels teach the network what edges look like without taking over.
KNOWN_WEIGHT = 0.05
GRADIENT_WEIGHT = 0.3
#: Errors below a hundredth of the window's standard deviation are as good as none.
LOG_FLOOR = 1e-4
LOG_GRADIENT_WEIGHT = 0.25
#: Ten times the squared error, 10 dB, then costs 0.46, and 0.69 with its differences.
LOG_SCALE = 0.2


def edge_cross_entropy(logits: Tensor, target: Tensor, mask: Tensor) -> Tensor:
    """Cross-entropy of hallucinated edges; each window's hole counts alike. Ours, not the paper's.

    Parameters
    ----------
    logits : (B, 1, H, W)
        Before the sigmoid.
    target : (B, 1, H, W) in [0, 1]
        True edges.
    mask : (B, 1, H, W)
    """
    logits = logits.float()
    per_pixel = F.binary_cross_entropy_with_logits(
        logits, target, reduction="none", pos_weight=logits.new_tensor(EDGE_POSITIVE_WEIGHT)
    )
    return hole_mean(per_pixel, mask) + KNOWN_WEIGHT * hole_mean(per_pixel, 1 - mask)


def completion_loss(output: Tensor, image: Tensor, fill: Tensor, mask: Tensor) -> Tensor:
    """Smooth L1 on the standardised error and its gradients inside the hole. Ours, not the paper's.

    Parameters
    ----------
    output, image, fill : (B, 3, H, W)
        Completed, true, and filled without a network.
    mask : (B, 1, H, W)
    """
    error = standardised_error(output, image, fill, mask)
    loss = hole_mean(_smooth_l1(error), mask)
    for axis in (2, 3):
        loss = loss + GRADIENT_WEIGHT * _smooth_l1(error.diff(dim=axis)).sum() / (3 * mask.sum()).clamp(min=1)
    return loss


def log_error(output: Tensor, image: Tensor, fill: Tensor, mask: Tensor) -> Tensor:
    """Logarithm of each window's mean squared error inside the hole, and of its gradients'. Ours, not the paper's.

    A window weighs by its relative error, as in PSNR: thin damage, whose
    errors are small, counts like a large hole. Negative where the error is
    small. Windows without a hole are left out; without any, the loss is 0.

    Parameters
    ----------
    output, image, fill : (B, 3, H, W)
        Completed, true, and filled without a network.
    mask : (B, 1, H, W)
    """
    error = standardised_error(output, image, fill, mask)
    pixels = mask.sum((1, 2, 3))
    count = (3 * pixels).clamp(min=1)

    def log_mean(values: Tensor) -> Tensor:
        return torch.log((values**2).sum((1, 2, 3)) / count + LOG_FLOOR)

    total = log_mean(error) + LOG_GRADIENT_WEIGHT * (log_mean(error.diff(dim=2)) + log_mean(error.diff(dim=3)))
    damaged = (pixels > 0).float()
    return LOG_SCALE * (total * damaged).sum() / damaged.sum().clamp(min=1)


def l1_per_hole(output: Tensor, image: Tensor, mask: Tensor) -> Tensor:
    """The published L1: over the whole picture, divided by the share of hole in the batch (paper, section 3.2).

    Parameters
    ----------
    output, image : (B, 3, H, W)
    mask : (B, 1, H, W)
        A batch without hole counts as if one pixel of it were.
    """
    return F.l1_loss(output.float(), image) / mask.mean().clamp(min=1 / mask.numel())


class Adversarial:
    """What discriminator and generator want of each other (paper, section 3.1; kinds of its code).

    Parameters
    ----------
    kind : "nsgan", "lsgan" or "hinge"
        Non-saturating, least squares, or hinge.

    Attributes
    ----------
    sigmoid : bool
        Whether the discriminator's patch map has to go through a sigmoid: before the squared error only. The
        published nsgan has one too, followed by a cross-entropy; from logits that is the same figure, and safe.

    Raises
    ------
    ValueError
        For another kind.
    """

    def __init__(self, kind: str) -> None:
        if kind not in ADVERSARIAL_KINDS:
            raise ValueError(f"Adversarial loss {kind!r} is unknown: choose one of {', '.join(ADVERSARIAL_KINDS)}.")
        self.kind = kind
        self.sigmoid = kind == "lsgan"

    def discriminator(self, real: Tensor, fake: Tensor, hole: Tensor | None = None) -> Tensor:
        """Tell true from made up: the mean of both halves.

        Parameters
        ----------
        real, fake : (B, 1, h, w)
            Patch maps.
        hole : (B, 1, H, W) or None
            Only patches over it count: where known pixels are put back, the others are true in both. None: all do.
        """
        return (self._apart_from(1.0, real, hole) + self._apart_from(0.0, fake, hole)) / 2

    def generator(self, fake: Tensor, hole: Tensor | None = None) -> Tensor:
        """Be taken for true, from the patch map (B, 1, h, w); ``hole`` as for the discriminator."""
        if self.kind == "hinge":
            return _over_hole(-fake.float(), hole)
        return self._apart_from(1.0, fake, hole)

    def _apart_from(self, label: float, patches: Tensor, hole: Tensor | None) -> Tensor:
        patches = patches.float()
        if self.kind == "hinge":
            return _over_hole(F.relu(1 - patches if label else 1 + patches), hole)
        labels = torch.full_like(patches, label)
        apart = F.mse_loss if self.kind == "lsgan" else F.binary_cross_entropy_with_logits
        return _over_hole(apart(patches, labels, reduction="none"), hole)


def feature_matching(real: Sequence[Tensor], fake: Sequence[Tensor]) -> Tensor:
    """L1 between a discriminator's feature maps of real and fake, summed over them (paper, section 3.1).

    Parameters
    ----------
    real, fake : sequences of (B, C, h, w)
        Only the fake ones pass a gradient on.
    """
    return _summed([F.l1_loss(f.float(), r.detach().float()) for r, f in zip(real, fake, strict=True)])


def perceptual_loss(features: FeatureNetwork, output: Tensor, image: Tensor) -> Tensor:
    """L1 between a network's perceptual layers, summed over them (paper, section 3.2).

    Parameters
    ----------
    features : FeatureNetwork
    output, image : (B, 3, H, W)
        Only ``output`` passes a gradient on.
    """
    return _summed([F.l1_loss(o, i) for o, i in _seen(features, features.perceptual_layers, output, image)])


def style_loss(features: FeatureNetwork, output: Tensor, image: Tensor, mask: Tensor) -> Tensor:
    """L1 between the Gram matrices of a network's style layers inside the hole, summed (paper, section 3.2).

    Parameters
    ----------
    features : FeatureNetwork
    output, image : (B, 3, H, W)
        Only ``output`` passes a gradient on. Both are black outside the hole before the network sees them.
    mask : (B, 1, H, W)
    """
    seen = _seen(features, features.style_layers, output * mask, image * mask)
    return _summed([F.l1_loss(_gram(o), _gram(i)) for o, i in seen])


def standardised_error(output: Tensor, image: Tensor, fill: Tensor, mask: Tensor) -> Tensor:
    """Error inside the hole in units of the known pixels' spread, (B, 3, H, W) with 0 outside.

    Such units weigh a dim window like a bright one, as the residual
    formulation does.
    """
    _, std = known_statistics(fill, mask)
    return (output.float() - image) * mask / std


def hole_mean(values: Tensor, mask: Tensor) -> Tensor:
    """Mean of ``values`` over each window's hole, 0 where there is none, then over the windows."""
    weight = mask.expand_as(values)
    return ((values * weight).sum((1, 2, 3)) / weight.sum((1, 2, 3)).clamp(min=1)).mean()


def _over_hole(values: Tensor, hole: Tensor | None) -> Tensor:
    """Mean of a patch map, or of its patches that stand over a hole; 0 where none does."""
    if hole is None:
        return values.mean()
    weight = F.adaptive_max_pool2d(hole, values.shape[2:])
    return (values * weight).sum() / weight.sum().clamp(min=1)


def _smooth_l1(error: Tensor) -> Tensor:
    return torch.sqrt(error**2 + 0.01) - 0.1


def _seen(
    features: FeatureNetwork, layers: tuple[str, ...], output: Tensor, image: Tensor
) -> list[tuple[Tensor, Tensor]]:
    of_output = features(output, layers)
    with torch.no_grad():
        of_image = features(image, layers)
    return [(of_output[layer].float(), of_image[layer].float()) for layer in layers]


def _gram(layer: Tensor) -> Tensor:
    """(B, C, h, w) to (B, C, C): the channels' products, divided by C·h·w."""
    flat = layer.flatten(2)
    # Sums over thousands of positions: autocast would take them in 16 bits.
    with torch.autocast(layer.device.type, enabled=False):
        return flat @ flat.transpose(1, 2) / layer[0].numel()


def _summed(terms: list[Tensor]) -> Tensor:
    return torch.stack(terms).sum()
