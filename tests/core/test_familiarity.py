"""Images of known kinds are told from others, whatever their dtype, size and damage; models say what they know."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from skimage import data

from napari_edgeconnect import EdgeConnect
from napari_edgeconnect.core.checkpoints import CheckpointError
from napari_edgeconnect.core.familiarity import FILE, STATISTICS, Familiarity, read_familiarity, statistics_of
from napari_edgeconnect.core.models import DEFAULT_MODEL, find_model, import_model, list_models
from napari_edgeconnect.core.refusals import nearest_training_images, reasons_against

SQUARE = (slice(100, 120), slice(90, 130))


def hole(image: np.ndarray) -> np.ndarray:
    mask = np.zeros(image.shape[:2], bool)
    mask[SQUARE] = True
    return mask


def names(image: np.ndarray, model: str | None = DEFAULT_MODEL) -> list[str]:
    info = None if model is None else find_model(model)
    return [reason.name for reason in reasons_against(image, hole(image), model=info)]


@pytest.mark.parametrize("name", ["camera", "coins", "moon", "cell", "astronaut", "chelsea", "immunohistochemistry"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_photographs_and_micrographs_are_familiar_in_every_dtype(name: str, dtype: type) -> None:
    image = getattr(data, name)()
    image = image[image.shape[0] // 4 :, image.shape[1] // 4 :][:256, :256].astype(dtype)
    assert "unfamiliar" not in names(image)


def far() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    return {
        "code": (255 * np.kron(rng.integers(0, 2, (32, 32)), np.ones((8, 8)))).astype(np.uint8),
        "noise": rng.integers(0, 256, (256, 256)).astype(np.uint16),
        "grating": np.tile(127.5 + 127 * np.sin(np.arange(256) / 3), (256, 1)).astype(np.float32),
        "few photons": rng.poisson(1.5, (256, 256)).astype(np.uint16),
    }


@pytest.mark.parametrize("name", far())
@pytest.mark.parametrize("model", ["open-science-16", "open-science-16-texture"])
def test_codes_and_noise_are_not(name: str, model: str) -> None:
    image = far()[name]
    assert "unfamiliar" in names(image, model)
    assert "unfamiliar" not in names(image, None)


def test_the_reason_names_model_kind_and_distance(model: EdgeConnect) -> None:
    image = far()["code"]
    (reason,) = (r for r in reasons_against(image, hole(image), model=model) if r.name == "unfamiliar")
    assert model.info.familiarity is not None
    (nearest,) = nearest_training_images(image, hole(image), model.info.familiarity)
    assert reason.sentence == (
        f"Around the damage the image is unlike the images that open-science-16 was trained on: the nearest, those of "
        f"{nearest.kind}, are at a distance of {nearest.distance:.1f}, where 97 % of them are within "
        f"{nearest.limit:.1f}."
    )


def test_each_place_is_judged_by_its_own_surroundings() -> None:
    image = np.concatenate([data.camera()[:, :1024], np.tile(far()["code"], (2, 3))], axis=1)
    mask = np.zeros(image.shape, bool)
    mask[250:260, 200:210] = mask[250:260, 950:960] = True
    (reason,) = (r for r in reasons_against(image, mask, model=find_model(DEFAULT_MODEL)) if r.name == "unfamiliar")
    assert reason.sentence.startswith("Around 1 of 2 places of damage the image is unlike")


def test_what_lies_in_the_hole_and_the_contrast_make_no_difference() -> None:
    image = data.camera()[:256, :256].astype(np.float64)
    known = ~hole(image)
    unit = (image / 255)[..., None]
    found = statistics_of(unit, known)
    assert found is not None
    assert found.shape == (len(STATISTICS),)
    np.testing.assert_array_equal(found, statistics_of(np.where(known[..., None], unit, 0.3), known))
    familiarity = find_model(DEFAULT_MODEL).familiarity
    assert familiarity is not None
    one, other = (nearest_training_images(each, ~known, familiarity) for each in (image, 40 * image - 1000))
    assert one == other


def test_too_little_is_not_judged() -> None:
    unit = (data.camera()[:63, :64] / 255)[..., None]
    assert statistics_of(unit, np.ones((63, 64), bool)) is None
    comb = np.zeros((256, 256), bool)
    comb[:, ::2] = True
    assert statistics_of((data.camera()[:256, :256] / 255)[..., None], comb) is None


def test_the_limit_grows_as_the_known_pixels_become_fewer() -> None:
    familiarity = find_model(DEFAULT_MODEL).familiarity
    assert familiarity is not None
    statistics = familiarity.means[0]
    limits = [familiarity.nearest(statistics, px).limit for px in (4096, 10_000, 65_536, 1_000_000)]
    assert limits[0] > limits[1] > limits[2] == limits[3]
    assert familiarity.nearest(statistics, 65_536).distance == 0
    assert familiarity.nearest(statistics, 65_536).kind == familiarity.kinds[0]


def test_both_bundled_models_know_what_they_were_trained_on() -> None:
    for model in list_models()[:2]:
        assert model.familiarity is not None
        assert len(model.familiarity.kinds) == 10
        assert model.familiarity.images == 1875
        assert (model.folder / FILE).stat().st_size < 20_000


def test_a_file_is_read_as_it_was_written(tmp_path: Path) -> None:
    known = find_model(DEFAULT_MODEL).familiarity
    assert known is not None
    replace(known, kinds=tuple(f"κ{n}" for n in range(10))).write(tmp_path / FILE)
    again = read_familiarity(tmp_path)
    assert isinstance(again, Familiarity)
    assert again.kinds[3] == "κ3"
    assert (again.share, again.images) == (known.share, known.images)
    for name in ("means", "precisions", "pixels", "limits"):
        np.testing.assert_array_equal(getattr(again, name), getattr(known, name))


def test_models_without_it_give_no_such_reason(tmp_path: Path) -> None:
    bundled = find_model(DEFAULT_MODEL)
    for kind in (bundled.edge, bundled.inpaint):
        shutil.copy(kind, tmp_path)
    other = find_model(tmp_path)
    assert other.familiarity is None
    image = far()["code"]
    assert "unfamiliar" not in [reason.name for reason in reasons_against(image, hole(image), model=other)]


def test_what_another_version_says_is_taken_for_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known = find_model(DEFAULT_MODEL).familiarity
    assert known is not None
    known.write(tmp_path / FILE)
    monkeypatch.setattr("napari_edgeconnect.core.familiarity.VERSION", 2)
    assert read_familiarity(tmp_path) is None


def test_a_damaged_file_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"nothing")
    with pytest.raises(CheckpointError, match=r"is damaged .*training familiarity\.$"):
        read_familiarity(tmp_path)
    known = find_model(DEFAULT_MODEL).familiarity
    assert known is not None
    replace(known, means=known.means[:, :5]).write(tmp_path / FILE)
    with pytest.raises(CheckpointError, match="its arrays do not fit together"):
        read_familiarity(tmp_path)


def test_an_imported_model_keeps_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NAPARI_EDGECONNECT_MODELS", str(tmp_path))
    bundled = find_model(DEFAULT_MODEL)
    imported = import_model(bundled.edge, bundled.inpaint, name="mine", licence="BSD")
    assert imported.familiarity is not None
    assert imported.familiarity.kinds == bundled.familiarity.kinds  # type: ignore[union-attr]
    bare = tmp_path / "bare"
    bare.mkdir()
    for kind in (bundled.edge, bundled.inpaint):
        shutil.copy(kind, bare)
    again = import_model(bare / "edge.safetensors", bare / "inpaint.safetensors", name="mine", licence="BSD",
                         overwrite=True)  # fmt: skip
    assert again.familiarity is None
