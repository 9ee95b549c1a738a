"""What the README shows works as it is written there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from skimage import data
from typer.testing import CliRunner

from napari_edgeconnect.cli import app

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)


def test_the_python_example_runs() -> None:
    image = data.camera()[:160, :160].copy()
    mask = np.zeros(image.shape, dtype=bool)
    mask[100:140, 30:90] = True
    (example,) = blocks("python")
    names: dict[str, Any] = {"image": image, "mask": mask}
    exec(example, names)
    assert np.array_equal(names["result"][~mask], image[~mask])
    assert names["repair"].record["edges"]["drawn_px"] == 40


@pytest.mark.parametrize(
    "line", [line for block in blocks("sh") for line in block.splitlines() if line.startswith("napari-edgeconnect")]
)
def test_the_commands_have_the_options_they_are_shown_with(line: str) -> None:
    words = re.sub(r'"[^"]*"', "quoted", line).split()[1:]
    command = [word for word in words[:2] if word.isalpha()][: 2 if words[:2] == ["models", "import"] else 1]
    help_text = CliRunner().invoke(app, [*command, "--help"], env={"COLUMNS": "200"}).output
    for option in (word for word in words if word.startswith("-")):
        assert option in help_text


def test_every_picture_and_page_it_links_to_is_there() -> None:
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", README) if "://" not in link]
    assert len(links) > 5
    for link in links:
        assert (ROOT / link).is_file(), link
