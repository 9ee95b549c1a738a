"""``methods``: the sentences that a paper needs about repairs, from their records."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from napari_edgeconnect.files import Staging

from .options import Json, Overwrite, Quiet
from .records import read_record
from .replay import RECORD_HELP
from .report import reporting

FormatName = StrEnum("FormatName", {name: name for name in ("text", "markdown", "bibtex")})

Records = Annotated[
    list[Path], typer.Argument(metavar="RECORD.json...", help=f"{RECORD_HELP} As many as the paper has.")
]
Format = Annotated[
    FormatName, typer.Option("--format", help="Paragraphs with references, or the references for BibTeX alone.")
]
Output = Annotated[Path | None, typer.Option("--output", "-o", help="Write it here. Default: say it.")]


def methods(
    records: Records,
    form: Format = FormatName("text"),  # noqa: B008 - an enum's member
    output: Output = None,
    overwrite: Overwrite = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Write what a methods section needs: what was repaired, with what, how well, and that it is not measured."""
    with reporting(as_json=as_json, quiet=quiet) as report:
        from napari_edgeconnect.core.methods_text import methods_text

        read = [read_record(path) for path in records]
        text = methods_text(read, form.value)
        if output is not None:
            staging = Staging(records, overwrite=overwrite)
            staging.commit({staging.plan(output): lambda path: path.write_text(text + "\n", encoding="utf-8")})
            report.written(output)
        told = {"command": "methods", "format": form.value, "records": len(read), "text": text}
        report.table([] if output else text.splitlines(), told)
