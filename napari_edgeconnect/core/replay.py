"""A repair done again from its record: the same pixels, to the last bit, on the same kind of device.

Apart from ``edgeconnect`` and ``classical``, which are asked with settings: here a record says them, and everything
that the pixels follow from is compared with it first. Files are other rooms' matter; ``replay_files`` keeps the arrays
of a repair that was made from none.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .classical import inpaint_steps
from .device import device_name
from .digests import array_sha256
from .edges import EdgeMap, as_edge_map
from .exclusion import exclude
from .holes import read_mask
from .job import Job
from .models import ModelInfo, ModelNotFoundError, find_model, list_models
from .planes import checked_image, colours
from .record import SOFTWARE, edges_sha256
from .record_reading import checked_record
from .results import ClassicalRepair, Repair, Step, result_of
from .settings import Settings

if TYPE_CHECKING:
    import torch

    from .edgeconnect import EdgeConnect

Record = Mapping[str, Any]


class ReplayError(ValueError):
    """What keeps a repair from being done again as it was; the message is one sentence."""


@dataclass(frozen=True)
class Difference:
    """How far two results of one repair lie apart.

    Attributes
    ----------
    pixels : int
        That differ.
    largest : float
        By how much at most, in the image's own grey values; NaN where something is NaN in one only.
    """

    pixels: int
    largest: float


def replay(
    record: Record,
    image: ArrayLike,
    mask: ArrayLike,
    edges: EdgeMap | ArrayLike | None = None,
    probability: ArrayLike | None = None,
    *,
    model: EdgeConnect | None = None,
) -> Repair | ClassicalRepair:
    """Do a recorded repair of one plane again.

    Parameters
    ----------
    record : dict
        Of a repair by EdgeConnect or by a classical method, or of an exclusion.
    image : (H, W), (H, W, 3) or (H, W, 4)
    mask : (H, W)
        As they were given then: compared with the record by the SHA-256 of their pixels.
    edges : EdgeMap or (H, W) array, optional
        What the image was completed from. Not needed where stage 1 proposed it, and nothing was drawn or erased.
    probability : (H, W) float32, optional
        Goes with edge labels, as for the command ``complete``.
    model : EdgeConnect, optional
        By default the model with the recorded weights, on a device of the recorded kind where there is one.

    Returns
    -------
    Repair or ClassicalRepair
        :func:`is_same` says whether its pixels are the recorded ones.

    Raises
    ------
    ReplayError
        For another image, mask, edges or model, and for records of which there is nothing to repeat.
    TypeError, ValueError, OutOfMemoryError
        As for ``EdgeConnect.complete``.

    Examples
    --------
    >>> from skimage import data
    >>> from napari_edgeconnect import EdgeConnect
    >>> image = data.camera()[:128, :128]
    >>> mask = np.zeros(image.shape, dtype=bool)
    >>> mask[60:70, 20:100] = True
    >>> record = EdgeConnect.load(device="cpu").inpaint(image, mask, return_record=True).record
    >>> again = replay(record, image, mask)
    >>> is_same(record, again.record)
    True
    """
    return result_of(replay_steps(record, image, mask, edges, probability, model=model))


def replay_steps(
    record: Record,
    image: ArrayLike,
    mask: ArrayLike,
    edges: EdgeMap | ArrayLike | None = None,
    probability: ArrayLike | None = None,
    *,
    model: EdgeConnect | None = None,
) -> Generator[Step, None, Repair | ClassicalRepair]:
    """:func:`replay`, step by step; closing it stops within one window."""
    _check_repeatable(record)
    pixels = checked_image(image)
    _check_input(record, pixels, mask)
    if record["kind"] == "classical":
        return (yield from _classical_steps(record, pixels, mask))
    if record["kind"] == "excluded":
        return exclude(pixels, mask, float(record["value"]), grow_px=record["settings"]["grow_px"], return_record=True)
    if model is None:
        model = load_recorded(record)
    _check_weights(record, model.info)
    settings = settings_of(record["settings"])
    job = Job.prepare(pixels, mask, settings)
    if edges is None and not record["edges"]["given"]:
        return (yield from model.job_steps(job))
    if edges is None:
        edge_map = yield from model.hallucinate_edges_steps(pixels, mask, settings)
        if _differing_arrays(record, edge_map):
            raise ReplayError(
                "The repair was completed from edges that were given or edited, and hallucinating does not find them "
                "again: give the edges, and the probabilities where they are edge labels."
            )
    else:
        edge_map = _as_recorded(record, edges, probability, job)
    return (yield from model.job_steps(job, edge_map))


def is_same(record: Record, again: Record) -> bool:
    """True where two records of repairs, of one plane each or of one stack each, are of the same pixels.

    Invented pixels are compared by their place and their values, to the last bit.
    """
    if "planes" in record or "planes" in again:
        planes, others = record.get("planes", []), again.get("planes", [])
        return len(planes) == len(others) and all(map(is_same, planes, others))
    ours, theirs = record["pixels"], again["pixels"]
    return all(ours[name] == theirs[name] for name in ("altered", "result"))


def difference(before: NDArray[Any], again: NDArray[Any]) -> Difference:
    """How far two images of one shape lie apart, (H, W), or (H, W, 3 or 4) without alpha; or two stacks' planes."""
    one, other = (colours(plane).astype(np.float64) for plane in (before, again))
    differ = (one != other) & ~(np.isnan(one) & np.isnan(other))
    if not differ.any():
        return Difference(0, 0.0)
    return Difference(int(np.count_nonzero(differ.any(axis=2))), float(np.abs(one[differ] - other[differ]).max()))


def settings_of(recorded: Mapping[str, Any]) -> Settings:
    """The settings that a record of the networks holds."""
    contrast = recorded["contrast"]
    return Settings(**{**recorded, "contrast": tuple(contrast) if contrast else None})


def load_recorded(record: Record, name: str | None = None, device: str | None = None) -> EdgeConnect:
    """Load the model that a record speaks of.

    Parameters
    ----------
    record : dict
    name : str, optional
        Where its weights are; by default the model of that name, or any other with these weights.
    device : str, optional
        By default one of the recorded kind, and where there is none the best there is.

    Raises
    ------
    ReplayError
        If there is no model with these weights.
    """
    from .device import available_devices
    from .edgeconnect import EdgeConnect

    info = _recorded_model(record, name)
    if device is None:
        wanted = str(record.get("device", "auto")).split(":")[0]
        device = wanted if wanted in {known.split(":")[0] for known in available_devices()} else "auto"
    return EdgeConnect.load((info.edge, info.inpaint), device=device)


def _recorded_model(record: Record, name: str | None) -> ModelInfo:
    recorded = record["model"]
    try:
        info = find_model(name or recorded["name"])
    except ModelNotFoundError:
        if name is not None:
            raise
    else:
        if info.sha256 == recorded["sha256"] or name is not None:
            _check_weights(record, info)
            return info
    for other in list_models():
        if other.sha256 == recorded["sha256"]:
            return other
    raise ReplayError(
        f"The repair was made with the model {recorded['name']} (SHA-256 {_start(recorded['sha256'])}), and no model "
        f"here has these weights: import it, or say where it is."
    )


def warnings_about(record: Record, device: torch.device | None = None) -> list[str]:
    """What may change the last bits of a replay, in sentences: versions and devices that differ from the record's."""
    said = []
    ours = version(SOFTWARE)
    if record["version"] != ours:
        said.append(f"The repair was made by {SOFTWARE} {record['version']}, and this is {ours}: it may differ.")
    others = [
        f"{name} {recorded} (here {_installed(name)})"
        for name, recorded in record["packages"].items()
        if recorded != _installed(name)
    ]
    if others:
        said.append(f"The repair was made with {', '.join(others)}: the last bits may differ.")
    if device is None or "device" not in record:
        return said
    recorded_device = str(record["device"])
    if recorded_device.split(":")[0] != device.type:
        said.append(f"The repair was made on {recorded_device}, and this runs on {device}: the last bits may differ.")
    elif record["device_name"] != device_name(device):
        said.append(
            f"The repair was made on {record['device_name']}, and this is {device_name(device)}: the last bits may "
            f"differ."
        )
    return said


def _installed(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


# ---- what has to be as it was


def _check_repeatable(record: Record) -> None:
    checked_record(record, "The record")
    if "unfinished" in record:
        raise ReplayError(
            "The record was taken while the repair still followed its edges: its pixels are not recorded."
        )
    if record["kind"] not in ("repair", "classical", "excluded"):
        raise ReplayError(f"A record of kind {record['kind']!r} is not of the repair of one plane.")
    if record["pixels"].get("parts"):
        raise ReplayError("The plane was repaired in parts: replay the stack that it belongs to.")


def _check_input(record: Record, image: NDArray[Any], mask: ArrayLike) -> None:
    recorded = record["pixels"]
    if array_sha256(image) != recorded["image"]:
        raise ReplayError("The image is not the one that was repaired: its pixels have another SHA-256.")
    if array_sha256(read_mask(mask, image.shape[:2])) != recorded["mask"]:
        raise ReplayError("The mask is not the one that was used: its pixels have another SHA-256.")


def _check_weights(record: Record, info: ModelInfo) -> None:
    recorded = record["model"]
    if info.sha256 != recorded["sha256"]:
        raise ReplayError(
            f"The repair was made with the model {recorded['name']} (SHA-256 {_start(recorded['sha256'])}), and "
            f"{info.name} is another one ({_start(info.sha256)})."
        )


def _start(digests: Mapping[str, str]) -> str:
    return ", ".join(f"{net} {digest[:8]}…" for net, digest in sorted(digests.items()))


def _as_recorded(record: Record, edges: EdgeMap | ArrayLike, probability: ArrayLike | None, job: Job) -> EdgeMap:
    """The edges as they were completed from, if they are those."""
    threshold = record["edges"]["threshold"]
    if probability is not None and not isinstance(edges, EdgeMap):
        edges = EdgeMap(np.asarray(edges, np.uint8), np.asarray(probability, np.float32), job.hole, threshold)
    edge_map = as_edge_map(edges, job.hole, job.measured_edges, threshold)
    differing = _differing_arrays(record, edge_map)
    if differing:
        raise ReplayError(
            f"The edges are not those that the image was completed from: their {' and '.join(differing)} have another "
            f"SHA-256{'; edge labels may need their probabilities' if probability is None else ''}."
        )
    return edge_map


def _differing_arrays(record: Record, edges: EdgeMap) -> list[str]:
    ours = edges_sha256(edges, merge_known_edges=record["settings"]["merge_known_edges"])
    return [name for name, digest in record["edges"]["sha256"].items() if ours[name] != digest]


def _classical_steps(record: Record, image: NDArray[Any], mask: ArrayLike) -> Generator[Step, None, ClassicalRepair]:
    recorded = record["settings"]
    repair = yield from inpaint_steps(image, mask, record["method"], grow_px=recorded["grow_px"])
    ours = repair.record["settings"]
    differing = [name for name in {**recorded, **ours} if recorded.get(name) != ours.get(name)]
    if differing:
        said = ", ".join(f"{name} {recorded.get(name)} (here {ours.get(name)})" for name in differing)
        raise ReplayError(f"The repair was made with {said}, which can't be chosen in this version.")
    return repair
