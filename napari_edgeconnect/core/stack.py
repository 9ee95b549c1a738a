"""Stacks: one plane after another, each repaired as it would be alone.

What all planes share (a mapping, the channel whose edges guide the others) is
decided once, from known pixels, and is then part of each plane's settings. So
a plane of a stack is repaired by the same calls as a single image, in any
order, here or on another machine, and comes out the same to the last bit.
Planes are read when it is their turn, and forgotten after it.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from .axes import COLOUR, Axes, Place, Readable, Writable
from .edges import EdgeMap
from .holes import grown, read_mask
from .job import Job, gray_of
from .noise import signal_to_noise
from .planes import SAMPLE_PX, fixed_mapping, known_sample, nonfinite, percentile_mapping
from .results import Step, result_of
from .settings import Settings, StackSettings

if TYPE_CHECKING:
    from .edgeconnect import EdgeConnect

Result = TypeVar("Result")
#: A stack's mapping is that of so many of its places, spread evenly.
MAPPED_PLACES = 32
#: And its strongest channel that of so many damaged ones, in so many windows each.
_COMPARED_PLACES = 8
_COMPARED_WINDOWS = 4


@dataclass(frozen=True, eq=False)
class Fill:
    """What was invented in one plane.

    Attributes
    ----------
    place : tuple of int
        One of ``Axes.places``.
    channel : int
    altered : (H, W) bool
    values : (n,) or (n, channels) array
        The altered pixels, row by row, in the image's dtype.
    record : dict
        Of the repair, as plain values, with the plane's place.
    """

    place: Place
    channel: int
    altered: NDArray[np.bool_]
    values: NDArray[Any]
    record: dict[str, Any] = field(default_factory=dict)

    def into(self, plane: NDArray[Any]) -> NDArray[Any]:
        """A copy of the plane with the invented pixels: every other one is the plane's own."""
        filled = plane.copy()
        filled[self.altered] = self.values
        return filled


class Finished(NamedTuple):
    """A place of which all channels are done: a fill for each that was damaged."""

    place: Place
    fills: list[Fill]


@dataclass(frozen=True, eq=False)
class Stack:
    """An image of any axes, its mask, and all that is decided once for its planes.

    Attributes
    ----------
    image, mask : array-like
        Anything that gives parts of itself; never written to.
    axes, mask_axes : Axes
    settings : Settings
        Of every plane.
    choices : StackSettings
    contrasts : tuple of (low, high) or None
        One per channel, where planes share a mapping.
    guide : int or None
        The channel whose edges guide all.
    """

    image: Readable
    mask: Readable
    axes: Axes
    mask_axes: Axes
    settings: Settings
    choices: StackSettings
    contrasts: tuple[tuple[float, float] | None, ...]
    guide: int | None

    @classmethod
    def prepare(
        cls,
        image: Readable,
        mask: Readable,
        axes: str,
        *,
        plane: str = "YX",
        mask_axes: str | None = None,
        settings: Settings | None = None,
        choices: StackSettings | None = None,
    ) -> Stack:
        """Check the input, and decide what all planes share.

        Parameters
        ----------
        image : array-like of any axes
            numpy, a memory map, zarr, dask: planes are read one by one.
        mask : array-like
            As for :meth:`EdgeConnect.inpaint`; axes that it lacks do not matter to it.
        axes : str
            The image's, a letter each; see :class:`Axes`.
        plane : str
            Its rows and its columns.
        mask_axes : str, optional
            See :meth:`Axes.of_mask`.
        settings : Settings, optional
        choices : StackSettings, optional

        Raises
        ------
        TypeError, ValueError
            For input that can't be repaired, in one sentence.
        """
        named = Axes(axes, tuple(image.shape), plane)
        choices = choices or StackSettings()
        if isinstance(choices.edges_from, int) and choices.edges_from >= named.channels:
            raise ValueError(
                f"edges_from is {choices.edges_from}, but the image has {named.channels} channels: give 0 to "
                f"{named.channels - 1}, 'own' or 'strongest'."
            )
        stack = cls(
            image=image,
            mask=mask,
            axes=named,
            mask_axes=named.of_mask(tuple(mask.shape), mask_axes),
            settings=settings or Settings(),
            choices=choices,
            contrasts=(None,) * named.channels,
            guide=choices.edges_from if isinstance(choices.edges_from, int) else None,
        )
        if choices.mapping == "stack" and stack.settings.contrast is None:
            stack = replace(stack, contrasts=tuple(_contrast(stack, c) for c in range(named.channels)))
        if choices.edges_from == "strongest":
            stack = replace(stack, guide=_strongest(stack))
        return stack

    def pixels(self, place: Place, channel: int = 0) -> NDArray[Any]:
        """One plane of the image, (H, W) or (H, W, colours)."""
        return self.axes.read(self.image, place, channel)

    def marked(self, place: Place, channel: int = 0) -> NDArray[np.bool_]:
        """One plane of the mask, (H, W) bool."""
        plane = self.mask_axes.read_at(self.mask, self.axes.where(place, channel))
        return read_mask(plane, self.axes.plane_shape)

    def damaged(self, place: Place) -> list[int]:
        """The channels with something to repair. Where the mask marks nothing, only floats are read for it."""
        may_lack = np.dtype(self.image.dtype).kind == "f"
        return [
            channel
            for channel in range(self.axes.channels)
            if self.marked(place, channel).any() or (may_lack and nonfinite(self.pixels(place, channel)).any())
        ]

    def settings_at(self, place: Place, channel: int = 0) -> Settings:
        """A plane's own settings: repaired alone with these, it comes out the same."""
        settings = self.settings
        if self.contrasts[channel] is not None:
            settings = replace(settings, contrast=self.contrasts[channel])
        if settings.match_noise:  # or all frames of a film would have the same noise
            words = np.random.SeedSequence([settings.seed, self.axes.number(place), channel]).generate_state(1)
            settings = replace(settings, seed=int(words[0]))
        return settings


def place_steps(model: EdgeConnect, stack: Stack, place: Place) -> Generator[Step, None, list[Fill]]:
    """Repair the planes of one place: all channels that are damaged there.

    Returns
    -------
    list of Fill
        One per damaged channel, none where nothing is marked.

    Raises
    ------
    TypeError, ValueError
        For a plane that can't be repaired; the sentence begins with its place.
    OutOfMemoryError
        When not even the smallest windows fit into memory.
    """
    channels = stack.damaged(place)
    guide = _Guide(stack, place) if channels and stack.guide is not None else None
    fills = []
    for channel in channels:
        label = stack.axes.label(place, channel)
        pixels, marked = stack.pixels(place, channel), stack.marked(place, channel)
        settings = stack.settings_at(place, channel)
        try:
            if guide is None:
                repair = yield from model.inpaint_steps(pixels, marked, settings)
            else:
                edges = yield from guide.edges(model, pixels, marked, settings)
                repair = yield from model.complete_steps(pixels, marked, edges, settings)
        except (TypeError, ValueError) as error:
            raise type(error)(f"{label}: {error}" if label else str(error)) from error
        where = {"axes": stack.axes.place_names, "place": list(place), "channel": channel, "edges_from": stack.guide}
        fills.append(
            Fill(place, channel, repair.altered, repair.image[repair.altered], {"plane": where, **repair.record})
        )
    return fills


def places_steps(model: EdgeConnect, stack: Stack, places: Sequence[Place]) -> Generator[Step | Finished, None, None]:
    """Repair places one after the other, here.

    Yields
    ------
    Step or Finished
        What is finished, as soon as it is; raises what :func:`place_steps` does.
    """
    for done, place in enumerate(places):
        steps = place_steps(model, stack, place)
        fills = yield from counted_as_one(steps, done, len(places), stack.axes.label(place))
        yield Finished(place, fills)


def repair_stack_steps(
    model: EdgeConnect, stack: Stack, out: Writable, altered: Writable | None = None
) -> Generator[Step, None, list[dict[str, Any]]]:
    """Repair a stack, step by step; closing it stops within one window.

    Parameters
    ----------
    model : EdgeConnect
    stack : Stack
    out : array-like
        Of the image's shape and dtype, and not the image itself. Every plane of it is written.
    altered : array-like of bool, optional
        Of the image's axes without colours. Every plane of it is written.

    Returns
    -------
    list of dict
        The records of all repaired planes.

    Raises
    ------
    ValueError
        For outputs of another shape or dtype; and as :func:`place_steps`.
    """
    axes = stack.axes
    _check_output(out, axes.shape, np.dtype(stack.image.dtype), "out")
    flat = Axes(*_without_colours(axes), plane=axes.plane)
    if altered is not None:
        _check_output(altered, flat.shape, np.dtype(bool), "altered")
    places = list(axes.places())
    records = []
    for event in places_steps(model, stack, places):
        if isinstance(event, Step):
            yield event
            continue
        by_channel = {fill.channel: fill for fill in event.fills}
        for channel in range(axes.channels):
            fill = by_channel.get(channel)
            pixels = stack.pixels(event.place, channel)
            axes.write(out, event.place, fill.into(pixels) if fill else pixels, channel)
            if altered is not None:
                nothing = np.zeros(axes.plane_shape, dtype=bool)
                flat.write(altered, event.place, fill.altered if fill else nothing, channel)
        records += [fill.record for fill in event.fills]
    yield Step(len(places), len(places), "Done")
    return records


def repair_stack(
    model: EdgeConnect, stack: Stack, out: Writable, altered: Writable | None = None
) -> list[dict[str, Any]]:
    """:func:`repair_stack_steps`, all at once.

    Examples
    --------
    >>> from skimage import data
    >>> from napari_edgeconnect import EdgeConnect
    >>> frames = np.stack([data.camera()[:128, :128]] * 2)
    >>> dust = np.zeros(frames.shape[1:], dtype=bool)
    >>> dust[60:70, 60:70] = True
    >>> repaired = np.empty_like(frames)
    >>> stack = Stack.prepare(frames, dust, "TYX")
    >>> records = repair_stack(EdgeConnect.load(device="cpu"), stack, repaired)
    >>> len(records), bool((repaired == frames)[:, ~dust].all())
    (2, True)
    """
    return result_of(repair_stack_steps(model, stack, out, altered))


def counted_as_one(
    steps: Generator[Step, None, Result], done: int, total: int, label: str
) -> Generator[Step, None, Result]:
    """A place's steps, counted among all places."""
    while True:
        try:
            step = next(steps)
        except StopIteration as end:
            return end.value
        yield Step(done, total, f"{label}: {step.what}" if label else step.what)


class _Guide:
    """The edges of one channel, for all channels of its place."""

    def __init__(self, stack: Stack, place: Place) -> None:
        assert stack.guide is not None
        self._pixels = stack.pixels(place, stack.guide)
        self._marked = stack.marked(place, stack.guide)
        self._settings = stack.settings_at(place, stack.guide)
        self._found: EdgeMap | None = None

    def edges(
        self, model: EdgeConnect, pixels: NDArray[Any], marked: NDArray[np.bool_], settings: Settings
    ) -> Generator[Step, None, EdgeMap]:
        """What guides a channel with this plane and mask: hallucinated once, measured wherever that is seen."""
        if self._found is None:
            self._found = yield from model.hallucinate_edges_steps(self._pixels, self._marked, self._settings)
        ours = Job.prepare(self._pixels, self._marked, self._settings)
        theirs = Job.prepare(pixels, marked, settings)
        seen = set(ours.plan.windows)
        more = [window.box for window in theirs.plan.windows if window not in seen]
        if not more:
            return self._found
        measured = self._found.measured.copy()
        for box in more:
            measured[box.slices] |= ours.measured(box)
        return self._found.with_measured(measured)


def _contrast(stack: Stack, channel: int) -> tuple[float, float] | None:
    """A channel's common contrast; None where its dtype decides it."""
    if fixed_mapping(np.dtype(stack.image.dtype), colour=COLOUR in stack.axes.names):
        return None
    samples = []
    for place in _spread(stack.axes, MAPPED_PLACES):
        pixels, hole = _plane_and_hole(stack, place, channel)
        if not hole.all():
            samples.append(known_sample(pixels, hole, SAMPLE_PX // MAPPED_PLACES))
    if not samples:
        raise ValueError(
            "Every pixel is masked in all planes that were looked at: there is no common mapping. "
            "1 (or True) marks the damage; is the mask inverted?"
        )
    mapping = percentile_mapping(np.concatenate(samples))
    return mapping.low, mapping.high


def _strongest(stack: Stack) -> int:
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
    pixels, hole = _plane_and_hole(stack, place, channel)
    if hole.all():
        return 0.0
    # Damage of any channel is where edges are wanted.
    for other in range(stack.axes.channels):
        hole |= stack.marked(place, other)
    if hole.all():
        return 0.0
    job = Job.prepare(pixels, hole, replace(stack.settings_at(place, channel), grow_px=0))
    windows = job.plan.windows[:_COMPARED_WINDOWS]
    ratios = [signal_to_noise(gray_of(job.unit(w.box)), ~job.hole[w.box.slices]) for w in windows]
    return float(np.mean(ratios)) if ratios else 0.0


def _plane_and_hole(stack: Stack, place: Place, channel: int) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    pixels = stack.pixels(place, channel)
    return pixels, grown(stack.marked(place, channel), stack.settings.grow_px) | nonfinite(pixels)


def _spread(axes: Axes, count: int) -> Iterator[Place]:
    """At most so many places, spread evenly."""
    places = list(axes.places())
    return iter([places[i] for i in np.unique(np.linspace(0, len(places) - 1, min(count, len(places))).astype(int))])


def _without_colours(axes: Axes) -> tuple[str, tuple[int, ...]]:
    kept = [(name, size) for name, size in zip(axes.names, axes.shape, strict=True) if name != COLOUR]
    return "".join(name for name, _ in kept), tuple(size for _, size in kept)


def _check_output(out: Writable, shape: tuple[int, ...], dtype: np.dtype[Any], name: str) -> None:
    if tuple(out.shape) != shape or np.dtype(out.dtype) != dtype:
        raise ValueError(
            f"{name} has shape {tuple(out.shape)} and dtype {out.dtype}, but {shape} and {dtype} are wanted: "
            f"a result has the image's own."
        )
