"""Places of a stack, or parts of large planes, on several workers: dask's threads here, or its processes anywhere.

A place is repaired by the same call wherever it is, so the result is that of
one worker, whoever did what. What travels is small: to a worker how to open the
stack and which place, and back the pixels that were invented. Each worker
process opens the stack and loads the model once. What a worker that is lost
had in hand, others do again.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import CancelledError
from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import uuid4

from .axes import Axes, Place
from .device import OutOfMemoryError
from .results import Step, result_of
from .stack import Stack
from .stack_fill import Fill
from .stack_parts import Errand, as_errands
from .stack_plane import Repairer
from .stack_run import Finished, errand_steps

if TYPE_CHECKING:
    from distributed import Client

INSTALL = 'pip install "napari-edgeconnect[distributed]"'
#: So many places for each thread are on their way: the next is there when one is done, and memory is bounded.
_AHEAD = 2
_CONNECT_SECONDS = 10


class Opened(NamedTuple):
    """What a worker repairs with, and how it is closed in the end."""

    model: Repairer
    stack: Stack
    close: Callable[[], object]


#: Picklable; takes a worker to the stack, and gives every worker the same.
Opener = Callable[[], Opened]


@contextmanager
def connected(scheduler: str | None = None, *, threads: int = 1) -> Iterator[Client]:
    """A client of a running scheduler, or of threads in this process.

    Parameters
    ----------
    scheduler : str, optional
        Its address, such as "tcp://10.0.0.5:8786".
    threads : int
        Without a scheduler.

    Raises
    ------
    ImportError
        Without dask.distributed; the sentence says how to install it.
    ValueError
        Where no scheduler answers, it has no workers, or they have another version of this package.
    """
    try:
        from distributed import Client
    except ImportError as error:
        raise ImportError(f"Several workers need dask.distributed: {INSTALL}.") from error
    if scheduler is None:
        client = Client(processes=False, n_workers=1, threads_per_worker=threads, dashboard_address=":0")
    else:
        try:
            client = Client(scheduler, timeout=_CONNECT_SECONDS, set_as_default=False)
        except (OSError, ValueError) as error:
            raise ValueError(
                f"No dask scheduler answers at {scheduler}: is it running, and the address right?"
            ) from error
    with client:
        _check_workers(client, scheduler)
        yield client


def places_on_workers(
    client: Client, opener: Opener, axes: Axes, places: Sequence[Place | Errand]
) -> Generator[Step | Finished, None, None]:
    """Repair places of a stack on a client's workers, in whatever order they are done.

    Parameters
    ----------
    client : distributed.Client
    opener : callable
        Opens the stack on a worker, as the one who asks has it.
    axes : Axes
        The stack's.
    places : sequence of tuples or Errand

    Yields
    ------
    Step or Finished
        Closing it gives up what is not done.

    Raises
    ------
    OutOfMemoryError
        For a place on which one worker after the other was lost.
    ConnectionError
        When the scheduler is lost.
    ValueError, …
        Whatever ``place_steps`` or the opener raised on a worker.
    """
    from distributed import KilledWorker, as_completed

    run = uuid4().hex
    waiting = iter(as_errands(places))
    under_way: dict[Any, tuple[Any, Errand]] = {}
    done = as_completed(loop=client.loop)

    def submit_next() -> None:
        errand = next(waiting, None)
        if errand is not None:
            future = client.submit(_repaired, run, opener, errand, key=f"{run}-{errand.key(axes)}", pure=False)
            under_way[future.key] = future, errand
            done.add(future)

    finished = 0
    try:
        for _ in range(_AHEAD * sum(client.ncores().values())):
            submit_next()
        yield Step(0, len(places), "Waiting for the first planes")
        while under_way:
            future = next(done)
            _, errand = under_way.pop(future.key)
            label = errand.label(axes) or "The plane"
            try:
                fills = future.result()
            except KilledWorker as error:
                raise OutOfMemoryError(
                    f"{label}: the workers that repaired it were lost, one after the other; "
                    f"they may not have enough memory."
                ) from error
            finished += 1
            yield Finished(errand.place, fills, errand)
            yield Step(finished, len(places), f"{label} is done")
            submit_next()
    except (CancelledError, OSError) as error:
        if client.status == "running":  # it is a worker's own
            raise
        raise ConnectionError(
            f"The dask scheduler was lost when {finished} of {len(places)} places were finished."
        ) from error
    finally:
        if client.status == "running":
            client.cancel([future for future, _ in under_way.values()])
            client.run(_close, run, on_error="ignore")


def _repaired(run: str, opener: Opener, errand: Errand) -> list[Fill]:
    """On a worker: repair one place, or a part of it."""
    opened = _open(run, opener)
    return result_of(errand_steps(opened.model, opened.stack, errand))


#: In a worker's process: what its runs have opened.
_opened: dict[str, Opened] = {}
_lock = Lock()


def _open(run: str, opener: Opener) -> Opened:
    with _lock:
        if run not in _opened:
            _opened[run] = opener()
        return _opened[run]


def _close(run: str) -> None:
    with _lock:
        opened = _opened.pop(run, None)
    if opened is not None:
        opened.close()


def _version() -> str:
    from napari_edgeconnect import __version__

    return str(__version__)


def _check_workers(client: Client, scheduler: str | None) -> None:
    if not client.ncores():
        raise ValueError(
            f"The dask scheduler at {scheduler} has no workers: start some, such as `dask worker {scheduler}`."
        )
    found = client.run(_version, on_error="return")
    for worker, version in found.items():
        if version != _version():
            what = f"version {version}" if isinstance(version, str) else f"none that can be used ({version})"
            raise ValueError(
                f"Worker {worker} has {what} of napari-edgeconnect, and here it is {_version()}: results would depend "
                f"on the worker; install the same on all."
            )
