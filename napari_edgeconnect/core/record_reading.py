"""Records read from files, or from whoever has them: checked, with one sentence where something is wrong.

Apart from ``record_schema``, which says what a record is.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from .record import RECORD_VERSION, SOFTWARE
from .record_schema import ADAPTER


class RecordError(ValueError):
    """What is no record that can be used; the message is one sentence."""


def checked_record(data: Any, where: str = "This") -> dict[str, Any]:
    """A record, if that is what it is.

    Parameters
    ----------
    data : dict
        Plain values, as JSON gives them. It is not changed.
    where : str
        What it came from, as the sentence's subject.

    Returns
    -------
    record : dict
        The same.

    Raises
    ------
    RecordError
        For anything else, a record of a later version included.
    """
    if not isinstance(data, Mapping) or "record_version" not in data:
        raise RecordError(f"{where} is no record of {SOFTWARE}: it has no record_version.")
    version = data["record_version"]
    if isinstance(version, int) and version > RECORD_VERSION:
        made_by = f"{data.get('software', SOFTWARE)} {data.get('version', 'of a later version')}"
        raise RecordError(
            f"{where} is a record of version {version}, written by {made_by}, and versions up to {RECORD_VERSION} are "
            f"read here: install a newer {SOFTWARE}."
        )
    try:
        ADAPTER.validate_python(data)
    except ValidationError as error:
        raise RecordError(f"{where} is no record that can be used: {_first_problem(error)}.") from error
    return dict(data)


def read_record(path: Path) -> dict[str, Any]:
    """Read a record's JSON file.

    Raises
    ------
    RecordError
        If there is none, or it holds something else.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise RecordError(f"There is no file {path}.") from None
    except OSError as error:
        raise RecordError(f"{path} can't be opened: {error.strerror}.") from error
    except ValueError as error:
        raise RecordError(f"{path} is no JSON, as records are: {' '.join(str(error).split())}.") from error
    return checked_record(data, str(path))


def _first_problem(error: ValidationError) -> str:
    problem = error.errors(include_url=False)[0]
    kinds = [part for part in problem["loc"] if part != "record"]
    name = ".".join(str(part) for part in kinds[1:])  # the first is the record's kind
    if problem["type"] == "union_tag_invalid":
        return f"its kind is {problem['ctx']['tag']!r}, and known are {problem['ctx']['expected_tags']}"
    if problem["type"] == "union_tag_not_found":
        return "it does not say its kind"
    if problem["type"] == "missing":
        return f"it lacks {name}"
    if problem["type"] == "extra_forbidden":
        return f"{name} is unknown, so it could not be followed"
    said = problem["msg"][0].lower() + problem["msg"][1:]
    return f"{name} is {_shortened(problem['input'])}: {said}"


def _shortened(value: Any, most: int = 60) -> str:
    text = repr(value)
    return text if len(text) <= most else f"{text[: most - 1]}…"
