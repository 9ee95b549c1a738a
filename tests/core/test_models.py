"""Models are found by name, folder or files, and keep their licence."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from published import golden, save_generators

from napari_edgeconnect import EdgeConnect
from napari_edgeconnect.core.checkpoints import CheckpointError
from napari_edgeconnect.core.models import (
    DEFAULT_MODEL,
    ModelNotFoundError,
    find_model,
    import_model,
    list_models,
    user_models_dir,
)

BUNDLED = ["open-science-16", "open-science-16-texture"]


@pytest.fixture
def user_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "models"
    monkeypatch.setenv("NAPARI_EDGECONNECT_MODELS", str(folder))
    return folder


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return save_generators(tmp_path_factory.mktemp("published"))


def test_the_bundled_models_are_there_with_licence_and_purpose(user_folder: Path) -> None:
    assert [model.name for model in list_models()] == BUNDLED
    assert BUNDLED[0] == DEFAULT_MODEL
    for bundled in list_models():
        assert bundled.bundled
        assert bundled.licence == "BSD-3-Clause"
        assert bundled.purpose
        assert bundled.formulation == "residual"
        assert bundled.size_bytes < 8_000_000
        assert (bundled.folder / "README.md").is_file()
        assert {len(digest) for digest in bundled.sha256.values()} == {64}


def test_imported_files_give_the_published_result_under_their_name(
    user_folder: Path, published: tuple[Path, Path]
) -> None:
    info = import_model(*published, name="places2", licence="CC BY-NC 4.0")
    assert [m.name for m in list_models()] == [*BUNDLED, "places2"]
    assert info == find_model("places2")
    assert (info.licence, info.width, info.blocks, info.formulation) == ("CC BY-NC 4.0", 64, 8, "published")
    assert "EdgeModel_gen.pth" not in info.training
    assert "imported from InpaintingModel_gen.pth" in info.training
    assert sorted(p.name for p in info.folder.iterdir()) == ["edge.safetensors", "inpaint.safetensors"]
    image, mask = golden()["a_image"], golden()["a_mask"]
    repair = EdgeConnect.load("places2", device="cpu").inpaint(image, mask, rim_correction=False, return_record=True)
    assert np.abs(repair.image - golden()["a_composite"].transpose(1, 2, 0) * 255).max() <= 1
    assert repair.record["model"]["licence"] == "CC BY-NC 4.0"


def test_an_import_that_fails_writes_nothing(user_folder: Path, published: tuple[Path, Path]) -> None:
    edge, inpaint = published
    for arguments, words in (
        ({"name": "../x", "licence": "MIT"}, "name is '../x'"),
        ({"name": "x", "licence": " "}, "licence is empty"),
        ({"name": DEFAULT_MODEL, "licence": "MIT"}, "already"),
    ):
        with pytest.raises(ValueError, match=words):
            import_model(edge, inpaint, **arguments)
    with pytest.raises(CheckpointError, match="swapped"):
        import_model(inpaint, edge, name="x", licence="MIT")
    assert not user_folder.exists()


def test_a_name_is_taken_once_unless_overwritten(user_folder: Path, published: tuple[Path, Path]) -> None:
    import_model(*published, name="x", licence="MIT")
    with pytest.raises(ValueError, match="There is a model 'x' already"):
        import_model(*published, name="x", licence="BSD")
    assert find_model("x").licence == "MIT"
    assert import_model(*published, name="x", licence="BSD", overwrite=True).licence == "BSD"


def test_networks_of_two_formulations_do_not_pair(user_folder: Path, published: tuple[Path, Path]) -> None:
    bundled = find_model(DEFAULT_MODEL)
    with pytest.raises(CheckpointError, match="do not belong together"):
        import_model(published[0], bundled.inpaint, name="x", licence="MIT")


def test_an_unknown_model_names_the_known_ones(user_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelNotFoundError, match=f"no model 'nothing': known are {DEFAULT_MODEL}"):
        find_model("nothing")
    with pytest.raises(ModelNotFoundError, match="holds no model"):
        find_model(tmp_path)


def test_a_folder_of_published_files_is_a_model(published: tuple[Path, Path], user_folder: Path) -> None:
    info = find_model(published[0].parent)
    assert info.formulation == "published"
    assert info.licence == "licence unknown"


def test_an_unusable_folder_does_not_hide_the_others(user_folder: Path) -> None:
    broken = user_folder / "broken"
    broken.mkdir(parents=True)
    for name in ("edge", "inpaint"):
        (broken / f"{name}.safetensors").write_bytes(b"no weights")
    assert [m.name for m in list_models()] == BUNDLED
    with pytest.raises(CheckpointError, match="truncated"):
        find_model("broken")


def test_the_users_folder_is_read_anew(user_folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert user_models_dir() == user_folder
    monkeypatch.setenv("NAPARI_EDGECONNECT_MODELS", str(tmp_path / "elsewhere"))
    assert user_models_dir() == tmp_path / "elsewhere"
    monkeypatch.delenv("NAPARI_EDGECONNECT_MODELS")
    assert "napari-edgeconnect" in str(user_models_dir())


def test_half_a_model_is_no_model(user_folder: Path, published: tuple[Path, Path]) -> None:
    half = user_folder / "half"
    half.mkdir(parents=True)
    torch.save({}, half / "edge.safetensors")
    with pytest.raises(ModelNotFoundError, match="holds no model"):
        find_model("half")
    assert [m.name for m in list_models()] == BUNDLED
