"""Models by name: the bundled ones, the user's own, or a folder.

A model is a folder with ``edge.safetensors``, ``inpaint.safetensors``, a
``README.md`` (its model card) and, where it is known what it was trained on,
``familiarity.safetensors``. Listing them reads the files' headers alone.
"""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import platformdirs

from .._paths import weights_dir
from .checkpoints import CheckpointError, NetworkInfo, inspect_checkpoint, load_generator, write_generator
from .familiarity import FILE as FAMILIARITY_FILE
from .familiarity import Familiarity, read_familiarity

DEFAULT_MODEL = "open-science-16"
#: Set this to keep models elsewhere than in the user's data folder.
MODELS_VARIABLE = "NAPARI_EDGECONNECT_MODELS"
NO_LICENCE = "licence unknown"
_FILES = {"edge": "edge.safetensors", "inpaint": "inpaint.safetensors"}
_PUBLISHED = {"edge": "EdgeModel_gen.pth", "inpaint": "InpaintingModel_gen.pth"}


class ModelNotFoundError(ValueError):
    """No model of that name; the message lists those there are."""


@dataclass(frozen=True)
class ModelInfo:
    """A pair of weight files, and what is known about them without loading them.

    Attributes
    ----------
    name, licence, training : str
        ``training`` is one line about how the weights came about.
    purpose : str
        One line about what the model is for, to choose by; empty where the files say nothing.
    edge, inpaint : Path
    formulation : str
        "published" or "residual".
    width, blocks : int
        Of the completion network.
    bundled : bool
        True for models that come with the plugin.
    """

    name: str
    edge: Path
    inpaint: Path
    formulation: str
    width: int
    blocks: int
    licence: str
    training: str
    purpose: str = ""
    bundled: bool = False

    @property
    def folder(self) -> Path:
        """Where the weights lie."""
        return self.edge.parent

    @property
    def size_bytes(self) -> int:
        """Of both files together."""
        return self.edge.stat().st_size + self.inpaint.stat().st_size

    @cached_property
    def sha256(self) -> dict[str, str]:
        """Hexadecimal digests of the two files, under "edge" and "inpaint"."""
        return {"edge": _sha256(self.edge), "inpaint": _sha256(self.inpaint)}

    @cached_property
    def familiarity(self) -> Familiarity | None:
        """What the completion network was trained on, in figures; None where its folder does not say.

        Raises
        ------
        CheckpointError
            For a damaged file.
        """
        return read_familiarity(self.inpaint.parent)

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for a record."""
        return {
            "name": self.name,
            "licence": self.licence,
            "formulation": self.formulation,
            "width": self.width,
            "blocks": self.blocks,
            "sha256": self.sha256,
            "training": self.training,
        }


def user_models_dir() -> Path:
    """Where imported models are kept: ``$NAPARI_EDGECONNECT_MODELS``, or the user's data folder."""
    chosen = os.environ.get(MODELS_VARIABLE)
    return Path(chosen) if chosen else platformdirs.user_data_path("napari-edgeconnect") / "models"


def list_models() -> list[ModelInfo]:
    """All models with a name, the bundled ones first; a folder with unusable files is left out."""
    models = []
    for root, bundled in ((weights_dir(), True), (user_models_dir(), False)):
        for folder in sorted(root.iterdir()) if root.is_dir() else []:
            if (folder / _FILES["edge"]).is_file():
                try:
                    models.append(replace(_from_folder(folder), bundled=bundled))
                except (CheckpointError, ModelNotFoundError):
                    continue  # find_model(folder) says what is wrong with it
    return models


def find_model(model: str | Path | tuple[str | Path, str | Path]) -> ModelInfo:
    """Find a model by name, by folder, or by its two weight files (edge, inpaint).

    Raises
    ------
    ModelNotFoundError
        For an unknown name, or a folder without weights.
    CheckpointError
        For files that can't be used.
    """
    if isinstance(model, tuple):
        edge, inpaint = (Path(path) for path in model)
        return _from_files(edge, inpaint, name=edge.parent.name or edge.stem)
    for root, bundled in ((weights_dir(), True), (user_models_dir(), False)):
        folder = root / model
        # A name only: an absolute path or "../x" would lead out of the root.
        if isinstance(model, str) and _is_name(model) and folder.is_dir():
            return replace(_from_folder(folder), bundled=bundled)
    if Path(model).is_dir():
        return _from_folder(Path(model))
    names = ", ".join(m.name for m in list_models()) or "none"
    raise ModelNotFoundError(f"There is no model {str(model)!r}: known are {names}; or give a folder.")


def import_model(edge: Path, inpaint: Path, *, name: str, licence: str, overwrite: bool = False) -> ModelInfo:
    """Convert two weight files to safetensors in the user's folder, and keep their licence.

    Parameters
    ----------
    edge, inpaint : Path
        Published ``.pth`` or safetensors files of the two generators.
    name : str
        Letters, digits, ``.``, ``_`` and ``-``.
    licence : str
        Shown wherever the model is chosen.
    overwrite : bool
        Replace a model of that name.

    Raises
    ------
    ValueError
        For a bad name, a missing licence, a name that is taken, or two files of different formulations.
    CheckpointError
        For files that can't be used. Nothing is written then.
    """
    if not _is_name(name):
        raise ValueError(f"The name is {name!r}: give letters, digits, '.', '_' and '-' only.")
    if not licence.strip():
        raise ValueError("The licence is empty: say under which terms the weights may be used.")
    folder = user_models_dir() / name
    if (weights_dir() / name).exists() or (folder.exists() and not overwrite):
        raise ValueError(f"There is a model {name!r} already: choose another name, or overwrite your own.")
    networks = {"edge": load_generator(edge, "edge"), "inpaint": load_generator(inpaint, "inpaint")}
    _check_pair(networks["edge"][1], networks["inpaint"][1])
    known = read_familiarity(inpaint.parent)
    folder.mkdir(parents=True, exist_ok=True)
    for kind, source in (("edge", edge), ("inpaint", inpaint)):
        network, info = networks[kind]
        origin = f"imported from {source.name}, sha256 {_sha256(source)[:12]}"
        training = "; ".join(filter(None, (info.metadata.get("training", ""), origin)))
        metadata = {**info.metadata, "name": name, "licence": licence, "training": training}
        write_generator(folder / _FILES[kind], network, replace(info, metadata=metadata))
    (folder / FAMILIARITY_FILE).unlink(missing_ok=True)  # of what is replaced
    if known is not None:
        known.write(folder / FAMILIARITY_FILE)
    return _from_folder(folder)


def _from_folder(folder: Path) -> ModelInfo:
    for files in (_FILES, _PUBLISHED):
        if all((folder / file).is_file() for file in files.values()):
            return _from_files(folder / files["edge"], folder / files["inpaint"], name=folder.name)
    raise ModelNotFoundError(
        f"The folder {folder} holds no model: {_FILES['edge']} and {_FILES['inpaint']} are wanted "
        f"(or {_PUBLISHED['edge']} and {_PUBLISHED['inpaint']})."
    )


def _from_files(edge: Path, inpaint: Path, *, name: str) -> ModelInfo:
    infos = {}
    for path, kind in ((edge, "edge"), (inpaint, "inpaint")):
        infos[kind] = inspect_checkpoint(path)
        if infos[kind].kind != kind:
            raise CheckpointError(
                f"{path.name} holds the {infos[kind].kind} generator, but the {kind} generator was wanted: "
                f"are the two files swapped?"
            )
    _check_pair(infos["edge"], infos["inpaint"])
    metadata = infos["inpaint"].metadata
    return ModelInfo(
        name=name,
        edge=edge,
        inpaint=inpaint,
        formulation=infos["inpaint"].formulation,
        width=infos["inpaint"].width,
        blocks=infos["inpaint"].blocks,
        licence=metadata.get("licence", NO_LICENCE),
        training=metadata.get("training", "not stated"),
        purpose=metadata.get("purpose", ""),
    )


def _check_pair(edge: NetworkInfo, inpaint: NetworkInfo) -> None:
    if edge.formulation != inpaint.formulation:
        raise CheckpointError(
            f"The edge generator is of the {edge.formulation} formulation, the completion network of the "
            f"{inpaint.formulation} one: they do not belong together."
        )


def _is_name(name: str) -> bool:
    return bool(re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", name))


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
