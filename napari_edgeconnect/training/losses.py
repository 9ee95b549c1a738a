"""What each stage is asked to get right."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from ..core.formulations import known_statistics

#: Edges are rare: a missed one costs as much as two false ones.
EDGE_POSITIVE_WEIGHT = 2.0
#: Known pixels teach the network what edges look like without taking over.
KNOWN_WEIGHT = 0.05
GRADIENT_WEIGHT = 0.3


def edge_loss(logits: Tensor, target: Tensor, mask: Tensor) -> Tensor:
    """Cross-entropy of hallucinated edges, (B, 1, H, W) each; each window's hole counts alike."""
    per_pixel = F.binary_cross_entropy_with_logits(
        logits, target, reduction="none", pos_weight=logits.new_tensor(EDGE_POSITIVE_WEIGHT)
    )
    return hole_mean(per_pixel, mask) + KNOWN_WEIGHT * hole_mean(per_pixel, 1 - mask)


def completion_loss(output: Tensor, image: Tensor, fill: Tensor, mask: Tensor) -> Tensor:
    """Smooth L1 on colours and their gradients inside the hole, in units of the window's spread.

    Standardised units weigh a dim window like a bright one, as the residual
    formulation does (EdgeConnect's own L1 divides by the mask's mean alone).
    """
    _, std = known_statistics(fill, mask)
    error = (output - image) * mask / std
    loss = hole_mean(_smooth_l1(error), mask)
    for axis in (2, 3):
        loss = loss + GRADIENT_WEIGHT * _smooth_l1(error.diff(dim=axis)).sum() / (3 * mask.sum())
    return loss


def hole_mean(values: Tensor, mask: Tensor) -> Tensor:
    """Mean of ``values`` over each window's hole, then over the windows."""
    weight = mask.expand_as(values)
    return ((values * weight).sum((1, 2, 3)) / weight.sum((1, 2, 3)).clamp(min=1)).mean()


def _smooth_l1(error: Tensor) -> Tensor:
    return torch.sqrt(error**2 + 0.01) - 0.1
