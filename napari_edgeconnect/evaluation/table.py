"""What people read: the Markdown tables, and the CSV files that programs read."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..core.settings import CLASSICAL_METHODS
from .figures import FIGURES, FRECHET_FIGURES, Figure, edge_figures
from .names import HALLUCINATED, NO_EDGES, TRUE_EDGES
from .run import Outcome
from .summary import ALL, TRUTH, Mean

_DECIDING = ("psnr_db_hole", "ssim_hole", "features_hole")
_ALL_FIGURES = {figure.name: figure for figure in (*FIGURES, *FRECHET_FIGURES)}
_ABOUT_TRUE_EDGES = (
    f"{TRUE_EDGES}: stage 2 gets the edges of the undamaged image, about what a perfect correction by hand could give; "
    f"{NO_EDGES}: it gets none inside the hole.\n"
)
_ARROWS = {"higher": "↑", "lower": "↓", "one": "→ 1"}


def figures_csv(outcomes: Sequence[Outcome]) -> str:
    """One row per case and method; an empty field where a figure says nothing."""
    rows = []
    for outcome in outcomes:
        for method, figures in outcome.figures.items():
            edges = outcome.edges if method == HALLUCINATED else {}
            rows.append({**outcome.case, "method": method, **figures, **edges})
    return _csv(rows)


def summary_csv(means: Sequence[Mean]) -> str:
    """One row per cell, method and figure."""
    return _csv([vars(mean) for mean in means])


def markdown(means: Sequence[Mean], record: Mapping[str, Any]) -> str:
    """Every table, with what its figures mean."""
    table = _Table(means)
    threshold = record["settings"]["threshold"]
    model = record["model"]["name"] if record["model"] else "none"
    noise = ", noise matched" if record["settings"]["match_noise"] else ""
    about = (
        f"{record['cases']} cases of {record['size']} x {record['size']} px from {len(record['images'])} images, seed "
        f"{record['seed']}, masks: {record['masks']}; model: {model}{noise}. Mean and 95 % interval (bootstrap over "
        "cases). ↑ higher is better, ↓ lower is better, → 1 one is best.\n"
    )
    parts = [
        "# Evaluation\n",
        about,
        "## All cases\n",
        table.by_method([f for f in _ALL_FIGURES.values() if table.has(f.name)]),
    ]
    for name in (*_DECIDING, "noise_level"):
        if table.has(name):
            parts += [f"## {_title(_ALL_FIGURES[name])}, by modality and bin\n", table.by_cell(_ALL_FIGURES[name])]
    if table.has_edges():
        parts += ["## Hallucinated edges in the hole, by bin\n", table.of_edges(edge_figures(threshold))]
    if table.differences:
        parts += ["## Paired differences, hole\n", table.of_differences()]
    behind = table.where_behind()
    if behind is not None:
        parts += ["## Which method to take where\n", behind]
    parts += ["## What the figures are\n", _legend([f for f in _ALL_FIGURES.values() if table.has(f.name)])]
    if TRUE_EDGES in table.methods:
        parts += [_ABOUT_TRUE_EDGES]
    return "\n".join(parts)


class _Table:
    """The means, by modality, bin, method and figure."""

    def __init__(self, means: Sequence[Mean]) -> None:
        self._means = {(m.modality, m.bin, m.method, m.figure): m for m in means}
        self.modalities = list(dict.fromkeys(m.modality for m in means))
        self.bins = list(dict.fromkeys(m.bin for m in means))
        names = list(dict.fromkeys(m.method for m in means))
        self.differences = [name for name in names if " - " in name]
        self.methods = [name for name in names if name not in self.differences and name != TRUTH]

    def has(self, figure: str) -> bool:
        return any(key[3] == figure for key in self._means)

    def has_edges(self) -> bool:
        return any(key[3].startswith("edge_") for key in self._means)

    def by_method(self, figures: Sequence[Figure]) -> str:
        """All cases together."""
        rows = [
            [method, *(self._text(ALL, ALL, method, figure) for figure in figures)] for method in (*self.methods, TRUTH)
        ]
        return _rows(["method", *map(_title, figures)], rows)

    def by_cell(self, figure: Figure) -> str:
        """One figure, every cell."""
        methods = [*self.methods, *([TRUTH] if figure.name == "noise_level" else [])]
        rows = [
            [modality, bin_, *(self._text(modality, bin_, method, figure) for method in methods)]
            for modality in self.modalities
            for bin_ in self.bins
        ]
        return _rows(["modality", "bin", *methods], rows)

    def of_edges(self, figures: Sequence[Figure]) -> str:
        rows = [[bin_, *(self._text(ALL, bin_, HALLUCINATED, figure) for figure in figures)] for bin_ in self.bins]
        return _rows(["bin", *(figure.label for figure in figures)], rows)

    def of_differences(self) -> str:
        figures = [_ALL_FIGURES[name] for name in _DECIDING if self.has(name)]
        rows = [
            [name, bin_, *(self._text(ALL, bin_, name, figure) for figure in figures)]
            for name in self.differences
            for bin_ in self.bins
        ]
        return _rows(["difference", "bin", *map(_title, figures)], rows)

    def where_behind(self) -> str | None:
        """The cells in which EdgeConnect is behind, and behind which method; None where the two did not meet."""
        classical = [name for name in self.methods if name in CLASSICAL_METHODS]
        figures = [_ALL_FIGURES[name] for name in _DECIDING if self.has(name)]
        if HALLUCINATED not in self.methods or not classical:
            return None
        rows, cells, behind = [], 0, dict.fromkeys(figures, 0)
        for modality in self.modalities:
            for bin_ in self.bins:
                if ALL in (modality, bin_) or (modality, bin_, HALLUCINATED, _DECIDING[0]) not in self._means:
                    continue
                cells += 1
                ahead = [self._ahead(modality, bin_, figure, classical) for figure in figures]
                for figure, method in zip(figures, ahead, strict=True):
                    behind[figure] += bool(method)
                if any(ahead):
                    rows.append([modality, bin_, *ahead])
        counts = ", ".join(f"{n} of {cells} by {figure.label}" for figure, n in behind.items())
        head = (
            f"Cells in which the best classical method is ahead of {HALLUCINATED}, by their means: {counts}. The "
            "figure is by how much, in **bold** where the paired 95 % interval leaves out 0. Where nothing is named: "
            f"{HALLUCINATED}.\n"
        )
        return head + ("\n" + _rows(["modality", "bin", *map(_title, figures)], rows) if rows else "")

    def _ahead(self, modality: str, bin_: str, figure: Figure, classical: Sequence[str]) -> str:
        """The best classical method and by how much, or nothing where EdgeConnect is as good."""
        sign = 1 if figure.better == "higher" else -1
        means = {name: self._means.get((modality, bin_, name, figure.name)) for name in (HALLUCINATED, *classical)}
        scores = {name: sign * mean.mean for name, mean in means.items() if mean is not None}
        best = max(scores, key=lambda name: scores[name], default=HALLUCINATED)
        if HALLUCINATED not in scores or scores[best] <= scores[HALLUCINATED]:
            return ""
        text = f"{best}, {scores[best] - scores[HALLUCINATED]:.{figure.decimals}f}"
        paired = self._means.get((modality, bin_, f"{HALLUCINATED} - {best}", figure.name))
        if paired is None or paired.low is None or paired.high is None or paired.low <= 0 <= paired.high:
            return text
        return f"**{text}**"

    def _text(self, modality: str, bin_: str, method: str, figure: Figure) -> str:
        mean = self._means.get((modality, bin_, method, figure.name))
        if mean is None:
            return ""
        text = f"{mean.mean:.{figure.decimals}f}"
        if mean.low is None or mean.high is None:
            return text
        return f"{text} [{mean.low:.{figure.decimals}f}, {mean.high:.{figure.decimals}f}]"


def _title(figure: Figure) -> str:
    return f"{figure.label} {_ARROWS[figure.better]}"


def _legend(figures: Iterable[Figure]) -> str:
    return "".join(f"- **{figure.label}** (`{figure.name}`): {figure.meaning}\n" for figure in figures)


def _rows(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _csv(rows: Sequence[Mapping[str, Any]]) -> str:
    columns = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
