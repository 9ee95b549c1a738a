"""``python -m napari_edgeconnect.training …``: what those need who make models to give away.

Training itself is ``napari-edgeconnect train``; ``weights/TRAINING.md`` has the plan of the bundled models.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from ..core.checkpoints import Kind, load_generator, write_generator
from ..core.familiarity import FILE as FAMILIARITY_FILE
from ..core.familiarity import read_familiarity
from ..core.models import find_model
from . import validation
from .familiarity import familiarity_of
from .generators import weight_file
from .widen import widened

app = typer.Typer(no_args_is_help=True, add_completion=False, help=__doc__)

Edges = Annotated[str, typer.Option(help="Model, folder or weight file of the edge generator.")]
Inpaint = Annotated[str, typer.Option(help="Model, folder or weight file of the completion network.")]


@app.command()
def validate(
    edges: Edges,
    inpaint: Inpaint,
    data: Annotated[Path, typer.Option(help="Folder with one sub-folder of images per modality.", exists=True)],
) -> None:
    """Figures of a pair of networks on held-out images, inside the hole."""
    edge, _ = load_generator(weight_file(edges, "edge"), "edge")
    completion, info = load_generator(weight_file(inpaint, "inpaint"), "inpaint")
    for modality, row in validation.validate(edge, completion, data, formulation=info.formulation).items():
        typer.echo(f"{modality:>18} " + " ".join(f"{name} {value:.3f}" for name, value in row.items()))


@app.command()
def bundle(
    edges: Edges,
    inpaint: Inpaint,
    out: Annotated[Path, typer.Option(help="The model's folder, such as weights/open-science.")],
    training: Annotated[str, typer.Option(help="One line about how the weights came about.")],
    purpose: Annotated[str, typer.Option(help="One line about what the model is for, to choose by.")] = "",
    licence: str = "BSD-3-Clause",
    half: Annotated[bool, typer.Option(help="Store 16-bit floats.")] = True,
    data: Annotated[
        Path | None,
        typer.Option(help="The training images, for familiarity.safetensors; see below for what is taken without."),
    ] = None,
) -> None:
    """Write a pair of networks as a model, with name, licence and training in the files' headers.

    What tells images unlike the training images goes along (it depends on those images and not on the weights): taken
    anew from --data; without, from beside the completion network, else from the model that is replaced.
    """
    carried = [weight_file(inpaint, "inpaint").parent, out]
    known = familiarity_of(data) if data else next(filter(None, map(read_familiarity, carried)), None)
    out.mkdir(parents=True, exist_ok=True)
    for source, kind in _pair(edges, inpaint):
        network, info = load_generator(weight_file(source, kind), kind)
        metadata = {"name": out.name, "licence": licence, "training": training, "purpose": purpose}
        write_generator(out / f"{kind}.safetensors", network, replace(info, metadata=metadata), half=half)
    if known is None:
        typer.echo("Nothing says what the model was trained on: give --data, or run familiarity.", err=True)
    else:
        known.write(out / FAMILIARITY_FILE)
        typer.echo(f"Familiarity of {known.images} images {'taken anew' if data else 'carried over'}.")


@app.command()
def familiarity(
    data: Annotated[Path, typer.Option(help="The training images, a sub-folder for each kind.", exists=True)],
    model: Annotated[list[str], typer.Option(help="A model's name or folder; may be given more than once.")],
) -> None:
    """Write down what a model was trained on, so that images unlike that can be told: a few kB in its folder."""
    folders = [find_model(name).inpaint.parent for name in model]
    known = familiarity_of(data)
    for folder in folders:
        known.write(folder / FAMILIARITY_FILE)
        typer.echo(f"{folder / FAMILIARITY_FILE}: {known.images} images of {len(known.kinds)} kinds")


@app.command()
def widen(
    source: Annotated[Path, typer.Argument(help="A weight file.", exists=True)],
    width: int,
    out: Annotated[Path, typer.Argument(help="A .safetensors file.")],
    seed: int = 0,
) -> None:
    """Write the same function as a wider network, to be trained on."""
    network, info = load_generator(source)
    write_generator(out, widened(network, width, seed=seed), replace(info, width=width))


def _pair(edges: str, inpaint: str) -> tuple[tuple[str, Kind], tuple[str, Kind]]:
    return (edges, "edge"), (inpaint, "inpaint")


if __name__ == "__main__":
    app()
