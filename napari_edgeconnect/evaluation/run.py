"""The run: case after case, kept as it goes, so that it can be interrupted and go on.

No image but the current case's is in memory. Whether the run was interrupted
makes no difference to any figure: of what was kept, only those cases are taken
that would come out as they did.
"""

from __future__ import annotations

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
from .cases import Case, CaseList, Loaded
from .figures import edge_values, image_figures, rounded
from .fingerprint import code_sha256, fingerprint, package_versions
from .kept import Kept
from .methods import repaired
from .perceptual import Perceptual, PerceptualNetwork
from .sheets import save_strip

#: What a run that is not finished leaves in its output folder.
UNFINISHED = ".unfinished"


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
        masks = {"mask_files": {case.mask: case.mask_sha256 for case in cases}} if self.source.masks else {}
        return {
            "napari_edgeconnect": __version__,
            **self._asked(cases),
            **self._maker(),
            "cases": len(cases),
            "images": dict(sorted((case.image, case.image_sha256) for case in cases)),
            **masks,
        }

    def fingerprints(self, cases: Sequence[Case]) -> list[str]:
        """One hash a case, of all that its outcome depends on."""
        common = {
            "size": self.source.size,
            "seed": self.source.seed,
            "methods": self.methods,
            "settings": self.settings.as_dict(),
            "perceptual": self.perceptual,
            **self._maker(),
        }
        return [fingerprint({**common, **asdict(case)}) for case in cases]

    def kept(self, cases: Sequence[Case], folder: Path, *, start_anew: bool = False) -> Kept:
        """What an interrupted run of this evaluation has left.

        Parameters
        ----------
        cases : sequence of Case
            From ``source.cases()``.
        folder : Path
            Exists. What is finished is kept in ``folder/.unfinished`` until :func:`forget`.
        start_anew : bool
            Whether another evaluation that is unfinished in the folder may be dropped.

        Raises
        ------
        FileError
            Where another evaluation is unfinished in the folder, and is to be kept.
        """
        return Kept(folder / UNFINISHED, self._asked(cases), self.fingerprints(cases), start_anew=start_anew)

    def _asked(self, cases: Sequence[Case]) -> dict[str, Any]:
        """What was asked for, by names."""
        return {
            "size": self.source.size,
            "cases_per_modality_and_bin": self.source.per_cell,
            "seed": self.source.seed,
            "masks": "folder" if self.source.masks else "drawn",
            "methods": list(self.methods),
            "model": None if self.model is None else self.model.info.name,
            "settings": self.settings.as_dict(),
            "perceptual": self.perceptual,
            "sheets": self.sheets,
            "images": sorted({case.image for case in cases}),
        }

    def _maker(self) -> dict[str, Any]:
        """Weights, code and packages, by their content."""
        model = None
        if self.model is not None:
            info = self.model.info
            model = {"name": info.name, "sha256": dict(info.sha256), "device": str(self.model.device)}
        return {"model": model, "code_sha256": code_sha256(), "packages": package_versions()}


def evaluate_steps(evaluation: Evaluation, cases: Sequence[Case], kept: Kept) -> Generator[Step, None, list[Outcome]]:
    """Run all cases, or those that an interrupted run has left.

    Parameters
    ----------
    evaluation : Evaluation
    cases : sequence of Case
        From ``evaluation.source.cases()``.
    kept : Kept
        From ``evaluation.kept()``.
    """
    network = PerceptualNetwork() if evaluation.perceptual else None
    outcomes = []
    for done, (case, mark) in enumerate(zip(cases, evaluation.fingerprints(cases), strict=True)):
        yield Step(done, len(cases), f"{case.modality}, {case.bin}, case {case.number + 1}")
        values = kept.get(mark)
        if values is None:
            values = asdict(_outcome(evaluation, case, network, kept.folder))
            kept.add(mark, values)
        outcomes.append(Outcome(**values))
    yield Step(len(cases), len(cases), "Done")
    return outcomes


def forget(folder: Path) -> None:
    """Remove what a run keeps while it is not finished."""
    shutil.rmtree(folder / UNFINISHED, ignore_errors=True)


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
        case={**case.names, **_about(loaded)},
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
