"""What is written beside an image: text, its record as JSON, and a mask as any program shows it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray


def write_text(path: Path, text: str) -> None:
    """Write a text, the same bytes on every system."""
    path.write_text(text, encoding="utf-8", newline="\n")


def write_json(path: Path, record: Mapping[str, Any]) -> None:
    """Write a record for people and programs."""
    write_text(path, json.dumps(record, indent=2, ensure_ascii=False) + "\n")


def as_black_and_white(where: NDArray[Any]) -> NDArray[np.uint8]:
    """A mask as any program shows it: 255 where it is set."""
    return np.where(where != 0, np.uint8(255), np.uint8(0))
