"""What is written down of a measurement, whoever made it: its record, and the files' contents."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ..core.models import ModelInfo
from ..core.record import origin
from ..core.settings import Settings
from .effect import Effect
from .table import as_csv, conclusion, markdown

RECORD, ROWS, READ = NAMES = ("measurement.json", "measurement.csv", "measurement.md")


def measurement_record(
    effect: Effect,
    *,
    pixels: Mapping[str, str],
    segmentation: str,
    model: ModelInfo,
    device: str,
    settings: Settings,
    seed: int,
) -> dict[str, Any]:
    """Write down a measurement as plain values.

    Parameters
    ----------
    effect : Effect
    pixels : dict
        Digests of the image and the mask, ``core.record.digests_of_input``.
    segmentation : str
        What the objects are, in words: ``choice.Chosen.said``.
    model, device, settings
        Of the repairs.
    seed : int
        Of the copies of the damage and of the repairs that were drawn.
    """
    return {
        **origin("measurement"),
        "pixels": dict(pixels),
        "conclusion": conclusion(effect),
        "segmentation": segmentation,
        **effect.as_dict(),
        "model": {**model.as_dict(), "device": device},
        "settings": settings.as_dict(),
        "seed": seed,
    }


def contents(effect: Effect, record: Mapping[str, Any]) -> dict[str, str]:
    """What the files of a measurement hold, by ``NAMES``, to be written as UTF-8 with the lines' ends as they are.

    Parameters
    ----------
    effect : Effect
    record : dict
        :func:`measurement_record`, with what else is to be in it.
    """
    return {
        RECORD: json.dumps(record, indent=2, ensure_ascii=False) + "\n",
        ROWS: as_csv(effect),
        READ: f"{markdown(effect)}\nObjects: {record['segmentation']}.\n",
    }
