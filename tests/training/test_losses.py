"""Every loss has the figure that its formula gives by hand, and nothing breaks where there is no hole."""

from __future__ import annotations

from collections.abc import Callable
from math import log, sqrt
from typing import NamedTuple

import numpy as np
import pytest
import torch
from skimage import data
from skimage.filters import gaussian
from torch import Tensor, nn

from napari_edgeconnect.core.networks import Discriminator
from napari_edgeconnect.training.features import FeatureNetwork, efficientnet_lite0
from napari_edgeconnect.training.losses import (
    ADVERSARIAL_KINDS,
    Adversarial,
    completion_loss,
    edge_cross_entropy,
    feature_matching,
    l1_per_hole,
    log_error,
    perceptual_loss,
    style_loss,
)
from napari_edgeconnect.training.stages import from_random_corner


class Window(NamedTuple):
    output: Tensor
    image: Tensor
    fill: Tensor
    mask: Tensor


def window(error: float, hole: bool = True) -> Window:
    """4 × 4 pixels, two of them hole, side by side in the middle; ``error`` in units of the known spread of 0.5."""
    mask = torch.zeros(1, 1, 4, 4)
    mask[..., 1, 1:3] = float(hole)
    # Seven known pixels of 0 and seven of 1.
    fill = torch.tensor([[0.0, 0, 0, 0], [0, 0, 0, 0], [0, 1, 1, 1], [1, 1, 1, 1]])
    image = fill.expand(1, 3, 4, 4).clone()
    return Window(image + 0.5 * error * mask, image, image, mask)


def batch(*windows: Window) -> Window:
    return Window(*(torch.cat(parts) for parts in zip(*windows, strict=True)))


def same_and_pooled() -> FeatureNetwork:
    """Layers that one can compute by hand: the picture, and the means of its 2 × 2 blocks."""
    return FeatureNetwork(
        {"same": nn.Identity(), "pooled": nn.AvgPool2d(2)},
        perceptual_layers=("same", "pooled"),
        style_layers=("same",),
    )


@pytest.fixture(scope="module")
def efficientnet() -> FeatureNetwork:
    return efficientnet_lite0()


def test_edge_cross_entropy_by_hand() -> None:
    target, mask = torch.tensor([[[[1.0, 0], [0, 0]]]]), torch.tensor([[[[1.0, 1], [0, 0]]]])
    # At logit 0 a missed edge costs 2 ln 2, a false one ln 2; known pixels weigh 0.05.
    loss = edge_cross_entropy(torch.zeros(1, 1, 2, 2), target, mask)
    assert loss.item() == pytest.approx((2 + 1) / 2 * log(2) + 0.05 * log(2))


def test_edges_of_a_small_hole_count_like_those_of_a_large_one() -> None:
    target, mask = torch.zeros(2, 1, 4, 4), torch.zeros(2, 1, 4, 4)
    mask[0, :, 0, 0] = mask[1, :, :2] = 1
    right = torch.full((2, 1, 4, 4), -10.0)
    wrong_small, wrong_large = right.clone(), right.clone()
    wrong_small[0, :, 0, 0] = wrong_large[1, :, :2] = 10
    small, large = (edge_cross_entropy(logits, target, mask).item() for logits in (wrong_small, wrong_large))
    assert small == pytest.approx(large)
    assert small == pytest.approx(5, abs=0.01)


def test_completion_loss_by_hand() -> None:
    # Each hole pixel differs from those above and below it, and one from its left, one from its right.
    one = sqrt(0.5**2 + 0.01) - 0.1
    assert completion_loss(*window(0.5)).item() == pytest.approx(one + 0.3 * (4 / 2 * one + 2 / 2 * one), rel=1e-5)


def test_log_error_by_hand() -> None:
    # Mean square 0.25; differences down: four of 0.5 over two pixels; across: two.
    expected = log(0.2501) + 0.25 * (log(0.5001) + log(0.2501))
    assert log_error(*window(0.5)).item() == pytest.approx(0.2 * expected, rel=1e-5)


def test_log_error_has_a_floor() -> None:
    assert log_error(*window(0)).item() == pytest.approx(0.2 * 1.5 * log(1e-4))


@pytest.mark.parametrize("errors", [(40.0, 2.0), (20.0, 4.0)], ids=["halved in the bad window", "in the good one"])
def test_halving_any_windows_error_lowers_the_log_error_alike(errors: tuple[float, float]) -> None:
    before, after = (log_error(*batch(window(a), window(b))) for a, b in ((40.0, 4.0), errors))
    assert (before - after).item() == pytest.approx(0.2 * (1 + 0.5) * log(4) / 2, abs=1e-4)


def test_l1_per_hole_by_hand() -> None:
    inside = window(0.5)
    # 0.25 on the hole's eighth of the picture, divided by that eighth; then on all of it.
    assert l1_per_hole(inside.output, inside.image, inside.mask).item() == pytest.approx(0.25)
    assert l1_per_hole(inside.image + 0.25, inside.image, inside.mask).item() == pytest.approx(0.25 * 8)


def test_l1_without_a_hole_counts_one_pixel_of_hole() -> None:
    output, image, _, mask = window(0.5, hole=False)
    assert l1_per_hole(output + 0.5, image, mask).item() == pytest.approx(0.5 * 16)


@pytest.mark.parametrize("loss", [completion_loss, log_error])
def test_only_errors_in_the_hole_count(loss: Callable[..., Tensor]) -> None:
    output, image, fill, mask = window(0.5)
    elsewhere = output + 0.7 * (1 - mask)
    assert loss(elsewhere, image, fill, mask).item() == loss(output, image, fill, mask).item()


def test_a_window_without_a_hole_has_no_part_in_the_log_error() -> None:
    assert log_error(*batch(window(0.5), window(0.5, hole=False))).item() == log_error(*window(0.5)).item()


@pytest.mark.parametrize("loss", [completion_loss, log_error])
@pytest.mark.parametrize("others", [0, 1])
def test_a_window_without_a_hole_gets_no_gradient(loss: Callable[..., Tensor], others: int) -> None:
    output, image, fill, mask = batch(window(0.5, hole=False), *[window(0.5)] * others)
    output.requires_grad_()
    value = loss(output + 0.1, image, fill, mask)
    value.backward()
    assert output.grad is not None
    assert torch.equal(output.grad[0], torch.zeros(3, 4, 4))
    assert (output.grad[1:] != 0).any() == bool(others)
    assert (value.item() == 0) == (not others)


def test_edge_cross_entropy_without_a_hole_is_that_of_the_known_pixels() -> None:
    zeros = torch.zeros(1, 1, 4, 4)
    assert edge_cross_entropy(zeros, zeros, zeros).item() == pytest.approx(0.05 * log(2))


@pytest.mark.parametrize(
    ("kind", "real", "fake", "discriminator", "generator"),
    [
        # relu(1 - real): 0, 2; relu(1 + fake): 1.5, 0
        ("hinge", (2.0, -1.0), (0.5, -3.0), (1 + 0.75) / 2, 1.25),
        # (real - 1)²: 0, 0.25; fake²: 0.25, 0.04; (fake - 1)²: 0.25, 0.64
        ("lsgan", (1.0, 0.5), (0.5, 0.2), (0.125 + 0.145) / 2, 0.445),
        # Probabilities 1/2 and 3/4 of both.
        (
            "nsgan",
            (0.0, log(3)),
            (0.0, log(3)),
            ((log(2) + log(4 / 3)) / 2 + (log(2) + log(4)) / 2) / 2,
            (log(2) + log(4 / 3)) / 2,
        ),
    ],
)
def test_adversarial_losses_by_hand(
    kind: str, real: tuple[float, ...], fake: tuple[float, ...], discriminator: float, generator: float
) -> None:
    gan = Adversarial(kind)
    real_map, fake_map = (torch.tensor(values).view(1, 1, 1, 2) for values in (real, fake))
    assert gan.discriminator(real_map, fake_map).item() == pytest.approx(discriminator)
    assert gan.generator(fake_map).item() == pytest.approx(generator)


def test_nsgan_is_the_published_figure_of_probabilities_and_safe_beyond_them() -> None:
    gan = Adversarial("nsgan")
    logits = torch.linspace(-8, 8, 9).view(1, 1, 3, 3)
    assert gan.generator(logits).item() == pytest.approx(-torch.sigmoid(logits).log().mean().item(), rel=1e-5)
    assert gan.generator(torch.full((1, 1, 3, 3), -1000.0)).item() == pytest.approx(1000)


def test_only_least_squares_judge_probabilities() -> None:
    assert {kind for kind in ADVERSARIAL_KINDS if Adversarial(kind).sigmoid} == {"lsgan"}


def test_an_unknown_adversarial_loss_has_its_sentence() -> None:
    with pytest.raises(ValueError, match="'wgan' is unknown: choose one of nsgan, lsgan, hinge"):
        Adversarial("wgan")


def test_feature_matching_sums_the_maps_and_teaches_only_the_fake() -> None:
    real = [torch.zeros(1, 1, 2, 2, requires_grad=True), torch.ones(1, 2, 1, 1, requires_grad=True)]
    fake = [torch.tensor([[[[0.0, 2.0], [0.0, 0.0]]]], requires_grad=True), torch.full((1, 2, 1, 1), 3.0)]
    loss = feature_matching(real, fake)
    assert loss.item() == 0.5 + 2
    loss.backward()
    assert fake[0].grad is not None
    assert all(layer.grad is None for layer in real)


def test_perceptual_loss_sums_the_layers() -> None:
    image = torch.zeros(1, 3, 2, 2)
    # ±0.4 in the upper row: 0.2 on average as it is, and nothing in the mean of all four pixels; then +0.4 alone.
    both = image + torch.tensor([[0.4, -0.4], [0, 0]])
    one = image + torch.tensor([[0.4, 0], [0, 0]])
    assert perceptual_loss(same_and_pooled(), both, image).item() == pytest.approx(0.2)
    assert perceptual_loss(same_and_pooled(), one, image).item() == pytest.approx(0.1 + 0.1)


def test_style_loss_by_hand() -> None:
    image = torch.tensor([[1.0, 0], [0, 1], [0, 0]]).view(1, 3, 1, 2)
    output = torch.tensor([[1.0, 1], [0, 1], [0, 0]]).view(1, 3, 1, 2)
    # Gram matrices [[1, 0, 0], [0, 1, 0], [0, 0, 0]] and [[2, 1, 0], [1, 1, 0], [0, 0, 0]], divided by 3·1·2.
    assert style_loss(same_and_pooled(), output, image, torch.ones(1, 1, 1, 2)).item() == pytest.approx(3 / 6 / 9)


def test_gram_matrices_are_not_taken_in_16_bits() -> None:
    torch.manual_seed(0)
    image, output = torch.rand(2, 1, 3, 16, 16)
    mask = torch.ones(1, 1, 16, 16)
    full = style_loss(same_and_pooled(), output, image, mask)
    with torch.autocast("cpu", torch.bfloat16):
        assert style_loss(same_and_pooled(), output, image, mask).item() == full.item()


def astronaut_with_hole() -> tuple[Tensor, Tensor]:
    image = torch.from_numpy((data.astronaut()[:64, 160:224] / 255).astype(np.float32)).permute(2, 0, 1)[None]
    mask = torch.zeros(1, 1, 64, 64)
    mask[..., 16:48, 16:48] = 1
    return image, mask


def blurred(image: Tensor, sigma: float) -> Tensor:
    return torch.from_numpy(gaussian(image.numpy(), (0, 0, sigma, sigma)))


def test_perceptual_and_style_loss_grow_with_blur_and_vanish_for_equal_pictures(efficientnet: FeatureNetwork) -> None:
    image, mask = astronaut_with_hole()
    pictures = [image, blurred(image, 1), blurred(image, 3)]
    for same, little, much in (
        [perceptual_loss(efficientnet, picture, image).item() for picture in pictures],
        [style_loss(efficientnet, picture, image, mask).item() for picture in pictures],
    ):
        assert same == 0 < little < much


def test_style_is_that_of_the_hole(efficientnet: FeatureNetwork) -> None:
    image, mask = astronaut_with_hole()
    repaired = blurred(image, 2)
    elsewhere = repaired * mask + 0.5 * (1 - mask)
    losses = [style_loss(efficientnet, output, image, mask).item() for output in (repaired, elsewhere)]
    assert losses[0] == losses[1] > 0
    assert style_loss(efficientnet, repaired, image, 0 * mask).item() == 0


def test_losses_are_float32_and_about_the_same_under_autocast(efficientnet: FeatureNetwork) -> None:
    torch.manual_seed(0)
    image, mask = astronaut_with_hole()
    to_colours, to_edges, judge = (
        nn.Conv2d(3, 3, 3, padding=1),
        nn.Conv2d(3, 1, 3, padding=1),
        Discriminator(3, width=4),
    )
    judge.eval()  # so that the spectral norm stays what it is

    def losses() -> list[Tensor]:
        output, logits = to_colours(image), to_edges(image)
        (real, real_features), (fake, fake_features) = judge(image), judge(output)
        gans = [Adversarial(kind) for kind in ADVERSARIAL_KINDS]
        return [
            edge_cross_entropy(logits, mask, mask),
            completion_loss(output, image, image, mask),
            log_error(output, image, image, mask),
            l1_per_hole(output, image, mask),
            *(gan.discriminator(real, fake) for gan in gans),
            *(gan.generator(fake) for gan in gans),
            feature_matching(real_features, fake_features),
            perceptual_loss(efficientnet, output, image),
            style_loss(efficientnet, output, image, mask),
        ]

    with torch.autocast("cpu", torch.bfloat16):
        halved = losses()
    for half, full in zip(halved, losses(), strict=True):
        assert half.dtype == torch.float32
        assert half.item() == pytest.approx(full.item(), rel=0.05, abs=0.005)


def test_what_networks_give_in_16_bits_is_judged_in_32() -> None:
    torch.manual_seed(0)
    patches, mask = torch.randn(2, 1, 9, 9).bfloat16(), torch.ones(2, 1, 9, 9)
    gans = [Adversarial(kind) for kind in ADVERSARIAL_KINDS]

    def losses(given: Tensor) -> list[Tensor]:
        return [
            edge_cross_entropy(given, mask, mask),
            *(gan.discriminator(given, given) for gan in gans),
            *(gan.generator(given) for gan in gans),
            feature_matching([given], [2 * given]),
        ]

    for half, full in zip(losses(patches), losses(patches.float()), strict=True):
        assert half.dtype == torch.float32
        assert half.item() == full.item()


@pytest.mark.parametrize("kind", ADVERSARIAL_KINDS)
def test_only_patches_over_the_hole_are_judged(kind: str) -> None:
    gan = Adversarial(kind)
    hole = torch.zeros(1, 1, 8, 8)
    hole[..., 5, 6] = 1  # of the four patches, the lower right one
    patches = torch.tensor([[[[0.9, 0.1], [0.4, 0.3]]]])
    alone = torch.full((1, 1, 2, 2), 0.3)
    real = torch.tensor([[[[0.2, 0.6], [0.1, 0.8]]]])
    assert gan.generator(patches, hole).item() == pytest.approx(gan.generator(alone).item())
    expected = gan.discriminator(torch.full((1, 1, 2, 2), 0.8), alone)
    assert gan.discriminator(real, patches, hole).item() == pytest.approx(expected.item())
    assert gan.discriminator(real, patches, torch.zeros(1, 1, 8, 8)).item() == 0


def test_a_random_corner_is_the_same_for_all_and_at_most_so_far_in() -> None:
    torch.manual_seed(0)
    places = torch.arange(64.0).reshape(1, 1, 8, 8)
    corners = set()
    for _ in range(200):
        one, other = from_random_corner(2, places, places.expand(2, 3, 8, 8))
        assert torch.equal(one.expand_as(other), other)
        assert torch.equal(one[..., -1, -1], places[..., -1, -1])
        corners.add(int(one[0, 0, 0, 0]))
    assert corners == {8 * top + left for top in range(3) for left in range(3)}
    assert from_random_corner(0, places)[0] is places
