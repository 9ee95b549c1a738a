"""``train``: both networks, by the paper's recipe, ours, or your own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from . import options
from .report import reporting

#: As ``training.stages`` and ``training.learner`` know them, which would load torch; a test compares.
Stage = Literal["edge", "inpaint", "edge-inpaint", "joint"]
Precision = Literal["auto", "no", "bf16", "fp16"]
Device = Literal["auto", "cpu"]

_RECIPE, _RUN = "Recipe", "Running"


def train(
    stage: Annotated[
        Stage,
        typer.Argument(
            help="edge: hallucinate edges. inpaint: complete from true edges. edge-inpaint: complete from an edge "
            "generator's maps. joint: both at once."
        ),
    ],
    data: Annotated[
        Path,
        typer.Argument(
            metavar="IMAGES",
            help="A folder of undamaged images and stacks (PNG, JPEG, TIFF, NPY; 8 or 16 bits, float); sub-folders are "
            "modalities, which are shown equally often.",
        ),
    ],
    output: Annotated[
        Path,
        typer.Option("--output", "-o", help="The run's folder: state, log, sample sheets, weights. It goes on here."),
    ],
    steps: Annotated[int, typer.Option(min=1, help="Length of the schedule, earlier pieces of the run included.")],
    minutes: Annotated[
        float | None, typer.Option(min=0, help="Stop after so long; the same command goes on another time.")
    ] = None,
    recipe: Annotated[
        str,
        typer.Option(help="open-science, open-science-texture, published, or a TOML file.", rich_help_panel=_RECIPE),
    ] = "open-science",
    change: Annotated[
        list[str] | None,
        typer.Option("--set", help="A field of the recipe: field=value. Can be repeated.", rich_help_panel=_RECIPE),
    ] = None,
    start: Annotated[
        str | None,
        typer.Option(help="Model, folder or weight file to train on. Default: from nothing.", rich_help_panel=_RECIPE),
    ] = None,
    edges: Annotated[
        str | None,
        typer.Option(
            help="For edge-inpaint: model, folder or weight file whose edges are learnt from. Default: --start.",
            rich_help_panel=_RECIPE,
        ),
    ] = None,
    feature_weights: Annotated[
        Path | None,
        typer.Option(help="vgg19-dcbb9e9d.pth, for recipes with features = vgg19.", rich_help_panel=_RECIPE),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of weights and samples.", rich_help_panel=_RECIPE)] = 0,
    device: Annotated[Device, typer.Option(help="auto takes a GPU if it can.", rich_help_panel=_RUN)] = "auto",
    precision: Annotated[
        Precision, typer.Option(help="auto is bf16 where the device multiplies in it.", rich_help_panel=_RUN)
    ] = "auto",
    workers: Annotated[int, typer.Option(min=0, help="Processes that prepare samples.", rich_help_panel=_RUN)] = 1,
    threads: Annotated[
        int | None,
        typer.Option(min=1, help="On the CPU. Default: the cores that workers leave.", rich_help_panel=_RUN),
    ] = None,
    save_minutes: Annotated[float, typer.Option(min=0, help="Between two states.", rich_help_panel=_RUN)] = 5.0,
    sheet_minutes: Annotated[float, typer.Option(min=0, help="Between two sheets.", rich_help_panel=_RUN)] = 10.0,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Train a network on your images. Ctrl-C stops after a whole step; the same command goes on.

    Several GPUs or processes: `torchrun --nproc-per-node 2 -m napari_edgeconnect train …`.
    """
    with reporting(as_json=as_json, quiet=quiet) as report:
        _need_packages()
        from napari_edgeconnect.training.recipe import load_recipe
        from napari_edgeconnect.training.trainer import Run, train_steps

        run = Run(
            stage=stage,
            data=data,
            output=output,
            recipe=load_recipe(recipe, change or []),
            steps=steps,
            start=start,
            edges=edges,
            seed=seed,
            minutes=minutes,
            device=device,
            precision=precision,
            workers=workers,
            threads=threads,
            feature_weights=feature_weights,
            save_minutes=save_minutes,
            sheet_minutes=sheet_minutes,
        )
        outcome = report.follow(train_steps(run))
        if not outcome.weights:
            return  # one of several processes, and not the one that writes
        for path in outcome.weights.values():
            report.written(path)
        state = "Finished" if outcome.finished else "Stopped; the same command goes on"
        report.result(
            f"{state}: step {outcome.step} of {steps}, {outcome.samples_per_second:.1f} samples/s, "
            f"{100 * outcome.peak_share:.0f} % of this machine's convolution peak.",
            {
                "command": "train",
                "stage": stage,
                "step": outcome.step,
                "finished": outcome.finished,
                "samples_per_second": outcome.samples_per_second,
                "peak_share": outcome.peak_share,
                "weights": {kind: str(path) for kind, path in outcome.weights.items()},
            },
        )


def _need_packages() -> None:
    try:
        import accelerate  # noqa: F401
    except ImportError:
        raise ImportError("Training needs accelerate: pip install 'napari-edgeconnect[train]'.") from None
