"""What runs beside the interface: one request in, steps while it runs, one outcome.

Nothing here touches a layer or a widget: arrays were read before, and layers
are made afterwards, both in the main thread. torch is imported when a model is
first loaded, which is here, too.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from ..core.alternatives import Alternative, alternatives_steps
from ..core.classical import inpaint_steps
from ..core.edges import EdgeMap
from ..core.exclusion import exclude
from ..core.results import ClassicalRepair, Repair, Step
from ..core.settings import CLASSICAL_METHODS, Settings
from .layer_plane import Plane, read_plane

if TYPE_CHECKING:
    from ..core.edgeconnect import EdgeConnect
    from ..selftest.run import SelfTest
    from .how_sure import HowSure
    from .many_repairs import ManyRepairs
    from .measured import Measured, Wanted


T = TypeVar("T")


class Task(Enum):
    """What is asked for, in the words of the status line."""

    HALLUCINATE = "Hallucinating edges"
    COMPLETE = "Completing"
    INPAINT = "Inpainting"
    ALTERNATIVES = "Trying other fills"
    SELF_TEST = "Testing on copies of the damage"
    HOW_SURE = "Finding out how sure the repair is"
    BY_METHOD = "Repairing by another method"
    MEASURE = "Measuring objects"
    EXCLUDE = "Marking the damage as missing"


@dataclass(frozen=True, eq=False)
class Request:
    """Everything a run needs, read from the layers before it starts.

    Attributes
    ----------
    task : Task
    plane : Plane
        Where the result belongs; the worker itself only hands it on.
    image : (H, W) or (H, W, channels) array, or None
        None: the plane is read by the thread that repairs it.
    mask : (H, W) bool, True inside the hole
    settings : Settings
    model, device : str
    edges : EdgeMap or None
        The edited edge map, to complete from.
    before : EdgeMap or None
        Of an edge layer that new proposals go into: what a person decided there is kept.
    contrast : callable or None
        Gives a part's contrast, by reading what it is taken from.
    of_stack : bool
        One of many slices, whose completed planes become one layer and whose edges become none.
    method : str
        The other method, in the self-test's words.
    level : float
        Of the interval that is to say how sure a repair is.
    known : ManyRepairs or None
        Repairs that were made before, to be taken where they are of the same.
    wanted : Wanted or None
        Which objects are to be measured.
    value : float
        What the damage is to be marked with.
    """

    task: Task
    plane: Plane
    image: NDArray[Any] | None
    mask: NDArray[np.bool_]
    settings: Settings
    model: str
    device: str
    edges: EdgeMap | None = None
    before: EdgeMap | None = None
    contrast: Callable[[], tuple[float, float] | None] | None = None
    of_stack: bool = False
    method: str = ""
    level: float = 0.9
    known: ManyRepairs | None = None
    wanted: Wanted | None = None
    value: float = np.nan


@dataclass(frozen=True, eq=False)
class Outcome:
    """What a run made: the edge map when it was new, the repair when there is one, or what else was asked for.

    ``other`` is a repair by another method than EdgeConnect with its edges, or an image with its damage excluded.
    """

    request: Request
    record: dict[str, Any]
    edges: EdgeMap | None = None
    repair: Repair | None = None
    alternatives: Sequence[Alternative] = ()
    test: SelfTest | None = None
    sheet: NDArray[np.uint8] | None = None
    how_sure: HowSure | None = None
    other: ClassicalRepair | Repair | None = None
    measured: Measured | None = None

    @property
    def repairs(self) -> ManyRepairs | None:
        """The repairs that a question was answered from."""
        answer = self.how_sure or self.measured
        return answer.repairs if answer else None


@dataclass(frozen=True, eq=False)
class Failure:
    """What ended a run before it made anything; no request where not even that could be made."""

    request: Request | None
    error: Exception


class LoadedModels:
    """Models by name and device, each loaded once."""

    def __init__(self) -> None:
        self._loaded: dict[tuple[str, str], EdgeConnect] = {}

    def __contains__(self, key: tuple[str, str]) -> bool:
        return key in self._loaded

    def get(self, name: str, device: str) -> EdgeConnect:
        """The model, loaded the first time that it is asked for."""
        from ..core.edgeconnect import EdgeConnect

        if (name, device) not in self._loaded:
            self._loaded[name, device] = EdgeConnect.load(name, device=device)
        return self._loaded[name, device]


def repair_steps(request: Request, models: LoadedModels) -> Generator[Step, None, Outcome | Failure]:
    """Run a request; between any two steps it can be given up.

    An error is returned, not raised: superqt takes a RuntimeError, as torch
    raises it, for a deleted worker and then never says that the run is over,
    and napari's own handler of a worker's errors fails on PySide6.
    """
    try:
        return (yield from request_steps(request, models))
    except Exception as error:  # noqa: BLE001 - whatever it is, it goes to the user
        return Failure(request, error)


def stack_steps(
    slices: Sequence[Callable[[], Request]], models: LoadedModels
) -> Generator[Step | Outcome, None, int | Failure]:
    """Run one request after another; each is read when it is its turn.

    Yields
    ------
    Step or Outcome
        An outcome as soon as its slice is done: what is finished stays when the run is given up.

    Returns
    -------
    int or Failure
        How many slices were repaired, or what ended the run.
    """
    for done, read in enumerate(slices):
        request = None
        try:
            request = read()
            outcome = yield from as_slice(request_steps(request, models), done, len(slices), request.plane.where)
        except Exception as error:  # noqa: BLE001 - whatever it is, it goes to the user
            return Failure(request, error)
        yield outcome
    return len(slices)


def request_steps(request: Request, models: LoadedModels) -> Generator[Step, None, Outcome]:
    """Run a request; errors are raised."""
    request = yield from _read(request)
    image, mask, settings = request.image, request.mask, request.settings
    if request.task is Task.BY_METHOD and request.method in CLASSICAL_METHODS:
        other = yield from inpaint_steps(image, mask, request.method, grow_px=settings.grow_px)
        return _with_reasons(Outcome(request, other.record, other=other), None)
    if request.task is Task.EXCLUDE:
        excluded = exclude(image, mask, request.value, grow_px=settings.grow_px, return_record=True)
        return Outcome(request, excluded.record, other=excluded)
    if (request.model, request.device) not in models:
        yield Step(0, 0, "Loading the model…")
    model = models.get(request.model, request.device)
    if request.task is Task.ALTERNATIVES:
        found = yield from alternatives_steps(model, image, mask, settings, before=request.before)
        return _with_reasons(Outcome(request, {}, alternatives=found), model)
    if request.task is Task.SELF_TEST:
        from ..selftest.run import self_test_steps
        from ..selftest.sheet import contact_sheet

        test = yield from self_test_steps(image, mask, model, settings)
        return Outcome(request, test.record, test=test, sheet=contact_sheet(test))
    if request.task is Task.HOW_SURE:
        from .how_sure import how_sure_steps

        sure = yield from how_sure_steps(request, model)
        return Outcome(request, sure.record, how_sure=sure)
    if request.task is Task.MEASURE:
        from .measured import measure_steps

        measured = yield from measure_steps(request, model)
        return Outcome(request, measured.record, measured=measured)
    if request.task is Task.BY_METHOD:  # EdgeConnect without edges
        nothing = np.zeros(mask.shape, np.float32)
        without = yield from model.complete_steps(image, mask, nothing, settings)
        without = replace(without, record={**without.record, "alternative": "no edges"})
        return _with_reasons(Outcome(request, without.record, other=without), model)
    return _with_reasons((yield from _edges_and_colours(request, model)), model)


def _read(request: Request) -> Generator[Step, None, Request]:
    """The request with its image, and with a part's contrast where that was left to this thread."""
    if request.image is None:
        request = replace(request, image=read_plane(request.plane))
    if request.contrast is not None:
        yield Step(0, 0, "Taking the contrast…")
        request = replace(request, settings=replace(request.settings, contrast=request.contrast()))
    return request


def _edges_and_colours(request: Request, model: EdgeConnect) -> Generator[Step, None, Outcome]:
    """Either stage, or both."""
    image, mask, settings, edges = request.image, request.mask, request.settings, request.edges
    if request.task is not Task.COMPLETE:
        stage_one = model.hallucinate_edges_steps(image, mask, settings)
        proposed = yield from (_as_half(stage_one, 0) if request.task is Task.INPAINT else stage_one)
        edges = request.before.again(proposed) if request.before else proposed
    record = model.record_of(edges, settings)
    if request.task is Task.HALLUCINATE:
        return Outcome(request, record, edges)
    stage_two = model.complete_steps(image, mask, edges, settings)
    repair = yield from (_as_half(stage_two, 1) if request.task is Task.INPAINT else stage_two)
    return Outcome(request, record, edges if request.task is Task.INPAINT else None, repair)


def _with_reasons(outcome: Outcome, model: EdgeConnect | None) -> Outcome:
    """What speaks against a repair, written into the record of every repair that was made."""
    repairs = [outcome.repair, outcome.other, *(each.repair for each in outcome.alternatives)]
    if not any(repairs):
        return outcome
    from .reasons import reasons_for, with_reasons

    request = outcome.request
    reasons = reasons_for(request.image, request.mask, request.settings, model)

    def noted(repair: Any) -> Any:
        return repair and replace(repair, record=with_reasons(repair.record, reasons))

    others = [replace(each, repair=noted(each.repair)) for each in outcome.alternatives]
    return replace(outcome, repair=noted(outcome.repair), other=noted(outcome.other), alternatives=others)


def _as_half(steps: Generator[Step, None, T], half: int) -> Generator[Step, None, T]:
    """One stage's steps, counted as the first or the second half of a run of both."""
    while True:
        try:
            step = next(steps)
        except StopIteration as end:
            return end.value
        yield step._replace(done=step.done + half * step.total, total=2 * step.total)


def as_slice(steps: Generator[Step, None, T], done: int, total: int, where: str) -> Generator[Step, None, T]:
    """One slice's steps, counted among all slices."""
    while True:
        try:
            step = next(steps)
        except StopIteration as end:
            return end.value
        yield Step(done, total, f"{where}: {step.what}")
