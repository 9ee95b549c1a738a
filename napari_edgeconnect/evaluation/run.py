"""The run: case after case, kept as it goes, so that it can be interrupted and go on.

One line of JSON per finished case is appended to a file in the run's own
folder. Nothing but the current case is in memory. Whether the run was
interrupted makes no difference to any figure.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Generator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from .. import __version__
from ..core.edgeconnect import EdgeConnect
from ..core.metrics import noise_level
from ..core.results import Step
from ..core.settings import Settings
from ..files import FileError
from .cases import Case, CaseList, Loaded
from .figures import edge_values, image_figures, rounded
from .methods import repaired
from .perceptual import Perceptual, PerceptualNetwork
from .sheets import save_strip

#: What a run that is not finished leaves in its output folder.
UNFINISHED = ".unfinished"
_LOG = "cases.jsonl"


@dataclass(frozen=True)
class Outcome:
    """One finished case, as plain values.

    Attributes
    ----------
    case : dict
        Fields of :class:`~.cases.Case`, the crop's place, the hole's share and the truth's noise level.
    figures : dict of dict
        By method, by figure; None where a figure says nothing.
    edges : dict
        Figures of the hallucinated edges; empty without EdgeConnect.
    features : dict of list
        By method and for "truth": mean features in the hole and of the whole image; empty without the network.
    """

    case: dict[str, Any]
    figures: dict[str, dict[str, float | None]]
    edges: dict[str, float | None]
    features: dict[str, list[list[float]]]


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """What is to be evaluated.

    Attributes
    ----------
    source : CaseList
    methods : tuple of str
    model : EdgeConnect or None
    settings : Settings
        The hole is evaluated as it is, so ``grow_px`` is 0.
    perceptual : bool
        Whether the ImageNet network looks at the results.
    sheets : bool
        Whether the first case of each modality and bin is kept for the contact sheets.
    """

    source: CaseList
    methods: tuple[str, ...]
    model: EdgeConnect | None = None
    settings: Settings = field(default_factory=Settings)
    perceptual: bool = True
    sheets: bool = True

    def record(self, cases: Sequence[Case]) -> dict[str, Any]:
        """Everything the figures depend on, as plain values."""
        model = None
        if self.model is not None:
            info = self.model.info
            model = {"name": info.name, "sha256": dict(info.sha256), "device": str(self.model.device)}
        return {
            "napari_edgeconnect": __version__,
            "size": self.source.size,
            "cases_per_modality_and_bin": self.source.per_cell,
            "seed": self.source.seed,
            "masks": "folder" if self.source.masks else "drawn",
            "methods": list(self.methods),
            "model": model,
            "settings": self.settings.as_dict(),
            "perceptual": self.perceptual,
            "sheets": self.sheets,
            "cases": len(cases),
            "images": sorted({case.image for case in cases}),
        }


def evaluate_steps(
    evaluation: Evaluation, cases: Sequence[Case], folder: Path, *, start_anew: bool = False
) -> Generator[Step, None, list[Outcome]]:
    """Run all cases, or those that an interrupted run has left.

    Parameters
    ----------
    evaluation : Evaluation
    cases : sequence of Case
        From ``evaluation.source.cases()``.
    folder : Path
        Exists. What is finished is kept in ``folder/.unfinished`` until :func:`forget`.
    start_anew : bool
        Whether another evaluation that is unfinished in the folder may be dropped.

    Raises
    ------
    FileError
        Where another evaluation is unfinished in the folder, and is to be kept.
    """
    kept = folder / UNFINISHED
    log = kept / _LOG
    outcomes = _resumed(log, evaluation.record(cases), start_anew=start_anew)
    network = PerceptualNetwork() if evaluation.perceptual else None
    with log.open("a", encoding="utf-8") as file:
        for done, case in enumerate(cases):
            yield Step(done, len(cases), f"{case.modality}, {case.bin}, case {case.number + 1}")
            if done < len(outcomes):
                continue
            outcome = _outcome(evaluation, case, network, kept)
            file.write(json.dumps(asdict(outcome)) + "\n")
            file.flush()
            outcomes.append(outcome)
    yield Step(len(cases), len(cases), "Done")
    return outcomes


def forget(folder: Path) -> None:
    """Remove what a run keeps while it is not finished."""
    shutil.rmtree(folder / UNFINISHED, ignore_errors=True)


def _resumed(log: Path, record: dict[str, Any], *, start_anew: bool) -> list[Outcome]:
    """The finished cases of an interrupted run of the same evaluation; a line that was cut short is dropped."""
    log.parent.mkdir(exist_ok=True)
    head = json.dumps(record)
    text = log.read_text(encoding="utf-8") if log.exists() else ""
    lines = [line for line in text.splitlines(keepends=True) if line.endswith("\n")] or [head + "\n"]
    if lines[0].rstrip("\n") != head:
        if not start_anew:
            raise FileError(
                f"{log.parent} holds an unfinished evaluation of other images or with other settings: finish it, "
                f"give another output folder, or start anew with --overwrite."
            )
        lines = [head + "\n"]
    log.write_text("".join(lines), encoding="utf-8")
    return [Outcome(**json.loads(line)) for line in lines[1:]]


def _outcome(evaluation: Evaluation, case: Case, network: PerceptualNetwork | None, kept: Path) -> Outcome:
    loaded = evaluation.source.load(case)
    repair = repaired(loaded, evaluation.methods, evaluation.model, evaluation.settings)
    figures = {name: image_figures(result, loaded) for name, result in repair.results.items()}
    features: dict[str, list[list[float]]] = {}
    if network is not None:
        seen, truth = network.compare(list(repair.results.values()), loaded.truth, loaded.hole)
        features["truth"] = _features(truth)
        for name, look in zip(repair.results, seen, strict=True):
            figures[name] |= {"features_hole": look.distance_hole, "features_whole": look.distance_whole}
            features[name] = _features(look)
    threshold = evaluation.settings.threshold
    edges = {} if repair.edges is None else edge_values(repair.edges, repair.true_edges, threshold)
    if evaluation.sheets and case.number == 0:
        save_strip(kept, case, loaded, repair)
    return Outcome(
        case={**asdict(case), **_about(loaded)},
        figures={name: {key: rounded(value) for key, value in row.items()} for name, row in figures.items()},
        edges={key: rounded(value) for key, value in edges.items()},
        features=features,
    )


def _about(loaded: Loaded) -> dict[str, Any]:
    return {
        "top": loaded.top,
        "left": loaded.left,
        "hole_fraction": round(float(loaded.hole.mean()), 6),
        "noise_level_of_truth": rounded(noise_level(loaded.truth, loaded.hole)),
    }


def _features(look: Perceptual) -> list[list[float]]:
    return [[float(f"{value:.7g}") for value in vector] for vector in (look.features_hole, look.features_whole)]
