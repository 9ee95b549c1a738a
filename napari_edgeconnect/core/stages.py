"""The two networks as functions of windows: numpy in, numpy out, torch inside.

Apart from ``edgeconnect`` because everything about tensors ends here: padding
to the networks' multiple of 4, batches, the device, precision, and rim
correction. This is the one room of inference that needs torch to be imported.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .checkpoints import load_generator
from .device import one_core_left
from .fill import biharmonic_fill
from .formulations import FORMULATIONS, LUMA
from .job import View
from .models import ModelInfo
from .networks import SIZE_MULTIPLE, SMALLEST_SIDE, EdgeGenerator, InpaintGenerator


class Stages:
    """A loaded pair of networks on a device."""

    def __init__(self, info: ModelInfo, device: torch.device) -> None:
        edge, _ = load_generator(info.edge, "edge")
        inpaint, _ = load_generator(info.inpaint, "inpaint")
        assert isinstance(edge, EdgeGenerator)
        assert isinstance(inpaint, InpaintGenerator)
        self.device = device
        self.formulation = FORMULATIONS[info.formulation]
        self._edge = edge.to(device)
        self._inpaint = inpaint.to(device)

    @torch.inference_mode()
    def edge_probability(self, views: Sequence[View], *, half: bool = False) -> list[NDArray[np.float32]]:
        """Stage 1: edge probabilities of whole windows, known region included.

        Parameters
        ----------
        views : sequence of View
            Of one shape.
        half : bool
            Autocast to float16 on CUDA.

        Returns
        -------
        list of (h, w) float32 arrays in [0, 1]
        """
        with one_core_left(self.device), self._precision(half):
            batch = self._batch(views)
            out = self._edge(self.formulation.edge_input(batch.image, batch.fill, batch.edges, batch.mask))
        return [_cropped(plane, view)[..., 0] for plane, view in zip(out.float().cpu(), views, strict=True)]

    @torch.inference_mode()
    def completed(
        self, views: Sequence[View], *, rim_correction: bool | None = None, half: bool = False
    ) -> list[NDArray[np.float64]]:
        """Stage 2: colours of whole windows, of which the hole is wanted.

        Parameters
        ----------
        views : sequence of View
            Of one shape.
        rim_correction : bool or None
            None: what the formulation needs.
        half : bool
            Autocast to float16 on CUDA.

        Returns
        -------
        list of (h, w, C) float64 arrays
            On the scale of the views' ``unit``.
        """
        with one_core_left(self.device), self._precision(half):
            batch = self._batch(views)
            out = self.formulation.completed(self._inpaint, batch.image, batch.fill, batch.edges, batch.mask)
        results = []
        for plane, view in zip(out.float().cpu(), views, strict=True):
            pixels = _cropped(plane, view).astype(np.float64)
            if view.unit.shape[2] == 1:
                pixels = pixels @ np.array(LUMA)[:, None]
            if self.corrects_rim(rim_correction):
                pixels = rim_corrected(pixels, view)
            results.append(pixels)
        return results

    def corrects_rim(self, wanted: bool | None) -> bool:
        """Whether rim correction is applied: None leaves it to the formulation."""
        return self.formulation.rim_correction if wanted is None else wanted

    def _batch(self, views: Sequence[View]) -> _Batch:
        return _Batch(
            image=self._stacked([_coloured(np.where(v.unknown[..., None], 0.0, v.unit)) for v in views]),
            fill=self._stacked([_coloured(v.fill) for v in views]),
            edges=self._stacked([v.edges[..., None] for v in views]),
            mask=self._stacked([v.unknown[..., None] for v in views]),
        )

    def _stacked(self, planes: Sequence[NDArray[np.generic]]) -> Tensor:
        stack = np.stack([_padded(p).astype(np.float32).transpose(2, 0, 1) for p in planes])
        return torch.from_numpy(np.ascontiguousarray(stack)).to(self.device)

    def _precision(self, half: bool) -> AbstractContextManager[object]:
        if half and self.device.type == "cuda":
            return torch.autocast("cuda", dtype=torch.float16)
        return nullcontext()


@dataclass(frozen=True)
class _Batch:
    image: Tensor
    fill: Tensor
    edges: Tensor
    mask: Tensor


def rim_corrected(pixels: NDArray[np.float64], view: View) -> NDArray[np.float64]:
    """Take the error that the network makes on the known rim off its hole, too.

    The network also predicts known pixels; what it gets wrong there is known
    and is extended smoothly into the hole. The result meets the rim in value
    and slope, and a network without output gives exactly the biharmonic fill.

    Parameters
    ----------
    pixels : (h, w, C) float64
        The network's output for the whole window.
    view : View
        Its input.
    """
    return pixels + biharmonic_fill(view.unit - pixels, view.unknown)


def _coloured(pixels: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.broadcast_to(pixels, (*pixels.shape[:2], 3))


def _padded(plane: NDArray[np.generic]) -> NDArray[np.generic]:
    """Reflect at the bottom and the right up to the sizes that the networks take."""
    extra = [max(SMALLEST_SIDE, n + -n % SIZE_MULTIPLE) - n for n in plane.shape[:2]]
    return np.pad(plane, [(0, extra[0]), (0, extra[1]), (0, 0)], mode="reflect") if any(extra) else plane


def _cropped(plane: Tensor, view: View) -> NDArray[np.float32]:
    height, width = view.unknown.shape
    return plane[:, :height, :width].permute(1, 2, 0).numpy()
