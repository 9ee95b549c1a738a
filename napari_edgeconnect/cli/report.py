"""What a run says while it works, and how it ends: for a person, or for a program (``--json``).

Progress and remarks go to stderr, results to stdout. Every way to fail that is
not a bug ends in one sentence and an exit code.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from enum import IntEnum
from typing import TYPE_CHECKING, Any, TypeVar

import typer

if TYPE_CHECKING:
    from napari_edgeconnect.core.models import ModelInfo
    from napari_edgeconnect.core.results import Step

Result = TypeVar("Result")


class ExitCode(IntEnum):
    """How a command ended; 2 is wrong usage, which typer finds."""

    BAD_INPUT = 1
    NO_MEMORY_OR_DEVICE = 3
    NOT_THE_SAME = 4
    INTERRUPTED = 130


class Report:
    """The voice of one run.

    Parameters
    ----------
    as_json : bool
        One JSON object per line on stderr, one for the result on stdout.
    quiet : bool
        Errors only.
    """

    def __init__(self, *, as_json: bool = False, quiet: bool = False) -> None:
        self._as_json = as_json
        self._quiet = quiet
        #: What an interruption leaves behind, in a sentence.
        self.when_interrupted = "Interrupted: nothing was written."

    def follow(self, steps: Generator[Step, None, Result]) -> Result:
        """Run to the end, showing each step; an interruption closes the generator."""
        try:
            with self._bar() as show:
                while True:
                    try:
                        show(next(steps))
                    except StopIteration as stop:
                        return stop.value
        finally:
            steps.close()

    def model(self, info: ModelInfo, device: str) -> None:
        """Say what repairs, under which licence, on what."""
        self._say(
            f"Model {info.name} (licence: {info.licence}) on {device}.",
            {"event": "model", "name": info.name, "licence": info.licence, "device": device},
        )
        if info.familiarity is None:
            self.note(f"{info.name} does not say what images it was trained on, so none can be told to be unlike them")

    def note(self, message: str) -> None:
        """Say something that a person should know."""
        self._say(f"Note: {message.rstrip('.')}.", {"event": "note", "message": message})

    def written(self, path: object) -> None:
        """Say that a file is there, whole."""
        if self._as_json:
            self._say("", {"event": "written", "path": str(path)})
        elif not self._quiet:
            typer.echo(str(path))

    def error(self, message: str) -> None:
        """Say in one line why nothing came of it."""
        line = " ".join(message.split())
        typer.echo(json.dumps({"event": "error", "message": line}) if self._as_json else f"Error: {line}", err=True)

    def result(self, summary: str, result: dict[str, Any]) -> None:
        """End: a sentence for a person, the object for a program."""
        if self._as_json:
            typer.echo(json.dumps(result))
        elif not self._quiet:
            typer.echo(summary, err=True)

    def table(self, lines: Sequence[str], result: dict[str, Any]) -> None:
        """End, with a table: lines for a person, the object for a program."""
        if self._as_json:
            typer.echo(json.dumps(result))
        elif not self._quiet:
            for line in lines:
                typer.echo(line)

    def _say(self, line: str, event: dict[str, Any]) -> None:
        if self._as_json:
            if not self._quiet:
                typer.echo(json.dumps(event), err=True)
        elif not self._quiet:
            typer.echo(line, err=True)

    @contextmanager
    def _bar(self) -> Iterator[Callable[[Step], None]]:
        if self._as_json:
            yield lambda step: self._say("", {"event": "step", **step._asdict()})
            return
        from rich.console import Console
        from rich.progress import Progress

        console = Console(stderr=True)
        with Progress(console=console, transient=True, disable=self._quiet or not console.is_terminal) as progress:
            task = progress.add_task("Preparing", total=None)
            yield lambda step: progress.update(task, completed=step.done, total=step.total, description=step.what)


@contextmanager
def reporting(*, as_json: bool, quiet: bool) -> Iterator[Report]:
    """A run's report; what goes wrong inside ends in a sentence and an exit code."""
    report = Report(as_json=as_json, quiet=quiet)
    try:
        yield report
    except KeyboardInterrupt:
        report.error(report.when_interrupted)
        raise typer.Exit(ExitCode.INTERRUPTED) from None
    except Exception as error:
        sentence, code = verdict(error)
        if sentence is None:
            raise
        report.error(sentence)
        raise typer.Exit(code) from None


def verdict(error: Exception) -> tuple[str | None, ExitCode]:
    """What went wrong in a sentence, and the exit code; no sentence for a bug."""
    if isinstance(error, MemoryError):
        return str(error) or "There is not enough memory for this image.", ExitCode.NO_MEMORY_OR_DEVICE
    if isinstance(error, RuntimeError):
        return (f"The device failed: {error}" if _from_device(error) else None), ExitCode.NO_MEMORY_OR_DEVICE
    if isinstance(error, OSError):
        return (f"{error.filename}: {error.strerror}." if error.filename else str(error)), ExitCode.BAD_INPUT
    if isinstance(error, ValueError) or (isinstance(error, (TypeError, ImportError)) and _is_sentence(error)):
        return str(error), ExitCode.BAD_INPUT
    return None, ExitCode.BAD_INPUT


def _from_device(error: RuntimeError) -> bool:
    """True for errors of a GPU or its driver, which torch raises as RuntimeErrors."""
    words = ("CUDA", "cuDNN", "CUBLAS", "HIP", "MPS", "out of memory", "can't allocate memory")
    return type(error).__name__ in ("AcceleratorError", "OutOfMemoryError") or any(w in str(error) for w in words)


def _is_sentence(error: Exception) -> bool:
    """Core's errors about a user's dtypes or missing packages end like sentences; Python's own do not."""
    return str(error).endswith(".")
