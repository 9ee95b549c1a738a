"""Train by several recipes for equal processor time, and print their figures on held-out images.

    python scripts/compare_recipes.py DATA OUT inpaint --minutes 8 --edges MODEL \
        "" "width=24" "width=32" "recipe=published features=efficientnet-lite0"

DATA holds ``train`` and ``holdout``. Each quoted argument is one recipe: changes to the open-science recipe, the
empty one being the recipe itself; ``recipe=NAME`` takes another. Time is the training process's own processor time,
on one thread, so that other work on the machine changes nothing; the preparation of samples is not in it. The
schedule is fitted to the time by a few steps that are measured first. What is done is not done again, and an
interrupted comparison goes on.
"""

from __future__ import annotations

import argparse
import json
import shutil
import time
from dataclasses import replace
from pathlib import Path

from napari_edgeconnect.core.checkpoints import load_generator
from napari_edgeconnect.core.results import result_of
from napari_edgeconnect.training.generators import weight_file
from napari_edgeconnect.training.recipe import load_recipe
from napari_edgeconnect.training.trainer import Run, train_steps
from napari_edgeconnect.training.validation import validate

MEASURED_STEPS = 8


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("stage", choices=["edge", "inpaint", "edge-inpaint"])
    parser.add_argument("recipes", nargs="+")
    parser.add_argument("--minutes", type=float, default=8.0)
    parser.add_argument("--start", help="train on from this model; default: from nothing")
    parser.add_argument("--edges", default="open-science-16", help="whose edges complete, and are asked")
    arguments = parser.parse_args()
    for words in arguments.recipes:
        name = words.replace(" ", "_").replace("/", "_") or "open-science"
        row = compared(arguments, words, arguments.out / f"{arguments.stage}_{name}")
        print(f"{arguments.stage} {name}: {json.dumps(row)}", flush=True)


def compared(arguments: argparse.Namespace, words: str, folder: Path) -> dict[str, float]:
    changes = words.split()
    base = next((c.removeprefix("recipe=") for c in changes if c.startswith("recipe=")), "open-science")
    recipe = load_recipe(base, [c for c in changes if not c.startswith("recipe=")])
    asked = arguments.edges if arguments.stage == "edge-inpaint" else None
    run = Run(
        arguments.stage, arguments.data / "train", folder, recipe, 1, start=arguments.start, edges=asked,
        device="cpu", threads=1, workers=1,
    )  # fmt: skip
    kept = folder / "row.json"
    if not kept.exists():
        schedule = folder / "steps.txt"
        if not schedule.exists():  # written once: a run that is interrupted goes on with the same
            steps = int(60 * arguments.minutes / seconds_a_step(run))
            folder.mkdir(parents=True, exist_ok=True)
            schedule.write_text(str(steps))
        steps = int(schedule.read_text())
        if not result_of(train_steps(replace(run, steps=steps))).finished:
            raise SystemExit("stopped; the same command goes on")
        kept.write_text(json.dumps({"steps": steps, **figures(arguments, folder)}))
    return json.loads(kept.read_text())


def seconds_a_step(run: Run) -> float:
    """Of processor time; crops that grow are measured at each of their sizes."""
    total, before = 0.0, 0.0
    for until, *size in run.recipe.crops:
        trial = replace(run, recipe=replace(run.recipe, crops=((1.0, *size),)), steps=MEASURED_STEPS + 1)
        trial = replace(trial, output=run.output.with_name(run.output.name + "_trial"))
        shutil.rmtree(trial.output, ignore_errors=True)
        steps = train_steps(trial)
        next(steps)
        start = time.process_time()
        for _ in range(MEASURED_STEPS):
            next(steps)
        total += (until - before) * (time.process_time() - start) / MEASURED_STEPS
        before = until
        steps.close()
        shutil.rmtree(trial.output)
    return total


def figures(arguments: argparse.Namespace, folder: Path) -> dict[str, float]:
    """The validation's, all modalities together."""
    holdout = arguments.data / "holdout"
    if arguments.stage == "edge":
        edge, info = load_generator(folder / "edge.safetensors", "edge")
        row = validate(edge, None, holdout, formulation=info.formulation)["all"]
        wanted = ["F1@0.2", "F1@0.3", "F1@0.5", "P@0.3", "R@0.3"]
    else:
        inpaint, info = load_generator(folder / "inpaint.safetensors", "inpaint")
        edge, edge_info = load_generator(weight_file(arguments.edges, "edge"), "edge")
        same = edge_info.formulation == info.formulation
        row = validate(edge if same else None, inpaint, holdout, formulation=info.formulation)["all"]
        wanted = ["fill", "none", "true", *(["hallucinated"] if same else [])]
    return {name: round(float(row[name]), 3) for name in wanted}


if __name__ == "__main__":
    main()
