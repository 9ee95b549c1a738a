"""``evaluate``: methods against each other, on images whose truth is known."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from napari_edgeconnect.evaluation.names import EDGECONNECT, METHODS
from napari_edgeconnect.files import FileError, Staging

from . import options
from .report import Report, reporting

if TYPE_CHECKING:
    from napari_edgeconnect.core.settings import Settings
    from napari_edgeconnect.evaluation.cases import CaseList
    from napari_edgeconnect.evaluation.run import Evaluation

Images = Annotated[
    Path,
    typer.Argument(
        metavar="IMAGES", help="A folder of undamaged images (PNG, JPEG, TIFF, NPY); sub-folders are modalities."
    ),
]
Output = Annotated[
    Path,
    typer.Option(
        "--output",
        "-o",
        help="A folder for tables, plots and contact sheets; made if need be. A run that was interrupted goes on here.",
    ),
]
Masks = Annotated[
    Path | None,
    typer.Option(help="A folder of masks, scaled to --size; those of 1 to 50 % are used. Default: masks are drawn."),
]
Methods = Annotated[
    str | None,
    typer.Option(
        help=f"Comma-separated: {', '.join(METHODS)}. Default: all that are installed.",
    ),
]
Size = Annotated[int, typer.Option(help="Side of the square crops in pixels.")]
Cases = Annotated[int, typer.Option(help="Cases for each modality and bin of hole sizes.")]
Seed = Annotated[int, typer.Option(min=0, help="Another seed makes another list of cases.")]
Sheets = Annotated[bool, typer.Option("--sheets/--no-sheets", help="Write a contact sheet for each modality.")]


def evaluate(
    images: Images,
    output: Output,
    masks: Masks = None,
    methods: Methods = None,
    model: options.Model = None,
    match_noise: options.MatchNoise = False,
    size: Size = 128,
    cases: Cases = 12,
    seed: Seed = 0,
    sheets: Sheets = True,
    device: options.Device = "auto",
    overwrite: options.Overwrite = False,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Compare EdgeConnect with classical methods on damaged crops of your images, by size of the hole.

    The same command gives the same figures again. An interrupted run goes on where it was; cases whose image, weights
    or code have changed since are run again.
    """
    with reporting(as_json=as_json, quiet=quiet) as report:
        from napari_edgeconnect.core.settings import Settings
        from napari_edgeconnect.evaluation.cases import CaseList

        _check_folders(images, output)
        source = CaseList(images=images, masks=masks, size=size, per_cell=cases, seed=seed)
        names = None if methods is None else [name.strip() for name in methods.split(",") if name.strip()]
        settings = Settings(match_noise=match_noise)
        evaluation = _prepared(source, names, model, device, settings=settings, sheets=sheets, report=report)
        _run(evaluation, output, overwrite=overwrite, report=report)


def _check_folders(images: Path, output: Path) -> None:
    if output.exists() and not output.is_dir():
        raise FileError(f"{output} is a file: give the name of a folder.")
    if images.resolve() in (output.resolve(), *output.resolve().parents):
        raise FileError(f"{output} lies in {images}: the next run would take sheets for images. Give another folder.")


def _prepared(
    source: CaseList,
    names: Sequence[str] | None,
    model: str | None,
    device: str,
    *,
    settings: Settings,
    sheets: bool,
    report: Report,
) -> Evaluation:
    from napari_edgeconnect.core.edgeconnect import EdgeConnect
    from napari_edgeconnect.core.models import DEFAULT_MODEL
    from napari_edgeconnect.evaluation import perceptual, plots
    from napari_edgeconnect.evaluation.methods import chosen_methods
    from napari_edgeconnect.evaluation.run import Evaluation

    chosen, missing = chosen_methods(names)
    if missing:
        report.note(f"left out: {', '.join(missing)}; pip install 'napari-edgeconnect[classical]' brings them")
    if not perceptual.is_available():
        report.note(f"no feature distances: {perceptual.HOW_TO_INSTALL} brings the network that they need")
    if not plots.is_available():
        report.note(f"no plots: {perceptual.HOW_TO_INSTALL} brings matplotlib")
    loaded = None
    if any(name in EDGECONNECT for name in chosen):
        loaded = EdgeConnect.load(model or DEFAULT_MODEL, device=device)
        report.model(loaded.info, str(loaded.device))
    return Evaluation(
        source=source,
        methods=chosen,
        model=loaded,
        settings=settings,
        perceptual=perceptual.is_available(),
        sheets=sheets,
    )


def _run(evaluation: Evaluation, output: Path, *, overwrite: bool, report: Report) -> None:
    from napari_edgeconnect.evaluation.lock import held
    from napari_edgeconnect.evaluation.outputs import TABLE, output_names, writers
    from napari_edgeconnect.evaluation.run import UNFINISHED, evaluate_steps, forget

    cases = evaluation.source.cases()
    output.mkdir(parents=True, exist_ok=True)
    with held(output):
        staging = Staging([], overwrite=overwrite)
        paths = [staging.plan(output / name) for name in output_names(evaluation, cases)]
        kept = evaluation.kept(cases, output, start_anew=overwrite)
        if kept.stale:
            report.note(f"{kept.stale} finished cases are run again: their image, mask, weights or code has changed")
        try:
            outcomes = report.follow(evaluate_steps(evaluation, cases, kept))
        except KeyboardInterrupt:
            report.note(f"what is done is kept in {output / UNFINISHED}: the same command goes on from there")
            raise
        staging.commit(writers(evaluation, outcomes, cases, output))
        forget(output)
    for path in paths:
        report.written(path)
    report.result(
        f"Evaluated {len(evaluation.methods)} methods on {len(cases)} cases. Look at {output / TABLE}.",
        {"command": "evaluate", "cases": len(cases), "methods": list(evaluation.methods), "output": str(output)},
    )
