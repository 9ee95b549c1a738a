"""How fast training could be on this machine, to say how fast it is.

The peak is that of one large 3x3 convolution, forward and backward, in the
precision of the run: what a generator made of nothing else would reach.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import nullcontext
from typing import TypeVar

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

Result = TypeVar("Result")


def convolution_peak(device: torch.device, dtype: torch.dtype = torch.float32, *, seconds: float = 0.5) -> float:
    """Best measured speed of a 3x3 convolution on 64 channels, forward and backward, in FLOP/s.

    Parameters
    ----------
    device : torch.device
    dtype : torch.dtype
        float32, or what autocast computes in.
    seconds : float
        How long to measure.
    """
    layer = nn.Conv2d(64, 64, 3, padding=1).to(device)
    x = torch.randn(8, 64, 64, 64, device=device, requires_grad=True)
    context = nullcontext() if dtype == torch.float32 else torch.autocast(device.type, dtype)

    def work() -> None:
        with context:
            layer(x).sum().backward()
        if device.type == "cuda":
            torch.cuda.synchronize(device)

    _, flops = count_flops(work)
    best, end = float("inf"), time.perf_counter() + seconds
    while time.perf_counter() < end:
        start = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - start)
    return flops / best


def count_flops(work: Callable[[], Result]) -> tuple[Result, float]:
    """What ``work`` returns, and how many floating point operations its convolutions and matrix products took."""
    with FlopCounterMode(display=False) as counter:
        result = work()
    return result, float(counter.get_total_flops())


class Clock:
    """Samples a second, and what share of the peak that is.

    Parameters
    ----------
    peak : float
        From :func:`convolution_peak`, in FLOP/s.
    """

    def __init__(self, peak: float) -> None:
        self._peak = peak
        self._samples = self._pixels = 0
        self._seconds = self._flops_per_pixel = 0.0
        self._before = time.perf_counter()

    def first_step(self, flops: float, pixels: int) -> None:
        """A piece's first step, which warms up, is not timed: its operations are counted."""
        self._flops_per_pixel = flops / pixels
        self._before = time.perf_counter()

    def step_done(self, samples: int, pixels: int) -> None:
        """Any later step, waiting for samples included."""
        now = time.perf_counter()
        self._seconds += now - self._before
        self._samples, self._pixels, self._before = self._samples + samples, self._pixels + pixels, now

    @property
    def samples_per_second(self) -> float:
        """0 while nothing was timed."""
        return self._samples / self._seconds if self._seconds else 0.0

    @property
    def peak_share(self) -> float:
        """Of the convolution peak; 0 while nothing was timed."""
        return self._pixels * self._flops_per_pixel / self._seconds / self._peak if self._seconds else 0.0
