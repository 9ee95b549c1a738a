"""A wider network computes what the narrow one did, and its copies learn apart."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_edgeconnect.core.checkpoints import load_generator
from napari_edgeconnect.core.models import find_model
from napari_edgeconnect.core.networks import EdgeGenerator, InpaintGenerator
from napari_edgeconnect.training.widen import widened


@pytest.mark.parametrize("kind", ["edge", "inpaint"])
@pytest.mark.parametrize("width", [16, 24, 32])
def test_the_bundled_networks_stay_the_same_function(kind: str, width: int) -> None:
    narrow, _ = load_generator(getattr(find_model("open-science-16"), kind))
    x = torch.randn(1, narrow.encoder[1].in_channels, 32, 32, generator=torch.Generator().manual_seed(0))
    wide = widened(narrow, width)
    assert wide.encoder[1].out_channels == width
    assert torch.allclose(wide.raw(x), narrow.raw(x), atol=1e-4)


@given(old=st.integers(1, 5), more=st.integers(0, 8), blocks=st.integers(1, 2), seed=st.integers(0, 5))
@settings(max_examples=20, deadline=None)
def test_any_width_stays_the_same_function(old: int, more: int, blocks: int, seed: int) -> None:
    torch.manual_seed(seed)
    narrow = InpaintGenerator(in_channels=5, width=old, blocks=blocks)
    x = torch.randn(1, 5, 16, 16)
    assert torch.allclose(widened(narrow, old + more, seed=seed).raw(x), narrow.raw(x), atol=1e-3, rtol=1e-3)


def test_copied_channels_learn_apart() -> None:
    torch.manual_seed(0)
    wide = widened(EdgeGenerator(width=4, blocks=1, spectral=False), 8)
    wide.raw(torch.randn(1, 3, 16, 16)).square().mean().backward()
    gradient = wide.encoder[1].weight.grad
    # Channels 4 to 7 copy 0 to 3 in some order: equal weights, but no two equal gradients.
    for one in range(8):
        for other in range(one):
            assert not torch.allclose(gradient[one], gradient[other])


def test_a_narrower_network_is_refused() -> None:
    with pytest.raises(ValueError, match="The width is 2, but the network has 4 already"):
        widened(EdgeGenerator(width=4, blocks=1, spectral=False), 2)
