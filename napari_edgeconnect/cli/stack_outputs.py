"""What a run on a stack writes: finished places as it goes, and all outputs in the end.

Apart from ``stack_run``, which decides what is done and when.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import astuple
from functools import lru_cache, partial
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_edgeconnect.files import (
    FileError,
    Parts,
    StackFile,
    Staging,
    as_black_and_white,
    check_stack_format,
    check_stack_mask_place,
    has_stack_mask_place,
    write_json,
    write_planes,
    write_stack,
)

from .stack_task import StackTask
from .task import optional_outputs

if TYPE_CHECKING:
    from napari_edgeconnect.core.axes import Place
    from napari_edgeconnect.core.stack import Stack
    from napari_edgeconnect.core.stack_fill import Fill
    from napari_edgeconnect.core.stack_parts import Errand
    from napari_edgeconnect.files.staging import Writer

#: Outputs of large planes are written in tiles of this side.
_TILE_PX = 512


def outputs_of(task: StackTask, source: StackFile) -> dict[str, Path]:
    """What a task writes, by role.

    Raises
    ------
    FileError
        For formats that can't hold it.
    """
    named = optional_outputs(task)
    edges = [task.output, *named.values()] if task.wants_edges_alone else named.values()
    for path in edges:
        if path.suffix.lower() not in (".tif", ".tiff"):
            raise FileError(f"{path}: the edges of a stack are written as .tif.")
    if task.wants_edges_alone:
        return {"output": task.output, "record": task.record_path(), **named}
    check_stack_format(task.output, source)
    if task.embed_mask:
        check_stack_mask_place(task.output, source)
    return {"output": task.output, "record": task.record_path(), "altered": task.altered_path(), **named}


def keep(parts: Parts, name: int | str, fills: Sequence[Fill]) -> None:
    """Write down what an errand gave, as soon as it is finished."""
    arrays: dict[str, NDArray[Any]] = {}
    records = []
    for n, fill in enumerate(fills):
        arrays[f"altered_{n}"] = np.flatnonzero(fill.altered)
        arrays[f"values_{n}"] = fill.values
        if fill.labels is not None and fill.probability is not None:
            arrays[f"labels_{n}"] = fill.labels
            arrays[f"probability_{n}"] = fill.probability
        records.append([fill.channel, fill.record, astuple(fill.box) if fill.box else None])
    parts.put(name, arrays, records)


def kept_fills(stack: Stack, errands: Sequence[Errand], parts: Parts) -> Callable[[Place], Sequence[Fill]]:
    """Gives a place's fills as they were kept; asked for one place several times in a row, as writers do."""
    from napari_edgeconnect.core.holes import Box
    from napari_edgeconnect.core.stack_fill import Fill

    by_place = {place: list(of_place) for place, of_place in groupby(errands, key=lambda errand: errand.place)}

    @lru_cache(maxsize=1)
    def fills(place: Place) -> list[Fill]:
        made = []
        for errand in by_place.get(place, ()):
            arrays, records = parts.get(errand.key(stack.axes))
            for n, (channel, record, ends) in enumerate(records):
                box = Box(*ends) if ends else None
                altered = np.zeros(box.shape if box else stack.axes.plane_shape, dtype=bool)
                altered.flat[arrays[f"altered_{n}"]] = True
                labels, probability = arrays.get(f"labels_{n}"), arrays.get(f"probability_{n}")
                values = arrays[f"values_{n}"]
                made.append(Fill(place, channel, altered, values, record, labels, probability, box))
        return made

    return fills


def commit(
    task: StackTask,
    staging: Staging,
    source: StackFile,
    stack: Stack,
    fills: Callable[[Place], Sequence[Fill]],
    record: Mapping[str, Any],
    *,
    within: Path,
) -> None:
    """Write all outputs of a run whose errands are finished; the main one has its name last."""
    from napari_edgeconnect.core.axes import CHANNEL
    from napari_edgeconnect.core.cutouts import tiles
    from napari_edgeconnect.core.patched import Patched

    repaired = Patched(stack, fills)
    axes = stack.axes.place_names + (CHANNEL if CHANNEL in stack.axes.names else "") + stack.axes.plane
    shape = tuple(stack.axes.size(name) for name in axes)

    def as_stack(planes: Iterable[NDArray[Any]], dtype: type) -> Writer:
        return partial(write_planes, planes=planes, shape=shape, dtype=np.dtype(dtype), axes=axes, tile_px=tile_px)

    tile_px = _TILE_PX if stack.in_cutouts else None
    boxes = list(tiles(stack.axes.plane_shape, tile_px)) if tile_px else None

    writers: dict[Path, Writer] = {task.record_path(): partial(write_json, record=record)}
    labels = task.output if task.wants_edges_alone else task.save_edges
    if task.save_probability:
        writers[task.save_probability] = as_stack(repaired.each("probability", boxes), np.float32)
    if labels:
        writers[labels] = as_stack(repaired.each("labels", boxes), np.uint8)
    if not task.wants_edges_alone:
        altered = (as_black_and_white(plane) for plane in repaired.each("altered", boxes))
        writers[task.altered_path()] = as_stack(altered, np.uint8)
        embeds = has_stack_mask_place(source) if task.embed_mask is None else task.embed_mask
        writers[task.output] = partial(
            write_stack,
            source=source,
            pixels=repaired,
            changed=repaired.changed(),
            record=record,
            altered=repaired.altered() if embeds else None,
        )
    staging.commit(writers, within=within)
