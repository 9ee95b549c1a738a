"""``selftest``: which method to take for this image and this damage, and what error to expect of it."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from napari_edgeconnect.files import FileError, Staging, read_as_mask, read_image, write_image, write_json, write_text

from . import options
from .records import named_inputs
from .report import Report, reporting

if TYPE_CHECKING:
    from napari_edgeconnect.core.edgeconnect import EdgeConnect

Output = Annotated[
    Path,
    typer.Option("--output", "-o", help="A folder for selftest.json, selftest.md and selftest.png; made if need be."),
]
Methods = Annotated[
    str | None,
    typer.Option(
        help="Comma-separated: edgeconnect, edgeconnect-no-edges, telea, navier-stokes, biharmonic, patchmatch. "
        "Default: all that are installed.",
    ),
]
Trials = Annotated[int, typer.Option(min=1, help="Copies of the damage that are placed.")]
Seed = Annotated[int, typer.Option(min=0, help="Another seed places the copies elsewhere.")]

_NAMES = ("selftest.json", "selftest.png", "selftest.md")


def selftest(
    image: options.Image,
    mask: options.Mask,
    output: Output,
    methods: Methods = None,
    trials: Trials = 8,
    seed: Seed = 0,
    model: options.Model = None,
    grow_px: options.GrowPx = options.GROW_PX,
    device: options.Device = "auto",
    overwrite: options.Overwrite = False,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Repair copies of the damage where the image is intact, and say which method was best and how far it was off."""
    with reporting(as_json=as_json, quiet=quiet) as report:
        from napari_edgeconnect.core.settings import Settings
        from napari_edgeconnect.selftest.run import self_test_steps
        from napari_edgeconnect.selftest.sheet import contact_sheet
        from napari_edgeconnect.selftest.table import markdown

        if output.exists() and not output.is_dir():
            raise FileError(f"{output} is a file: give the name of a folder.")
        source = read_image(image)
        pixels, notes = read_as_mask(mask)
        for note in (*source.notes, *notes):
            report.note(note)
        output.mkdir(parents=True, exist_ok=True)
        staging = Staging([image, mask], overwrite=overwrite)
        paths = [staging.plan(output / name) for name in _NAMES]
        names = None if methods is None else [name.strip() for name in methods.split(",") if name.strip()]
        loaded = _load(names, model, device, report)
        settings = replace(Settings(), grow_px=grow_px)
        test = report.follow(
            self_test_steps(source.pixels, pixels, loaded, settings, methods=names, trials=trials, seed=seed)
        )
        record = {
            **test.record,
            "command": "selftest",
            "inputs": named_inputs({"image": image, "mask": mask}, output / _NAMES[0]),
        }
        staging.commit(
            {
                output / _NAMES[0]: partial(write_json, record=record),
                output / _NAMES[1]: partial(write_image, pixels=contact_sheet(test), suffix=".png"),
                output / _NAMES[2]: partial(write_text, text=markdown(test)),
            }
        )
        if test.missing:
            report.note(
                f"not installed: {', '.join(test.missing)}; pip install 'napari-edgeconnect[classical]' brings them"
            )
        for reason in test.reasons:
            report.note(reason.sentence)
        for path in paths:
            report.written(path)
        advice = test.advice.as_dict()
        report.result(
            " ".join(test.advice.sentences),
            {"command": "selftest", "output": str(output), "advice": advice, "trials": len(test.trials)},
        )


def _load(names: list[str] | None, model: str | None, device: str, report: Report) -> EdgeConnect | None:
    from napari_edgeconnect.core.edgeconnect import EdgeConnect
    from napari_edgeconnect.core.models import DEFAULT_MODEL
    from napari_edgeconnect.evaluation.names import EDGECONNECT

    if names is not None and not any(name in EDGECONNECT for name in names):
        return None
    loaded = EdgeConnect.load(model or DEFAULT_MODEL, device=device)
    report.model(loaded.info, str(loaded.device))
    return loaded
