"""One replay: the record's files found and checked, the repair done again, its pixels compared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_edgeconnect.files import FileError, ImageFile, holds_stack, open_stack, read_image, sha256

from .edge_files import given_edges
from .options import EDGECONNECT
from .records import found_input, read_record
from .report import Report
from .stack_run import stack_repaired
from .stack_task import StackOptions, StackTask
from .task import Task, plan_outputs, provenance, read_inputs, write_repair

if TYPE_CHECKING:
    from napari_edgeconnect.core.edgeconnect import EdgeConnect
    from napari_edgeconnect.core.edges import EdgeMap
    from napari_edgeconnect.core.replay import Difference

_COMMAND = "replay"


def replay_file(
    path: Path,
    output: Path,
    given: Mapping[str, Path],
    report: Report,
    *,
    model: str | None = None,
    device: str | None = None,
    overwrite: bool = False,
) -> bool:
    """Do what a record says again: True where the pixels are the recorded ones.

    Parameters
    ----------
    path : Path
        Of the record, or of an image with a record in it.
    output : Path
    given : dict of Path
        Where inputs are now, by role.
    report : Report
    model, device : str, optional
        By default those with the recorded weights, and of the recorded kind.
    overwrite : bool

    Raises
    ------
    FileError, ValueError
        Where it can't be done as it was.
    """
    record = read_record(path)
    if record["kind"] not in ("repair", "classical", "excluded", "stack") or _has_edges_alone(record):
        raise FileError(f"{path} is a record of kind {record['kind']!r}, which repaired nothing: there is no replay.")
    inputs = _inputs(path, record, given)
    before = _output_then(path, record)
    if any(_is(output.with_suffix(suffix), kept) for kept in (path, before) for suffix in (output.suffix, ".json")):
        raise FileError(f"{output} is what the replay is to be compared with: give another output name.")
    loaded = _model(record, model, device, report) if record["method"] == EDGECONNECT else None
    _warn(record, loaded, report)
    task = Task(
        command=_COMMAND,
        image=inputs["image"],
        mask=inputs["mask"],
        edges=inputs.get("edges"),
        probability=inputs.get("probability"),
        output=output,
        method=record["method"],
        overwrite=overwrite,
    )
    if record["kind"] == "stack":
        again = _stack_again(record, task, report, loaded)
    else:
        again = _image_again(record, task, report, loaded)
    return _said(record, again, before, task, report)


def _has_edges_alone(record: Mapping[str, Any]) -> bool:
    """Of a stack: ``edges`` proposed, and repaired nothing."""
    return any(plane["kind"] == "edges" for plane in record.get("planes", ()))


def _inputs(path: Path, record: Mapping[str, Any], given: Mapping[str, Path]) -> dict[str, Path]:
    """All inputs of the record, where they are now."""
    named = record.get("inputs") or {}
    for role in ("image", "mask"):
        if role not in named and role not in given:
            raise FileError(f"{path} names no file of the {role}: say with --{role} where it is.")
    roles = [role for role in ("image", "mask", "edges", "probability") if role in named or role in given]
    found = {role: given[role] if role in given else found_input(path, named[role]) for role in roles}
    for role, file in given.items():
        # Of a single plane the pixels are compared; whether they come from the same kind of file does not matter.
        if record["kind"] == "stack" and role in named and sha256(file) != named[role]["sha256"]:
            raise FileError(f"{file} is not the {role} that was read then: its SHA-256 is another one.")
    return found


def _output_then(path: Path, record: Mapping[str, Any]) -> Path | None:
    """The output that was made then, if it is still there."""
    name = (record.get("outputs") or {}).get("output")
    return path.parent / name if name and (path.parent / name).exists() else None


def _is(path: Path, other: Path | None) -> bool:
    return other is not None and path.absolute() == other.absolute()


def _model(record: Mapping[str, Any], model: str | None, device: str | None, report: Report) -> EdgeConnect:
    from napari_edgeconnect.core.replay import load_recorded

    loaded = load_recorded(record if "device" in record else _with_device(record), model, device)
    report.model(loaded.info, str(loaded.device))
    return loaded


def _with_device(record: Mapping[str, Any]) -> dict[str, Any]:
    """A stack's record with the device of its planes."""
    first: Mapping[str, Any] = next(iter(record.get("planes", ())), {})
    return {**record, **{name: first[name] for name in ("device", "device_name") if name in first}}


def _warn(record: Mapping[str, Any], model: EdgeConnect | None, report: Report) -> None:
    from napari_edgeconnect.core.replay import warnings_about

    for sentence in warnings_about(_with_device(record), model.device if model else None):
        report.note(sentence)


def _image_again(record: Mapping[str, Any], task: Task, report: Report, model: EdgeConnect | None) -> Mapping[str, Any]:
    from napari_edgeconnect.core.replay import is_same, replay_steps

    staging, outputs = plan_outputs(task)
    source, mask = read_inputs(task, report)
    edges = _edges(record, task, source, mask, report) if task.edges else None
    repair = report.follow(replay_steps(record, source.pixels, mask, edges, model=model))
    again = {**repair.record, **provenance(task, outputs), "replay_of": _of(record, is_same(record, repair.record))}
    write_repair(task, staging, source, repair, again)
    for path in outputs.values():
        report.written(path)
    return again


def _edges(
    record: Mapping[str, Any], task: Task, source: ImageFile, mask: NDArray[np.bool_], report: Report
) -> EdgeMap | NDArray[Any]:
    """The edges as core takes them: of an edge image, or of an edge map that was kept with the record."""
    from napari_edgeconnect.core.replay import settings_of
    from napari_edgeconnect.core.replay_files import load_edge_map

    assert task.edges is not None
    if task.edges.suffix == ".npz":
        return load_edge_map(task.edges)
    return given_edges(task.edges, task.probability, source, mask, settings_of(record["settings"]), report)


def _stack_again(record: Mapping[str, Any], task: Task, report: Report, model: EdgeConnect | None) -> Mapping[str, Any]:
    from napari_edgeconnect.core.replay import settings_of
    from napari_edgeconnect.core.settings import StackSettings

    shared = record["stack"]
    task = replace(task, settings=settings_of(record["settings"]))
    if model is not None:
        task = replace(task, model=(model.info.edge, model.info.inpaint), device=str(model.device))
    choices = {field.name: shared[field.name] for field in fields(StackSettings)}
    options = StackOptions(
        axes=shared["axes"],
        mask_axes=shared["mask_axes"],
        choices=StackSettings(**{**choices, "planes": tuple(choices["planes"])}),
    )
    again, _ = stack_repaired(StackTask.of(task, options), report, model)
    return again


def _of(record: Mapping[str, Any], same: bool) -> dict[str, Any]:
    return {"created": record["created"], "version": record["version"], "same_bits": same}


def _said(record: Mapping[str, Any], again: Mapping[str, Any], before: Path | None, task: Task, report: Report) -> bool:
    """Say whether the pixels are the recorded ones, and else how far off they are."""
    from napari_edgeconnect.core.replay import is_same

    if again.get("package") != record.get("package"):
        packages = [" ".join(one["package"].values()) for one in (record, again)]
        report.note(f"The repair was made with {packages[0]}, and this is {packages[1]}: the last bits may differ.")
    same = is_same(record, again)
    apart = None if same or before is None else _difference(before, task.output, record)
    if same:
        sentence = f"Reproduced bit for bit: all {record['hole_px']} reconstructed pixels are the recorded ones."
    elif apart is None:
        sentence = (
            "Not reproduced bit for bit; how far off it is can't be said, because the output of then is not there."
        )
    else:
        sentence = (
            f"Not reproduced bit for bit: {apart.pixels} of {record['hole_px']} reconstructed pixels differ, by "
            f"{apart.largest:g} grey values at most."
        )
    told = {
        "command": _COMMAND,
        "output": str(task.output),
        "same_bits": same,
        "hole_px": record["hole_px"],
        "differing_px": 0 if same else apart and apart.pixels,
        "largest_difference": 0.0 if same else apart and apart.largest,
    }
    report.result(sentence, told)
    return same


def _difference(before: Path, after: Path, record: Mapping[str, Any]) -> Difference | None:
    """How far two outputs lie apart; None where they can't be compared."""
    from napari_edgeconnect.core.replay import Difference, difference

    if not holds_stack(after):
        one, other = (read_image(path).pixels for path in (before, after))
        return difference(one, other) if one.shape == other.shape else None
    pixels, largest = 0, 0.0
    together = 3 if record["stack"]["axes"].endswith("S") else 2
    with open_stack(before) as then, open_stack(after) as now:
        if tuple(then.pixels.shape) != tuple(now.pixels.shape):
            return None
        for place in np.ndindex(*then.pixels.shape[:-together]):
            apart = difference(np.asarray(then.pixels[place]), np.asarray(now.pixels[place]))
            pixels, largest = pixels + apart.pixels, max(largest, apart.largest)
    return Difference(pixels, largest)
