"""What a model was trained on is written down from its images, and goes along with its weights."""

from __future__ import annotations

import shutil
from pathlib import Path

import imageio.v3 as iio
import numpy as np
import pytest
from skimage import data
from typer.testing import CliRunner

from napari_edgeconnect.core.familiarity import FILE, read_familiarity, statistics_of
from napari_edgeconnect.core.models import DEFAULT_MODEL, find_model
from napari_edgeconnect.training.__main__ import app
from napari_edgeconnect.training.familiarity import familiarity_of, fitted


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pieces of 200 px of two kinds of picture."""
    folder = tmp_path_factory.mktemp("pictures")
    for kind, picture in (("coins", data.coins()), ("bricks", data.brick())):
        (folder / kind).mkdir()
        for number in range(12):
            top, left = 9 * number, 15 * number
            iio.imwrite(folder / kind / f"{number:02}.png", picture[top : top + 200, left : left + 200])
    return folder


def run(*arguments: object) -> str:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == 0, result.output
    return result.output


def test_each_kind_is_nearest_to_its_own_images_and_the_limit_holds(images: Path) -> None:
    known = familiarity_of(images)
    assert known.kinds == ("bricks", "coins")
    assert known.images == 24
    assert known.pixels.tolist() == [64**2, 96**2, 128**2, 192**2]  # none of 256 px fits
    everywhere = np.ones((192, 192), bool)
    for kind, picture in (("bricks", data.brick()), ("coins", data.coins())):
        statistics = statistics_of((picture[60:252, 100:292] / 255)[..., None], everywhere)
        assert statistics is not None
        nearest = known.nearest(statistics, 192**2)
        assert nearest.kind == kind
        assert not nearest.is_far
    noise = statistics_of(np.random.default_rng(0).random((192, 192, 1)), everywhere)
    assert noise is not None
    assert known.nearest(noise, 192**2).is_far


def test_the_same_images_give_the_same_file(images: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        familiarity_of(images).write(tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_distances_are_those_of_mahalanobis() -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(5, 2, (4000, 3)) @ np.array([[1, 0.5, 0], [0, 1, 0], [0, 0, 1]])
    means, precisions = fitted(values, np.zeros(4000, np.intp), 1)
    np.testing.assert_allclose(means[0], values.mean(axis=0))
    np.testing.assert_allclose(precisions[0], np.linalg.inv(np.cov(values.T)), rtol=0.1, atol=0.02)


def test_too_few_images_are_one_sentence(tmp_path: Path) -> None:
    iio.imwrite(tmp_path / "a.png", data.coins()[:80, :80])
    with pytest.raises(ValueError, match=r"have 2 squares of 64 px .*: more than 38 are needed"):
        familiarity_of(tmp_path)


def test_the_command_writes_into_the_model_s_folder_and_leaves_its_weights(images: Path, tmp_path: Path) -> None:
    model = tmp_path / "mine"
    shutil.copytree(find_model(DEFAULT_MODEL).folder, model)
    before = find_model(model).sha256
    assert "24 images of 2 kinds" in run("familiarity", "--data", images, "--model", model)
    known = read_familiarity(model)
    assert known is not None
    assert known.kinds == ("bricks", "coins")
    assert find_model(model).sha256 == before


def test_bundling_takes_it_anew_or_carries_it_over(images: Path, tmp_path: Path) -> None:
    def kinds(folder: Path) -> int:
        known = read_familiarity(folder)
        return 0 if known is None else len(known.kinds)

    bundled = find_model(DEFAULT_MODEL)
    bare = tmp_path / "bare"
    bare.mkdir()
    for path in (bundled.edge, bundled.inpaint):
        shutil.copy(path, bare)
    say = ("--training", "t")
    assert "carried over" in run("bundle", "--edges", bundled.folder, "--inpaint", bundled.folder, "--out",
                                 tmp_path / "one", *say)  # fmt: skip
    assert kinds(tmp_path / "one") == 10
    assert "taken anew" in run("bundle", "--edges", bare, "--inpaint", bare, "--out", tmp_path / "two", *say,
                               "--data", images)  # fmt: skip
    assert kinds(tmp_path / "two") == 2
    assert "carried over" in run("bundle", "--edges", bare, "--inpaint", bare, "--out", tmp_path / "two", *say)
    assert kinds(tmp_path / "two") == 2
    assert "Nothing says" in run("bundle", "--edges", bare, "--inpaint", bare, "--out", tmp_path / "three", *say)
    assert not (tmp_path / "three" / FILE).exists()
