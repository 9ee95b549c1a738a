"""The paper's stages as tasks: what a network is given, what judges it, what it has to get right.

A *task* is one generator with its discriminator; a *stage* is one task, or
both of them trained jointly. No optimiser, schedule or file is known here.

References
----------
Nazeri et al., EdgeConnect, arXiv:1901.00212, section 3.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple, Protocol

import torch
from torch import Tensor, nn

from ..core.checkpoints import Kind
from ..core.formulations import FORMULATIONS, Formulation, known_statistics, luma
from ..core.networks import Discriminator, EdgeGenerator, Generator, InpaintGenerator
from . import losses
from .features import FeatureNetwork
from .recipe import Recipe

Batch = dict[str, Tensor]
Losses = dict[str, Tensor]
STAGES = ("edge", "inpaint", "edge-inpaint", "joint")
#: At which the edge model's precision and recall are reported (paper, section 4).
REPORTED_THRESHOLD = 0.5


class Guess(NamedTuple):
    """What a task made of a batch.

    Attributes
    ----------
    output : Tensor
        Edge probabilities (B, 1, H, W), or colours (B, 3, H, W).
    logits : Tensor
        The edge generator's before the sigmoid; of a completion, the colours again.
    real, fake : Tensor
        What the discriminator is shown.
    judged : Tensor or None
        (B, 1, H, W), 1 where it is asked; None: everywhere.
    """

    output: Tensor
    logits: Tensor
    real: Tensor
    fake: Tensor
    judged: Tensor | None


class Task(Protocol):
    """One generator under training."""

    judge: Discriminator | None

    @property
    def network(self) -> Generator:
        """Which."""

    def judgement(self, guess: Guess) -> Tensor:
        """The discriminator's own loss; it sees the guess cut off from the generator."""

    def losses(self, batch: Batch, guess: Guess, *, adversarial: bool) -> Losses:
        """The weighted terms whose sum is minimised."""

    def figures(self, batch: Batch, guess: Guess) -> dict[str, float]:
        """How good the guess is, inside the hole."""


class _Judged:
    """A task's discriminator, and what it has to learn."""

    gan: losses.Adversarial
    judge: Discriminator | None

    def judgement(self, guess: Guess) -> Tensor:
        assert self.judge is not None  # a stage asks only those that have one
        real, fake = self.judge(guess.real)[0], self.judge(guess.fake.detach())[0]
        return self.gan.discriminator(real, fake, guess.judged)


class EdgeTask(_Judged):
    """Stage 1: hallucinate the edges inside the hole (paper, section 3.1)."""

    def __init__(self, network: EdgeGenerator, recipe: Recipe, formulation: Formulation) -> None:
        self.network, self.recipe, self.formulation = network, recipe, formulation
        self.gan = losses.Adversarial(recipe.gan)
        adversarial = recipe.edge_adversarial or recipe.edge_feature_matching
        self.judge = _discriminator(2, recipe, self.gan) if adversarial else None

    def guess(self, batch: Batch) -> Guess:
        image, mask = batch["image"], batch["mask"]
        x = self.formulation.edge_input(image, batch["fill"], batch["edges"], mask)
        logits = self.network.raw(x).float()
        probability = torch.sigmoid(logits)
        shown = probability if self.recipe.whole_output else merged(probability, batch["target"], mask)
        gray = luma(_in_view(image, batch, self.formulation))
        return Guess(
            probability,
            logits,
            torch.cat([gray, batch["target"]], dim=1),
            torch.cat([gray, shown], dim=1),
            None if self.recipe.whole_output else mask,
        )

    def losses(self, batch: Batch, guess: Guess, *, adversarial: bool) -> Losses:
        recipe, terms = self.recipe, Losses()
        if recipe.edge_cross_entropy:
            entropy = losses.edge_cross_entropy(guess.logits, batch["target"], batch["mask"])
            terms["edge_cross_entropy"] = recipe.edge_cross_entropy * entropy
        if adversarial and self.judge is not None:
            fake, fake_features = self.judge(guess.fake)
            terms["edge_adversarial"] = recipe.edge_adversarial * self.gan.generator(fake, guess.judged)
            if recipe.edge_feature_matching:
                with torch.no_grad():
                    _, real_features = self.judge(guess.real)
                matching = losses.feature_matching(real_features, fake_features)
                terms["edge_feature_matching"] = recipe.edge_feature_matching * matching
        return terms

    @torch.no_grad()
    def figures(self, batch: Batch, guess: Guess) -> dict[str, float]:
        inside = batch["mask"] > 0
        found, true = (guess.output >= REPORTED_THRESHOLD) & inside, (batch["target"] > 0) & inside
        right = (found & true).sum().item()
        return {"precision": right / max(1, found.sum().item()), "recall": right / max(1, true.sum().item())}


class CompletionTask(_Judged):
    """Stage 2: complete the image from an edge map (paper, section 3.2)."""

    def __init__(
        self, network: InpaintGenerator, recipe: Recipe, formulation: Formulation, features: FeatureNetwork | None
    ) -> None:
        self.network, self.recipe, self.formulation = network, recipe, formulation
        self.gan, self.features = losses.Adversarial(recipe.gan), features
        self.judge = _discriminator(3, recipe, self.gan) if recipe.adversarial else None

    def guess(self, batch: Batch, edges: Tensor) -> Guess:
        image, mask = batch["image"], batch["mask"]
        output = self.formulation.completed(self.network, image, batch["fill"], edges, mask).float()
        shown = output if self.recipe.whole_output else merged(output, image, mask)
        return Guess(
            output,
            output,
            _in_view(image, batch, self.formulation),
            _in_view(shown, batch, self.formulation),
            None if self.recipe.whole_output else mask,
        )

    def losses(self, batch: Batch, guess: Guess, *, adversarial: bool) -> Losses:
        recipe, terms = self.recipe, Losses()
        output, image, fill, mask = guess.output, batch["image"], batch["fill"], batch["mask"]
        if recipe.l1:
            terms["l1"] = recipe.l1 * losses.l1_per_hole(output, image, mask)
        if recipe.smooth_l1:
            terms["smooth_l1"] = recipe.smooth_l1 * losses.completion_loss(output, image, fill, mask)
        if recipe.log_error:
            terms["log_error"] = recipe.log_error * losses.log_error(output, image, fill, mask)
        if self.features is not None and (recipe.perceptual or recipe.style):
            shown = output if recipe.whole_output else merged(output, image, mask)
            shown, true, hole = from_random_corner(recipe.feature_shift, shown, image, mask)
            if recipe.perceptual:
                terms["perceptual"] = recipe.perceptual * losses.perceptual_loss(self.features, shown, true)
            if recipe.style:
                terms["style"] = recipe.style * losses.style_loss(self.features, shown, true, hole)
        if adversarial and self.judge is not None:
            fake, _ = self.judge(guess.fake)
            terms["adversarial"] = recipe.adversarial * self.gan.generator(fake, guess.judged)
        return terms

    @torch.no_grad()
    def figures(self, batch: Batch, guess: Guess) -> dict[str, float]:
        error = (guess.output.clamp(0, 1) - batch["image"]) * batch["mask"]
        count = 3 * batch["mask"].sum((1, 2, 3)).clamp(min=1)
        psnr = -10 * torch.log10(((error**2).sum((1, 2, 3)) / count).clamp(min=1e-7))
        return {"psnr": psnr.mean().item(), "l1": (error.abs().sum((1, 2, 3)) / count).mean().item()}


def from_random_corner(shift: int, *batches: Tensor) -> list[Tensor]:
    """The same part of all ``batches``, (B, C, H, W): without up to ``shift`` rows and columns at top and left."""
    if not shift:
        return list(batches)
    top, left = torch.randint(shift + 1, (2,)).tolist()
    return [batch[..., top:, left:] for batch in batches]


class Stage:
    """What is trained together, and on which edges.

    Parameters
    ----------
    name : str
        One of ``STAGES``: "edge" alone; "inpaint" on true edges; "edge-inpaint" on the edge generator's, which
        stays as it is; "joint" trains both, the completion's loss reaching the edge generator through its map.
        The last two show the completion the true edges in the recipe's share of the samples.
    recipe : Recipe
    formulation : str
    generators : dict
        Under "edge", "inpaint" or both, as the stage needs them.
    features : FeatureNetwork or None
        For a recipe with perceptual or style loss.
    """

    def __init__(
        self,
        name: str,
        recipe: Recipe,
        formulation: str,
        generators: Mapping[Kind, Generator],
        features: FeatureNetwork | None = None,
    ) -> None:
        self.name, self.formulation = name, FORMULATIONS[formulation]
        self.tasks: dict[Kind, Task] = {}
        self._edge = self._completion = None
        edge, inpaint = generators.get("edge"), generators.get("inpaint")
        if isinstance(edge, EdgeGenerator):
            taught = name != "edge-inpaint"
            self._edge = EdgeTask(edge if taught else edge.eval().requires_grad_(False), recipe, self.formulation)
            if taught:
                self.tasks["edge"] = self._edge
            else:
                self._edge.judge = None
        if isinstance(inpaint, InpaintGenerator):
            self._completion = self.tasks["inpaint"] = CompletionTask(inpaint, recipe, self.formulation, features)

    def guesses(self, batch: Batch) -> dict[Kind, Guess]:
        """One forward pass of every task."""
        found: dict[Kind, Guess] = {}
        known, mask = batch["edges"], batch["mask"]
        inside = batch["target"]
        if self._edge is not None:
            proposed = self._edge.guess(batch)
            if "edge" in self.tasks:
                found["edge"] = proposed
            inside = batch["trusted"] * batch["target"] + (1 - batch["trusted"]) * proposed.output
        if self._completion is not None:
            # "inpaint" learns from the whole true map, whose lines run into the hole unbroken.
            edges = inside if self.name == "inpaint" else merged(inside, known, mask)
            found["inpaint"] = self._completion.guess(batch, edges)
        return found

    def generators(self) -> dict[Kind, Generator]:
        """Those that are trained and those that are only asked, by kind."""
        named: dict[Kind, Task | None] = {"edge": self._edge, "inpaint": self._completion}
        return {kind: task.network for kind, task in named.items() if task is not None}

    def modules(self) -> Iterator[nn.Module]:
        """Everything that has to be on the device."""
        for task in (self._edge, self._completion):
            if task is not None:
                yield task.network
                if task.judge is not None:
                    yield task.judge
        if self._completion is not None and self._completion.features is not None:
            yield self._completion.features


def merged(inside: Tensor, outside: Tensor, mask: Tensor) -> Tensor:
    """``inside`` in the hole, ``outside`` around it."""
    return inside * mask + outside * (1 - mask)


def _in_view(rgb: Tensor, batch: Batch, formulation: Formulation) -> Tensor:
    """Colours as a discriminator sees them: standardised where the generator sees them so."""
    if formulation.name == "published":
        return rgb
    mean, std = known_statistics(batch["fill"], batch["mask"])
    return (rgb - mean) / std


def _discriminator(channels: int, recipe: Recipe, gan: losses.Adversarial) -> Discriminator:
    return Discriminator(channels, width=recipe.width, sigmoid=gan.sigmoid)
