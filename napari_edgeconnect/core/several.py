"""Several jobs at once: windows of like size go through the networks together, whichever plane they are of.

Apart from ``edgeconnect``, which repairs one image, because only devices that
compute several windows as fast as one gain by it. Their results may depend on
how many windows they compute at once, in the last bits of float32; on a CPU
jobs are done one by one.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Iterable, Sequence
from typing import TYPE_CHECKING, TypeVar

from .device import free_memory, is_out_of_memory
from .edgeconnect import counted, window_count
from .edges import EdgeMap
from .job import Job
from .passes import EdgePass, PixelPass, Work, through_all
from .results import Repair, Step

if TYPE_CHECKING:
    from .edgeconnect import EdgeConnect

Result = TypeVar("Result")


def edges_steps(model: EdgeConnect, jobs: Sequence[Job]) -> Generator[Step, None, list[EdgeMap]]:
    """Stage 1 of several jobs.

    Parameters
    ----------
    model : EdgeConnect
    jobs : sequence of Job
        Of the same settings, but for contrasts and seeds.

    Returns
    -------
    list of EdgeMap
    """

    def together() -> Generator[Work, None, list[EdgeMap]]:
        passes = [EdgePass(model.stages, job) for job in jobs]
        yield from through_all(passes, model.batch)
        return [one.edges for one in passes]

    alone = (model.job_edges_steps(job) for job in jobs)
    return (yield from _if_it_fits(model, counted(together(), _total(jobs)), alone))


def repair_steps(
    model: EdgeConnect, jobs: Sequence[Job], edges: Sequence[EdgeMap], given: Sequence[bool], *, started: float
) -> Generator[Step, None, list[Repair]]:
    """Stage 2 of several jobs.

    Parameters
    ----------
    model : EdgeConnect
    jobs : sequence of Job
        As for :func:`edges_steps`.
    edges : sequence of EdgeMap
        One for each.
    given : sequence of bool
        Whether it was given, rather than proposed in the same run; for the record.
    started : float
        What ``time.monotonic()`` said before. In each record stand the seconds since then by its share of windows.

    Returns
    -------
    list of Repair
    """

    def together() -> Generator[Work, None, list[Repair]]:
        passes = [PixelPass(model.stages, job, known) for job, known in zip(jobs, edges, strict=True)]
        yield from through_all(passes, model.batch)
        a_window = (time.monotonic() - started) / max(1, _total(jobs))
        return [
            model.repair_of(one.result, job, known, a_window * window_count(job), edges_given=was_given)
            for one, job, known, was_given in zip(passes, jobs, edges, given, strict=True)
        ]

    alone = (model.job_steps(job, known) for job, known in zip(jobs, edges, strict=True))
    return (yield from _if_it_fits(model, counted(together(), _total(jobs)), alone))


def _if_it_fits(
    model: EdgeConnect,
    together: Generator[Step, None, list[Result]],
    alone: Iterable[Generator[Step, None, Result]],
) -> Generator[Step, None, list[Result]]:
    """All at once; where memory runs out, one by one, each of which knows what to do then."""
    try:
        return (yield from together)
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
    free_memory(model.device)
    results = []
    for steps in alone:
        results.append((yield from steps))
    return results


def _total(jobs: Sequence[Job]) -> int:
    return sum(map(window_count, jobs))
