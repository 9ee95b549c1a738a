"""What a training run is made of: losses, weights, optimisers, schedules. Named recipes, every field open.

Apart from the trainer, because a recipe is what one compares and writes down.
A recipe is a name, or a TOML file that says what differs from one::

    base = "open-science"
    adversarial = 0.05
    crops = [[0.5, 64, 16], [1.0, 128, 8]]
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from ..core.damage import DAMAGE_KINDS
from ..core.formulations import FORMULATIONS
from .features import FEATURE_NETWORKS
from .losses import ADVERSARIAL_KINDS


def _one_of(name: str, value: str, known: Any) -> None:
    if value not in known:
        raise ValueError(f"{name} is {value!r}: known are {', '.join(known)}.")


@dataclass(frozen=True)
class Recipe:
    """How a stage is trained.

    Attributes
    ----------
    formulation : str
        Of a new network: "published" or "residual"; a network to start from brings its own.
    width, blocks : int
        Of a new network.
    spectral : bool
        Spectral norm on the edge generator's convolutions while training (paper, appendix A).
    optimiser : "adam" or "adamw"
    learning_rate : float
    betas : (float, float)
    discriminator_rate : float
        Of the discriminators, times ``learning_rate``.
    schedule : "constant" or "cosine"
        A cosine ends at a fiftieth.
    warmup_steps : int
    clip : float
        Largest norm of a generator's gradient; 0 clips nothing.
    ema : float
        Decay of the moving average of the weights, which is what is kept; 0 keeps the last weights.
    crops : sequence of (until, side, batch)
        Up to this share of the steps, crops of that many pixels a side, so many a step.
    sigma : float
        Canny's, in pixels.
    sigma_range : (low, high)
        In three of ten samples another sigma, drawn from here.
    damage : str
        One of ``core.damage.DAMAGE_KINDS``.
    colours : bool
        Vary gray, contrast, gamma, noise and sign, beside scale and symmetries.
    gan : "nsgan", "lsgan" or "hinge"
    adversarial_from : float in [0, 1]
        Share of the steps after which discriminators take part.
    whole_output : bool
        Discriminators and feature networks see the whole output, as published; otherwise the known pixels are put
        back, and discriminators are asked over the hole alone.
    edge_cross_entropy, edge_adversarial, edge_feature_matching : float
        Weights of stage 1's losses.
    l1, smooth_l1, log_error, adversarial, perceptual, style : float
        Weights of stage 2's losses; ``l1`` is the published one, ``smooth_l1`` and ``log_error`` are ours.
    features : str
        The network behind ``perceptual`` and ``style``.
    feature_shift : int
        That network sees output and image from a corner drawn at random up to so many pixels in: what pleases it at
        one position of its strides alone, such as a weave, does not at the next.
    true_edges : float in [0, 1]
        Share of the samples in which stages "edge-inpaint" and "joint" give the completion the true edges, so that it
        goes on to trust the lines that a person draws.
    """

    formulation: str = "residual"
    width: int = 16
    blocks: int = 8
    spectral: bool = False
    optimiser: str = "adamw"
    learning_rate: float = 6e-4
    betas: tuple[float, float] = (0.9, 0.98)
    discriminator_rate: float = 0.1
    schedule: str = "cosine"
    warmup_steps: int = 50
    clip: float = 1.0
    ema: float = 0.998
    crops: tuple[tuple[float, int, int], ...] = ((1.0, 128, 8),)
    sigma: float = 2.0
    sigma_range: tuple[float, float] = (1.0, 3.0)
    damage: str = "science"
    colours: bool = True
    gan: str = "nsgan"
    adversarial_from: float = 0.0
    whole_output: bool = False
    edge_cross_entropy: float = 1.0
    edge_adversarial: float = 0.0
    edge_feature_matching: float = 0.0
    l1: float = 0.0
    smooth_l1: float = 0.0
    log_error: float = 1.0
    adversarial: float = 0.0
    perceptual: float = 0.0
    style: float = 0.0
    features: str = "efficientnet-lite0"
    feature_shift: int = 0
    true_edges: float = 0.4

    def __post_init__(self) -> None:
        _one_of("formulation", self.formulation, FORMULATIONS)
        _one_of("optimiser", self.optimiser, ("adam", "adamw"))
        _one_of("schedule", self.schedule, ("constant", "cosine"))
        _one_of("damage", self.damage, DAMAGE_KINDS)
        _one_of("gan", self.gan, ADVERSARIAL_KINDS)
        _one_of("features", self.features, FEATURE_NETWORKS)
        shares = [until for until, _, _ in self.crops]
        if not shares or sorted(shares) != shares or shares[-1] != 1:
            raise ValueError(f"crops is {self.crops}: give [share, side, batch] with growing shares, the last being 1.")
        if any(side % 4 or side < 16 or batch < 1 for _, side, batch in self.crops):
            raise ValueError(f"crops is {self.crops}: sides are multiples of 4 from 16, batches at least 1.")
        smallest = min(side for _, side, _ in self.crops)
        if not 0 <= self.feature_shift < smallest // 2:
            raise ValueError(f"feature_shift is {self.feature_shift}: 0 or more, and less than half the smallest crop.")
        for name in ("learning_rate", "width", "blocks"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} is {getattr(self, name)}: give more than 0.")

    def plan(self, step: int, steps: int) -> tuple[int, int]:
        """Side of the crops in pixels and samples a step, at ``step`` of ``steps``."""
        for until, side, batch in self.crops:
            if step < until * steps:
                return side, batch
        return self.crops[-1][1:]

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for a state file and a model card."""
        return {name: _plain(value) for name, value in asdict(self).items()}


#: The paper's (section 3, appendix; values in its code's configuration). VGG-19's weights are the user's to bring.
PUBLISHED = Recipe(
    formulation="published",
    width=64,
    spectral=True,
    optimiser="adam",
    learning_rate=1e-4,
    betas=(0.0, 0.9),
    schedule="constant",
    warmup_steps=0,
    clip=0,
    ema=0,
    crops=((1.0, 256, 8),),
    sigma_range=(2.0, 2.0),
    damage="published",
    colours=False,
    whole_output=True,
    edge_cross_entropy=0,
    edge_adversarial=1,
    edge_feature_matching=10,
    l1=1,
    log_error=0,
    adversarial=0.1,
    perceptual=0.1,
    style=250,
    features="vgg19",
    true_edges=0,
)
#: Ours, for few CPU hours: pixelwise losses, a residual over the biharmonic fill. Bundled weights are made with it.
OPEN_SCIENCE = Recipe()
#: Ours, for looks: started from a network of ``open-science``; ``weights/TRAINING.md`` says what it gave.
OPEN_SCIENCE_TEXTURE = replace(
    OPEN_SCIENCE,
    learning_rate=2e-4,
    discriminator_rate=1.0,
    gan="hinge",
    adversarial=0.05,
    perceptual=0.1,
    style=20,
    log_error=0.3,
)
RECIPES = {"open-science": OPEN_SCIENCE, "open-science-texture": OPEN_SCIENCE_TEXTURE, "published": PUBLISHED}


def load_recipe(source: str, changes: Sequence[str] = ()) -> Recipe:
    """A recipe by name or from a TOML file, with fields changed.

    Parameters
    ----------
    source : str
        A name of ``RECIPES``, or the path of a TOML file.
    changes : sequence of str
        ``field=value``, the value as in TOML.

    Raises
    ------
    ValueError
        For an unknown recipe or field, or a value that can't be used.
    """
    if source in RECIPES:
        recipe = RECIPES[source]
    elif source.endswith(".toml"):
        values = _toml(Path(source).read_text(encoding="utf-8"), source)
        base = values.pop("base", "open-science")
        _one_of("base", base, RECIPES)
        recipe = _changed(RECIPES[base], values)
    else:
        raise ValueError(f"There is no recipe {source!r}: known are {', '.join(RECIPES)}; or give a .toml file.")
    values = {}
    for change in changes:
        name, equals, value = change.partition("=")
        if not equals:
            raise ValueError(f"{change!r} changes nothing: give field=value.")
        try:
            values[name.strip()] = tomllib.loads(f"value = {value}")["value"]
        except tomllib.TOMLDecodeError:
            values[name.strip()] = value.strip()  # a word without quotes
    return _changed(recipe, values)


def _changed(recipe: Recipe, values: Mapping[str, Any]) -> Recipe:
    known = {field.name for field in fields(Recipe)}
    for name, value in values.items():
        if name not in known:
            raise ValueError(f"A recipe has no field {name!r}: known are {', '.join(sorted(known))}.")
        _check_type(name, value, getattr(OPEN_SCIENCE, name))
    return replace(recipe, **{name: _tuples(value) for name, value in values.items()})


def _check_type(name: str, value: Any, example: Any) -> None:
    """Numbers for numbers, words for words: what is not caught here would fail in the middle of a run."""
    kinds: dict[type, tuple[type, ...]] = {bool: (bool,), int: (int,), float: (int, float), tuple: (list,), str: (str,)}
    wanted = kinds[type(example)]
    if not isinstance(value, wanted) or (isinstance(value, bool) and bool not in wanted):
        raise ValueError(f"{name} is {value!r}: a value like {_plain(example)!r} is wanted.")


def _toml(text: str, source: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"{source} is no TOML file: {error}.") from None


def _tuples(value: Any) -> Any:
    return tuple(_tuples(v) for v in value) if isinstance(value, list) else value


def _plain(value: Any) -> Any:
    return [_plain(v) for v in value] if isinstance(value, (tuple, list)) else value
