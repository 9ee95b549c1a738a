"""A small folder of real images, and runs that take a second."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import imageio.v3 as iio
import pytest
from short_runs import small
from skimage import data

from napari_edgeconnect.training.trainer import Run


@pytest.fixture(scope="session")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two modalities of real pictures."""
    folder = tmp_path_factory.mktemp("images")
    for modality, name, picture in (("photo", "astronaut", data.astronaut()), ("gray", "coins", data.coins())):
        (folder / modality).mkdir()
        iio.imwrite(folder / modality / f"{name}.png", picture[:200, :200])
    return folder


@pytest.fixture
def run_of(images: Path, tmp_path: Path) -> Callable[..., Run]:
    """Makes runs on the small folder, on one thread, into ``tmp_path / "run"`` unless said otherwise."""

    def make(stage: str = "edge", steps: int = 3, **changes: Any) -> Run:
        settings: dict[str, Any] = {
            "output": tmp_path / "run",
            "recipe": small(),
            "device": "cpu",
            "precision": "no",
            "workers": 0,
            "threads": 1,
        }
        return Run(stage, images, steps=steps, **{**settings, **changes})

    return make
