"""A training run in its folder: goes on where it was, can be stopped at any moment, shows what it does.

The folder holds ``state.pt`` (all that the next step depends on), ``log.csv``,
``tensorboard/``, ``sheets/``, and the generators as inference loads them: with
both of them there, the folder is a model. Everything random follows from the
seed and the number of the step, and the state is replaced whole, so a run that
was killed ends where it would have ended.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Generator as Steps
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState, PartialState
from torch.utils.data import DataLoader

from ..core.checkpoints import Kind, NetworkInfo, generator_from, write_generator
from ..core.networks import Generator
from ..core.results import Step
from .data import DamagedCrops, SampleKey, StepBatches
from .features import load_features
from .generators import new_generator, started_from
from .learner import PRECISIONS, Learner, choose_precision
from .log import Log
from .recipe import Recipe
from .sheets import write_sheet
from .stages import STAGES, Batch, Stage
from .state import StateError, load_state, save_state
from .throughput import Clock, convolution_peak, count_flops

SHEETS = "sheets"
SHEET_ROWS = 8


@dataclass(frozen=True)
class Run:
    """One run of one stage.

    Attributes
    ----------
    stage : str
        One of ``stages.STAGES``.
    data : Path
        Folder of images; sub-folders are modalities, which are shown equally often.
    output : Path
        The run's folder, made if need be; where it holds this run's state, the run goes on.
    recipe : Recipe
    steps : int
        Length of the schedule, in all.
    start : str or None
        Model, folder or weight file whose generator is trained on; None begins from nothing.
    edges : str or None
        The same, of the edge generator that stage "edge-inpaint" learns from; None takes ``start``'s.
    seed : int
    minutes : float or None
        Stop after so long, to go on another time.
    device : "auto" or "cpu"
        Which GPU is the launcher's affair.
    precision : str
        "no" (float32), "bf16", "fp16", or "auto": bf16 where the device multiplies in it.
    workers : int
        Processes that prepare samples, for each process that trains; 0 prepares them between steps.
    threads : int or None
        Of each training process on the CPU; None leaves them to torch.
    feature_weights : Path or None
        VGG-19's file, for recipes that use it.
    save_minutes, sheet_minutes : float
        How often the state and a sample sheet are written.
    """

    stage: str
    data: Path
    output: Path
    recipe: Recipe
    steps: int
    start: str | None = None
    edges: str | None = None
    seed: int = 0
    minutes: float | None = None
    device: str = "auto"
    precision: str = "auto"
    workers: int = 1
    threads: int | None = None
    feature_weights: Path | None = None
    save_minutes: float = 5.0
    sheet_minutes: float = 10.0

    def __post_init__(self) -> None:
        for name, known in (("stage", STAGES), ("precision", ("auto", *PRECISIONS)), ("device", ("auto", "cpu"))):
            if getattr(self, name) not in known:
                raise ValueError(f"{name} is {getattr(self, name)!r}: known are {', '.join(known)}.")
        if self.steps < 1:
            raise ValueError(f"steps is {self.steps}: give at least 1.")
        if self.stage == "edge-inpaint" and not (self.edges or self.start):
            raise ValueError(
                "Stage 'edge-inpaint' learns from an edge generator's maps: give edges (a model or a weight file), "
                "or take stage 'inpaint', which learns from true edges."
            )

    def identity(self) -> dict[str, Any]:
        """What makes two runs the same one. The schedule may be prolonged, and the machine be another."""
        return {
            "stage": self.stage,
            "recipe": self.recipe.as_dict(),
            "start": self.start,
            "edges": self.edges,
            "seed": self.seed,
        }

    def crops(self, seed: int) -> DamagedCrops:
        """The run's samples, of which one is as good as another of that seed."""
        recipe = self.recipe
        return DamagedCrops(
            self.data,
            seed=seed,
            sigma=recipe.sigma,
            sigma_range=recipe.sigma_range,
            damage=recipe.damage,
            colours=recipe.colours,
            true_edges=recipe.true_edges,
        )


@dataclass(frozen=True)
class Outcome:
    """How a run, or a piece of it, ended.

    Attributes
    ----------
    step : int
        Steps done in all.
    finished : bool
        False when a signal or ``minutes`` ended it.
    weights : dict of Path
        Files of the generators, by kind.
    samples_per_second : float
        Over this piece, all processes together; 0 where it was too short to tell.
    peak_share : float
        Of the convolution peak that was measured before the first step.
    """

    step: int
    finished: bool
    weights: dict[Kind, Path]
    samples_per_second: float
    peak_share: float


def train_steps(run: Run) -> Steps[Step, None, Outcome]:
    """Train up to ``run.steps`` in all, going on from the run's state where there is one.

    Ctrl-C and SIGTERM end it after a whole step, with its state and weights written.

    Yields
    ------
    Step
        After each step.

    Returns
    -------
    Outcome

    Raises
    ------
    StateError
        If the folder holds the state of another run.
    ValueError
        For data, models or settings that can't be used; nothing is written then.
    """
    accelerator = _accelerator(run)
    if run.threads:
        torch.set_num_threads(run.threads)
    torch.manual_seed(run.seed)
    crops = run.crops(run.seed)
    stage, infos = _stage(run)
    state = load_state(run.output, run.identity(), unsaid={"recipe": Recipe().as_dict()})
    learner = Learner(stage, run.recipe, run.steps, accelerator)
    # Before the state, because it draws from the random state that is part of it.
    clock = Clock(convolution_peak(accelerator.device, PRECISIONS[accelerator.mixed_precision]))
    if state is not None:
        learner.load_state_dict(state["learner"])
        if learner.step > run.steps:
            raise StateError(f"The run in {run.output} is at step {learner.step}, beyond {run.steps}: give more steps.")
    batches = _batches(run, crops, learner.step, accelerator)
    main = accelerator.is_main_process
    run.output.mkdir(parents=True, exist_ok=True)
    with _stop_signal() as stopped, Log(run.output, step=learner.step, wanted=main) as log:
        log.restore(state["log"] if state is not None else {})

        def save() -> None:
            save_state(run.output, {"identity": run.identity(), "learner": learner.state_dict(), "log": log.pending()})

        def draw() -> None:
            path = run.output / SHEETS / f"step_{learner.step:07d}.jpg"
            generators = {kind: network for kind, (network, _) in _for_inference(learner, infos).items()}
            log.picture(learner.step, "samples", write_sheet(path, generators, stage.formulation, _shown(run)))

        save_due, sheet_due = _Due(run.save_minutes), _Due(run.sheet_minutes)
        time_up = _Due(run.minutes)
        for number, batch in enumerate(batches):
            samples, pixels = len(batch["mask"]) * accelerator.num_processes, batch["mask"].numel()
            learn = partial(learner.learn, batch, stop=stopped.is_set() or time_up())
            if number == 0:
                (figures, last), flops = count_flops(learn)
                clock.first_step(flops, pixels)
            else:
                figures, last = learn()
                clock.step_done(samples, pixels)
            log.add(learner.step, figures)
            yield Step(learner.step, run.steps, f"{run.stage}, {clock.samples_per_second:.1f} samples/s")
            if main and save_due():
                save()
            if main and sheet_due():
                draw()
            if last:
                break
        if main:
            save()
            draw()
            weights = {kind: run.output / f"{kind}.safetensors" for kind in infos}
            for kind, (network, info) in _for_inference(learner, infos).items():
                write_generator(weights[kind], network, info)
    accelerator.wait_for_everyone()
    done = learner.step >= run.steps
    return Outcome(learner.step, done, weights if main else {}, clock.samples_per_second, clock.peak_share)


def _accelerator(run: Run) -> Accelerator:
    # One process may train several times, in another precision each; accelerate remembers the first.
    if PartialState._shared_state and PartialState().num_processes == 1:
        AcceleratorState._reset_state(reset_partial_state=True)
    cpu = run.device == "cpu"
    precision = choose_precision(run.precision, torch.device("cpu") if cpu else PartialState().device)
    return Accelerator(mixed_precision=precision, cpu=cpu)


def _stage(run: Run) -> tuple[Stage, dict[Kind, NetworkInfo]]:
    """The networks, put together; and what is known about each."""
    recipe = run.recipe
    sources: dict[Kind, str | None] = {"edge": run.edges or run.start, "inpaint": run.start}
    alone: dict[str, tuple[Kind, ...]] = {"edge": ("edge",), "inpaint": ("inpaint",)}
    kinds = alone.get(run.stage, ("edge", "inpaint"))
    generators: dict[Kind, Generator] = {}
    infos: dict[Kind, NetworkInfo] = {}
    for kind in kinds:
        source = sources[kind]
        made = started_from(source, kind, recipe) if source else new_generator(kind, recipe)
        generators[kind], infos[kind] = made
    formulations = {info.formulation for info in infos.values()}
    if len(formulations) > 1:
        raise ValueError("The edge generator and the completion network are of different formulations.")
    wanted = "inpaint" in kinds and (recipe.perceptual or recipe.style)
    features = load_features(recipe.features, run.feature_weights) if wanted else None
    return Stage(run.stage, recipe, formulations.pop(), generators, features), infos


def _batches(run: Run, crops: DamagedCrops, step: int, accelerator: Accelerator) -> DataLoader[Batch]:
    """The share of this process in every batch from ``step`` on."""
    keys = StepBatches(
        lambda step: run.recipe.plan(step, run.steps),
        step,
        run.steps,
        rank=accelerator.process_index,
        world=accelerator.num_processes,
    )
    return DataLoader(
        crops,
        batch_sampler=keys,
        num_workers=run.workers,
        worker_init_fn=_leave_signals_to_the_loop,
        pin_memory=accelerator.device.type == "cuda",
        generator=torch.Generator(),  # samples have seeds of their own
    )


def _for_inference(learner: Learner, infos: dict[Kind, NetworkInfo]) -> dict[Kind, tuple[Generator, NetworkInfo]]:
    """Moving averages of what is trained, and what is only asked, as inference loads them."""
    found: dict[Kind, tuple[Generator, NetworkInfo]] = {}
    for kind, network in learner.stage.generators().items():
        state = learner.averages.get(kind, network.state_dict())
        state = {name: value.detach().cpu() for name, value in state.items()}
        found[kind] = generator_from(state, infos[kind]), infos[kind]
    return found


def _shown(run: Run) -> list[Batch]:
    """The samples of the sheets: always the same, with seeds of their own."""
    side, _ = run.recipe.plan(run.steps, run.steps)
    crops = run.crops(run.seed + 1_000_003)
    return [crops[SampleKey(0, number, side)] for number in range(SHEET_ROWS)]


class _Due:
    """True once every so many minutes."""

    def __init__(self, minutes: float | None) -> None:
        self._seconds = np.inf if minutes is None else 60 * minutes
        self._last = time.monotonic()

    def __call__(self) -> bool:
        now = time.monotonic()
        due = now - self._last > self._seconds
        self._last = now if due else self._last
        return bool(due)


@contextmanager
def _stop_signal() -> Iterator[threading.Event]:
    """Set by Ctrl-C or SIGTERM, so that the loop ends after a whole step."""
    stopped = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stopped  # signals are the main thread's
        return
    before = {n: signal.signal(n, lambda *_: stopped.set()) for n in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stopped
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _leave_signals_to_the_loop(worker: int) -> None:
    # Ctrl-C reaches a whole process group; a worker that died of it would take the last step along.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
