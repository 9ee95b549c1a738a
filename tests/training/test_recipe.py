"""Recipes: the paper's numbers, and every field open to a change that is checked before anything runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from napari_edgeconnect.training.recipe import RECIPES, Recipe, load_recipe


def test_the_published_recipe_has_the_papers_numbers() -> None:
    recipe = RECIPES["published"]
    assert (recipe.width, recipe.blocks, recipe.formulation, recipe.spectral) == (64, 8, "published", True)
    assert (recipe.optimiser, recipe.learning_rate, recipe.betas, recipe.schedule) == (
        "adam", 1e-4, (0.0, 0.9), "constant",
    )  # fmt: skip
    assert recipe.discriminator_rate == 0.1
    assert (recipe.edge_adversarial, recipe.edge_feature_matching, recipe.edge_cross_entropy) == (1, 10, 0)
    assert (recipe.l1, recipe.adversarial, recipe.perceptual, recipe.style) == (1, 0.1, 0.1, 250)
    assert (recipe.log_error, recipe.smooth_l1, recipe.ema, recipe.clip) == (0, 0, 0, 0)
    assert (recipe.crops, recipe.sigma, recipe.sigma_range) == (((1.0, 256, 8),), 2.0, (2.0, 2.0))


def test_fields_can_be_changed_by_name() -> None:
    changes = ["style=250", "gan=lsgan", "crops=[[0.5, 64, 16], [1.0, 128, 8]]", "betas=[0, 0.9]"]
    recipe = load_recipe("open-science", changes)
    assert (recipe.style, recipe.gan, recipe.betas) == (250, "lsgan", (0, 0.9))
    assert recipe.crops == ((0.5, 64, 16), (1.0, 128, 8))
    assert recipe.learning_rate == RECIPES["open-science"].learning_rate


def test_a_toml_file_says_what_differs(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('base = "published"\nlearning_rate = 3e-4\ncolours = true\n')
    recipe = load_recipe(str(path), ["width=8"])
    assert (recipe.learning_rate, recipe.colours, recipe.width, recipe.style) == (3e-4, True, 8, 250)


def test_crops_grow_with_the_steps() -> None:
    recipe = load_recipe("open-science", ["crops=[[0.25, 64, 16], [0.5, 96, 8], [1.0, 128, 4]]"])
    assert [recipe.plan(step, 100) for step in (0, 24, 25, 49, 50, 99, 100)] == [
        (64, 16), (64, 16), (96, 8), (96, 8), (128, 4), (128, 4), (128, 4),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("styl=1", "no field 'styl'"),
        ("style=much", "style is 'much': a value like 0.0"),
        ("width=1.5", "width is 1.5"),
        ("spectral=1", "spectral is 1: a value like False"),
        ("gan=wgan", "gan is 'wgan': known are"),
        ("damage=fire", "damage is 'fire': known are"),
        ("crops=[[0.5, 64, 16]]", "crops is"),
        ("crops=[[1.0, 66, 16]]", "multiples of 4"),
        ("learning_rate=0", "learning_rate is 0: give more than 0"),
        ("style", "give field=value"),
    ],
)
def test_a_change_that_cannot_be_used_has_its_sentence(change: str, said: str) -> None:
    with pytest.raises(ValueError, match=said.replace("[", r"\[")):
        load_recipe("open-science", [change])


def test_an_unknown_recipe_has_its_sentence(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="There is no recipe 'mine': known are open-science"):
        load_recipe("mine")
    path = tmp_path / "mine.toml"
    path.write_text("style = = 3")
    with pytest.raises(ValueError, match="no TOML file"):
        load_recipe(str(path))


def test_a_recipe_is_plain_values_for_a_state_file() -> None:
    values = RECIPES["published"].as_dict()
    assert values["crops"] == [[1.0, 256, 8]]
    assert (
        Recipe(**{**values, "crops": ((1.0, 256, 8),), "betas": (0.0, 0.9), "sigma_range": (2.0, 2.0)})
        == RECIPES["published"]
    )


def test_features_seen_from_further_in_than_half_a_crop_are_refused() -> None:
    with pytest.raises(ValueError, match="feature_shift is 32"):
        load_recipe("open-science", ["crops=[[1.0, 64, 8]]", "feature_shift=32"])
