"""Many files: one task after another, of which none stops the rest.

What a file's outputs were made from is in their record, so a run that is given
again knows its own and leaves them alone. Nothing else is kept.
"""

from __future__ import annotations

import csv
import hashlib
import json
from collections import Counter
from collections.abc import Generator
from dataclasses import asdict, dataclass, fields, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from napari_edgeconnect.core.settings import Settings
from napari_edgeconnect.files import FileError, Staging, holds_stack, is_zarr, stamp

from .report import Report, verdict
from .stack_run import repair_stack_file
from .stack_task import StackOptions, StackTask
from .task import Task, load_model, model_info, repair_image

if TYPE_CHECKING:
    from napari_edgeconnect.core.edgeconnect import EdgeConnect
    from napari_edgeconnect.core.results import Step

Result = TypeVar("Result")
TABLE = "batch.csv"
_SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".npy", ".zarr")


@dataclass(frozen=True, kw_only=True)
class Batch:
    """What ``batch`` was asked to do; other fields as in :class:`Task`.

    Attributes
    ----------
    source : Path
        A folder, or a zarr store.
    mask : Path
        A file or a store for all, or a folder with one for each.
    output : Path
        A folder.
    stack : StackOptions
        For those of the files that hold stacks.
    """

    source: Path
    mask: Path
    output: Path
    settings: Settings
    stack: StackOptions
    model: str | tuple[Path, Path] | None = None
    device: str = "auto"
    overwrite: bool = False


@dataclass
class Row:
    """What happened to one file.

    Attributes
    ----------
    file : str
    status : str
        "repaired", "done before" or "failed".
    output : str
    hole_px : int or None
    seconds : float or None
    message : str
        Why it failed; or what a person should know.
    """

    file: str
    status: str = ""
    output: str = ""
    hole_px: int | None = None
    seconds: float | None = None
    message: str = ""


def repair_all(batch: Batch, report: Report) -> int:
    """Repair all files, and say what happened to each: how many failed.

    Raises
    ------
    FileError, ValueError
        Where nothing can be done at all: no files, no output folder, no such model.
    """
    sources = _sources(batch)
    batch.output.mkdir(parents=True, exist_ok=True)
    report.when_interrupted = "Interrupted: finished files are kept; give the same command again to go on."
    _check_model(batch)
    model = _Once(batch, report)
    rows = []
    for source in sources:
        rows.append(_row(batch, source, sources, model, report))
        report.note(f"{rows[-1].file}: {rows[-1].status}" + (f": {rows[-1].message}" if rows[-1].message else ""))
    staging = Staging([], overwrite=True)
    table = staging.plan(batch.output / TABLE)
    staging.commit({table: partial(_write_table, rows=rows)})
    count = Counter(row.status for row in rows)
    report.table(_as_lines(rows), {"files": [asdict(row) for row in rows], "table": str(table), **count})
    return count["failed"]


class _Once:
    """The model, loaded when the first file needs it."""

    def __init__(self, batch: Batch, report: Report) -> None:
        self._batch, self._report = batch, report
        self._model: EdgeConnect | None = None

    def get(self, task: Task) -> EdgeConnect:
        if self._model is None:
            self._model = load_model(task, self._report)
        return self._model


class _OfOneFile(Report):
    """The voice of one file's run in many: steps are shown, all else becomes its row."""

    def __init__(self, whole: Report, row: Row) -> None:
        super().__init__(quiet=True)
        self._whole = whole
        self._row = row
        self._notes: list[str] = []

    def follow(self, steps: Generator[Step, None, Result]) -> Result:
        return self._whole.follow(_named(steps, self._row.file))

    def note(self, message: str) -> None:
        self._notes.append(message.rstrip("."))
        self._row.message = "; ".join(self._notes)

    def result(self, summary: str, result: dict[str, Any]) -> None:
        self._row.status = "repaired"
        self._row.hole_px, self._row.seconds = result["hole_px"], round(result["seconds"], 2)


def _row(batch: Batch, source: Path, sources: list[Path], model: _Once, report: Report) -> Row:
    row = Row(source.name)
    try:
        task = _task(batch, source, _mask_of(batch, source))
        row.output = str(task.output)
        alike = [other.name for other in sources if _stem(other) == _stem(source)]
        if len(alike) > 1:
            raise FileError(f"{' and '.join(alike)} have one name: their records would, too; rename one.")
        ours = _recorded(task) == task.asked
        if ours and task.output.exists():
            row.status = "done before"
        else:
            # The record is the first file to have its name: what lies beside it was written just before a kill.
            task = replace(task, overwrite=task.overwrite or ours)
            ours_alone = _OfOneFile(report, row)
            if isinstance(task, StackTask):
                repair_stack_file(task, ours_alone, None if task.has_workers else model.get(task))
            else:
                repair_image(task, ours_alone, model.get(task))
    except Exception as error:  # noqa: BLE001 - whatever it is, the other files are not to blame
        sentence, _ = verdict(error)
        sentence = sentence or f"Unexpected {type(error).__name__}: {error}"
        row.status, row.message = "failed", " ".join(sentence.split())
    return row


def _sources(batch: Batch) -> list[Path]:
    if is_zarr(batch.source):
        return [batch.source]
    if not batch.source.is_dir():
        raise FileError(f"{batch.source} is no folder: for one file, use inpaint.")
    if batch.mask.is_dir() and not is_zarr(batch.mask) and batch.mask.samefile(batch.source):
        raise FileError(f"{batch.source} holds both images and masks: put the masks into a folder of their own.")
    if not batch.mask.exists():
        raise FileError(f"There is no mask {batch.mask}.")
    found = [
        path
        for path in sorted(batch.source.iterdir())
        if path.suffix.lower() in _SUFFIXES and not path.name.startswith(".") and not _is(path, batch.mask)
    ]
    if not found:
        raise FileError(f"{batch.source} holds nothing that can be repaired: {', '.join(_SUFFIXES)} are wanted.")
    return found


def _mask_of(batch: Batch, source: Path) -> Path:
    if not batch.mask.is_dir() or is_zarr(batch.mask):
        return batch.mask
    found = [path for path in sorted(batch.mask.iterdir()) if _stem(path) == _stem(source)]
    if len(found) != 1:
        names = " and ".join(path.name for path in found) or "none"
        raise FileError(f"{batch.mask} should hold one mask called {_stem(source)}, with any ending: there is {names}.")
    return found[0]


def _task(batch: Batch, source: Path, mask: Path) -> Task:
    """The file's task: a stack's where it holds one."""
    suffix = ".png" if source.suffix.lower() in (".jpg", ".jpeg") else source.suffix
    task = Task(
        command="batch",
        image=source,
        mask=mask,
        output=batch.output / (source.name.removesuffix(source.suffix) + suffix),
        model=batch.model,
        device=batch.device,
        overwrite=batch.overwrite,
        settings=batch.settings,
    )
    if holds_stack(source):
        task = StackTask.of(task, batch.stack)
    return replace(task, asked=_digest(task))


def _digest(task: Task) -> str:
    """All that a file's outputs follow from, in one word."""
    from napari_edgeconnect import __version__

    inputs = {role: [path.name, stamp(path)] for role, path in task.inputs.items()}
    asked = [__version__, model_info(task).sha256, task.device, task.settings.as_dict(), inputs]
    if isinstance(task, StackTask):
        asked += [task.axes, task.mask_axes, task.choices.as_dict()]
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()


def _recorded(task: Task) -> Any:
    """What the record beside a task's output says that was asked for; None without one."""
    try:
        record = json.loads(task.record_path().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return record.get("asked") if isinstance(record, dict) else None


def _check_model(batch: Batch) -> None:
    """A model or a device that is not there would be every file's mistake."""
    from napari_edgeconnect.core.device import choose_device
    from napari_edgeconnect.core.models import DEFAULT_MODEL, find_model

    find_model(batch.model or DEFAULT_MODEL)
    choose_device(batch.device)


def _named(steps: Generator[Step, None, Result], name: str) -> Generator[Step, None, Result]:
    try:
        while True:
            try:
                step = next(steps)
            except StopIteration as end:
                return end.value
            yield step._replace(what=f"{name}: {step.what}")
    finally:
        steps.close()


def _write_table(path: Path, rows: list[Row]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, [f.name for f in fields(Row)])
        writer.writeheader()
        writer.writerows(asdict(row) for row in rows)


def _as_lines(rows: list[Row]) -> list[str]:
    """The table for a person: columns as wide as they need."""
    cells = [("file", "what happened", "pixels", "seconds", "remarks")]
    cells += [
        (row.file, row.status, str(row.hole_px or ""), f"{row.seconds:.1f}" if row.seconds else "", row.message)
        for row in rows
    ]
    pad = (str.ljust, str.ljust, str.rjust, str.rjust)
    widths = [max(len(line[column]) for line in cells) for column in range(len(pad))]
    lines = []
    for *columns, remarks in cells:
        padded = [to(cell, width) for to, cell, width in zip(pad, columns, widths, strict=True)]
        lines.append("  ".join([*padded, remarks]).rstrip())
    return lines


def _stem(path: Path) -> str:
    return path.name.removesuffix(path.suffix).removesuffix(".ome")


def _is(one: Path, other: Path) -> bool:
    return other.exists() and one.samefile(other)
