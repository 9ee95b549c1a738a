"""The record of a repair: what was invented, by what, and from what.

Plain values only, so that a layer's metadata and a JSON file hold the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np

from .edges import EdgeMap, EdgeSource
from .job import Job, notes_on
from .models import ModelInfo
from .settings import Settings

if TYPE_CHECKING:
    from .stages import Stages

SOFTWARE = "napari-edgeconnect"


def edge_record(edges: EdgeMap, model: ModelInfo, stages: Stages, settings: Settings) -> dict[str, Any]:
    """Write down an edge map: what made its proposals, and what a person made of them.

    Returns
    -------
    dict
        Only str, int, float, bool, None, lists and dicts.
    """
    return {
        **origin(),
        "model": model.as_dict(),
        "settings": {**settings.as_dict(), "rim_correction": stages.corrects_rim(settings.rim_correction)},
        "device": str(stages.device),
        # Of the noise that is added. Nothing else is drawn at random: the same input gives the same output.
        "seed": settings.seed if settings.match_noise else None,
        "edges": {
            "threshold": edges.threshold,
            "measured_px": _count(edges.labels == EdgeSource.MEASURED),
            "proposed_px": _count(edges.hole & (edges.labels == EdgeSource.PROPOSED)),
            "drawn_px": _count(edges.drawn),
            "erased_px": _count(edges.erased),
        },
        "hole_px": _count(edges.hole),
    }


def proposal_record(job: Job, edges: EdgeMap, model: ModelInfo, stages: Stages, *, seconds: float) -> dict[str, Any]:
    """Write down stage 1 alone on a plane of a stack: its edge map's record, and where it looked."""
    return {**edge_record(edges, model, stages, job.settings), "method": "edgeconnect", **_what_was_done(job, seconds)}


def repair_record(
    job: Job,
    edges: EdgeMap,
    model: ModelInfo,
    stages: Stages,
    *,
    noise: Sequence[Mapping[str, Any] | None] | None = None,
    seconds: float,
) -> dict[str, Any]:
    """Write down one repair: its edge map's record, and what was done to the image.

    ``noise`` is what ``noise.add_matching_noise`` found in each window, where it was asked for.
    """
    done = _what_was_done(job, seconds)
    if noise is not None:
        windows = zip(done["windows"], noise, strict=True)
        done["windows"] = [{**window, "noise": dict(found) if found else None} for window, found in windows]
    return {**edge_record(edges, model, stages, job.settings), "method": "edgeconnect", **done}


def classical_record(
    job: Job,
    method: str,
    *,
    package: Mapping[str, str],
    options: Mapping[str, Any],
    seed: int | None,
    seconds: float,
) -> dict[str, Any]:
    """Write down what a classical method did to an image: ``options`` are the method's own settings."""
    shared = ("grow_px", "margin_px", "smallest_window_px", "largest_window_px")
    return {
        **origin(),
        "method": method,
        "package": dict(package),
        "settings": {**{name: getattr(job.settings, name) for name in shared}, **options},
        "seed": seed,
        **_what_was_done(job, seconds),
    }


def origin() -> dict[str, Any]:
    """What made a record, and when."""
    return {
        "software": SOFTWARE,
        "version": version(SOFTWARE),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def record_of_plane(cutouts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The record of a large plane from those of its cutouts, of which there is at least one."""
    first = cutouts[0]
    height, width = first["image"]["shape"][:2]
    summed = {name: sum(one[name] for one in cutouts) for name in ("mask_px", "hole_px", "nonfinite_px")}
    hole_fraction = summed["hole_px"] / (height * width)
    edges = {
        name: sum(one["edges"][name] for one in cutouts) if name.endswith("_px") else value
        for name, value in first.get("edges", {}).items()  # a classical method knows none
    }
    beside = [one["neighbours"] for one in cutouts if "neighbours" in one]
    neighbours = {
        **(beside[0] if beside else {}),
        "proposed_px": sum(one["proposed_px"] for one in beside),
        "windows": [window for one in beside for window in one["windows"]],
    }
    notes = [*notes_on(hole_fraction), *(note for one in cutouts for note in one["notes"])]
    return {
        **first,
        **summed,
        **({"edges": edges} if edges else {}),
        **({"neighbours": neighbours} if beside else {}),
        "hole_fraction": hole_fraction,
        "windows": [window for one in cutouts for window in one["windows"]],
        "seconds": round(sum(one["seconds"] for one in cutouts), 3),
        "notes": list(dict.fromkeys(notes)),
    }


def _what_was_done(job: Job, seconds: float) -> dict[str, Any]:
    height, width = job.cutout.plane_shape if job.cutout else job.hole.shape
    return {
        "image": {"shape": [height, width, *job.image.shape[2:]], "dtype": str(job.image.dtype)},
        "mapping": job.mapping.as_dict(),
        "mask_px": job.mask_px,
        "hole_px": _count(job.hole),
        "hole_fraction": _count(job.hole) / (height * width),
        "nonfinite_px": job.nonfinite_px,
        "windows": _windows(job),
        "seconds": round(seconds, 3),
        "notes": list(job.notes),
    }


def _windows(job: Job) -> Sequence[dict[str, Any]]:
    top, left = (job.cutout.box.top, job.cutout.box.left) if job.cutout else (0, 0)
    return [
        {
            "top": window.box.top + top,
            "left": window.box.left + left,
            "height": window.box.shape[0],
            "width": window.box.shape[1],
            "tile_of_large_hole": window.core is not None,
        }
        for window in job.plan.windows
    ]


def _count(where: Any) -> int:
    return int(np.count_nonzero(where))
