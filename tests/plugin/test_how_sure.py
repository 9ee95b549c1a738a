"""How sure a repair is, as a layer of grey values; calibrated where copies of the damage fit, and honest where not."""

from __future__ import annotations

import numpy as np
import pytest

from .conftest import status


@pytest.fixture
def small(viewer, make_widget, pixels):
    """A widget on a small image with little damage."""
    viewer.add_image(pixels[:64, :64], name="camera")
    mask = np.zeros((64, 64), np.uint8)
    mask[30:33, 20:40] = 1
    viewer.add_labels(mask, name="mask")
    return make_widget(viewer)


def test_the_layer(small, viewer, press):
    press(small, "how_sure")
    print(status(small), [layer.name for layer in viewer.layers])
