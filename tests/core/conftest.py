from __future__ import annotations

import numpy as np
import pytest
from published import save_generators
from skimage import data

from napari_edgeconnect import EdgeConnect, Settings

TINY = Settings(margin_px=16, smallest_window_px=16, largest_window_px=64)


@pytest.fixture(scope="module")
def model() -> EdgeConnect:
    return EdgeConnect.load(device="cpu")


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> EdgeConnect:
    return EdgeConnect.load(save_generators(tmp_path_factory.mktemp("published")), device="cpu")


@pytest.fixture
def camera() -> tuple[np.ndarray, np.ndarray]:
    """A real 96x112 crop with a 24x30 hole."""
    image = data.camera()[60:156, 170:282].copy()
    mask = np.zeros(image.shape, dtype=bool)
    mask[30:54, 40:70] = True
    return image, mask
