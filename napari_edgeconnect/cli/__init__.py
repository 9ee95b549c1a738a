"""``napari-edgeconnect …``: the same repairs without a screen, from files to files.

Stands on ``core``, ``files``, ``evaluation``, ``selftest``, ``measurement`` and ``training`` only. Nothing
heavy is imported before a command needs it, so that ``--help`` answers at once.
"""

from __future__ import annotations

import logging
from typing import Annotated

import typer

from . import (
    batch,
    demo,
    evaluate,
    figure,
    find,
    measure,
    methods,
    models,
    repair,
    replay,
    selftest,
    train,
    uncertainty,
)

_EXIT_CODES = (
    "Exit codes: 0 done; 1 a file or a value can't be used (one sentence says why); 2 wrong usage; "
    "3 out of memory, or the device failed; 130 interrupted. In the last four nothing is written."
)

app = typer.Typer(
    name="napari-edgeconnect",
    help="Repair scientific images with EdgeConnect: lines first, colour next.",
    epilog=_EXIT_CODES,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command(epilog=_EXIT_CODES)(repair.inpaint)
app.command(epilog=_EXIT_CODES)(batch.batch)
app.command(epilog=_EXIT_CODES)(repair.edges)
app.command(epilog=_EXIT_CODES)(repair.complete)
app.command(epilog=_EXIT_CODES)(find.find)
app.command(epilog=_EXIT_CODES)(selftest.selftest)
app.command(epilog=_EXIT_CODES)(uncertainty.uncertainty)
app.command(epilog=_EXIT_CODES)(measure.measure)
app.command(epilog=_EXIT_CODES + " replay: 4, where pixels are not the recorded ones.")(replay.replay)
app.command(epilog=_EXIT_CODES)(methods.methods)
app.command(epilog=_EXIT_CODES)(figure.figure)
app.command(epilog=_EXIT_CODES)(evaluate.evaluate)
app.command(epilog=_EXIT_CODES)(train.train)
app.command(epilog=_EXIT_CODES)(demo.demo)
app.add_typer(models.app, name="models", epilog=_EXIT_CODES)


def main() -> None:
    """Entry point of the command ``napari-edgeconnect``."""
    # What tifffile has to say about odd files, the error sentences say already.
    logging.getLogger("tifffile").setLevel(logging.CRITICAL)
    app()


def _print_version(wanted: bool) -> None:
    if wanted:
        from napari_edgeconnect import __version__

        typer.echo(f"napari-edgeconnect {__version__}")
        raise typer.Exit


@app.callback()
def _common(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Say the version and stop.")
    ] = False,
) -> None:
    pass
