"""One step of learning: gradients, discriminators, averages, on one device or shared by several processes.

A learner holds everything that a state file has to hold. It knows no files and
no clock; ``trainer`` feeds it.

Processes (started by ``torchrun`` or ``accelerate launch``) each take a share
of the batch; gradients are averaged in one message a step, so that all hold
the same weights.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from accelerate import Accelerator
from torch import Tensor, nn

from ..core.checkpoints import Kind
from ..core.networks import Generator
from .recipe import Recipe
from .stages import Batch, Stage

PRECISIONS = {"no": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


class Learner:
    """A stage under training.

    Parameters
    ----------
    stage : Stage
        Moved to the accelerator's device.
    recipe : Recipe
    steps : int
        Length of the schedule.
    accelerator : Accelerator

    Attributes
    ----------
    step : int
        Steps done.
    networks : dict of Generator
        Those that are trained, by kind.
    averages : dict of state dicts
        Moving averages of their weights.
    """

    def __init__(self, stage: Stage, recipe: Recipe, steps: int, accelerator: Accelerator) -> None:
        self.stage, self.recipe, self.steps, self.accelerator = stage, recipe, steps, accelerator
        for module in stage.modules():
            module.to(accelerator.device)
        self.step = 0
        self.networks: dict[Kind, Generator] = {kind: task.network for kind, task in stage.tasks.items()}
        self.judges = {kind: task.judge for kind, task in stage.tasks.items() if task.judge is not None}
        self.averages = {
            kind: {name: value.detach().clone() for name, value in network.state_dict().items()}
            for kind, network in self.networks.items()
        }
        self._parameters = {
            "generators": [p for network in self.networks.values() for p in network.parameters()],
            "judges": [p for judge in self.judges.values() for p in judge.parameters()],
        }
        self._optimisers = {name: self._optimiser(p) for name, p in self._parameters.items() if p}

    def learn(self, batch: Batch, *, stop: bool = False) -> tuple[dict[str, float], bool]:
        """One step.

        The discriminators learn first, from guesses cut off from the
        generators; what they then say to the generators is computed anew.

        Parameters
        ----------
        batch : dict of tensors
            This process's share.
        stop : bool
            Whether this process wants no further step.

        Returns
        -------
        figures : dict of float
            Losses and figures of this step, in this process.
        stop : bool
            Whether any process wants no further step.
        """
        batch = {name: value.to(self.accelerator.device, non_blocking=True) for name, value in batch.items()}
        rate = self.recipe.learning_rate * self._schedule()
        adversarial = bool(self.judges) and self.step >= self.recipe.adversarial_from * self.steps
        tasks = self.stage.tasks
        with self.accelerator.autocast():
            guesses = self.stage.guesses(batch)
        terms: dict[str, Tensor] = {}
        if adversarial:
            self._teach_judges(True)
            with self.accelerator.autocast():
                verdicts = {f"{kind}_judge": tasks[kind].judgement(guesses[kind]) for kind in self.judges}
            self._descend("judges", verdicts, rate * self.recipe.discriminator_rate)
            self._teach_judges(False)
            terms |= {name: value.detach() for name, value in verdicts.items()}
        with self.accelerator.autocast():
            losses = {
                name: value
                for kind, task in tasks.items()
                for name, value in task.losses(batch, guesses[kind], adversarial=adversarial).items()
            }
        stop = self._descend("generators", losses, rate, stop=stop)
        self.step += 1
        self._average()
        figures = {name: value.item() for name, value in {**terms, **losses}.items()} | {"learning_rate": rate}
        for kind, task in tasks.items():
            figures |= task.figures(batch, guesses[kind])
        return figures, stop

    def state_dict(self) -> dict[str, Any]:
        """All that the next step depends on: tensors and plain values."""
        scaler = self.accelerator.scaler
        return {
            "step": self.step,
            "networks": {kind: network.state_dict() for kind, network in self.networks.items()},
            "judges": {kind: judge.state_dict() for kind, judge in self.judges.items()},
            "averages": self.averages,
            "optimisers": {name: optimiser.state_dict() for name, optimiser in self._optimisers.items()},
            "scaler": None if scaler is None else scaler.state_dict(),
            "random": torch.get_rng_state(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Be as :meth:`state_dict` found it."""
        for name, parts in (("networks", self.networks), ("judges", self.judges), ("optimisers", self._optimisers)):
            for key, values in state[name].items():
                parts[key].load_state_dict(values)
        device = self.accelerator.device
        self.averages = {k: {n: v.to(device) for n, v in a.items()} for k, a in state["averages"].items()}
        if self.accelerator.scaler is not None and state["scaler"] is not None:
            self.accelerator.scaler.load_state_dict(state["scaler"])
        torch.set_rng_state(state["random"])
        self.step = state["step"]

    def _optimiser(self, parameters: list[nn.Parameter]) -> Any:
        kind = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[self.recipe.optimiser]
        return self.accelerator.prepare_optimizer(
            kind(parameters, lr=self.recipe.learning_rate, betas=self.recipe.betas)
        )

    def _schedule(self) -> float:
        """Factor of the learning rate at this step."""
        warm = min(1.0, (self.step + 1) / max(1, self.recipe.warmup_steps))
        if self.recipe.schedule == "constant":
            return warm
        return warm * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * self.step / self.steps)))

    def _teach_judges(self, wanted: bool) -> None:
        """Gradients for the discriminators while they learn, none while they only judge."""
        for parameter in self._parameters["judges"]:
            parameter.requires_grad_(wanted)

    def _descend(self, who: str, losses: dict[str, Tensor], rate: float, *, stop: bool = False) -> bool:
        """One step of an optimiser; returns whether any process wants to stop."""
        optimiser, parameters = self._optimisers[who], self._parameters[who]
        for group in optimiser.param_groups:
            group["lr"] = rate
        optimiser.zero_grad(set_to_none=True)
        self.accelerator.backward(torch.stack(list(losses.values())).sum())
        stop = self._average_gradients(parameters, stop)
        if self.recipe.clip and who == "generators":
            self.accelerator.clip_grad_norm_(parameters, self.recipe.clip)
        optimiser.step()
        return stop

    def _average_gradients(self, parameters: list[nn.Parameter], stop: bool) -> bool:
        if self.accelerator.num_processes == 1:
            return stop
        gradients = [p.grad for p in parameters if p.grad is not None]
        # One message for all, with the wish to stop in it: no process waits for one that has gone.
        message = torch.cat([*(g.flatten() for g in gradients), gradients[0].new_tensor([float(stop)])])
        message = self.accelerator.reduce(message, reduction="mean")
        for gradient, mean in zip(gradients, message[:-1].split([g.numel() for g in gradients]), strict=True):
            gradient.copy_(mean.view_as(gradient))
        return bool(message[-1] > 0)

    @torch.no_grad()
    def _average(self) -> None:
        # Short at first, so that the beginning is forgotten.
        keep = min(self.recipe.ema, (1 + self.step) / (10 + self.step))
        for kind, network in self.networks.items():
            for name, value in network.state_dict().items():
                self.averages[kind][name].lerp_(value, 1 - keep)


def choose_precision(name: str, device: torch.device) -> str:
    """What accelerate calls the precision: "auto" is bf16 where the device multiplies in it, else "no" (float32)."""
    if name != "auto":
        return name
    if device.type == "cuda":
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "no"
    if device.type == "cpu":
        # Asked of the processor: torch computes in bf16 everywhere, on most slower than in float32.
        can: dict[str, bool] = getattr(torch.cpu, "get_capabilities", dict)()
        return "bf16" if can.get("avx512_bf16") or can.get("amx_bf16") else "no"
    return "no"
