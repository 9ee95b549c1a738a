"""The self-test as Markdown: the advice first, then every figure with its interval."""

from __future__ import annotations

from .advice import FLOOR, TITLES, digits, interval
from .figures import FIGURES, TrialFigure
from .run import SelfTest

_ARROWS = {"higher": "↑", "lower": "↓", "one": "→ 1"}


def markdown(test: SelfTest) -> str:
    """What a person reads of a self-test."""
    number = len(test.trials)
    head = ["method", *(f"{figure.label} {_ARROWS[figure.better]}" for figure in FIGURES)]
    rows = [[TITLES[method], *(cell(test, method, figure) for figure in FIGURES)] for method in test.methods]
    about = (
        f"Means over {number} cop{'y' if number == 1 else 'ies'} of the image's own damage, placed where the truth is "
        "known, with 95 % intervals (bootstrap over the copies). ↑ higher is better, ↓ lower is better, → 1 one is "
        f"best. {TITLES[FLOOR].capitalize()} is what every method must beat.\n"
    )
    parts = [
        "# Self-test\n",
        "".join(f"{sentence}\n\n" for sentence in (*test.advice.sentences, *(r.sentence for r in test.reasons))),
        about,
        _rows([head, ["---"] * len(head), *rows]),
        "".join(f"- **{figure.label}**: {figure.meaning}.\n" for figure in FIGURES),
        "## The copies\n",
        _rows([["copy", "row", "column", "pixels", "made"], ["---"] * 5, *_places(test)]),
    ]
    if test.missing:
        parts.append(f"Not installed, so not compared: {', '.join(TITLES[name] for name in test.missing)}.\n")
    return "\n".join(parts)


def cell(test: SelfTest, method: str, figure: TrialFigure) -> str:
    """A method's mean of one figure with its interval; empty where no copy says anything."""
    mean = interval([trial.figures[method][figure.name] for trial in test.trials])
    if mean is None:
        return ""

    def text(value: float) -> str:
        return digits(value) if figure.decimals is None else f"{value:.{figure.decimals}f}"

    return text(mean.mean) if mean.low is None or mean.high is None else (
        f"{text(mean.mean)} [{text(mean.low)}, {text(mean.high)}]"
    )  # fmt: skip


def _places(test: SelfTest) -> list[list[str]]:
    rows = []
    for number, trial in enumerate(test.trials, start=1):
        placed = trial.placed.as_dict()
        how = [f"turned by {90 * placed['quarter_turns']}°"] if placed["quarter_turns"] else []
        how += ["mirrored"] if placed["mirrored"] else []
        how += [f"shrunk to {100 * placed['scale']:.0f} %, because the damage fits nowhere"] * (placed["scale"] < 1)
        where = [str(placed[key]) for key in ("top", "left", "pixels")]
        rows.append([str(number), *where, ", ".join(["moved", *how])])
    return rows


def _rows(lines: list[list[str]]) -> str:
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
