"""One run on a stack: as ``task``, but plane by plane, and resumable.

What is finished lies in a folder beside the output, ``.OUT.unfinished``, as
altered pixels alone. The output is made from the source and these when all is
finished, and only then has its name. A run that was killed goes on where it
stopped when the same command is given again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_edgeconnect.files import Parts, Staging, stamp

from .options import EDGECONNECT
from .report import Report
from .stack_outputs import commit, keep, kept_fills, outputs_of
from .stack_task import StackTask, anywhere, open_on_worker, opened, repairer_of
from .task import load_model, model_info, provenance

if TYPE_CHECKING:
    from napari_edgeconnect.core.axes import Place
    from napari_edgeconnect.core.edgeconnect import EdgeConnect
    from napari_edgeconnect.core.results import Step
    from napari_edgeconnect.core.stack import Stack
    from napari_edgeconnect.core.stack_fill import Fill
    from napari_edgeconnect.core.stack_parts import Errand
    from napari_edgeconnect.core.stack_plane import Repairer
    from napari_edgeconnect.core.stack_run import Finished

#: How parts are written down; another way has another number.
_PARTS = 2


def repair_stack_file(task: StackTask, report: Report, model: EdgeConnect | None = None) -> None:
    """``inpaint``, ``edges`` or ``complete`` for a stack; the model is loaded unless it is given."""
    record, outputs = stack_repaired(task, report, model)
    _say_result(task, report, outputs, record)


def stack_repaired(
    task: StackTask, report: Report, model: EdgeConnect | None = None
) -> tuple[dict[str, Any], dict[str, Path]]:
    """All of :func:`repair_stack_file` but its last words, which are about the record and outputs that it returns."""
    started = time.monotonic()
    if task.method != EDGECONNECT:
        repairer_of(task)  # it may not be installed
    with opened(task) as (source, stack, notes):
        outputs = outputs_of(task, source)
        staging = Staging(task.inputs.values(), overwrite=task.overwrite)
        asked = _asked(task, stack)
        resumed = Parts.of_same_run(task.parts_path(), asked)
        for role, path in outputs.items():
            main = role == "output" and not task.wants_edges_alone
            staging.plan(path, as_folder=main and source.format == "zarr", may_exist=resumed and role != "output")
        for note in notes:
            report.note(note)
        report.when_interrupted = "Interrupted: finished planes are kept; give the same command again to go on."
        with Parts(task.parts_path(), asked, start_anew=task.overwrite) as parts:
            errands = _errands(stack)
            if parts.found:
                what = "parts" if stack.in_cutouts else "places"
                report.note(f"{parts.found} of {len(errands)} {what} were finished before")
            pace = report.follow(_finish(task, report, stack, errands, parts, model))
            fills = kept_fills(stack, errands, parts)
            record = _record(task, stack, fills, seconds=time.monotonic() - started)
            record |= {"throughput": pace, **provenance(task, outputs)}
            commit(task, staging, source, stack, fills, record, within=task.parts_path())
            parts.remove()
    for path in outputs.values():
        report.written(path)
    return record, outputs


def _asked(task: StackTask, stack: Stack) -> dict[str, Any]:
    """All that the planes follow from. A run goes on with planes of the same alone."""
    from napari_edgeconnect import __version__

    return {
        "version": __version__,
        "inputs": {role: {"file": str(path.resolve()), "stamp": stamp(path)} for role, path in task.inputs.items()},
        "method": task.method,
        "command": task.command,
        "model": model_info(task).sha256 if task.method == EDGECONNECT else None,
        "device": task.device,
        "settings": stack.settings.as_dict(),
        "stack": _shared(stack),
        "keeps_edges": stack.keeps_edges,
        "parts": _PARTS,
    }


def _shared(stack: Stack) -> dict[str, Any]:
    """What all planes share, as plain values."""
    return {
        "axes": stack.axes.names,
        "mask_axes": stack.mask_axes.names,
        "shape": list(stack.axes.shape),
        "dtype": str(np.dtype(stack.image.dtype)),
        **stack.choices.as_dict(),
        "guide": stack.guide,
        "contrasts": [list(contrast) if contrast else None for contrast in stack.contrasts],
    }


def _errands(stack: Stack) -> list[Errand]:
    from napari_edgeconnect.core.stack_parts import errands_of

    return list(errands_of(stack))


def _finish(
    task: StackTask,
    report: Report,
    stack: Stack,
    errands: Sequence[Errand],
    parts: Parts,
    model: EdgeConnect | None,
) -> Generator[Step, None, dict[str, Any]]:
    """Do the errands that are not finished, and keep what each gives as soon as it is: how fast that went."""
    from napari_edgeconnect.core.results import Step

    left = [errand for errand in errands if errand.key(stack.axes) not in parts]
    started, cpu, hole_px = time.monotonic(), time.process_time(), 0
    with closing(_events(task, report, stack, left, model) if left else _nothing()) as events:
        for event in events:
            if isinstance(event, Step):
                yield event
            else:
                keep(parts, event.errand.key(stack.axes), event.fills)
                hole_px += sum(fill.record["hole_px"] for fill in event.fills)
    seconds, cpu_seconds = time.monotonic() - started, time.process_time() - cpu
    return _pace(hole_px, seconds, None if task.scheduler else cpu_seconds)


def _nothing() -> Generator[Step | Finished, None, None]:
    yield from ()


def _pace(hole_px: int, seconds: float, cpu_seconds: float | None) -> dict[str, Any]:
    """How fast this run repaired: what was finished before it, and reading and writing outputs, do not count.

    Seconds of a core are those of this process, whatever computes them; a scheduler's workers have theirs elsewhere.
    """

    def mpx_per(time_taken: float | None) -> float | None:
        return round(hole_px / 1e6 / time_taken, 6) if time_taken else None

    return {
        "hole_px": hole_px,
        "seconds": round(seconds, 3),
        "core_seconds": None if cpu_seconds is None else round(cpu_seconds, 3),
        "hole_mpx_per_second": mpx_per(seconds),
        "hole_mpx_per_core_second": mpx_per(cpu_seconds),
    }


def _events(
    task: StackTask, report: Report, stack: Stack, errands: Sequence[Errand], model: EdgeConnect | None
) -> Generator[Step | Finished, None, None]:
    if not task.has_workers:
        from napari_edgeconnect.core.stack_run import places_steps

        yield from places_steps(_loaded(task, report, model), stack, errands)
        return
    from napari_edgeconnect.core.workers import connected, places_on_workers

    with connected(task.scheduler, threads=task.threads) as client:
        cores = client.ncores()
        where = f"{len(cores)} workers of {task.scheduler}" if task.scheduler else f"{task.threads} threads"
        if task.method == EDGECONNECT:
            report.model(model_info(task), where)
        opener = partial(open_on_worker, anywhere(task), stack.choices, stack.contrasts, stack.guide)
        yield from places_on_workers(client, opener, stack.axes, errands)


def _loaded(task: StackTask, report: Report, model: EdgeConnect | None) -> Repairer:
    """Who goes through the planes here; a model that is loaded for it is named."""
    if task.method != EDGECONNECT:
        return repairer_of(task)
    return repairer_of(task, model or load_model(task, report))


def _record(
    task: StackTask, stack: Stack, fills: Callable[[Place], Sequence[Fill]], *, seconds: float
) -> dict[str, Any]:
    from napari_edgeconnect.core.record import origin
    from napari_edgeconnect.core.stack_run import plane_records

    model = {"model": model_info(task).as_dict()} if task.method == EDGECONNECT else {}
    planes = [record for place in stack.axes.places() for record in plane_records(fills(place))]
    return {
        **origin("stack"),
        "command": task.command,
        "method": task.method,
        **model,
        "settings": stack.settings.as_dict(),
        "stack": _shared(stack),
        "hole_px": sum(plane["hole_px"] for plane in planes),
        "holes": sum(plane["holes"] for plane in planes),
        "largest_hole_px": max((plane["largest_hole_px"] for plane in planes), default=0),
        "hole_fraction": sum(plane["hole_px"] for plane in planes) / (_planes(stack) * np.prod(stack.axes.plane_shape)),
        "seconds": round(seconds, 3),
        "notes": [] if planes else ["The mask is empty: nothing was repaired."],
        "planes": planes,
    }


def _planes(stack: Stack) -> int:
    return len(list(stack.axes.places())) * stack.axes.channels


def _say_result(task: StackTask, report: Report, outputs: Mapping[str, Path], record: Mapping[str, Any]) -> None:
    for note in record["notes"]:
        report.note(note)
    planes, seconds, pace = len(record["planes"]), record["seconds"], record["throughput"]
    rate, by_core = pace["hole_mpx_per_second"], pace["hole_mpx_per_core_second"]
    speed = f" ({rate:.3g} Mpx of hole a second{f', {by_core:.3g} per core' if by_core else ''})" if rate else ""
    if task.wants_edges_alone:
        proposed = sum(plane["edges"]["proposed_px"] for plane in record["planes"])
        summary = f"Proposed {proposed} edge pixels inside holes of {planes} planes in {seconds:.1f} s{speed}."
    else:
        summary = f"Repaired {record['hole_px']} pixels in {planes} planes in {seconds:.1f} s{speed}."
    report.result(
        summary,
        {
            "command": task.command,
            "method": task.method,
            **{role: str(path) for role, path in outputs.items()},
            "hole_px": record["hole_px"],
            "hole_fraction": record["hole_fraction"],
            "planes": planes,
            "seconds": seconds,
            "throughput": pace,
            "notes": record["notes"],
        },
    )
