"""The trainer: one stage at a time, resumable, for a number of steps.

A stage (``EdgeStage``, ``InpaintStage``) owns a network and says how a batch
becomes a loss; ``train`` owns the loop: optimiser, schedule, moving average,
log and state. The schedule counts steps, because a background run on a shared
machine can't know its minutes. The state file is replaced whole: a run that is
killed loses at most ``save_minutes``, one that is interrupted (Ctrl-C,
SIGTERM) nothing.
"""

from __future__ import annotations

import csv
import math
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader

from ..core.formulations import FORMULATIONS
from ..core.networks import EdgeGenerator, InpaintGenerator
from .data import DamagedCrops
from .losses import completion_loss, edge_loss

Batch = dict[str, Tensor]
LOG_EVERY = 50
_RESIDUAL = FORMULATIONS["residual"]


@dataclass(frozen=True)
class TrainSettings:
    """One run of one stage."""

    data: Path
    state: Path
    steps: int
    crop: int = 128
    batch: int = 8
    learning_rate: float = 6e-4
    warmup_steps: int = 50
    ema: float = 0.998
    clip: float = 1.0
    threads: int = 2
    workers: int = 1
    seed: int = 0
    save_minutes: float = 5.0


class Stage(Protocol):
    """A network under training and how it is asked."""

    network: nn.Module

    def loss(self, batch: Batch) -> Tensor:
        """The scalar to minimise for one batch."""


class EdgeStage:
    """Stage 1 alone: true Canny edges are the target."""

    def __init__(self, network: EdgeGenerator) -> None:
        self.network = network

    def loss(self, batch: Batch) -> Tensor:
        x = _RESIDUAL.edge_input(batch["image"], batch["fill"], batch["edges"], batch["mask"])
        return edge_loss(self.network.raw(x), batch["target"], batch["mask"])


class InpaintStage:
    """Stage 2 on a mixture of hallucinated and true edge maps, so that it trusts what it is given."""

    def __init__(self, network: InpaintGenerator, edges: EdgeGenerator, *, true_share: float = 0.4) -> None:
        self.network = network
        self.edges = edges.eval().requires_grad_(False)
        self.true_share = true_share

    def loss(self, batch: Batch) -> Tensor:
        image, fill, mask = batch["image"], batch["fill"], batch["mask"]
        with torch.no_grad():
            proposed = self.edges(_RESIDUAL.edge_input(image, fill, batch["edges"], mask))
        trusted = (torch.rand(len(image), 1, 1, 1) < self.true_share).float()
        inside = trusted * batch["target"] + (1 - trusted) * proposed
        edge_map = batch["edges"] * (1 - mask) + inside * mask
        output = _RESIDUAL.completed(self.network, image, fill, edge_map, mask)
        return completion_loss(output, image, fill, mask)


def train(stage: Stage, settings: TrainSettings) -> nn.Module:
    """Train up to ``settings.steps`` in all, going on from a state file where there is one.

    Returns
    -------
    network
        With the moving average of its weights, which is what is worth keeping.
    """
    torch.set_num_threads(settings.threads)
    torch.manual_seed(settings.seed)
    network = stage.network.train()
    average = {name: value.detach().clone() for name, value in network.state_dict().items()}
    optimiser = torch.optim.AdamW(network.parameters(), lr=settings.learning_rate, betas=(0.9, 0.98))
    step = 0
    settings.state.parent.mkdir(parents=True, exist_ok=True)
    if settings.state.exists():
        saved = torch.load(settings.state, map_location="cpu", weights_only=True)
        network.load_state_dict(saved["network"])
        optimiser.load_state_dict(saved["optimiser"])
        average, step = saved["average"], saved["step"]

    def save() -> None:
        temporary = settings.state.with_suffix(".part")
        state = {
            "network": network.state_dict(),
            "optimiser": optimiser.state_dict(),
            "average": average,
            "step": step,
        }
        torch.save(state, temporary)
        os.replace(temporary, settings.state)

    crops = DamagedCrops(settings.data, crop=settings.crop, seed=settings.seed + step)
    loader = DataLoader(
        crops, batch_size=settings.batch, num_workers=settings.workers, worker_init_fn=_leave_signals_to_the_loop
    )
    losses: list[float] = []
    last_save = time.monotonic()
    with _stop_signal() as stopped:
        batches = iter(loader)
        while step < settings.steps and not stopped.is_set():
            rate = settings.learning_rate * _schedule(step, settings)
            for group in optimiser.param_groups:
                group["lr"] = rate
            loss = stage.loss(next(batches))
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(network.parameters(), settings.clip)
            optimiser.step()
            step += 1
            keep = min(settings.ema, (1 + step) / (10 + step))
            for name, value in network.state_dict().items():
                average[name].lerp_(value, 1 - keep)
            losses.append(loss.item())
            if len(losses) == LOG_EVERY:
                _log(settings.state.with_suffix(".csv"), step, sum(losses) / len(losses), rate)
                losses.clear()
            if time.monotonic() - last_save > 60 * settings.save_minutes:
                last_save = time.monotonic()
                save()
    save()
    network.load_state_dict(average)
    return network.eval()


def _schedule(step: int, settings: TrainSettings) -> float:
    """A short warm-up, then half a cosine down to a fiftieth."""
    warm = min(1.0, (step + 1) / settings.warmup_steps)
    return warm * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * step / settings.steps)))


@contextmanager
def _stop_signal() -> Iterator[threading.Event]:
    """Set by Ctrl-C or SIGTERM, so that the loop ends after a whole step."""
    stopped = threading.Event()
    before = {n: signal.signal(n, lambda *_: stopped.set()) for n in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stopped
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _leave_signals_to_the_loop(worker: int) -> None:
    # Ctrl-C reaches a whole process group; a worker that died of it would take the last step along.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)


def _log(path: Path, step: int, loss: float, rate: float) -> None:
    new = not path.exists()
    with path.open("a", newline="") as file:
        writer = csv.writer(file)
        if new:
            writer.writerow(["step", "loss", "learning_rate"])
        writer.writerow([step, f"{loss:.5f}", f"{rate:.2e}"])
