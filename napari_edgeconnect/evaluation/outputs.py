"""What an evaluation writes: every file by its name, and what writes it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from ..files import write_json, write_text
from . import plots
from .cases import Case
from .run import UNFINISHED, Evaluation, Outcome
from .sheets import panel_names, strip_path, write_sheet
from .summary import summarise
from .table import figures_csv, markdown, summary_csv

Writer = Callable[[Path], None]

TABLE = "table.md"
_FIXED = ("figures.csv", "summary.csv", "evaluation.json", TABLE)
_PLOTS = ("plot_by_bin.png", "plot_gain.png")


def output_names(evaluation: Evaluation, cases: Sequence[Case]) -> list[str]:
    """Every file that will be written, the table last."""
    sheets = [f"sheet_{modality}.png" for modality in dict.fromkeys(case.modality for case in cases)]
    wanted = [*(_PLOTS if plots.is_available() else ()), *(sheets if evaluation.sheets else ()), *_FIXED]
    return [name for name in wanted if name != _PLOTS[1] or plots.has_gain(evaluation.methods)]


def writers(
    evaluation: Evaluation, outcomes: Sequence[Outcome], cases: Sequence[Case], folder: Path
) -> dict[Path, Writer]:
    """What writes each file of ``output_names``."""
    means = summarise(outcomes)
    record = evaluation.record(cases)
    made: dict[str, Writer] = {
        "figures.csv": partial(write_text, text=figures_csv(outcomes)),
        "summary.csv": partial(write_text, text=summary_csv(means)),
        "evaluation.json": partial(write_json, record=record),
        TABLE: partial(write_text, text=markdown(means, record)),
        _PLOTS[0]: partial(plots.write_by_bin, means=means),
        _PLOTS[1]: partial(plots.write_gain, means=means),
    }
    columns = panel_names(list(outcomes[0].figures), with_edges=bool(outcomes[0].edges))
    for modality in dict.fromkeys(case.modality for case in cases):
        bins = dict.fromkeys(case.bin for case in cases if case.modality == modality)
        strips = {bin_: strip_path(folder / UNFINISHED, modality, bin_) for bin_ in bins}
        made[f"sheet_{modality}.png"] = partial(write_sheet, strips=strips, columns=columns)
    return {folder / name: made[name] for name in output_names(evaluation, cases)}
