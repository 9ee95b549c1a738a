"""``demo``: one sample image repaired, as picture files and, where there is a screen, in napari.

The one command that looks into ``plugin``, for its sample images and its way
to show layers; both are imported when it runs.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from numpy.typing import NDArray

from napari_edgeconnect.files import Staging, as_black_and_white, write_image, write_json

from . import options
from .pictures import edge_picture, side_by_side
from .report import Report, reporting

if TYPE_CHECKING:
    from napari_edgeconnect.core.results import Repair
    from napari_edgeconnect.files.staging import Writer

#: White space between the pictures of the side-by-side view.
_GAP_PX = 8
_OUTPUT = Path("demo")
_PICTURES = ("damaged", "mask", "edges", "edge_labels", "completed", "altered", "side_by_side")


def demo(
    output: Annotated[
        Path, typer.Option("--output", "-o", help="The folder for the pictures; made if need be.")
    ] = _OUTPUT,
    sample: Annotated[str | None, typer.Option(help="Which sample image; default: the first.")] = None,
    model: options.Model = None,
    device: options.Device = "auto",
    napari: Annotated[
        bool | None,
        typer.Option("--napari/--no-napari", help="Show it in napari. Default: where there is a screen and napari."),
    ] = None,
    overwrite: options.Overwrite = False,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Repair a sample image, write pictures of every stage, and show them in napari."""
    with reporting(as_json=as_json, quiet=quiet) as report:
        from .show import show, why_no_viewer

        obstacle = None if napari is False else why_no_viewer()
        if napari and obstacle:
            raise ValueError(obstacle)
        key, source, image, mask = _sample(sample)
        staging = Staging([], overwrite=overwrite)
        paths = _planned(output, key, staging)
        repair = _repair(image, mask, model, device, report)
        record = {**repair.record, "command": "demo", "sample": key, "source": source}
        record["outputs"] = {name: str(path) for name, path in paths.items()}
        writers: dict[Path, Writer] = {paths["record"]: partial(write_json, record=record)}
        for name, picture in _pictures(image, mask, repair).items():
            inside = record if name == "completed" else None
            writers[paths[name]] = partial(write_image, pixels=picture, suffix=".png", record=inside)
        staging.commit(writers)
        for path in paths.values():
            report.written(path)
        report.result(
            f"Repaired {record['hole_px']} pixels in {record['seconds']:.1f} s. Look at {paths['side_by_side']}.",
            {"command": "demo", "sample": key, **record["outputs"], "hole_px": record["hole_px"]},
        )
        if obstacle:
            report.note(obstacle)
        elif napari is not False:
            report.note("napari opens with the image, the damage, the edges and the completed image; close it to end")
            show(image, mask, repair, title=key)


def _sample(key: str | None) -> tuple[str, str, NDArray[Any], NDArray[Any]]:
    from napari_edgeconnect.plugin.samples import SAMPLES, sample_arrays

    known = list(SAMPLES)
    if key is not None and key not in known:
        raise ValueError(f"There is no sample {key!r}: known are {', '.join(known)}.")
    key = key or known[0]
    return key, SAMPLES[key].source, *sample_arrays(key)


def _planned(folder: Path, key: str, staging: Staging) -> dict[str, Path]:
    folder.mkdir(parents=True, exist_ok=True)
    paths = {name: folder / f"{key}_{name}.png" for name in _PICTURES}
    paths["record"] = folder / f"{key}_completed.json"
    for path in paths.values():
        staging.plan(path)
    return paths


def _repair(image: NDArray[Any], mask: NDArray[Any], model: str | None, device: str, report: Report) -> Repair:
    from napari_edgeconnect.core.edgeconnect import EdgeConnect
    from napari_edgeconnect.core.models import DEFAULT_MODEL
    from napari_edgeconnect.core.settings import Settings

    loaded = EdgeConnect.load(model or DEFAULT_MODEL, device=device)
    report.model(loaded.info, str(loaded.device))
    return report.follow(loaded.inpaint_steps(image, mask, Settings(grow_px=options.GROW_PX)))


def _pictures(image: NDArray[Any], mask: NDArray[Any], repair: Repair) -> dict[str, NDArray[Any]]:
    edges = edge_picture(repair.edges)
    row = side_by_side([image, edges, repair.image], gap_px=_GAP_PX)
    labels = repair.edges.labels
    made = (image, as_black_and_white(mask), edges, labels, repair.image, as_black_and_white(repair.altered), row)
    return dict(zip(_PICTURES, made, strict=True))
