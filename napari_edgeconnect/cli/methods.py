"""``methods``: the sentences that a paper needs about repairs, from their records."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated, Literal

import typer

from napari_edgeconnect.files import Staging, write_text

from .options import Json, Overwrite, Quiet
from .records import read_record
from .replay import RECORD_HELP
from .report import reporting

Records = Annotated[
    list[Path], typer.Argument(metavar="RECORD.json...", help=f"{RECORD_HELP} As many as the paper has.")
]
#: As ``core.methods_text.Format``, which would load scipy; a test compares.
Format = Annotated[
    Literal["text", "markdown", "bibtex"],
    typer.Option("--format", help="Paragraphs with references, or the references for BibTeX alone."),
]
Output = Annotated[Path | None, typer.Option("--output", "-o", help="Write it here. Default: say it.")]


def methods(
    records: Records,
    form: Format = "text",
    output: Output = None,
    overwrite: Overwrite = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Write what a methods section needs: what was repaired, with what, how well, and that it is not measured."""
    with reporting(as_json=as_json, quiet=quiet) as report:
        from napari_edgeconnect.core.methods_text import methods_text

        read = [read_record(path) for path in records]
        text = methods_text(read, form)
        if output is not None:
            staging = Staging(records, overwrite=overwrite)
            staging.commit({staging.plan(output): partial(write_text, text=text + "\n")})
            report.written(output)
        told = {"command": "methods", "format": form, "records": len(read), "text": text}
        report.table([] if output else text.splitlines(), told)
