"""``measure``: what a repair does to areas, counts and intensities of objects, across its uncertainty."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer
from numpy.typing import NDArray

from napari_edgeconnect.files import FileError, ImageFile, Staging, read_as_mask, read_image, write_text

from . import options
from .records import named_inputs
from .report import Report, reporting

if TYPE_CHECKING:
    from napari_edgeconnect.core.edgeconnect import EdgeConnect
    from napari_edgeconnect.core.settings import Settings
    from napari_edgeconnect.core.uncertainty import Spread
    from napari_edgeconnect.measurement.choice import Chosen
    from napari_edgeconnect.selftest.calibration import Uncertainty

_OBJECTS = "Objects"
Output = Annotated[
    Path,
    typer.Option(
        "--output", "-o", help="A folder for measurement.csv, measurement.json, measurement.md; made if need be."
    ),
]
Labels = Annotated[
    Path | None,
    typer.Option(
        help="The objects, as whole numbers with 0 for background: the same whatever the fill, so that intensities "
        "alone can change.",
        rich_help_panel=_OBJECTS,
    ),
]
Segment = Annotated[
    str | None,
    typer.Option(
        metavar="otsu|threshold=VALUE",
        help="Objects are what is connected and brighter than Otsu's threshold of the known pixels, or than VALUE in "
        "the image's units. Default: otsu.",
        rich_help_panel=_OBJECTS,
    ),
]
SegmentWith = Annotated[
    str | None,
    typer.Option(
        metavar="MODULE:FUNCTION",
        help="Your own function: takes the repaired image, gives labels; it is called for every repair. The module may "
        "lie in the working folder.",
        rich_help_panel=_OBJECTS,
    ),
]
PixelSize = Annotated[
    float | None, typer.Option(help="Side of a pixel, for areas in its unit's square.", rich_help_panel=_OBJECTS)
]
Unit = Annotated[str, typer.Option(help="In which --pixel-size is.", rich_help_panel=_OBJECTS)]
Level = Annotated[float, typer.Option(help="Of the intervals: above 0, below 1.")]
Trials = Annotated[
    int,
    typer.Option(
        min=0,
        help="Copies of the damage on which the intervals are calibrated. 0: only how far the variants of the repair "
        "differ, in a seventh of the time.",
    ),
]
Samples = Annotated[int, typer.Option(min=2, help="Repairs that are drawn within the calibrated interval.")]
Seed = Annotated[int, typer.Option(min=0, help="Another seed places the copies and draws repairs otherwise.")]


def measure(
    image: options.Image,
    mask: options.Mask,
    output: Output,
    labels: Labels = None,
    segment: Segment = None,
    segment_with: SegmentWith = None,
    pixel_size: PixelSize = None,
    unit: Unit = "µm",
    level: Level = 0.9,
    trials: Trials = 6,
    samples: Samples = 100,
    seed: Seed = 0,
    model: options.Model = None,
    sigma: options.Sigma = None,
    grow_px: options.GrowPx = options.GROW_PX,
    device: options.Device = "auto",
    overwrite: options.Overwrite = False,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Measure objects without the damage, with its repair, and across the repair's uncertainty."""
    if sum(given is not None for given in (labels, segment, segment_with)) > 1:
        message = "give one of them: they are three ways to say what the objects are."
        raise typer.BadParameter(message, param_hint="--labels, --segment and --segment-with")
    threshold = _threshold(segment)
    with reporting(as_json=as_json, quiet=quiet) as report:
        from napari_edgeconnect.core.edgeconnect import EdgeConnect
        from napari_edgeconnect.core.models import DEFAULT_MODEL
        from napari_edgeconnect.core.record import digests_of_input
        from napari_edgeconnect.core.settings import Settings
        from napari_edgeconnect.measurement.effect import effect_steps
        from napari_edgeconnect.measurement.table import conclusion
        from napari_edgeconnect.measurement.written import NAMES, RECORD, contents, measurement_record

        if output.exists() and not output.is_dir():
            raise FileError(f"{output} is a file: give the name of a folder.")
        inputs = {"image": image, "mask": mask, **({} if labels is None else {"labels": labels})}
        source = read_image(image)
        hole, notes = read_as_mask(mask)
        for note in (*source.notes, *notes):
            report.note(note)
        given = _given_objects(labels, segment_with, threshold, source)
        settings = Settings(sigma=options.chosen_sigma(sigma), grow_px=grow_px)
        output.mkdir(parents=True, exist_ok=True)
        staging = Staging(inputs.values(), overwrite=overwrite)
        paths = [staging.plan(output / name) for name in NAMES]
        loaded = EdgeConnect.load(model or DEFAULT_MODEL, device=device)
        report.model(loaded.info, str(loaded.device))
        found = _repairs(report, loaded, source.pixels, hole, settings, trials=trials, level=level, seed=seed)
        objects = given or _by_otsu(found)
        size = 1.0 if pixel_size is None else pixel_size
        unit = "px" if pixel_size is None else unit
        steps = effect_steps(found, objects.segmentation, pixel_size=size, unit=unit, samples=samples, seed=seed)
        effect = report.follow(steps)
        record = {
            **measurement_record(
                effect,
                pixels=digests_of_input(source.pixels, hole),
                segmentation=objects.said,
                model=loaded.info,
                device=str(loaded.device),
                settings=settings,
                seed=seed,
            ),
            "command": "measure",
            "inputs": named_inputs(inputs, output / RECORD),
        }
        texts = contents(effect, record)
        staging.commit({output / name: partial(write_text, text=text) for name, text in texts.items()})
        for path in paths:
            report.written(path)
        report.result(conclusion(effect), {"output": str(output), **record})


def _threshold(segment: str | None) -> float | None:
    """What ``--segment threshold=…`` says; None for otsu."""
    if segment is None or segment == "otsu":
        return None
    name, _, value = segment.partition("=")
    try:
        if name == "threshold":
            return float(value)
    except ValueError:
        pass
    raise typer.BadParameter(f"{segment!r} is neither otsu nor threshold=VALUE.", param_hint="--segment")


def _given_objects(
    labels: Path | None, segment_with: str | None, threshold: float | None, source: ImageFile
) -> Chosen | None:
    """What the objects are; None where Otsu's threshold is to find them in the repair."""
    from napari_edgeconnect.measurement import choice

    if labels is not None:
        pixels = read_image(labels).pixels
        if pixels.shape != source.pixels.shape[:2] or pixels.dtype.kind not in "bui":
            raise FileError(
                f"{labels} holds {pixels.dtype} of shape {pixels.shape}; as labels, whole numbers of shape "
                f"{source.pixels.shape[:2]} are wanted."
            )
        return choice.labelled(pixels, labels.name)
    if segment_with is not None:
        return choice.by_function(segment_with)
    return None if threshold is None else choice.brighter_than(threshold)


def _by_otsu(found: Uncertainty | Spread) -> Chosen:
    from napari_edgeconnect.measurement.choice import brighter_than_otsu
    from napari_edgeconnect.selftest.calibration import Uncertainty

    spread = found.spread if isinstance(found, Uncertainty) else found
    return brighter_than_otsu(spread.repaired, spread.hole)


def _repairs(
    report: Report,
    model: EdgeConnect,
    pixels: NDArray[Any],
    hole: NDArray[np.bool_],
    settings: Settings,
    *,
    trials: int,
    level: float,
    seed: int,
) -> Uncertainty | Spread:
    from napari_edgeconnect.core.uncertainty import repair_spread_steps
    from napari_edgeconnect.selftest.calibration import uncertainty_steps

    if trials == 0:
        return report.follow(repair_spread_steps(model, pixels, hole, settings))
    return report.follow(uncertainty_steps(pixels, hole, model, settings, trials=trials, level=level, seed=seed))
