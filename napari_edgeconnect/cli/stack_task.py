"""What a command was asked to do with a stack, and the stack that its files make: here, or on a worker."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_edgeconnect.core.settings import StackSettings
from napari_edgeconnect.files import (
    FileError,
    StackFile,
    holds_stack,
    open_stack,
    read_as_edges,
    read_as_mask,
)

from .edge_files import MEANINGS
from .options import EDGECONNECT, STACK_DEFAULTS
from .task import Task

if TYPE_CHECKING:
    from napari_edgeconnect.core.edgeconnect import EdgeConnect
    from napari_edgeconnect.core.stack import Stack
    from napari_edgeconnect.core.stack_plane import Repairer
    from napari_edgeconnect.core.workers import Opened


@dataclass(frozen=True, kw_only=True)
class StackOptions:
    """What is asked about stacks alone.

    Attributes
    ----------
    axes, mask_axes : str or None
        None: as the files say.
    choices : StackSettings
    scheduler : str or None
        Address of a dask scheduler, on whose workers the planes are repaired.
    threads : int
        Without one: how many planes are repaired at once, here.
    """

    axes: str | None = None
    mask_axes: str | None = None
    choices: StackSettings = STACK_DEFAULTS
    scheduler: str | None = None
    threads: int = 1


@dataclass(frozen=True, kw_only=True)
class StackTask(StackOptions, Task):
    """What a command was asked to do with a stack."""

    @classmethod
    def of(cls, task: Task, options: StackOptions) -> StackTask:
        """What was asked of any image, and what was asked of stacks alone."""
        return cls(**vars(task), **vars(options))

    @property
    def has_workers(self) -> bool:
        """True where others than this thread repair."""
        return self.scheduler is not None or self.threads > 1

    @property
    def wants_edges_alone(self) -> bool:
        """True where the output is the edges, and no pixel is invented."""
        return self.command == "edges"

    def altered_path(self) -> Path:
        """OUT_altered.tif."""
        return self.output.with_name(self.output.stem + "_altered.tif")

    def parts_path(self) -> Path:
        """Where finished planes are kept until all are."""
        return self.output.with_name(f".{self.output.name}.unfinished")


@contextmanager
def opened(task: StackTask) -> Iterator[tuple[StackFile, Stack, list[str]]]:
    """The task's files as a stack, as long as they are open; and what a person should know about them.

    Raises
    ------
    FileError, ValueError
        Where they can't be read, do not fit together, or say nothing about their axes.
    """
    from napari_edgeconnect.core.stack import Stack

    with open_stack(task.image) as source, _mask(task) as (mask, mask_axes, notes):
        axes = task.axes or source.axes
        if axes is None:
            raise FileError(
                f"{task.image} does not say what its axes are, and its shape is {tuple(source.pixels.shape)}: say it "
                f"with --axes, a letter each, such as TCYX (C: channels, S: RGB colours)."
            )
        asked = axes.upper()
        if source.axes and asked != source.axes:
            notes.append(f"{task.image.name} says that its axes are {source.axes}; {asked} is used, as asked")
        stack = Stack.prepare(
            source.pixels,
            mask,
            asked,
            mask_axes=mask_axes,
            settings=task.settings,
            choices=task.choices,
        )
        stack = replace(stack, keeps_edges=bool(task.save_edges or task.save_probability or task.wants_edges_alone))
        if task.edges is None:
            yield source, stack, [*source.notes, *notes]
            return
        with _edges(task, stack) as (edged, more):
            yield source, edged, [*source.notes, *notes, *more]


@contextmanager
def _edges(task: StackTask, stack: Stack) -> Iterator[tuple[Stack, list[str]]]:
    """The stack with the edges that a person brings, and notes on how they were read."""
    assert task.edges is not None
    with ExitStack() as files:
        edges, axes, notes = files.enter_context(_edge_file(task.edges))
        if task.probability is None:
            yield stack.with_edges(edges, axes), notes
            return
        probability, _, more = files.enter_context(_edge_file(task.probability))
        yield stack.with_edges(edges, axes, probability=probability), [*notes, *more]


@contextmanager
def _edge_file(path: Path) -> Iterator[tuple[Any, str | None, list[str]]]:
    """Edges or their probabilities, their axes where the file says them, and notes."""
    if holds_stack(path):
        with open_stack(path) as file:
            yield file.pixels, file.axes, list(file.notes)
    else:
        plane, meaning, notes = read_as_edges(path)
        yield plane, None, [*notes, f"{path.name} is read as {MEANINGS[meaning]}, the same everywhere"]


@contextmanager
def _mask(task: StackTask) -> Iterator[tuple[Any, str | None, list[str]]]:
    """The mask, its axes where they are known, and notes."""
    if not holds_stack(task.mask):
        plane, notes = read_as_mask(task.mask)
        yield plane, task.mask_axes, notes
        return
    with open_stack(task.mask) as file:
        yield file.pixels, task.mask_axes or file.axes, [*file.notes]


def repairer_of(task: StackTask, model: EdgeConnect | None = None) -> Repairer:
    """Who goes through the planes: a classical method, the task's model, or its stage 1; the model is loaded."""
    from napari_edgeconnect.core.classical import Classical
    from napari_edgeconnect.core.edgeconnect import EdgeConnect
    from napari_edgeconnect.core.edges_alone import EdgesAlone
    from napari_edgeconnect.core.models import DEFAULT_MODEL

    if task.method != EDGECONNECT:
        return Classical(task.method)
    model = model or EdgeConnect.load(task.model or DEFAULT_MODEL, device=task.device)
    return EdgesAlone(model) if task.wants_edges_alone else model


def open_on_worker(
    task: StackTask, choices: StackSettings, contrasts: tuple[tuple[float, float] | None, ...], guide: int | None
) -> Opened:
    """Open a task's stack and load its model on a worker, with what was decided for all planes before."""
    from napari_edgeconnect.core.workers import Opened

    undecided = replace(choices, mapping="plane", edges_from="own")
    with ExitStack() as files:
        _, stack, _ = files.enter_context(opened(replace(task, choices=undecided)))
        stack = replace(stack, choices=choices, contrasts=contrasts, guide=guide)
        return Opened(repairer_of(task), stack, files.pop_all().close)


def anywhere(task: StackTask) -> StackTask:
    """The same task for a process in another folder."""
    model = task.model
    if isinstance(model, tuple):
        model = (model[0].resolve(), model[1].resolve())
    elif model is not None and Path(model).exists():
        model = str(Path(model).resolve())
    return replace(
        task,
        image=task.image.resolve(),
        mask=task.mask.resolve(),
        edges=task.edges and task.edges.resolve(),
        probability=task.probability and task.probability.resolve(),
        model=model,
    )
