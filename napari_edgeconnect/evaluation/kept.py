"""What a run keeps while it is not finished: each finished case in a line of JSON, under its fingerprint.

A kept case is taken again only under the same fingerprint. The first line says
what was asked for, so that another evaluation is not mixed in by mistake.
"""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from ..files import FileError

_LOG = "cases.jsonl"


class Kept:
    """The finished cases of a run that is not finished, on disk.

    Parameters
    ----------
    folder : Path
        The run's own; made if need be.
    asked : dict
        What the run was asked for, as plain values.
    fingerprints : collection of str
        Of the run's cases, as they are now.
    start_anew : bool
        Whether cases of another run may be dropped.

    Attributes
    ----------
    folder : Path
    stale : int
        How many finished cases were dropped, because they would not come out as they did.

    Raises
    ------
    FileError
        Where the cases of another run are to be kept.
    """

    def __init__(
        self, folder: Path, asked: Mapping[str, Any], fingerprints: Collection[str], *, start_anew: bool = False
    ) -> None:
        self.folder = folder
        self._log = folder / _LOG
        self._values: dict[str, dict[str, Any]] = {}
        head = json.dumps(asked)
        # Behind the last line's end is what was cut short.
        before = self._log.read_text(encoding="utf-8").split("\n")[:-1] if self._log.exists() else []
        if before and before[0] != head:
            if not start_anew:
                raise FileError(
                    f"{folder} holds an unfinished evaluation of other images or with other settings: finish it, "
                    f"give another output folder, or start anew with --overwrite."
                )
            before = []
        wanted, after = set(fingerprints), [head]
        for line in before[1:]:
            made_by, values = _parsed(line)
            if made_by in wanted:
                self._values[made_by] = values
                after.append(line)
        self.stale = len(before[1:]) - len(after[1:])
        self._write(after)

    def get(self, fingerprint: str) -> dict[str, Any] | None:
        """A finished case's values; None for one that is not finished."""
        return self._values.get(fingerprint)

    def add(self, fingerprint: str, values: dict[str, Any]) -> None:
        """Keep a finished case."""
        with self._log.open("a", encoding="utf-8", newline="\n") as file:
            file.write(json.dumps([fingerprint, values]) + "\n")
        self._values[fingerprint] = values

    def _write(self, lines: list[str]) -> None:
        """Replace the log by one move, so that a run killed here loses nothing."""
        self.folder.mkdir(exist_ok=True)
        part = self._log.with_suffix(".part")
        part.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8", newline="\n")
        os.replace(part, self._log)


def _parsed(line: str) -> tuple[str, dict[str, Any]]:
    """Fingerprint and values of a line; nobody's fingerprint for a line that was damaged."""
    try:
        made_by, values = json.loads(line)
    except ValueError:
        return "", {}
    return made_by, values
