"""``uncertainty``: the interval in which the truth is expected around a repair."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from napari_edgeconnect.files import Staging, check_format, read_as_mask, read_image, write_image, write_json

from . import options
from .records import named_inputs
from .report import reporting

Output = Annotated[
    Path,
    typer.Option(
        "--output",
        "-o",
        help="The interval's half width at each pixel, float32, in the image's own units, 0 outside the hole: .tif or "
        ".npy. OUT.json (the record) is written beside it.",
    ),
]
Level = Annotated[
    float, typer.Option(help="The share of true values that shall lie in the interval, above 0, below 1.")
]
Trials = Annotated[int, typer.Option(min=1, help="Copies of the damage on which the interval is calibrated.")]
Seed = Annotated[int, typer.Option(min=0, help="Another seed places the copies elsewhere.")]


def uncertainty(
    image: options.Image,
    mask: options.Mask,
    output: Output,
    level: Level = 0.9,
    trials: Trials = 6,
    seed: Seed = 0,
    model: options.Model = None,
    sigma: options.Sigma = None,
    grow_px: options.GrowPx = options.GROW_PX,
    device: options.Device = "auto",
    overwrite: options.Overwrite = False,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Say how far the truth may lie from EdgeConnect's repair: its spread, calibrated on copies of the damage."""
    with reporting(as_json=as_json, quiet=quiet) as report:
        from napari_edgeconnect.core.edgeconnect import EdgeConnect
        from napari_edgeconnect.core.models import DEFAULT_MODEL
        from napari_edgeconnect.core.record import digests_of_input, origin
        from napari_edgeconnect.core.settings import Settings
        from napari_edgeconnect.selftest.advice import digits
        from napari_edgeconnect.selftest.calibration import uncertainty_steps

        staging = Staging([image, mask], overwrite=overwrite)
        record_path = output.with_name(output.stem + ".json")
        paths = [staging.plan(path) for path in (output, record_path)]
        check_format(output, (1, 1), np.dtype(np.float32))
        source = read_image(image)
        hole, notes = read_as_mask(mask)
        for note in (*source.notes, *notes):
            report.note(note)
        settings = Settings(sigma=options.chosen_sigma(sigma), grow_px=grow_px)
        loaded = EdgeConnect.load(model or DEFAULT_MODEL, device=device)
        report.model(loaded.info, str(loaded.device))
        found = report.follow(
            uncertainty_steps(source.pixels, hole, loaded, settings, trials=trials, level=level, seed=seed)
        )
        inside = found.half_width[found.spread.hole]
        usual, largest = float(inside.mean()), float(inside.max())
        record = {
            **origin("uncertainty"),
            "command": "uncertainty",
            "pixels": digests_of_input(source.pixels, hole),
            "level": level,
            "model": {**loaded.info.as_dict(), "device": str(loaded.device)},
            "settings": settings.as_dict(),
            "seed": seed,
            "variants": list(found.spread.variants),
            "calibration": found.calibration.as_dict(),
            "mean_half_width": usual,
            "largest_half_width": largest,
            "inputs": named_inputs({"image": image, "mask": mask}, record_path),
        }
        staging.commit(
            {
                record_path: partial(write_json, record=record),
                output: partial(write_image, pixels=found.half_width, suffix=output.suffix),
            }
        )
        for path in paths:
            report.written(path)
        report.result(
            f"The truth is expected within ±{digits(usual)} grey values of the repair on average, within "
            f"±{digits(largest)} at the least sure pixel ({100 * level:g} % interval, calibrated on "
            f"{found.calibration.trials} copies of the damage).",
            {"output": str(output), **record},
        )
