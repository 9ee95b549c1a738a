"""Write docs/record.schema.json from the models of records: ``python scripts/record_schema.py``."""

from __future__ import annotations

import json
from pathlib import Path

from napari_edgeconnect.core.record_schema import json_schema

PATH = Path(__file__).resolve().parents[1] / "docs" / "record.schema.json"


def text() -> str:
    return json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    PATH.write_text(text(), encoding="utf-8")
