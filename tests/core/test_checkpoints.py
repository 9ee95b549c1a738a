"""Weight files: every published form is read, nothing is unpickled, every fault has its sentence."""

from __future__ import annotations

import io
import pickle
import re
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from published import golden, save_generators, state_dict
from safetensors.torch import save_file

from napari_edgeconnect.core.checkpoints import (
    CheckpointError,
    NetworkInfo,
    fold_spectral_norm,
    inspect_checkpoint,
    load_generator,
    write_generator,
)
from napari_edgeconnect.core.networks import EdgeGenerator, InpaintGenerator, initialise


@pytest.fixture(scope="module")
def edge_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_generators(tmp_path_factory.mktemp("published"))[0]


@pytest.fixture
def narrow() -> dict[str, torch.Tensor]:
    """A small spectrally normalised edge generator's state."""
    torch.manual_seed(0)
    network = EdgeGenerator(width=4, blocks=2)
    initialise(network)
    network(torch.rand(1, 3, 16, 16))  # one power iteration in training mode
    return network.state_dict()


def read(path: Path, kind: str | None = None) -> torch.nn.Module:
    return load_generator(path, kind)[0]


def test_folded_spectral_norm_gives_equal_output(edge_file: Path) -> None:
    original = EdgeGenerator()
    original.load_state_dict(state_dict("edge_gen"))
    x = torch.rand(1, 3, 32, 24, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        expected = original.eval()(x)
        folded = read(edge_file, "edge")(x)
    assert (folded - expected).abs().max() <= 1e-5
    assert not any("weight_orig" in name for name in read(edge_file).state_dict())


def test_folding_leaves_plain_weights_alone() -> None:
    state = InpaintGenerator(width=4, blocks=1).state_dict()
    folded = fold_spectral_norm(state)
    assert folded.keys() == state.keys()
    assert all(folded[name] is state[name] for name in state)


@pytest.mark.parametrize("prefix", ["", "module."])
@pytest.mark.parametrize("wrapped", [True, False])
@pytest.mark.parametrize("zipped", [True, False])
def test_published_forms_are_read(
    tmp_path: Path, narrow: dict[str, torch.Tensor], prefix: str, wrapped: bool, zipped: bool
) -> None:
    state = {prefix + name: value for name, value in narrow.items()}
    path = tmp_path / "EdgeModel_gen.pth"
    # torch before 1.6, which the published files come from, wrote no zip archive.
    torch.save({"iteration": 1, "generator": state} if wrapped else state, path, _use_new_zipfile_serialization=zipped)
    network, info = load_generator(path, "edge")
    assert info == NetworkInfo("edge", "published", 4, 2)
    expected = EdgeGenerator(width=4, blocks=2)
    expected.load_state_dict(narrow)
    x = torch.rand(1, 3, 16, 16)
    with torch.inference_mode():
        assert torch.allclose(network(x), expected.eval()(x), atol=1e-6)


def test_a_file_saved_on_a_gpu_is_read_onto_the_cpu(tmp_path: Path, narrow: dict[str, torch.Tensor]) -> None:
    path = tmp_path / "gpu.pth"
    torch.save({"generator": narrow}, path, _use_new_zipfile_serialization=False)
    # A legacy file names each storage's device as a pickled string: rename it, keeping the lengths consistent.
    content = path.read_bytes()
    path.write_bytes(content.replace(b"X\x03\x00\x00\x00cpu", b"X\x06\x00\x00\x00cuda:0"))
    assert b"cuda:0" in path.read_bytes()
    assert {p.device.type for p in read(path).parameters()} == {"cpu"}


def test_safetensors_keep_weights_and_metadata(tmp_path: Path) -> None:
    network = InpaintGenerator(in_channels=5, width=4, blocks=3)
    info = NetworkInfo("inpaint", "residual", 4, 3, {"name": "trial", "licence": "BSD-3-Clause", "training": "none"})
    path = tmp_path / "inpaint.safetensors"
    write_generator(path, network, info)
    again, read_info = load_generator(path, "inpaint")
    assert all(torch.equal(a, b) for a, b in zip(network.parameters(), again.parameters(), strict=True))
    assert info.metadata.items() <= read_info.metadata.items()
    assert replace(read_info, metadata=info.metadata) == info
    assert inspect_checkpoint(path) == read_info
    assert list(tmp_path.iterdir()) == [path]


def test_a_failed_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "edge.safetensors"
    path.write_bytes(b"old")

    def full_disk(source: Path, target: Path) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr("napari_edgeconnect.core.checkpoints.os.replace", full_disk)
    network = EdgeGenerator(width=4, blocks=1, spectral=False)
    with pytest.raises(OSError, match="No space left"):
        write_generator(path, network, NetworkInfo("edge", "published", 4, 1))
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


class Malicious:
    """Touches a file when it is unpickled."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (_touch, (str(self.target),))


def _touch(path: str) -> None:
    Path(path).touch()


@pytest.mark.parametrize("zipped", [True, False])
def test_a_malicious_pickle_does_not_run(tmp_path: Path, zipped: bool) -> None:
    path, proof = tmp_path / "EdgeModel_gen.pth", tmp_path / "ran"
    torch.save({"generator": Malicious(proof)}, path, _use_new_zipfile_serialization=zipped)
    with pytest.raises(CheckpointError, match="could run code when unpickled; it was not opened"):
        load_generator(path)
    assert not proof.exists()


def test_a_bare_malicious_pickle_does_not_run(tmp_path: Path) -> None:
    path, proof = tmp_path / "EdgeModel_gen.pth", tmp_path / "ran"
    path.write_bytes(pickle.dumps(Malicious(proof), protocol=2))
    with pytest.raises(CheckpointError):
        load_generator(path)
    assert not proof.exists()


def test_a_whole_pickled_module_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.pth"
    torch.save(EdgeGenerator(width=4, blocks=1), path)
    with pytest.raises(CheckpointError, match="Python objects besides tensors"):
        load_generator(path)


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("share", [0.0, 0.3, 0.99])
def test_a_truncated_file_has_its_sentence(
    tmp_path: Path, narrow: dict[str, torch.Tensor], zipped: bool, share: float
) -> None:
    path = tmp_path / "EdgeModel_gen.pth"
    torch.save({"generator": narrow}, path, _use_new_zipfile_serialization=zipped)
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(CheckpointError, match=r"EdgeModel_gen\.pth is truncated or not a PyTorch file"):
        load_generator(path)


def test_a_web_page_has_its_sentence(tmp_path: Path) -> None:
    path = tmp_path / "EdgeModel_gen.pth"
    path.write_text("<!DOCTYPE html><title>Quota exceeded</title>")
    with pytest.raises(CheckpointError, match=r"EdgeModel_gen\.pth is a web page"):
        load_generator(path)


@pytest.mark.parametrize("share", [0.0, 0.001, 0.5])
def test_a_truncated_safetensors_file_has_its_sentence(tmp_path: Path, share: float) -> None:
    path = tmp_path / "edge.safetensors"
    save_file(EdgeGenerator(width=4, blocks=1, spectral=False).state_dict(), path)
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(CheckpointError, match="truncated or not a safetensors file"):
        load_generator(path)


@pytest.mark.parametrize("name", ["none.pth", "none.safetensors"])
def test_a_missing_file_has_its_sentence(tmp_path: Path, name: str) -> None:
    with pytest.raises(CheckpointError, match="There is no weight file"):
        load_generator(tmp_path / name)


def test_a_file_of_torch_0_4_has_its_sentence(tmp_path: Path, narrow: dict[str, torch.Tensor]) -> None:
    path = tmp_path / "old.pth"
    torch.save({"generator": {n: v for n, v in narrow.items() if not n.endswith("weight_v")}}, path)
    with pytest.raises(CheckpointError, match=r"PyTorch 0\.4 or older.*did not store weight_v"):
        load_generator(path)


def test_a_tar_file_of_torch_0_1_has_its_sentence(tmp_path: Path) -> None:
    path = tmp_path / "older.pth"
    with tarfile.open(path, "w") as archive:
        for name in ("sys_info", "pickle", "storages", "tensors"):
            archive.addfile(tarfile.TarInfo(name), io.BytesIO())
    with pytest.raises(CheckpointError, match=r"\.tar format of PyTorch 0\.1: load it and save it again"):
        load_generator(path)


def test_a_discriminator_has_its_sentence(tmp_path: Path) -> None:
    path = tmp_path / "EdgeModel_dis.pth"
    torch.save({"discriminator": state_dict("edge_dis")}, path)
    with pytest.raises(CheckpointError, match="holds a discriminator; repairing needs the generators"):
        load_generator(path)


def test_swapped_files_have_their_sentence(edge_file: Path) -> None:
    with pytest.raises(CheckpointError, match="holds the edge generator, but the inpaint generator was wanted"):
        load_generator(edge_file, "inpaint")


def test_other_networks_and_contents_have_their_sentences(tmp_path: Path) -> None:
    path = tmp_path / "other.pth"
    torch.save(torch.nn.Linear(3, 3).state_dict(), path)
    with pytest.raises(CheckpointError, match="holds no EdgeConnect generator"):
        load_generator(path)
    torch.save([1, 2], path)
    with pytest.raises(CheckpointError, match="holds no state dict"):
        load_generator(path)
    torch.save(InpaintGenerator(in_channels=7, width=4, blocks=1).state_dict(), path)
    with pytest.raises(CheckpointError, match="from 7 to 3 channels"):
        load_generator(path)


def test_a_missing_tensor_is_named(tmp_path: Path) -> None:
    state = InpaintGenerator(width=4, blocks=1).state_dict()
    del state["encoder.4.weight"]
    path = tmp_path / "gap.pth"
    torch.save(state, path)
    with pytest.raises(CheckpointError, match=re.escape("'encoder.4.weight'")):
        load_generator(path)


def test_the_layout_is_read_from_the_shapes(edge_file: Path) -> None:
    assert inspect_checkpoint(edge_file) == NetworkInfo("edge", "published", 64, 8)
    assert inspect_checkpoint(edge_file.with_name("InpaintingModel_gen.pth")).kind == "inpaint"
    assert golden()["manifest"]["edge_gen"]["encoder.1.weight_orig"][0] == 64
