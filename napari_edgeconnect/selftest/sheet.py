"""The contact sheet of a self-test: a row for each copy, a column for each method, the truth last."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from scipy import ndimage

from ..core.planes import ContrastMapping, colours
from .advice import TITLES
from .run import SelfTest, Trial

_TILE_PX = 144
_GAP_PX = 4
_HEADER_PX = 28
_SEEN_PX = 96
_MASK_COLOUR = (220, 40, 160)


def contact_sheet(test: SelfTest) -> NDArray[np.uint8]:
    """Small pictures of every copy as (H, W, 3) uint8: damaged, by each method, true."""
    mapping = ContrastMapping(**test.record["mapping"])
    rows = [_row(trial, test, mapping) for trial in test.trials]
    sheet = Image.fromarray(np.concatenate([np.full((_HEADER_PX, rows[0].shape[1], 3), 255, np.uint8), *rows]))
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(10)
    titles = ["damaged", *(TITLES[name] for name in test.methods), "truth"]
    for number, title in enumerate(titles):
        # Pillow's own font has no en dash.
        text = title.replace(" without", "\nwithout").replace(" of the", "\nof the").replace("–", "-")
        advised = title == TITLES[test.advice.method]
        pen.text((number * (_TILE_PX + _GAP_PX) + 2, 1), f"{text} (advised)" if advised else text, "black", font)
    return np.asarray(sheet)


def copy_pictures(test: SelfTest, number: int, methods: Sequence[str]) -> list[NDArray[np.uint8]]:
    """One copy around its deepest point, each picture (h, w, 3) uint8: damaged, by each method, true."""
    return _pictures(test.trials[number], methods, ContrastMapping(**test.record["mapping"]))


def _pictures(trial: Trial, methods: Sequence[str], mapping: ContrastMapping) -> list[NDArray[np.uint8]]:
    seen = _around_deepest(trial)
    damaged = _picture(trial.truth[seen], mapping).copy()
    damaged[trial.hole[seen]] = _MASK_COLOUR
    repaired = [_picture(trial.results[name][seen], mapping) for name in methods]
    return [damaged, *repaired, _picture(trial.truth[seen], mapping)]


def _row(trial: Trial, test: SelfTest, mapping: ContrastMapping) -> NDArray[np.uint8]:
    pictures = _pictures(trial, test.methods, mapping)
    gap = np.full((_TILE_PX + _GAP_PX, _GAP_PX, 3), 255, np.uint8)
    return np.concatenate([part for each in pictures for part in (_tile(each), gap)][:-1], axis=1)


def _around_deepest(trial: Trial) -> tuple[slice, slice]:
    """A square of the window around the copy's deepest point, where a repair is hardest."""
    depth = ndimage.distance_transform_edt(np.pad(trial.hole, 1))[1:-1, 1:-1]
    deepest = np.unravel_index(int(depth.argmax()), depth.shape)
    starts = [
        max(0, min(int(at) - _SEEN_PX // 2, side - _SEEN_PX)) for at, side in zip(deepest, depth.shape, strict=True)
    ]
    return slice(starts[0], starts[0] + _SEEN_PX), slice(starts[1], starts[1] + _SEEN_PX)


def _picture(pixels: NDArray[Any], mapping: ContrastMapping) -> NDArray[np.uint8]:
    unit = np.rint(255 * np.clip(mapping.to_unit(colours(pixels)), 0, 1)).astype(np.uint8)
    return np.ascontiguousarray(np.broadcast_to(unit, (*unit.shape[:2], 3)))


def _tile(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A picture made as large as a tile allows, its pixels still to be seen, on white."""
    factor = _TILE_PX / max(picture.shape[:2])
    size = max(1, round(factor * picture.shape[1])), max(1, round(factor * picture.shape[0]))
    scaled = np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.NEAREST if factor > 1 else None))
    tile = np.full((_TILE_PX + _GAP_PX, _TILE_PX, 3), 255, np.uint8)
    tile[: scaled.shape[0], : scaled.shape[1]] = scaled
    return tile
