"""Stage 1 in the place of a model: planes of a stack get their edges, and no pixel is invented.

Apart from ``edgeconnect``, whose calls for one image say the same with two
arrays, because a stack's planes are gone through by whoever has ``job_steps``.
"""

from __future__ import annotations

import time
from collections.abc import Generator
from typing import TYPE_CHECKING

import numpy as np

from .edges import EdgeMap
from .job import Job
from .record import proposal_record
from .results import Repair, Step

if TYPE_CHECKING:
    from .edgeconnect import EdgeConnect


class EdgesAlone:
    """Gives for each plane the edges that a model proposes.

    Parameters
    ----------
    model : EdgeConnect
    """

    def __init__(self, model: EdgeConnect) -> None:
        self.model = model

    def job_edges_steps(self, job: Job) -> Generator[Step, None, EdgeMap]:
        """Stage 1 of a prepared job."""
        return (yield from self.model.job_edges_steps(job))

    def job_steps(
        self, job: Job, edges: EdgeMap | None = None, *, started: float | None = None
    ) -> Generator[Step, None, Repair]:
        """The job's image as it is, with its edges: those given, such as a guiding channel's, or stage 1's."""
        started = time.monotonic() if started is None else started
        found = (yield from self.job_edges_steps(job)) if edges is None else edges
        seconds = time.monotonic() - started
        record = proposal_record(job, found, self.model.info, self.model.stages, seconds=seconds)
        return Repair(job.image, found, np.zeros(job.hole.shape, dtype=bool), record)
