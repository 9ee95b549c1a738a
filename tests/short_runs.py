"""Training runs that take a second, for tests."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from napari_edgeconnect.core.results import result_of
from napari_edgeconnect.training.recipe import RECIPES, Recipe
from napari_edgeconnect.training.trainer import Outcome, Run, train_steps


def small(recipe: str = "open-science", **changes: Any) -> Recipe:
    """A recipe for networks and crops that a test can afford."""
    sizes = {"width": 4, "blocks": 1, "crops": ((1.0, 32, 2),), "warmup_steps": 1, "learning_rate": 2e-3}
    return replace(RECIPES[recipe], **{**sizes, **changes})


def finished(run: Run) -> Outcome:
    """Run to the end, or to where it stops."""
    return result_of(train_steps(run))
