from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from napari.layers import Layer
from npe2 import PluginManifest
from skimage import data

from napari_edgeconnect.plugin.samples import SAMPLES, sample_arrays, sample_layers

SOURCES = {
    "photograph": lambda: data.astronaut(),
    "cell": lambda: data.cell()[212:532, 222:542],
    "histology": lambda: data.immunohistochemistry()[40:440, 60:460],
    "retina": lambda: data.retina()[470:870, 130:530],
    "deep_field": lambda: data.hubble_deep_field()[80:480, 320:720],
}


@pytest.mark.parametrize("key", SAMPLES)
def test_a_sample_is_damaged_in_its_mask_and_nowhere_else(key):
    image, mask = sample_arrays(key)
    whole = SOURCES[key]()
    changed = np.abs(image.astype(int) - whole).reshape(*mask.shape, -1).max(axis=2)

    assert image.dtype == whole.dtype
    # The rim of the burn fades out beyond the mask by no more than a camera's noise.
    assert changed[~mask].max() <= 3
    assert (changed[mask] > 20).mean() > 0.4
    assert 0.01 < mask.mean() < 0.1
    assert max(mask.shape) <= 512


@pytest.mark.parametrize("key", SAMPLES)
def test_a_sample_is_the_same_every_time(key):
    for first, second in zip(sample_arrays(key), sample_arrays(key), strict=True):
        assert (first == second).all()


def test_a_samples_layers_lie_on_each_other_and_name_their_source():
    image, mask = (Layer.create(*layer) for layer in sample_layers("cell"))

    assert (image.scale == mask.scale).all()
    assert image.units == mask.units
    assert str(image.units[0]) == "micrometer"
    assert "CC0" in image.metadata["source"]


def test_the_manifest_offers_every_sample():
    manifest = PluginManifest.from_distribution("napari-edgeconnect")
    offered = {sample.key: sample.display_name for sample in manifest.contributions.sample_data}

    assert offered == {key: sample.display_name for key, sample in SAMPLES.items()}


def test_making_a_sample_needs_neither_napari_nor_qt():
    code = (
        "import sys; from napari_edgeconnect.plugin.samples import sample_arrays; sample_arrays('cell');"
        "sys.exit(bool({'napari', 'qtpy', 'torch'} & set(sys.modules)))"
    )

    assert subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=False).returncode == 0
