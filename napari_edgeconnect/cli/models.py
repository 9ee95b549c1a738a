"""``models`` lists what there is to repair with; ``models import`` brings published weights in."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from . import options
from .report import reporting

if TYPE_CHECKING:
    from napari_edgeconnect.core.familiarity import Familiarity
    from napari_edgeconnect.core.models import ModelInfo

app = typer.Typer(
    help="List the models, or import published weights.",
    invoke_without_command=True,
    pretty_exceptions_enable=False,
)


@app.callback()
def list_(context: typer.Context, as_json: options.Json = False) -> None:
    """List the models with width, size, licence, sha256 and training; or import published weights."""
    if context.invoked_subcommand is not None:
        return
    with reporting(as_json=as_json, quiet=False):
        from napari_edgeconnect.core.models import list_models, user_models_dir

        models = list_models()
        if as_json:
            typer.echo(json.dumps([_as_dict(model) for model in models], indent=2))
            return
        for model in models:
            typer.echo(_as_text(model))
        typer.echo(f"Imported models are kept in {user_models_dir()}")


@app.command(name="import")
def import_(
    edge: Annotated[Path, typer.Argument(metavar="EDGE", help="EdgeModel_gen.pth, or a safetensors file.")],
    inpaint: Annotated[Path, typer.Argument(metavar="INPAINT", help="InpaintingModel_gen.pth, or a safetensors file.")],
    name: Annotated[str, typer.Option(help="What to call the model: letters, digits, '.', '_' and '-'.")],
    licence: Annotated[
        str,
        typer.Option("--licence", "--license", help='Its terms, such as "CC BY-NC 4.0"; shown wherever it is used.'),
    ],
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an imported model of this name.")] = False,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Convert two published weight files to safetensors and keep them under a name."""
    with reporting(as_json=as_json, quiet=quiet) as report:
        from napari_edgeconnect.core.models import import_model

        model = import_model(edge, inpaint, name=name, licence=licence, overwrite=overwrite)
        report.written(model.edge)
        report.written(model.inpaint)
        report.result(f"Imported {model.name} (licence: {model.licence}); use it with --model {name}.", _as_dict(model))


def _as_dict(model: ModelInfo) -> dict[str, Any]:
    return {
        **model.as_dict(),
        "purpose": model.purpose,
        "bundled": model.bundled,
        "size_bytes": model.size_bytes,
        "folder": str(model.folder),
        "trained_on": None if model.familiarity is None else _trained_on(model.familiarity),
    }


def _trained_on(familiarity: Familiarity) -> dict[str, Any]:
    return {"images": familiarity.images, "kinds": list(familiarity.kinds)}


def _as_text(model: ModelInfo) -> str:
    where = "bundled" if model.bundled else str(model.folder)
    size = f"{model.size_bytes / 1e6:.1f} MB"
    return (
        f"{model.name} ({where})\n"
        + (f"  {model.purpose}\n" if model.purpose else "")
        + f"  {model.formulation} formulation, width {model.width}, {model.blocks} blocks, {size}\n"
        f"  licence: {model.licence}\n"
        f"  training: {model.training}\n"
        f"  kinds of training images: {_kinds(model.familiarity)}\n"
        f"  sha256 of the edge generator: {model.sha256['edge']}\n"
        f"  sha256 of the completion network: {model.sha256['inpaint']}"
    )


def _kinds(familiarity: Familiarity | None) -> str:
    if familiarity is None:
        return "not stated, so no image can be told to be unlike them"
    return f"{', '.join(filter(None, familiarity.kinds)) or 'not named'} ({familiarity.images} images)"
