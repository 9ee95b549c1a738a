"""``batch``: many files, each repaired as ``inpaint`` would, and a table of what happened to each."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from napari_edgeconnect.core.settings import Settings

from . import options
from .batch_task import Batch, repair_all
from .repair import chosen_model
from .report import ExitCode, reporting
from .stack_choices import refuse_contradiction, stack_choices
from .stack_task import StackOptions


def batch(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="FOLDER_OR_ZARR",
            help="A folder of images and stacks (PNG, JPEG, TIFF, NPY, zarr), or one zarr store.",
        ),
    ],
    mask: Annotated[
        Path,
        typer.Option(
            "--mask",
            "-m",
            help="One mask for all files; or a folder with a mask for each, of the same name up to the ending.",
        ),
    ],
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            help="A folder, made if need be: each result under its source's name, with its record and its mask of "
            "altered pixels, and batch.csv, the table.",
        ),
    ],
    model: options.Model = None,
    edge_weights: options.EdgeWeights = None,
    inpaint_weights: options.InpaintWeights = None,
    rim_correction: options.RimCorrection = None,
    sigma: options.Sigma = None,
    no_known_edges: options.NoKnownEdges = False,
    threshold: options.Threshold = options.DEFAULTS.threshold,
    merge_known_edges: options.MergeKnownEdges = options.DEFAULTS.merge_known_edges,
    axes: options.AxesNames = None,
    mask_axes: options.MaskAxesNames = None,
    mapping: options.Mapping = options.STACK_DEFAULTS.mapping,
    edges_from: options.EdgesFrom = "own",
    neighbours: options.NeighboursOf = options.STACK_DEFAULTS.neighbours,
    neighbour_axis: options.NeighbourAxis = None,
    neighbour_reach: options.NeighbourReach = options.STACK_DEFAULTS.neighbour_reach,
    spread_mask: options.SpreadMask = options.STACK_DEFAULTS.spread_mask,
    spread_axis: options.SpreadAxis = None,
    scheduler: options.Scheduler = None,
    threads: options.Threads = 1,
    match_noise: options.MatchNoise = False,
    seed: options.NoiseSeed = options.DEFAULTS.seed,
    grow_px: options.GrowPx = options.GROW_PX,
    half: options.Half = False,
    device: options.Device = "auto",
    overwrite: options.Overwrite = False,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Repair many files. A file that can't be repaired is reported, and the others are done all the same.

    Given again, the same command goes on where it was stopped: what is finished is not done twice. The exit code is 1
    where any file failed. --axes is for stacks whose files do not say their axes; those of one plane need none.
    """
    refuse_contradiction(scheduler, threads)
    chosen = chosen_model(model, edge_weights, inpaint_weights)
    with reporting(as_json=as_json, quiet=quiet) as report:
        failed = repair_all(
            Batch(
                source=source,
                mask=mask,
                output=output,
                model=chosen,
                device=device,
                overwrite=overwrite,
                settings=Settings(
                    sigma=options.chosen_sigma(sigma, none_wanted=no_known_edges),
                    threshold=threshold,
                    merge_known_edges=merge_known_edges,
                    rim_correction=rim_correction,
                    grow_px=grow_px,
                    half_precision=half,
                    match_noise=match_noise,
                    seed=seed,
                ),
                stack=StackOptions(
                    axes=axes,
                    mask_axes=mask_axes,
                    choices=stack_choices(
                        mapping, edges_from, (neighbours, neighbour_axis, neighbour_reach), (spread_mask, spread_axis)
                    ),
                    scheduler=scheduler,
                    threads=threads,
                ),
            ),
            report,
        )
        if failed:
            raise typer.Exit(ExitCode.BAD_INPUT)
