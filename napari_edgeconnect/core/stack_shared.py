"""What the planes of a stack share, decided once from known pixels: contrasts, and the channel that guides.

Apart from ``stack``, which asks for it when it is prepared and hands it on to
each plane's settings.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from .axes import COLOUR, Axes, Place
from .cutouts import Cutout, known_values
from .job import Job, gray_of
from .noise import signal_to_noise
from .planes import SAMPLE_PX, fixed_mapping, known_sample, percentile_mapping

if TYPE_CHECKING:
    from .stack import Stack

#: A stack's mapping is that of so many of its places, spread evenly.
MAPPED_PLACES = 32
#: And its strongest channel that of so many damaged ones, in so many windows each.
_COMPARED_PLACES = 8
_COMPARED_WINDOWS = 4


def has_fixed_contrast(stack: Stack) -> bool:
    """True where the dtype decides the contrast."""
    return fixed_mapping(np.dtype(stack.image.dtype), colour=COLOUR in stack.axes.names) is not None


def contrast_of_cutouts(
    stack: Stack, place: Place, channel: int, cutouts: Sequence[Cutout]
) -> tuple[float, float] | None:
    """A large plane's contrast; None where nothing that was looked at is known."""
    read = partial(stack.pixels_and_hole, place, channel)
    values = known_values(cutouts, read, stack.axes.plane_shape)
    if not values.size:
        return None
    mapping = percentile_mapping(values)
    return mapping.low, mapping.high


def common_contrast(stack: Stack, channel: int) -> tuple[float, float] | None:
    """A channel's common contrast; None where its dtype decides it."""
    if has_fixed_contrast(stack):
        return None
    samples, most_px = [], SAMPLE_PX // MAPPED_PLACES
    for place in _spread(stack.axes, MAPPED_PLACES):
        if stack.in_cutouts:
            read = partial(stack.pixels_and_hole, place, channel)
            samples.append(known_values((), read, stack.axes.plane_shape, most_px))
            continue
        pixels, hole = stack.pixels_and_hole(place, channel)
        if not hole.all():
            samples.append(known_sample(pixels, hole, most_px))
    samples = [sample for sample in samples if sample.size]
    if not samples:
        raise ValueError(
            "Every pixel is masked in all planes that were looked at: there is no common mapping. "
            "1 (or True) marks the damage; is the mask inverted?"
        )
    mapping = percentile_mapping(np.concatenate(samples))
    return mapping.low, mapping.high


def strongest_channel(stack: Stack) -> int:
    """The channel that stands out most from its noise near the damage."""
    if stack.axes.channels == 1:
        return 0
    damaged = [place for place in _spread(stack.axes, 4 * _COMPARED_PLACES) if stack.damaged(place)]
    damaged = damaged or [place for place in stack.axes.places() if stack.damaged(place)]
    ratios = [
        [_signal_to_noise(stack, place, channel) for channel in range(stack.axes.channels)]
        for place in damaged[:_COMPARED_PLACES]
    ]
    return int(np.median(ratios, axis=0).argmax()) if ratios else 0


def _signal_to_noise(stack: Stack, place: Place, channel: int) -> float:
    cutouts = stack.cutouts(place)[:_COMPARED_WINDOWS] if stack.in_cutouts else []
    boxes = [cutout.box for cutout in cutouts] or stack.tiles()
    settings = replace(stack.settings_at(place, channel, cutouts), grow_px=0)
    ratios = []
    for box in boxes:
        pixels, hole = stack.pixels_and_hole(place, channel, box)
        if hole.all():
            continue
        # Damage of any channel is where edges are wanted.
        for other in range(stack.axes.channels):
            hole |= stack.marked(place, other, box)
        if hole.all():
            continue
        job = Job.prepare(pixels, hole, settings)
        windows = job.plan.windows[: _COMPARED_WINDOWS // len(boxes)]
        ratios += [signal_to_noise(gray_of(job.unit(w.box)), ~job.hole[w.box.slices]) for w in windows]
    return float(np.mean(ratios)) if ratios else 0.0


def _spread(axes: Axes, count: int) -> Iterator[Place]:
    """At most so many places, spread evenly."""
    places = list(axes.places())
    return iter([places[i] for i in np.unique(np.linspace(0, len(places) - 1, min(count, len(places))).astype(int))])
