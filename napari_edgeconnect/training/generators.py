"""Generators to train: new ones, or taken from any model.

Spectral norm exists only while they are trained: a network that starts without
it gets it on, and ``checkpoints.generator_from`` folds it in again.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from ..core.checkpoints import CheckpointError, Kind, NetworkInfo, build_generator, load_generator
from ..core.models import ModelNotFoundError, find_model
from ..core.networks import EdgeGenerator, Generator, initialise
from .recipe import Recipe


def new_generator(kind: Kind, recipe: Recipe) -> tuple[Generator, NetworkInfo]:
    """An untrained generator, as the recipe describes it; torch's random state decides about its weights.

    A completion network of the residual formulation starts with a last layer
    of zeros, so that it starts from the biharmonic fill.
    """
    info = NetworkInfo(kind, recipe.formulation, recipe.width, recipe.blocks)
    network: Generator = build_generator(info)
    if kind == "edge" and recipe.spectral:
        network = EdgeGenerator(width=recipe.width, blocks=recipe.blocks, spectral=True)
    initialise(network)
    if kind == "inpaint" and recipe.formulation == "residual":
        last = network.decoder[-1]
        assert isinstance(last, nn.Conv2d)  # as the layout says
        nn.init.zeros_(last.weight)
    return network.train(), info


def started_from(source: str, kind: Kind, recipe: Recipe) -> tuple[Generator, NetworkInfo]:
    """A generator that goes on from a trained one.

    Parameters
    ----------
    source : str
        A model's name or folder, or a weight file (``.safetensors``, ``.pth``).
    kind : "edge" or "inpaint"
    recipe : Recipe
        Says whether the edge generator is trained with spectral norm; layout and formulation are the file's.

    Raises
    ------
    ModelNotFoundError, CheckpointError
        If there is no such model, or it can't be used.
    """
    trained, info = load_generator(weight_file(source, kind), kind)
    if not (kind == "edge" and recipe.spectral):
        return trained.requires_grad_(True).train(), info
    network = EdgeGenerator(width=info.width, blocks=info.blocks, spectral=True)
    # Biases of a block's convolutions go with the instance norm after them, and the published layout has none.
    wanted = network.state_dict()
    for name, value in trained.state_dict().items():
        for key in (name, f"{name}_orig"):
            if key in wanted:
                wanted[key] = value
    network.load_state_dict(wanted)
    network.train()
    with torch.no_grad():
        for _ in range(20):  # the power iterations that make sigma what it says
            network.raw(torch.zeros(1, 3, 16, 16))
    return network, info


def weight_file(source: str, kind: Kind) -> Path:
    """The weight file of one generator, by model name, folder or path."""
    path = Path(source)
    if path.suffix in (".safetensors", ".pth", ".pt"):
        if not path.is_file():
            raise CheckpointError(f"There is no weight file {path}.")
        return path
    if (path / f"{kind}.safetensors").is_file():
        return path / f"{kind}.safetensors"  # a run's folder may hold one generator only
    try:
        return getattr(find_model(source), kind)
    except ModelNotFoundError as error:
        raise ModelNotFoundError(f"{str(error).rstrip('.')}, or a weight file.") from None
