"""``replay``: a recorded repair done again, and compared with what was recorded."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from . import options
from .report import ExitCode, reporting

RECORD_HELP = "A record's JSON file; or a PNG, TIFF or zarr store with a record in it."

Record = Annotated[Path, typer.Argument(metavar="RECORD.json", help=RECORD_HELP)]
Output = Annotated[
    Path,
    typer.Option(
        "--output", "-o", help="The image as it comes out now, with a record and a mask of its own beside it."
    ),
]
_ELSEWHERE = "Where it is now. Default: where the record says, seen from the record's folder, or beside the record."
ImageIn = Annotated[Path | None, typer.Option("--image", help=f"The image that was repaired. {_ELSEWHERE}")]
MaskIn = Annotated[Path | None, typer.Option("--mask", "-m", help=f"Its mask. {_ELSEWHERE}")]
EdgesIn = Annotated[
    Path | None,
    typer.Option("--edges", "-e", help=f"The edges that it was completed from, if they were given. {_ELSEWHERE}"),
]
ProbabilityIn = Annotated[
    Path | None, typer.Option("--probability", help=f"The probabilities, if they were given. {_ELSEWHERE}")
]
ModelIn = Annotated[
    str | None,
    typer.Option(help="A name that `models` lists, or a folder. Default: any model with the recorded weights."),
]
Device = Annotated[
    str | None,
    typer.Option(metavar="DEVICE", help="auto, cpu, cuda or mps. Default: the recorded kind, where there is one."),
]


def replay(
    record: Record,
    output: Output,
    image: ImageIn = None,
    mask: MaskIn = None,
    edges: EdgesIn = None,
    probability: ProbabilityIn = None,
    model: ModelIn = None,
    device: Device = None,
    overwrite: options.Overwrite = False,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Repair again as a record says, from the same files, with the same weights and settings, and compare.

    Other files and other weights are refused; another version or another device is said. Ends with exit code 4 where
    the pixels are not the recorded ones, to the last bit.
    """
    given = {"image": image, "mask": mask, "edges": edges, "probability": probability}
    with reporting(as_json=as_json, quiet=quiet) as report:
        from .replay_task import replay_file

        same = replay_file(
            record,
            output,
            {role: path for role, path in given.items() if path is not None},
            report,
            model=model,
            device=device,
            overwrite=overwrite,
        )
        if not same:
            raise typer.Exit(ExitCode.NOT_THE_SAME)
