"""One run on a stack: as ``task``, but plane by plane, and resumable.

What is finished lies in a folder beside the output, ``.OUT.unfinished``, as
altered pixels alone. The output is made from the source and these when all is
finished, and only then has its name. A run that was killed goes on where it
stopped when the same command is given again.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import astuple
from functools import lru_cache, partial
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_edgeconnect.files import (
    FileError,
    Parts,
    StackFile,
    Staging,
    check_stack_format,
    check_stack_mask_place,
    has_stack_mask_place,
    stamp,
    write_planes,
    write_stack,
)

from .report import Report
from .stack_task import StackTask, anywhere, open_on_worker, opened
from .task import as_black_and_white, load_model, model_info, optional_outputs, provenance, write_json

if TYPE_CHECKING:
    from napari_edgeconnect.core.axes import Place
    from napari_edgeconnect.core.edgeconnect import EdgeConnect
    from napari_edgeconnect.core.results import Step
    from napari_edgeconnect.core.stack import Fill, Stack
    from napari_edgeconnect.core.stack_run import Errand, Finished
    from napari_edgeconnect.files.staging import Writer


#: How parts are written down; another way has another number.
_PARTS = 2
#: Outputs of large planes are written in tiles of this side.
_TILE_PX = 512


def repair_stack_file(task: StackTask, report: Report, model: EdgeConnect | None = None) -> None:
    """``inpaint`` for a stack, or ``complete`` where edges are given; the model is loaded unless it is given."""
    record = stack_repaired(task, report, model)
    _say_result(task, report, _outputs(task), record)


def stack_repaired(task: StackTask, report: Report, model: EdgeConnect | None = None) -> dict[str, Any]:
    """All of :func:`repair_stack_file` but its last words, which are about the record that is returned."""
    started = time.monotonic()
    outputs = _outputs(task)
    for path in optional_outputs(task).values():
        if path.suffix.lower() not in (".tif", ".tiff"):
            raise FileError(f"{path}: the edges of a stack are written as .tif.")
    with opened(task) as (source, stack, notes):
        check_stack_format(task.output, source)
        if task.embed_mask:
            check_stack_mask_place(task.output, source)
        staging = Staging(task.inputs.values(), overwrite=task.overwrite)
        asked = _asked(task, stack)
        resumed = Parts.of_same_run(task.parts_path(), asked)
        for role, path in outputs.items():
            main = role == "output"
            staging.plan(path, as_folder=main and source.format == "zarr", may_exist=resumed and not main)
        for note in notes:
            report.note(note)
        report.when_interrupted = "Interrupted: finished planes are kept; give the same command again to go on."
        with Parts(task.parts_path(), asked, start_anew=task.overwrite) as parts:
            errands = _errands(stack)
            if parts.found:
                what = "parts" if stack.in_cutouts else "places"
                report.note(f"{parts.found} of {len(errands)} {what} were finished before")
            report.follow(_finish(task, report, stack, errands, parts, model))
            fills = _kept_fills(stack, errands, parts)
            record = _record(task, stack, fills, seconds=time.monotonic() - started)
            record |= provenance(task, outputs)
            _commit(task, staging, source, stack, fills, record, within=task.parts_path())
            parts.remove()
    for path in outputs.values():
        report.written(path)
    return record


def _outputs(task: StackTask) -> dict[str, Path]:
    """By role."""
    outputs = {"output": task.output, "record": task.record_path(), "altered": task.altered_path()}
    return {**outputs, **optional_outputs(task)}


def _asked(task: StackTask, stack: Stack) -> dict[str, Any]:
    """All that the planes follow from. A run goes on with planes of the same alone."""
    from napari_edgeconnect import __version__

    return {
        "version": __version__,
        "inputs": {role: {"file": str(path.resolve()), "stamp": stamp(path)} for role, path in task.inputs.items()},
        "model": model_info(task).sha256,
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
    from napari_edgeconnect.core.stack_run import errands_of

    return list(errands_of(stack))


def _finish(
    task: StackTask,
    report: Report,
    stack: Stack,
    errands: Sequence[Errand],
    parts: Parts,
    model: EdgeConnect | None,
) -> Generator[Step, None, None]:
    """Do the errands that are not finished, and keep what each gives as soon as it is."""
    from napari_edgeconnect.core.results import Step

    left = [errand for errand in errands if errand.key(stack.axes) not in parts]
    if not left:
        return
    with closing(_events(task, report, stack, left, model)) as events:
        for event in events:
            if isinstance(event, Step):
                yield event
            else:
                _keep(parts, event.errand.key(stack.axes), event.fills)


def _events(
    task: StackTask, report: Report, stack: Stack, errands: Sequence[Errand], model: EdgeConnect | None
) -> Generator[Step | Finished, None, None]:
    if not task.has_workers:
        from napari_edgeconnect.core.stack_run import places_steps

        yield from places_steps(model or load_model(task, report), stack, errands)
        return
    from napari_edgeconnect.core.workers import connected, places_on_workers

    with connected(task.scheduler, threads=task.threads) as client:
        cores = client.ncores()
        where = f"{len(cores)} workers of {task.scheduler}" if task.scheduler else f"{task.threads} threads"
        report.model(model_info(task), where)
        opener = partial(open_on_worker, anywhere(task), stack.choices, stack.contrasts, stack.guide)
        yield from places_on_workers(client, opener, stack.axes, errands)


def _keep(parts: Parts, name: int | str, fills: Sequence[Fill]) -> None:
    arrays, records = {}, []
    for n, fill in enumerate(fills):
        arrays[f"altered_{n}"] = np.flatnonzero(fill.altered)
        arrays[f"values_{n}"] = fill.values
        if fill.labels is not None and fill.probability is not None:
            arrays[f"labels_{n}"] = fill.labels
            arrays[f"probability_{n}"] = fill.probability
        records.append([fill.channel, fill.record, astuple(fill.box) if fill.box else None])
    parts.put(name, arrays, records)


def _kept_fills(stack: Stack, errands: Sequence[Errand], parts: Parts) -> Any:
    """Gives a place's fills as they were kept; asked for one place several times in a row, as writers do."""
    from napari_edgeconnect.core.holes import Box
    from napari_edgeconnect.core.stack import Fill

    by_place = {place: list(of_place) for place, of_place in groupby(errands, key=lambda errand: errand.place)}

    @lru_cache(maxsize=1)
    def fills(place: Place) -> list[Fill]:
        made = []
        for errand in by_place.get(place, ()):
            arrays, records = parts.get(errand.key(stack.axes))
            for n, (channel, record, ends) in enumerate(records):
                box = Box(*ends) if ends else None
                altered = np.zeros(box.shape if box else stack.axes.plane_shape, dtype=bool)
                altered.flat[arrays[f"altered_{n}"]] = True
                edges = [arrays.get(f"{name}_{n}") for name in ("labels", "probability")]
                made.append(Fill(place, channel, altered, arrays[f"values_{n}"], record, *edges, box=box))
        return made

    return fills


def _record(task: StackTask, stack: Stack, fills: Any, *, seconds: float) -> dict[str, Any]:
    from napari_edgeconnect.core.record import origin
    from napari_edgeconnect.core.stack_run import plane_records

    planes = [record for place in stack.axes.places() for record in plane_records(fills(place))]
    return {
        **origin("stack"),
        "command": task.command,
        "method": task.method,
        "model": model_info(task).as_dict(),
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


def _commit(
    task: StackTask,
    staging: Staging,
    source: StackFile,
    stack: Stack,
    fills: Any,
    record: Mapping[str, Any],
    *,
    within: Path,
) -> None:
    from napari_edgeconnect.core.axes import CHANNEL
    from napari_edgeconnect.core.cutouts import tiles
    from napari_edgeconnect.core.patched import Patched

    repaired = Patched(stack, fills)
    axes = stack.axes.place_names + (CHANNEL if CHANNEL in stack.axes.names else "") + stack.axes.plane
    shape = tuple(stack.axes.size(name) for name in axes)

    def as_stack(planes: Iterable[NDArray[Any]], dtype: type) -> Writer:
        options = {"tile_px": _TILE_PX} if stack.in_cutouts else {}
        return partial(write_planes, planes=planes, shape=shape, dtype=np.dtype(dtype), axes=axes, **options)

    boxes = list(tiles(stack.axes.plane_shape, _TILE_PX)) if stack.in_cutouts else None

    edges: dict[Path, Writer] = {}
    if task.save_edges:
        edges[task.save_edges] = as_stack(repaired.each("labels", boxes), np.uint8)
    if task.save_probability:
        edges[task.save_probability] = as_stack(repaired.each("probability", boxes), np.float32)
    embeds = has_stack_mask_place(source) if task.embed_mask is None else task.embed_mask
    altered = (as_black_and_white(plane) for plane in repaired.each("altered", boxes))
    staging.commit(
        {
            task.record_path(): partial(write_json, record=record),
            **edges,
            task.altered_path(): as_stack(altered, np.uint8),
            task.output: partial(
                write_stack,
                source=source,
                pixels=repaired,
                changed=repaired.changed(),
                record=record,
                altered=repaired.altered() if embeds else None,
            ),
        },
        within=within,
    )


def _say_result(task: StackTask, report: Report, outputs: Mapping[str, Path], record: Mapping[str, Any]) -> None:
    for note in record["notes"]:
        report.note(note)
    repaired, seconds = len(record["planes"]), record["seconds"]
    report.result(
        f"Repaired {record['hole_px']} pixels in {repaired} planes in {seconds:.1f} s.",
        {
            "command": task.command,
            "method": task.method,
            **{role: str(path) for role, path in outputs.items()},
            "hole_px": record["hole_px"],
            "hole_fraction": record["hole_fraction"],
            "planes": repaired,
            "seconds": seconds,
            "notes": record["notes"],
        },
    )
