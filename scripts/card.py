"""Writes into a model card what can be counted: an evaluation, and the images that the model was trained on.

    python scripts/card.py weights/MODEL --evaluation OUT --sources DATA/SOURCES.csv

--evaluation takes what `napari-edgeconnect evaluate` wrote: its tables replace what stands in the model's README.md
between `<!-- evaluation -->` and `<!-- /evaluation -->`, its contact sheets become small JPEGs in `sheets/`.
--sources writes `SOURCES.md`: who made the images, and under which licence. Either goes without the other, and
the same command twice changes nothing. Text outside the markers is written by hand, figures in it included.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import posixpath
import re
import sys
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from napari_edgeconnect.core.checkpoints import CheckpointError
from napari_edgeconnect.core.models import ModelNotFoundError, find_model

OPENING, CLOSING = "<!-- evaluation -->", "<!-- /evaluation -->"
CARD, SOURCES, SHEETS = "README.md", "SOURCES.md", "sheets"

MOST_SHEETS = 10
SHEET_BYTES = 60_000
#: As wide as the repository page shows a picture; below the scale, labels of 10 px can't be read.
SHEET_WIDTH_PX, SMALLEST_SCALE = 980, 0.6
QUALITIES = range(85, 14, -5)

Row = dict[str, str]


class CardError(ValueError):
    """Why nothing was written, in one sentence."""


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path, help="the model's folder, which holds its README.md")
    parser.add_argument("--evaluation", type=Path, metavar="OUT", help="a folder that `evaluate` wrote")
    parser.add_argument("--sources", type=Path, metavar="CSV", help="a row for each image: file, split, licence, …")
    asked = parser.parse_args(arguments)
    if asked.evaluation is None and asked.sources is None:
        parser.error("give --evaluation, --sources or both")
    try:
        files: dict[Path, bytes] = {}
        if asked.evaluation is not None:
            files |= evaluation_files(asked.evaluation, asked.model)
        if asked.sources is not None:
            files[asked.model / SOURCES] = sources_page(asked.model.resolve().name, _rows(asked.sources)).encode()
    except (CardError, CheckpointError, ModelNotFoundError) as error:
        sys.exit(f"Error: {error}")
    for path, content in files.items():
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
        print(path)
    if asked.evaluation is not None:
        for path in set((asked.model / SHEETS).glob("*.jpg")) - set(files):
            path.unlink()  # of a modality that is evaluated no more
        print(f"Figures outside the markers of {asked.model / CARD} are written by hand: see that they still hold.")


# The evaluation


def evaluation_files(evaluation: Path, model: Path) -> dict[Path, bytes]:
    """The card with its new section, and the sheets that it shows."""
    card = _text(model / CARD)
    record = json.loads(_text(evaluation / "evaluation.json"))
    if record["model"] is None or record["model"]["sha256"] != find_model(model).sha256:
        raise CardError(f"{evaluation} is not an evaluation of the weights in {model}: evaluate these.")
    sheets = sorted(evaluation.glob("sheet_*.png"))[:MOST_SHEETS]
    pictures = {f"{SHEETS}/{path.stem.removeprefix('sheet_')}.jpg": small_jpeg(path) for path in sheets}
    section = evaluation_section(_text(evaluation / "table.md"), pictures, _rows(evaluation / "figures.csv"))
    files = {model / name: content for name, content in pictures.items()}
    return files | {model / CARD: with_section(card, section).encode()}


def evaluation_section(table: str, pictures: Collection[str], figures: Iterable[Row]) -> str:
    """What stands between the markers: every table of the evaluation, and its sheets."""
    _, _, tables = table.partition("\n")  # without its title
    tables = re.sub(r"^## ", "### ", tables, flags=re.MULTILINE)
    parts = ["## What was measured\n", tables.strip() + "\n"]
    shown: dict[str, set[str]] = defaultdict(set)
    for row in figures:
        if row["number"] == "0":
            shown[row["modality"]].add(row["image"])
    if pictures:
        about = (
            "The first case of each modality and bin; the pictures are in the repository only, not in the package. "
            f"They are crops of held-out images and stay under those images' licences, see [{SOURCES}]({SOURCES}), "
            "not under the model's.\n"
        )
        parts += ["### Contact sheets\n", about]
    for picture in pictures:
        modality = Path(picture).stem
        parts += [f"![{modality}]({picture})\n", f"Crops of {', '.join(map(_code, sorted(shown[modality])))}.\n"]
    return "\n".join(parts)


def with_section(card: str, section: str) -> str:
    """A card with another section between its markers."""
    if card.count(OPENING) != 1 or card.count(CLOSING) != 1 or card.index(OPENING) > card.index(CLOSING):
        raise CardError(
            f"The card needs {OPENING} and, behind it, {CLOSING}, each once, around what is to be replaced."
        )
    before, _, rest = card.partition(OPENING)
    _, _, after = rest.partition(CLOSING)
    return f"{before}{OPENING}\n\n{section.strip()}\n\n{CLOSING}{after}"


def small_jpeg(sheet: Path) -> bytes:
    """A contact sheet in at most ``SHEET_BYTES``, its labels legible."""
    picture = Image.open(sheet).convert("RGB")
    scale = min(1.0, max(SMALLEST_SCALE, SHEET_WIDTH_PX / picture.width))
    size = [round(scale * side) for side in picture.size]
    picture = picture.resize((size[0], size[1]), Image.Resampling.LANCZOS)
    for quality in QUALITIES:
        file = io.BytesIO()
        picture.save(file, "JPEG", quality=quality, optimize=True, progressive=True)
        if file.tell() <= SHEET_BYTES:
            return file.getvalue()
    raise CardError(f"{sheet} has too many pixels for a legible picture of {SHEET_BYTES // 1000} kB: use --size 128.")


# The sources


def sources_page(model: str, rows: Sequence[Row]) -> str:
    """Who made the images, and under which licence: those trained on by collection, the held-out ones one by one."""
    trained = [row for row in rows if row["split"] == "train"]
    held_out = [row for row in rows if row["split"] == "holdout"]
    if not trained:
        raise CardError("No row of the sources has the split 'train'.")
    about = (
        f"The model was trained on {len(trained):,} images and evaluated on {len(held_out):,} others, which training "
        "never saw. Licences and names are as the sources state them. The images were changed: cropped, scaled down, "
        "contrasts mapped to 8 bits; training cuts, turns, mirrors, scales, inverts and damages them further. None of "
        "them is in the package. No author endorses the model.\n"
    )
    by_collection = "By collection; for images that are to be attributed (CC BY, CC BY-SA), with their files there.\n"
    parts = [f"# The images behind {model}\n", about, "## Trained on\n", by_collection]
    for collection, inside in _grouped(trained, lambda row: _origin(row)[0]).items():
        parts.append(f"### [{_plain(collection)}]({_url(collection)})\n")
        folder = posixpath.commonpath([posixpath.dirname(_origin(row)[1]) for row in inside])
        if folder:
            parts.append(f"In {_code(folder)}.\n")
        groups = _grouped(inside, lambda row: (row["licence"], row["attribution"]))
        parts.append("".join(_line(licence, author, images, folder) for (licence, author), images in groups.items()))
    if held_out:
        parts += ["## Evaluated on\n", _table(held_out)]
        linked = {_origin(row)[0] for row in trained}
        others = sorted({_origin(row)[0] for row in held_out} - linked)
        parts += ["".join(f"- {_plain(collection)}: <{_url(collection)}>\n" for collection in others)] if others else []
    parts += ["## Licences\n", "".join(f"- {name}: <{url}>\n" for name, url in _licence_links(rows).items())]
    return "\n".join(parts)


def _line(licence: str, author: str, images: Sequence[Row], folder: str) -> str:
    count = f"{len(images)} image{'s' if len(images) > 1 else ''}"
    works = sorted({_origin(row)[1].removeprefix(f"{folder}/") for row in images})
    named = f": {', '.join(map(_code, works))}" if licence.startswith("CC-BY") else ""
    return f"- {_plain(author)}; {_plain(licence)}; {count}{named}\n"


def _table(rows: Sequence[Row]) -> str:
    lines = ["| image | from | author | licence |", "| --- | --- | --- | --- |"]
    for row in sorted(rows, key=lambda row: row["file"]):
        collection, work = _origin(row)
        image = row["file"].removeprefix("holdout/")
        cells = (
            _code(image),
            f"{_plain(collection)}: {_code(work)}",
            _plain(row["attribution"]),
            _plain(row["licence"]),
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _origin(row: Row) -> tuple[str, str]:
    """Collection and file of a source: "github:owner/name@commit : path", "debian:package=version path : file", …"""
    found = re.match(r"(github:[^@\s]+(?:@\w+)?|debian:\S+|(?:npm|pypi):\S+ \S+)(.*) : (.+)$", row["source"])
    if found is None:
        raise CardError(f"The source of {row['file']} is not understood: {row['source']!r}.")
    collection, inside, work = found.groups()
    inside = inside.strip(" :")
    if inside.startswith("("):  # of an earlier commit: (history blob …)
        return collection, f"{work} {inside}"
    if Path(inside).suffix:  # cut out of a larger file
        return collection, f"{inside} ({work})"
    return collection, f"{inside}/{work}" if inside else work


def _url(collection: str) -> str:
    where, _, what = collection.partition(":")
    name, _, version = what.replace("=", " ").partition(" ")
    if where == "github":
        name, _, commit = what.partition("@")
        return f"https://github.com/{name}" + (f"/tree/{commit}" if commit else "")
    if where == "debian":
        return f"https://snapshot.debian.org/binary/{name}/"
    if where == "pypi":
        return f"https://pypi.org/project/{name}/{version}/"
    return f"https://www.npmjs.com/package/{name}/v/{version}"


def _licence_links(rows: Iterable[Row]) -> dict[str, str]:
    links = {}
    for licence in sorted({row["licence"] for row in rows}):
        if found := re.match(r"CC-BY(-SA)?-(\d\.\d)(-US)?", licence):
            alike, version, us = found.groups(default="")
            country = "us/" if us else ""
            links[found[0]] = f"https://creativecommons.org/licenses/by{alike.lower()}/{version}/{country}"
        elif found := re.match(r"CC0-1.0", licence):
            links[found[0]] = "https://creativecommons.org/publicdomain/zero/1.0/"
        elif found := re.match(r"MIT|BSD-\d-[Cc]lause", licence):
            name = found[0].replace("clause", "Clause")
            links[name] = f"https://spdx.org/licenses/{name}.html"
    return links


def _grouped(rows: Iterable[Row], by: Callable[[Row], Any]) -> dict[Any, list[Row]]:
    """Rows by what they share, sorted."""
    groups = defaultdict(list)
    for row in rows:
        groups[by(row)].append(row)
    return dict(sorted(groups.items()))


# Files and Markdown


def _text(path: Path) -> str:
    if not path.is_file():
        raise CardError(f"There is no file {path}.")
    return path.read_text(encoding="utf-8")


def _rows(path: Path) -> list[Row]:
    return list(csv.DictReader(io.StringIO(_text(path))))


def _code(text: str) -> str:
    return f"`{text}`"


def _plain(text: str) -> str:
    """Text that Markdown leaves as it is; addresses are left alone."""
    return re.sub(r"(https?://\S+)|([\\`*_\[\]<>|#])", lambda m: m[1] or f"\\{m[2]}", text)


if __name__ == "__main__":
    main()
