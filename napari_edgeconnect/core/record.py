"""The record of a repair: what was invented, by what, and from what.

Plain values only, so that a layer's metadata and a JSON file hold the same.
What fields there are, ``record_schema`` says.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import version
from math import isfinite  # numpy's knows no whole numbers above 64 bits
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from .device import device_name
from .digests import array_sha256, sha256_of_parts
from .edges import EdgeMap, EdgeSource
from .holes import EIGHT_NEIGHBOURS
from .job import Job, notes_on
from .models import ModelInfo
from .settings import Settings

if TYPE_CHECKING:
    from .stages import Stages

SOFTWARE = "napari-edgeconnect"
#: Another one when a reader of the old could misunderstand the new.
RECORD_VERSION = 1
Kind = Literal[
    "repair", "classical", "excluded", "edges", "stack", "self_test", "uncertainty", "measurement", "unfinished"
]
#: Whose versions may change the last bits of a result.
_PACKAGES = ("numpy", "scipy", "scikit-image", "torch")


def edge_record(edges: EdgeMap, model: ModelInfo, stages: Stages, settings: Settings) -> dict[str, Any]:
    """Write down an edge map that nothing has been completed from: what proposed it, and what a person made of it.

    Returns
    -------
    dict
        Only str, int, float, bool, None, lists and dicts.
    """
    return {
        **origin("edges"),
        **_by_networks(edges, model, stages, settings, given=False),
        **_holes_in(edges.hole),
    }


def _by_networks(
    edges: EdgeMap, model: ModelInfo, stages: Stages, settings: Settings, *, given: bool
) -> dict[str, Any]:
    return {
        "model": model.as_dict(),
        "settings": {**settings.as_dict(), "rim_correction": stages.corrects_rim(settings.rim_correction)},
        "device": str(stages.device),
        "device_name": device_name(stages.device),
        # Of the noise that is added. Nothing else is drawn at random: the same input gives the same output.
        "seed": settings.seed if settings.match_noise else None,
        "edges": {
            "given": given,
            "threshold": edges.threshold,
            "measured_px": _count(edges.labels == EdgeSource.MEASURED),
            "proposed_px": _count(edges.hole & (edges.labels == EdgeSource.PROPOSED)),
            "drawn_px": _count(edges.drawn),
            "erased_px": _count(edges.erased),
            "sha256": edges_sha256(edges, merge_known_edges=settings.merge_known_edges),
        },
    }


def edges_sha256(edges: EdgeMap, *, merge_known_edges: bool) -> dict[str, str]:
    """Digests of all that stage 2 follows from: of planes, of probabilities inside the hole, and of pixels' numbers.

    Measured edges that a person has erased are not told from such as were never measured where both are the same to
    stage 2: a label image, which is what is kept of a map in a picture file, can't tell them either.
    """
    seen = edges.hole if merge_known_edges else np.ones_like(edges.hole)
    planes: dict[str, NDArray[Any]] = {
        "labels": edges.labels,
        "probability": edges.probability[seen],
        "hole": edges.hole,
        # Few pixels of a plane that may be large, after each stroke of a live completion.
        "drawn": np.flatnonzero(edges.drawn).astype(np.int64),
        "erased": np.flatnonzero(edges.erased & seen).astype(np.int64),
    }
    return {name: array_sha256(plane) for name, plane in planes.items()}


def proposal_record(job: Job, edges: EdgeMap, model: ModelInfo, stages: Stages, *, seconds: float) -> dict[str, Any]:
    """Write down stage 1 alone on a plane of a stack: its edge map's record, and where it looked."""
    done = _what_was_done(job, job.image, seconds)
    return {**edge_record(edges, model, stages, job.settings), "method": "edgeconnect", **done}


def repair_record(
    job: Job,
    edges: EdgeMap,
    model: ModelInfo,
    stages: Stages,
    *,
    result: NDArray[Any],
    edges_given: bool,
    noise: Sequence[Mapping[str, Any] | None] | None = None,
    seconds: float,
) -> dict[str, Any]:
    """Write down one repair: what its edge map was, and what was done to the image.

    ``result`` is the completed image; ``edges_given`` is False where stage 1 ran in the same call; ``noise`` is what
    ``noise.add_matching_noise`` found in each window, where it was asked for.
    """
    done = _what_was_done(job, result, seconds)
    if noise is not None:
        windows = zip(done["windows"], noise, strict=True)
        done["windows"] = [{**window, "noise": dict(found) if found else None} for window, found in windows]
    networks = _by_networks(edges, model, stages, job.settings, given=edges_given)
    return {**origin("repair"), "method": "edgeconnect", **networks, **done}


def classical_record(
    job: Job,
    method: str,
    *,
    result: NDArray[Any],
    package: Mapping[str, str],
    options: Mapping[str, Any],
    seed: int | None,
    seconds: float,
) -> dict[str, Any]:
    """Write down what a classical method did to an image: ``options`` are the method's own settings."""
    shared = ("grow_px", "margin_px", "smallest_window_px", "largest_window_px")
    return {
        **origin("classical"),
        "method": method,
        "package": dict(package),
        "settings": {**{name: getattr(job.settings, name) for name in shared}, **options},
        "seed": seed,
        **_what_was_done(job, result, seconds),
    }


def exclusion_record(
    image: NDArray[Any],
    mask: NDArray[np.bool_],
    hole: NDArray[np.bool_],
    *,
    result: NDArray[Any],
    value: float,
    grow_px: float,
    nonfinite_px: int,
    seconds: float,
    notes: Sequence[str],
) -> dict[str, Any]:
    """Write down that damage was marked as missing with ``value``, and nothing was filled in."""
    return {
        **origin("excluded"),
        "method": "exclude",
        "settings": {"grow_px": float(grow_px)},
        # JSON has neither NaN nor infinity.
        "value": value if isfinite(value) else str(float(value)),
        "image": {"shape": list(image.shape), "dtype": str(image.dtype)},
        "mask_px": _count(mask),
        **_holes_in(hole),
        "nonfinite_px": nonfinite_px,
        "pixels": {
            **digests_of_input(image, mask),
            "altered": array_sha256(hole),
            "result": array_sha256(result[hole]),
        },
        "seconds": round(seconds, 3),
        "notes": list(notes),
    }


def origin(kind: Kind) -> dict[str, Any]:
    """What kind of record it is, what made it, and when."""
    return {
        "record_version": RECORD_VERSION,
        "kind": kind,
        "software": SOFTWARE,
        "version": version(SOFTWARE),
        "packages": dict(_packages()),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
    }


@cache
def _packages() -> Mapping[str, str]:
    return {name: version(name) for name in _PACKAGES}


def digests_of_input(image: NDArray[Any], mask: NDArray[np.bool_]) -> dict[str, str]:
    """What tells one image and its mask, as given, from others: for records of what repairs nothing."""
    return {"image": array_sha256(image), "mask": array_sha256(mask)}


def with_self_test(record: Mapping[str, Any], test_record: Mapping[str, Any]) -> dict[str, Any]:
    """A repair's record with what a self-test on the same image and mask has found, under ``"self_test"``.

    Parameters
    ----------
    record : dict
        Of a repair of one plane, by EdgeConnect or by a classical method. It is not changed.
    test_record : dict
        ``SelfTest.record``, or the ``selftest.json`` of the command line.

    Raises
    ------
    ValueError
        If either is a record of another kind, or the test was made on another image or mask: they are told apart by
        the SHA-256 of their pixels.
    """
    return _attached(record, test_record, "self_test", "self-test", "selftest")


def with_uncertainty(record: Mapping[str, Any], uncertainty_record: Mapping[str, Any]) -> dict[str, Any]:
    """A repair's record with how far the truth may lie from it, under ``"uncertainty"``.

    As :func:`with_self_test`, for what the command ``uncertainty`` writes.
    """
    return _attached(record, uncertainty_record, "uncertainty", "record of an uncertainty", "uncertainty")


def _attached(
    record: Mapping[str, Any], other: Mapping[str, Any], kind: Kind, title: str, command: str
) -> dict[str, Any]:
    if other.get("kind") != kind:
        raise ValueError(f"A record of kind {other.get('kind')!r} is no {title}: {command} makes one.")
    if record.get("kind") not in ("repair", "classical"):
        raise ValueError(f"A {title} goes with the repair of one plane, not with a record of {record.get('kind')!r}.")
    for what in ("image", "mask"):
        ours, theirs = (one.get("pixels", {}).get(what) for one in (record, other))
        if ours is None or ours != theirs:
            raise ValueError(f"The {title} was made on another {what}: run {command} on the one that is repaired.")
    return {**record, kind: dict(other)}


def record_of_plane(cutouts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The record of a large plane from those of its cutouts, of which there is at least one."""
    first = cutouts[0]
    height, width = first["image"]["shape"][:2]
    summed = {name: sum(one[name] for one in cutouts) for name in ("mask_px", "hole_px", "nonfinite_px", "holes")}
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
    if edges:
        edges["sha256"] = _of_parts([one["edges"]["sha256"] for one in cutouts])
    notes = [*notes_on(hole_fraction), *(note for one in cutouts for note in one["notes"])]
    return {
        **first,
        **summed,
        "largest_hole_px": max(one["largest_hole_px"] for one in cutouts),
        **({"edges": edges} if edges else {}),
        **({"neighbours": neighbours} if beside else {}),
        "hole_fraction": hole_fraction,
        "pixels": {**_of_parts([one["pixels"] for one in cutouts]), "parts": len(cutouts)},
        "windows": [window for one in cutouts for window in one["windows"]],
        "seconds": round(sum(one["seconds"] for one in cutouts), 3),
        "notes": list(dict.fromkeys(notes)),
    }


def _of_parts(digests: Sequence[Mapping[str, str]]) -> dict[str, str]:
    return {name: sha256_of_parts(one[name] for one in digests) for name in digests[0]}


def _what_was_done(job: Job, result: NDArray[Any], seconds: float) -> dict[str, Any]:
    height, width = job.cutout.plane_shape if job.cutout else job.hole.shape
    return {
        "image": {"shape": [height, width, *job.image.shape[2:]], "dtype": str(job.image.dtype)},
        "mapping": job.mapping.as_dict(),
        "mask_px": job.mask_px,
        **_holes(job.hole_sizes),
        "hole_fraction": _count(job.hole) / (height * width),
        "nonfinite_px": job.nonfinite_px,
        "pixels": {
            "image": job.image_sha256,
            "mask": job.mask_sha256,
            "altered": job.hole_sha256,
            "result": array_sha256(result[job.hole]),
        },
        "windows": _windows(job),
        "seconds": round(seconds, 3),
        "notes": list(job.notes),
    }


def _holes(sizes: NDArray[np.integer]) -> dict[str, Any]:
    """How many pixels in how many holes; holes that touch at a corner are one."""
    return {"hole_px": int(sizes.sum()), "holes": sizes.size, "largest_hole_px": int(sizes.max(initial=0))}


def _holes_in(hole: NDArray[np.bool_]) -> dict[str, Any]:
    sizes = np.bincount(ndimage.label(hole, EIGHT_NEIGHBOURS)[0][hole])[1:]
    return {**_holes(sizes), "hole_fraction": _count(hole) / hole.size}


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
