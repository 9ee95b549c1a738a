"""Measured edges without the networks."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from skimage import data

from napari_edgeconnect import EdgeConnect, EdgeSource
from napari_edgeconnect.core.job import measured_edges

from .conftest import TINY


@pytest.mark.parametrize("sigma", [1.0, 2.5, None])
def test_measured_edges_are_those_that_hallucinating_shows(model: EdgeConnect, sigma: float | None) -> None:
    image = data.camera()[60:230, 170:340].astype(np.uint16) * 257
    mask = np.zeros(image.shape, bool)
    mask[70:120, 60:125] = mask[58:64, 90:96] = mask[4:8, 4:8] = True  # tiles and windows that overlap
    shown = model.hallucinate_edges(image, mask, TINY, sigma=sigma, grow_px=2)
    measured = measured_edges(image, mask, TINY, sigma=sigma, grow_px=2)
    assert np.array_equal(measured, shown.labels == EdgeSource.MEASURED)
    assert measured.any() == (sigma is not None)
    assert not measured[shown.hole].any()
    other = model.hallucinate_edges(image, mask, TINY, grow_px=2)
    assert np.array_equal(other.with_measured(measured).labels[~shown.hole], shown.labels[~shown.hole])


def test_measured_edges_need_no_torch() -> None:
    code = """
import sys
import numpy as np
from napari_edgeconnect.core.job import measured_edges
assert measured_edges(np.indices((64, 64)).sum(axis=0) // 40 * 200, np.eye(64)).any()
sys.exit("torch" in sys.modules)
"""
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
