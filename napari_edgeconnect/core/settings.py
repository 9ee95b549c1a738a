"""The one place for defaults: what a person may choose about a repair."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from math import ceil, isfinite
from typing import Any, Literal, get_args

#: What ``classical.inpaint`` can do without a network.
ClassicalMethod = Literal["telea", "navier-stokes", "biharmonic", "patchmatch", "mean"]
CLASSICAL_METHODS: tuple[str, ...] = get_args(ClassicalMethod)
#: Canny sees this many sigmas more than a window, so that a window's border is no edge of its world.
_CANNY_REACH = 4
#: Where the bundled model's precision and recall balance (weights/TRAINING.md has the figures).
DEFAULT_THRESHOLD = 0.3
#: Whose contrast a plane is mapped by.
ContrastOf = Literal["plane", "stack"]
#: What the planes beside one may give it.
Neighbours = Literal["off", "edges", "start", "contents"]
LARGEST_NEIGHBOUR_REACH = 8
#: How masks of a stack may be spread over its planes.
Spreading = Literal["no", "between", "everywhere"]


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How a repair is to be done. API, command line and widget all start from these defaults.

    Attributes
    ----------
    sigma : float or None
        Width in pixels of Canny's Gaussian, for the edges of the known region:
        small values give many fine edges, large ones few strong ones. None:
        the networks see no known edges.
    grow_px : float
        The mask is widened by this many pixels first. Tight masks leave a rim
        of damaged pixels; the widget and the command line start at 2.
    threshold : float
        Hallucinated edges at least this probable are shown as proposals.
    rim_correction : bool or None
        Extend the error that the completion network makes on the known rim
        smoothly into the hole, and take it off. None: on for weights of the
        published formulation, off for residual ones, which do not need it.
    merge_known_edges : bool
        Give stage 2 the measured edges outside the hole. False feeds it the
        edge network's output everywhere, as the published script does.
    margin_px : int
        Known context around each hole. Half the networks' receptive field is
        about 110 px.
    smallest_window_px : int
        Windows are widened to this side where the image allows: published
        weights were trained on 256 px.
    largest_window_px : int
        A hole whose window would be larger is repaired coarse to fine.
    half_precision : bool
        Autocast to float16; has an effect on CUDA only.
    contrast : (low, high) or None
        Values of the image that map to 0 and 1, for planes that must share a
        mapping. None: what ``planes.contrast_mapping`` finds in each.
    match_noise : bool
        Add to the fill the noise of the known pixels near it, so that a repair
        does not stand out as smooth.
    seed : int
        Of that noise; of nothing else.
    """

    sigma: float | None = 2.0
    grow_px: float = 0.0
    threshold: float = DEFAULT_THRESHOLD
    rim_correction: bool | None = None
    merge_known_edges: bool = True
    margin_px: int = 128
    smallest_window_px: int = 256
    largest_window_px: int = 1024
    half_precision: bool = False
    contrast: tuple[float, float] | None = None
    match_noise: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        if self.sigma is not None and not 0 < self.sigma <= 50:
            raise ValueError(f"sigma is {self.sigma!r}: give a width in pixels above 0 and up to 50, or None.")
        if not 0 <= self.grow_px <= 1000:
            raise ValueError(f"grow_px is {self.grow_px!r}: give 0 to 1000 pixels.")
        if not 0 <= self.threshold <= 1:
            raise ValueError(f"threshold is {self.threshold!r}: give a probability from 0 to 1.")
        if self.margin_px < 16:
            raise ValueError(f"margin_px is {self.margin_px!r}: give at least 16 pixels of context.")
        if self.largest_window_px < 4 * self.margin_px:
            raise ValueError(
                f"largest_window_px is {self.largest_window_px!r}: give at least four times "
                f"margin_px ({self.margin_px}), so that a window has room for a hole."
            )
        if not 16 <= self.smallest_window_px <= self.largest_window_px:
            raise ValueError(
                f"smallest_window_px is {self.smallest_window_px!r}: give 16 to largest_window_px "
                f"({self.largest_window_px})."
            )
        low, high = self.contrast or (0.0, 1.0)
        if not (isfinite(low) and isfinite(high) and low < high):
            raise ValueError(f"contrast is {self.contrast!r}: give two finite values, the lower one first, or None.")
        if self.seed < 0:
            raise ValueError(f"seed is {self.seed!r}: give 0 or more.")

    @property
    def canny_reach_px(self) -> int:
        """How far beyond a window its edges are looked for."""
        return ceil(_CANNY_REACH * (self.sigma or 0)) + 2

    def as_dict(self) -> dict[str, Any]:
        """The settings as plain values, for a record."""
        return {**asdict(self), "contrast": list(self.contrast) if self.contrast else None}


@dataclass(frozen=True, kw_only=True)
class StackSettings:
    """What a person may choose about the planes of a stack, besides each plane's own ``Settings``.

    Attributes
    ----------
    mapping : "plane" or "stack"
        Contrast of each plane by itself, or one for all planes of a channel:
        in a time series the fill then does not flicker with the mapping.
    edges_from : "own", "strongest" or int
        Which channel's edges guide all channels of a place: each its own; the
        one that stands out most from its noise, the same throughout the stack;
        or the channel of that number, from 0.
    neighbours : "off", "edges", "start" or "contents"
        What the planes beside one give for holes in which they are intact, as
        far as their surroundings fit: nothing; their measured edges, beside
        stage 1's; their contents, for the networks to start from; or their
        contents as they are, in place of what the networks make.
    neighbour_axis : str or None
        Along which axis they lie, such as "Z". None: the one that counts planes.
    neighbour_reach : int
        How many of them on either side.
    spread_mask : "no", "between" or "everywhere"
        Of a mask with a plane for each place along an axis: as it is; empty
        planes between two that have damage get what lies between; or all get
        the damage of all.
    spread_axis : str or None
        Along which axis. None: the one that counts the mask's planes.
    planes : tuple of str
        Which planes are repaired, such as "Z=12", "12", "Z=3-7" or "Z=12,T=3,C=0"; with several, each of these. Empty:
        all.
    """

    mapping: ContrastOf = "plane"
    edges_from: Literal["own", "strongest"] | int = "own"
    neighbours: Neighbours = "off"
    neighbour_axis: str | None = None
    neighbour_reach: int = 1
    spread_mask: Spreading = "no"
    spread_axis: str | None = None
    planes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.mapping not in get_args(ContrastOf):
            raise ValueError(f"mapping is {self.mapping!r}: give {_listed(ContrastOf)}.")
        guide = self.edges_from
        if guide not in ("own", "strongest") and not (isinstance(guide, int) and guide >= 0):
            raise ValueError(f"edges_from is {guide!r}: give 'own', 'strongest' or a channel's number from 0.")
        if self.neighbours not in get_args(Neighbours):
            raise ValueError(f"neighbours is {self.neighbours!r}: give {_listed(Neighbours)}.")
        if not 1 <= self.neighbour_reach <= LARGEST_NEIGHBOUR_REACH:
            raise ValueError(
                f"neighbour_reach is {self.neighbour_reach!r}: give 1 to {LARGEST_NEIGHBOUR_REACH} planes."
            )
        if self.spread_mask not in get_args(Spreading):
            raise ValueError(f"spread_mask is {self.spread_mask!r}: give {_listed(Spreading)}.")

    def as_dict(self) -> dict[str, Any]:
        """The settings as plain values, for a record."""
        return {**asdict(self), "planes": list(self.planes)}


def _listed(choices: Any) -> str:
    names = [repr(name) for name in get_args(choices)]
    return f"{', '.join(names[:-1])} or {names[-1]}"
