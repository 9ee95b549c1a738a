"""One run: read the files, call ``core``, stage the outputs.

Everything that can be wrong with the outputs is found before the model is
loaded, and nothing appears under its final name before all of it is whole.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_edgeconnect.core.settings import Settings
from napari_edgeconnect.files import (
    ImageFile,
    Staging,
    as_black_and_white,
    check_format,
    check_mask_place,
    read_as_mask,
    read_image,
    write_image,
    write_json,
)

from .edge_files import check_size, given_edges
from .options import DEFAULTS, EDGECONNECT, EXCLUDE
from .records import from_folder_of, named_inputs, read_record
from .report import Report

if TYPE_CHECKING:
    from napari_edgeconnect.core.edgeconnect import EdgeConnect
    from napari_edgeconnect.core.edges import EdgeMap
    from napari_edgeconnect.core.models import ModelInfo
    from napari_edgeconnect.core.results import ClassicalRepair, Repair, Step
    from napari_edgeconnect.files.staging import Writer


@dataclass(frozen=True, kw_only=True)
class Task:
    """What a command was asked to do.

    Attributes
    ----------
    command : str
        For the record.
    method : str
        "edgeconnect"; a classical method, which knows neither edges nor models; or "exclude", which fills nothing.
    excluded : float or None
        The value that excluded pixels get.
    image, mask, edges, probability : Path or None
        Inputs.
    output, save_edges, save_probability : Path or None
        Outputs; record and mask of altered pixels are named after ``output``.
    model : str, (edge file, completion file) or None
        None: the bundled model.
    device : str
    overwrite : bool
    settings : Settings
    asked : str or None
        What a run on many files knows its own outputs by; goes into the record.
    embed_mask : bool or None
        Whether the mask of altered pixels goes into the output, too. None: where the format has a usual place for it.
    self_test : Path or None
        What ``selftest`` wrote about the same image and mask.
    """

    command: str
    image: Path
    mask: Path
    output: Path
    method: str = EDGECONNECT
    excluded: float | None = None
    edges: Path | None = None
    probability: Path | None = None
    save_edges: Path | None = None
    save_probability: Path | None = None
    model: str | tuple[Path, Path] | None = None
    device: str = "auto"
    overwrite: bool = False
    settings: Settings = DEFAULTS
    asked: str | None = None
    embed_mask: bool | None = None
    self_test: Path | None = None

    @property
    def inputs(self) -> dict[str, Path]:
        """The files that are read, by role."""
        roles = {"image": self.image, "mask": self.mask, "edges": self.edges, "probability": self.probability}
        return {role: path for role, path in roles.items() if path is not None}

    def record_path(self) -> Path:
        """OUT.json."""
        return self.output.with_name(self.output.stem + ".json")

    def altered_path(self) -> Path:
        """OUT_altered.png."""
        return self.output.with_name(self.output.stem + "_altered.png")


def repair_image(task: Task, report: Report, model: EdgeConnect | None = None) -> None:
    """``inpaint``, or ``complete`` where edges are given; the model is loaded unless it is given."""
    test = read_record(task.self_test) if task.self_test else None
    staging, outputs = plan_outputs(task)
    source, mask = read_inputs(task, report)
    repair = report.follow(_repair_steps(task, source, mask, report, model))
    for note in repair.record["notes"]:
        report.note(note)
    if task.method == EDGECONNECT:
        _warn(task, source, mask, report, model)
    record = {**repair.record, **provenance(task, outputs)}
    if test is not None:
        from napari_edgeconnect.core.record import with_self_test

        record = with_self_test(record, test)
    write_repair(task, staging, source, repair, record)
    for path in outputs.values():
        report.written(path)
    hole, fraction, seconds = (record[key] for key in ("hole_px", "hole_fraction", "seconds"))
    verb = "Excluded" if task.method == EXCLUDE else "Repaired"
    report.result(
        f"{verb} {hole} pixels ({100 * fraction:.2g} % of the image) in {seconds:.1f} s.",
        {
            "command": task.command,
            "method": task.method,
            **{role: str(path) for role, path in outputs.items()},
            "hole_px": hole,
            "hole_fraction": fraction,
            "seconds": seconds,
            "notes": record["notes"],
        },
    )


def plan_outputs(task: Task) -> tuple[Staging, dict[str, Path]]:
    """All outputs of a repair by role, announced before any work is done."""
    staging = Staging(task.inputs.values(), overwrite=task.overwrite)
    outputs = {"output": task.output, "record": task.record_path(), "altered": task.altered_path()}
    outputs |= optional_outputs(task)
    for path in outputs.values():
        staging.plan(path)
    return staging, outputs


def read_inputs(task: Task, report: Report) -> tuple[ImageFile, NDArray[np.bool_]]:
    """The image and its mask; whether the outputs can hold what will be written is known after it."""
    source, mask = _read(task, report)
    _check_outputs(task, source)
    if task.embed_mask:
        check_mask_place(task.output, source)
    return source, mask


def write_repair(
    task: Task,
    staging: Staging,
    source: ImageFile,
    repair: Repair | ClassicalRepair,
    record: Mapping[str, Any],
) -> None:
    """Write a repair's files, all or none."""
    altered = repair.altered if task.embed_mask else None
    edges: EdgeMap | None = getattr(repair, "edges", None)  # classical repairs have none
    staging.commit(
        {
            task.record_path(): partial(write_json, record=record),
            **(_edge_writers(task, edges) if edges is not None else {}),
            task.altered_path(): partial(write_image, pixels=as_black_and_white(repair.altered), suffix=".png"),
            task.output: partial(
                write_image, pixels=repair.image, like=source, suffix=task.output.suffix, record=record, altered=altered
            ),
        }
    )


def _warn(task: Task, source: ImageFile, mask: NDArray[np.bool_], report: Report, model: EdgeConnect | None) -> None:
    """Say what speaks against trusting the result; how much is missing stands in the record's notes."""
    from napari_edgeconnect.core.refusals import reasons_against

    info = model.info if model else model_info(task)
    for reason in reasons_against(source.pixels, mask, task.settings, model=info):
        if reason.name != "much-missing":
            report.note(reason.sentence)


def _repair_steps(
    task: Task, source: ImageFile, mask: NDArray[np.bool_], report: Report, model: EdgeConnect | None
) -> Generator[Step, None, Repair | ClassicalRepair]:
    settings = task.settings
    if task.method == EXCLUDE:
        return _excluded(task, source, mask)
    if task.method != EDGECONNECT:
        from napari_edgeconnect.core.classical import inpaint_steps

        return inpaint_steps(source.pixels, mask, task.method, grow_px=settings.grow_px)
    edges = given_edges(task.edges, task.probability, source, mask, settings, report) if task.edges else None
    model = model or load_model(task, report)
    if edges is None:
        return model.inpaint_steps(source.pixels, mask, settings)
    return model.complete_steps(source.pixels, mask, edges, settings)


def _excluded(task: Task, source: ImageFile, mask: NDArray[np.bool_]) -> Generator[Step, None, ClassicalRepair]:
    from napari_edgeconnect.core.exclusion import exclude
    from napari_edgeconnect.core.results import Step

    assert task.excluded is not None
    yield Step(0, 1, "Excluding")
    return exclude(source.pixels, mask, task.excluded, grow_px=task.settings.grow_px, return_record=True)


def propose_edges(task: Task, report: Report) -> None:
    """``edges``: stage 1 alone."""
    started = time.monotonic()
    staging = Staging(task.inputs.values(), overwrite=task.overwrite)
    outputs = {"output": task.output, "record": task.record_path(), **optional_outputs(task)}
    for path in outputs.values():
        staging.plan(path)
    source, mask = _read(task, report)
    check_format(task.output, mask.shape, np.dtype(np.uint8))
    _check_outputs(task, None)
    model = load_model(task, report)
    edges = report.follow(model.hallucinate_edges_steps(source.pixels, mask, task.settings))
    record = {
        **model.record_of(edges, task.settings),
        "seconds": round(time.monotonic() - started, 3),
        **provenance(task, outputs),
    }
    staging.commit(
        {
            **_edge_writers(task, edges),
            task.record_path(): partial(write_json, record=record),
            task.output: partial(write_image, pixels=edges.labels, suffix=task.output.suffix),
        }
    )
    for path in outputs.values():
        report.written(path)
    proposed, measured = record["edges"]["proposed_px"], record["edges"]["measured_px"]
    report.result(
        f"Proposed {proposed} edge pixels inside the hole; {measured} were measured around it.",
        {
            "command": task.command,
            **{role: str(path) for role, path in outputs.items()},
            "edges": record["edges"],
            "seconds": record["seconds"],
        },
    )


def _read(task: Task, report: Report) -> tuple[ImageFile, NDArray[np.bool_]]:
    source = read_image(task.image)
    mask, notes = read_as_mask(task.mask)
    for note in (*source.notes, *notes):
        report.note(note)
    check_size(task.mask, mask, source)
    return source, mask


def _check_outputs(task: Task, source: ImageFile | None) -> None:
    """Find formats that can't hold what will be written, before any work is done."""
    plane: tuple[int, ...] = (1, 1)
    if source is not None:
        check_format(task.output, source.pixels.shape, source.pixels.dtype)
    if task.save_edges:
        check_format(task.save_edges, plane, np.dtype(np.uint8))
    if task.save_probability:
        check_format(task.save_probability, plane, np.dtype(np.float32))


def model_info(task: Task) -> ModelInfo:
    """Which model the task is for, without loading it."""
    from napari_edgeconnect.core.models import DEFAULT_MODEL, find_model

    return find_model(task.model or DEFAULT_MODEL)


def load_model(task: Task, report: Report) -> EdgeConnect:
    """Load the task's model, and say which it is."""
    from napari_edgeconnect.core.edgeconnect import EdgeConnect
    from napari_edgeconnect.core.models import DEFAULT_MODEL

    model = EdgeConnect.load(task.model or DEFAULT_MODEL, device=task.device)
    report.model(model.info, str(model.device))
    return model


def optional_outputs(task: Task) -> dict[str, Path]:
    """Outputs that were asked for by name, by role."""
    roles = {"edges": task.save_edges, "probability": task.save_probability}
    return {role: path for role, path in roles.items() if path is not None}


def _edge_writers(task: Task, edges: EdgeMap) -> dict[Path, Writer]:
    writers: dict[Path, Writer] = {}
    for path, pixels in ((task.save_edges, edges.labels), (task.save_probability, edges.probability)):
        if path is not None:
            writers[path] = partial(write_image, pixels=pixels, suffix=path.suffix)
    return writers


def provenance(task: Task, outputs: Mapping[str, Path]) -> dict[str, Any]:
    """From what and into what, for a record."""
    return {
        "command": task.command,
        "inputs": named_inputs(task.inputs, task.record_path()),
        "outputs": {role: from_folder_of(task.record_path(), path) for role, path in outputs.items()},
        **({"asked": task.asked} if task.asked else {}),
    }
