"""What benchmarks share: measures in a process of their own, damage, and the network on a whole frame."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import psutil

if TYPE_CHECKING:
    from napari_edgeconnect.core.edgeconnect import EdgeConnect

MIB = 2**20


@contextmanager
def measured() -> Iterator[dict[str, float]]:
    """Wall and CPU seconds, and by how much memory at its peak exceeds what is loaded now; filled in at the end."""
    figures: dict[str, float] = {}
    loaded = psutil.Process().memory_info().rss
    started, cpu = time.perf_counter(), time.process_time()
    yield figures
    figures["seconds"], figures["cpu_seconds"] = time.perf_counter() - started, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    figures["peak_mib"] = (peak - loaded) / MIB


def in_a_process(script: str, *options: object) -> dict[str, Any]:
    """What a script prints as JSON in its last line; in a fresh process no peak is inherited."""
    command = [sys.executable, script, *map(str, options)]
    out = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    return json.loads(out.splitlines()[-1])


def whole_frame(model: EdgeConnect, image: np.ndarray, mask: np.ndarray, *, published: bool = False) -> None:
    """Both networks on the frame at once, without windows; ``published``: as its script runs them, without a fill."""
    from napari_edgeconnect.core.fill import biharmonic_fill
    from napari_edgeconnect.core.holes import Box
    from napari_edgeconnect.core.job import Job, View
    from napari_edgeconnect.core.settings import Settings

    job = Job.prepare(image, mask, Settings())
    whole = Box(0, image.shape[0], 0, image.shape[1])
    unit = job.unit(whole)
    known = job.measured(whole).astype(np.float32)
    view = View(unit, mask, unit if published else biharmonic_fill(unit, mask), known)
    (edges,) = model.stages.edge_probability([view])
    completed = View(unit, mask, view.fill, np.where(mask, edges, known))
    model.stages.completed([completed], rim_correction=False if published else None)


def add_discs(mask: np.ndarray, count: int, radius: float, seed: int = 0) -> None:
    """Mark discs at random places, whole ones, in an (H, W) bool array."""
    side = 2 * int(radius) + 1
    rows, columns = np.mgrid[:side, :side] - side // 2
    disc = np.hypot(rows, columns) <= radius
    rng = np.random.default_rng(seed)
    for top, left in zip(*(rng.integers(0, size - side, count) for size in mask.shape), strict=True):
        mask[top : top + side, left : left + side] |= disc
