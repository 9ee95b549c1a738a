"""What scripts/card.py writes into a model card, from a real evaluation."""

from __future__ import annotations

import csv
import io
import re
import runpy
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage import data
from typer.testing import CliRunner

from napari_edgeconnect.cli import app
from napari_edgeconnect.core.models import find_model
from napari_edgeconnect.files import write_image

ROOT = Path(__file__).parents[1]
CARDS = sorted((ROOT / "weights").glob("*/README.md"))
BUNDLED = find_model("open-science-16").folder
CARD = """# Model card

Above, by hand.

<!-- evaluation -->

| an old table |

<!-- /evaluation -->

Below, by hand.
"""
HEAD = ("file", "split", "licence", "attribution", "source")
ROWS = [
    ("train/photo/a.jpg", "train", "CC-BY-SA-3.0", "Ann O'Nym", "github:some/pictures@0123abcd : sea/one_by_Ann.jpg"),
    ("train/photo/b.jpg", "train", "CC-BY-SA-3.0", "Ann O'Nym", "github:some/pictures@0123abcd : sea/two_by_Ann.jpg"),
    ("train/photo/c.jpg", "train", "CC0-1.0", "a*b", "github:some/pictures@0123abcd : sea/three.jpg"),
    ("train/em/d.png", "train", "CC-BY-4.0", "Lab", "github:lab/stacks@ff00:raw/00.tif : 00-x0y0.tif"),
    ("train/photo/e.jpg", "train", "CC-BY-4.0", "Nym", "github:some/walls (history blob 77aa) : w.jpg"),
    ("train/astro/f.png", "train", "PD", "NASA http://a.b/c_d", "debian:stars-data=0.2-1 usr/share/stars : m1.png"),
    ("train/photo/g.jpg", "train", "CC-BY-2.0", "Flick", "pypi:scikit-learn 1.9.1 : images/china.jpg"),
    ("holdout/photo/h.jpg", "holdout", "CC-BY-4.0", "Kim", "npm:@std/data 0.4.0 : h_h.jpg"),
]


@pytest.fixture(scope="module")
def script():
    return runpy.run_path(str(ROOT / "scripts" / "card.py"))


@pytest.fixture(scope="module")
def evaluation(tmp_path_factory) -> Path:
    """What the command wrote, for the bundled weights, on one small image."""
    folder = tmp_path_factory.mktemp("card")
    (folder / "images" / "coins").mkdir(parents=True)
    write_image(folder / "images" / "coins" / "coins.png", data.coins()[100:180, :80])
    options = ["--size", "64", "--cases", "1", "--device", "cpu", "--methods", "edgeconnect,biharmonic,mean"]
    done = CliRunner().invoke(app, ["evaluate", str(folder / "images"), "-o", str(folder / "out"), *options])
    assert done.exit_code == 0, done.output
    return folder / "out"


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = tmp_path / "some-model"
    folder.mkdir()
    for name in ("edge.safetensors", "inpaint.safetensors"):
        shutil.copyfile(BUNDLED / name, folder / name)
    (folder / "README.md").write_text(CARD, encoding="utf-8")
    return folder


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    text = io.StringIO()
    csv.writer(text).writerows([HEAD, *ROWS])
    path = tmp_path / "SOURCES.csv"
    path.write_text(text.getvalue(), encoding="utf-8")
    return path


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def refused(script, capsys, *arguments: object) -> str:
    with pytest.raises(SystemExit) as ended:
        script["main"]([str(argument) for argument in arguments])
    assert capsys.readouterr().out == ""
    return str(ended.value)


def test_every_row_of_the_tables_goes_between_the_markers_and_the_rest_stays(script, evaluation, model) -> None:
    script["main"]([str(model), "--evaluation", str(evaluation)])
    before, inside, after = re.split("<!-- /?evaluation -->", (model / "README.md").read_text(encoding="utf-8"))
    assert before == CARD.partition("<!--")[0]
    assert after == CARD.rpartition("-->")[2]
    assert "an old table" not in inside
    rows = [line for line in (evaluation / "table.md").read_text(encoding="utf-8").splitlines() if line[:1] == "|"]
    assert len(rows) > 30
    assert [line for line in inside.splitlines() if line[:1] == "|"] == rows
    assert "\n### Which method to take where\n" in inside
    assert re.findall("^##? .*", inside, flags=re.MULTILINE) == ["## What was measured"]
    assert "![coins](sheets/coins.jpg)\n\nCrops of `coins/coins.png`." in inside
    assert Image.open(model / "sheets" / "coins.jpg").format == "JPEG"


def test_the_same_command_twice_changes_nothing(script, evaluation, model, sources) -> None:
    arguments = [str(model), "--evaluation", str(evaluation), "--sources", str(sources)]
    script["main"](arguments)
    once = contents(model)
    script["main"](arguments)
    assert contents(model) == once
    assert set(once) >= {"SOURCES.md", str(Path("sheets", "coins.jpg"))}


def test_sheets_of_an_earlier_evaluation_go(script, evaluation, model) -> None:
    (model / "sheets").mkdir()
    (model / "sheets" / "moon.jpg").write_bytes(b"of a modality that is evaluated no more")
    script["main"]([str(model), "--evaluation", str(evaluation)])
    assert [path.name for path in (model / "sheets").iterdir()] == ["coins.jpg"]


def test_a_card_has_at_most_ten_sheets(script, evaluation, model, tmp_path) -> None:
    many = shutil.copytree(evaluation, tmp_path / "many")
    for number in range(12):
        shutil.copyfile(many / "sheet_coins.png", many / f"sheet_{number:02}.png")
    script["main"]([str(model), "--evaluation", str(many)])
    shown = re.findall(r"!\[.*?\]\((.*?)\)", (model / "README.md").read_text(encoding="utf-8"))
    assert len(shown) == 10
    assert {model / name for name in shown} == set((model / "sheets").iterdir())


def test_a_sheet_of_the_usual_size_is_small_whatever_it_shows(script, tmp_path) -> None:
    tile = np.concatenate([data.brick(), data.grass(), data.gravel()], axis=1)
    Image.fromarray(np.tile(tile, (2, 2))[:808, :1632]).save(tmp_path / "sheet.png")
    jpeg = script["small_jpeg"](tmp_path / "sheet.png")
    assert len(jpeg) <= 60_000
    assert Image.open(io.BytesIO(jpeg)).size == (980, 485)
    noise = np.random.default_rng(0).integers(0, 256, (2000, 3200), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "sheet.png")
    with pytest.raises(ValueError, match="--size 128"):
        script["small_jpeg"](tmp_path / "sheet.png")


@pytest.mark.parametrize(
    "card",
    [
        "# No markers\n",
        "<!-- evaluation -->\nnever closed\n",
        "<!-- /evaluation -->\nthe wrong way round\n<!-- evaluation -->\n",
        "<!-- evaluation --><!-- /evaluation --><!-- evaluation --><!-- /evaluation -->",
    ],
)
def test_a_card_without_its_markers_is_left_alone(script, capsys, evaluation, model, card) -> None:
    (model / "README.md").write_text(card, encoding="utf-8")
    before = contents(model)
    assert "The card needs <!-- evaluation -->" in refused(script, capsys, model, "--evaluation", evaluation)
    assert contents(model) == before


def test_an_evaluation_of_other_weights_is_refused(script, capsys, evaluation, model) -> None:
    with (model / "edge.safetensors").open("r+b") as file:
        file.seek(-1, 2)
        last = file.read(1)
        file.seek(-1, 2)
        file.write(bytes([last[0] ^ 1]))
    before = contents(model)
    assert "not an evaluation of the weights" in refused(script, capsys, model, "--evaluation", evaluation)
    assert contents(model) == before


def test_what_is_not_there_is_named(script, capsys, evaluation, model, tmp_path) -> None:
    assert "no file" in refused(script, capsys, model, "--evaluation", tmp_path)
    assert "no file" in refused(script, capsys, tmp_path, "--evaluation", evaluation)
    assert "no file" in refused(script, capsys, model, "--sources", tmp_path / "nowhere.csv")


def test_sources_name_authors_licences_works_and_addresses(script, model, sources) -> None:
    script["main"]([str(model), "--sources", str(sources)])
    page = (model / "SOURCES.md").read_text(encoding="utf-8")
    trained, _, evaluated = page.partition("## Evaluated on")
    assert "trained on 7 images and evaluated on 1 others" in trained
    assert "### [github:some/pictures@0123abcd](https://github.com/some/pictures/tree/0123abcd)" in trained
    assert "In `sea`." in trained
    assert "- Ann O'Nym; CC-BY-SA-3.0; 2 images: `one_by_Ann.jpg`, `two_by_Ann.jpg`\n" in trained
    assert "- a\\*b; CC0-1.0; 1 image\n" in trained
    assert "- Lab; CC-BY-4.0; 1 image: `00.tif (00-x0y0.tif)`\n" in trained
    assert "- Nym; CC-BY-4.0; 1 image: `w.jpg (history blob 77aa)`\n" in trained
    assert "### [debian:stars-data=0.2-1](https://snapshot.debian.org/binary/stars-data/)" in trained
    assert "- NASA http://a.b/c_d; PD; 1 image\n" in trained
    assert "(https://pypi.org/project/scikit-learn/1.9.1/)" in trained
    assert "Kim" not in trained
    assert "| `photo/h.jpg` | npm:@std/data 0.4.0: `h_h.jpg` | Kim | CC-BY-4.0 |" in evaluated
    assert "<https://www.npmjs.com/package/@std/data/v/0.4.0>" in evaluated
    assert "- CC-BY-SA-3.0: <https://creativecommons.org/licenses/by-sa/3.0/>" in evaluated
    assert (model / "README.md").read_text(encoding="utf-8") == CARD


def test_a_source_that_is_not_understood_is_named(script, capsys, model, sources) -> None:
    with sources.open("a", encoding="utf-8") as file:
        file.write("train/photo/i.jpg,train,CC0-1.0,Me,my own desk\n")
    assert "train/photo/i.jpg is not understood: 'my own desk'" in refused(script, capsys, model, "--sources", sources)


@pytest.mark.parametrize("card", CARDS, ids=lambda path: path.parent.name)
def test_a_bundled_card_can_be_renewed_and_every_link_of_it_leads_somewhere(script, card) -> None:
    text = card.read_text(encoding="utf-8")
    assert "\nANOTHER\n" in script["with_section"](text, "ANOTHER")
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", text) if "://" not in link]
    assert "SOURCES.md" in links
    for link in links:
        assert (card.parent / link).is_file(), link
