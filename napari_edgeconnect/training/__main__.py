"""``python -m napari_edgeconnect.training edge|inpaint``: train one stage; ``weights/TRAINING.md`` has the plan."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from torch import nn

from ..core.checkpoints import Kind, NetworkInfo, build_generator, load_generator, write_generator
from ..core.networks import initialise
from . import validation
from .trainer import EdgeStage, InpaintStage, TrainSettings, train

app = typer.Typer(no_args_is_help=True, add_completion=False, help=__doc__)

Data = Annotated[Path, typer.Option(help="Folder with one sub-folder of images per modality.", exists=True)]
State = Annotated[Path, typer.Option(help="Resumable training state (.pt); its log and weights lie beside it.")]
Steps = Annotated[int, typer.Option(help="Length of this stage's schedule, resumed runs included.")]
Start = Annotated[Path | None, typer.Option(help="Weights to start from; without it, from nothing.", exists=True)]


@app.command()
def edge(
    data: Data,
    state: State,
    steps: Steps,
    start: Start = None,
    width: int = 16,
    blocks: int = 8,
    crop: int = 128,
    batch: int = 8,
    learning_rate: float = 6e-4,
    seed: int = 0,
) -> None:
    """Stage 1: hallucinate the edges inside the hole."""
    network, info = _begin(start, "edge", width, blocks)
    settings = TrainSettings(data, state, steps, crop=crop, batch=batch, learning_rate=learning_rate, seed=seed)
    _finish(EdgeStage(network), settings, info)


@app.command()
def inpaint(
    data: Data,
    state: State,
    steps: Steps,
    edges: Annotated[Path, typer.Option(help="The edge generator whose maps stage 2 learns from.", exists=True)],
    start: Start = None,
    width: int = 16,
    blocks: int = 8,
    crop: int = 128,
    batch: int = 8,
    learning_rate: float = 6e-4,
    seed: int = 0,
) -> None:
    """Stage 2: complete the image from hallucinated and true edges."""
    network, info = _begin(start, "inpaint", width, blocks)
    settings = TrainSettings(data, state, steps, crop=crop, batch=batch, learning_rate=learning_rate, seed=seed)
    edge_network, _ = load_generator(edges, "edge")
    _finish(InpaintStage(network, edge_network), settings, info)


@app.command()
def validate(
    edges: Annotated[Path, typer.Option(help="Weights of the edge generator.", exists=True)],
    inpaint: Annotated[Path, typer.Option(help="Weights of the completion network.", exists=True)],
    data: Data,
) -> None:
    """Figures of a pair of networks on held-out images, inside the hole."""
    table = validation.validate(load_generator(edges, "edge")[0], load_generator(inpaint, "inpaint")[0], data)
    for modality, row in table.items():
        typer.echo(f"{modality:>18} " + " ".join(f"{name} {value:.3f}" for name, value in row.items()))


@app.command()
def bundle(
    edges: Annotated[Path, typer.Option(help="Weights of the edge generator.", exists=True)],
    inpaint: Annotated[Path, typer.Option(help="Weights of the completion network.", exists=True)],
    out: Annotated[Path, typer.Option(help="The model's folder, such as weights/open-science-16.")],
    training: Annotated[str, typer.Option(help="One line about how the weights came about.")],
    licence: str = "BSD-3-Clause",
) -> None:
    """Write a pair of networks as a model, with name, licence and training in the files' headers."""
    out.mkdir(parents=True, exist_ok=True)
    for kind, path in (("edge", edges), ("inpaint", inpaint)):
        network, info = load_generator(path, kind)
        metadata = {"name": out.name, "licence": licence, "training": training}
        write_generator(out / f"{kind}.safetensors", network, replace(info, metadata=metadata))


def _begin(start: Path | None, kind: Kind, width: int, blocks: int) -> tuple[nn.Module, NetworkInfo]:
    """A generator to train: one that exists, or a new one."""
    if start:
        network, info = load_generator(start, kind)
    else:
        info = NetworkInfo(kind, "residual", width, blocks)
        network = build_generator(info)
        initialise(network)
        if kind == "inpaint":
            nn.init.zeros_(network.decoder[-1].weight)  # starts at the biharmonic fill
    return network.requires_grad_(True), info


def _finish(stage: EdgeStage | InpaintStage, settings: TrainSettings, info: NetworkInfo) -> None:
    train(stage, settings)
    path = settings.state.with_suffix(".safetensors")
    write_generator(path, stage.network, info)
    typer.echo(f"Weights: {path}")


if __name__ == "__main__":
    app()
