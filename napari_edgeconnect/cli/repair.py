"""``inpaint``, ``edges`` and ``complete``: from files to files."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import typer

from napari_edgeconnect.core.settings import Settings
from napari_edgeconnect.files import holds_stack

from . import options
from .report import reporting
from .stack_choices import FOR_STACKS_ALONE, MASKS_OF_STACKS, WORKERS, refuse_contradiction, stack_choices
from .stack_run import repair_stack_file
from .stack_task import StackOptions, StackTask
from .task import Task, propose_edges, repair_image


def inpaint(
    image: options.ImageOrStack,
    mask: options.Mask,
    output: options.Output,
    context: typer.Context,
    method: options.Method = options.EDGECONNECT,
    exclude: options.Exclude = None,
    model: options.Model = None,
    edge_weights: options.EdgeWeights = None,
    inpaint_weights: options.InpaintWeights = None,
    rim_correction: options.RimCorrection = None,
    edges: options.MaybeEdgesIn = None,
    probability: options.ProbabilityIn = None,
    save_edges: options.SaveEdges = None,
    save_probability: options.SaveProbability = None,
    sigma: options.Sigma = None,
    no_known_edges: options.NoKnownEdges = False,
    threshold: options.Threshold = options.DEFAULTS.threshold,
    merge_known_edges: options.MergeKnownEdges = options.DEFAULTS.merge_known_edges,
    axes: options.AxesNames = None,
    mask_axes: options.MaskAxesNames = None,
    mapping: options.Mapping = options.STACK_DEFAULTS.mapping,
    edges_from: options.EdgesFrom = "own",
    neighbours: options.NeighboursOf = options.STACK_DEFAULTS.neighbours,
    neighbour_axis: options.NeighbourAxis = None,
    neighbour_reach: options.NeighbourReach = options.STACK_DEFAULTS.neighbour_reach,
    spread_mask: options.SpreadMask = options.STACK_DEFAULTS.spread_mask,
    spread_axis: options.SpreadAxis = None,
    plane: options.Planes = None,
    scheduler: options.Scheduler = None,
    threads: options.Threads = 1,
    match_noise: options.MatchNoise = False,
    seed: options.NoiseSeed = options.DEFAULTS.seed,
    grow_px: options.GrowPx = options.GROW_PX,
    half: options.Half = False,
    device: options.Device = "auto",
    selftest: options.SelfTest = None,
    embed_mask: options.EmbedMask = None,
    overwrite: options.Overwrite = False,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Repair an image: hallucinate the edges inside the hole, then complete it. Known pixels are never altered.

    With --method, a classical method does it instead; with --exclude, nothing is filled in. A stack is repaired plane
    by plane, and goes on where it was stopped when the same command is given again.
    """
    if exclude is not None:
        refuse_options(
            context, _names(context) - (_FOR_EVERY_METHOD - {"method", "axes"}), "it does not go with --exclude."
        )
    elif method != options.EDGECONNECT:
        _refuse_network_options(context, method)
    chosen = chosen_model(model, edge_weights, inpaint_weights)
    if probability is not None and edges is None:
        raise typer.BadParameter("it needs --edges, the labels that it belongs to.", param_hint="--probability")
    with reporting(as_json=as_json, quiet=quiet) as report:
        task = Task(
            command="inpaint",
            image=image,
            mask=mask,
            output=output,
            method=method if exclude is None else options.EXCLUDE,
            excluded=None if exclude is None else excluded_value(exclude),
            edges=edges,
            probability=probability,
            save_edges=save_edges,
            save_probability=save_probability,
            model=chosen,
            device=device,
            self_test=selftest,
            embed_mask=embed_mask,
            overwrite=overwrite,
            settings=Settings(
                sigma=options.chosen_sigma(sigma, none_wanted=no_known_edges),
                threshold=threshold,
                merge_known_edges=merge_known_edges,
                rim_correction=rim_correction,
                grow_px=grow_px,
                half_precision=half,
                match_noise=match_noise,
                seed=seed,
            ),
        )
        if axes is None and not holds_stack(image):
            refuse_options(context, FOR_STACKS_ALONE, f"it goes with stacks, and {image} is one plane.")
            repair_image(task, report)
            return
        refuse_options(context, {"exclude", "selftest"}, "it goes with one plane, not with a stack.")
        refuse_contradiction(scheduler, threads)
        choices = stack_choices(
            mapping, edges_from, (neighbours, neighbour_axis, neighbour_reach), (spread_mask, spread_axis), plane
        )
        of_stack = StackOptions(axes=axes, mask_axes=mask_axes, choices=choices, scheduler=scheduler, threads=threads)
        repair_stack_file(StackTask.of(task, of_stack), report)


def edges(
    image: options.ImageOrStack,
    mask: options.Mask,
    output: options.EdgeOutput,
    context: typer.Context,
    model: options.Model = None,
    edge_weights: options.EdgeWeights = None,
    inpaint_weights: options.InpaintWeights = None,
    save_probability: options.SaveProbability = None,
    sigma: options.Sigma = None,
    no_known_edges: options.NoKnownEdges = False,
    threshold: options.Threshold = options.DEFAULTS.threshold,
    axes: options.AxesNames = None,
    mask_axes: options.MaskAxesNames = None,
    mapping: options.Mapping = options.STACK_DEFAULTS.mapping,
    edges_from: options.EdgesFrom = "own",
    neighbours: options.NeighboursOf = options.STACK_DEFAULTS.neighbours,
    neighbour_axis: options.NeighbourAxis = None,
    neighbour_reach: options.NeighbourReach = options.STACK_DEFAULTS.neighbour_reach,
    spread_mask: options.SpreadMask = options.STACK_DEFAULTS.spread_mask,
    spread_axis: options.SpreadAxis = None,
    plane: options.Planes = None,
    scheduler: options.Scheduler = None,
    threads: options.Threads = 1,
    grow_px: options.GrowPx = options.GROW_PX,
    half: options.Half = False,
    device: options.Device = "auto",
    overwrite: options.Overwrite = False,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Stage 1 alone: write the measured and the proposed edges, to be looked at and corrected before `complete`.

    For exactly what `inpaint` would make of them, hand the probabilities on as well:
    `edges … -o e.png --save-probability p.npy`, then `complete … --edges e.png --probability p.npy`. Of a stack both
    are written as .tif.
    """
    chosen = chosen_model(model, edge_weights, inpaint_weights)
    with reporting(as_json=as_json, quiet=quiet) as report:
        task = Task(
            command="edges",
            image=image,
            mask=mask,
            output=output,
            save_probability=save_probability,
            model=chosen,
            device=device,
            overwrite=overwrite,
            settings=Settings(
                sigma=options.chosen_sigma(sigma, none_wanted=no_known_edges),
                threshold=threshold,
                grow_px=grow_px,
                half_precision=half,
            ),
        )
        if axes is None and not holds_stack(image):
            refuse_options(context, FOR_STACKS_ALONE, f"it goes with stacks, and {image} is one plane.")
            propose_edges(task, report)
            return
        refuse_contradiction(scheduler, threads)
        if neighbours in ("start", "contents"):
            raise typer.BadParameter("`edges` invents no contents: give edges, or off.", param_hint="--neighbours")
        choices = stack_choices(
            mapping, edges_from, (neighbours, neighbour_axis, neighbour_reach), (spread_mask, spread_axis), plane
        )
        of_stack = StackOptions(axes=axes, mask_axes=mask_axes, choices=choices, scheduler=scheduler, threads=threads)
        repair_stack_file(StackTask.of(task, of_stack), report)


def complete(
    image: options.ImageOrStack,
    mask: options.Mask,
    edges: options.EdgesIn,
    output: options.Output,
    context: typer.Context,
    probability: options.ProbabilityIn = None,
    model: options.Model = None,
    edge_weights: options.EdgeWeights = None,
    inpaint_weights: options.InpaintWeights = None,
    rim_correction: options.RimCorrection = None,
    sigma: options.Sigma = None,
    no_known_edges: options.NoKnownEdges = False,
    threshold: options.Threshold = options.DEFAULTS.threshold,
    merge_known_edges: options.MergeKnownEdges = options.DEFAULTS.merge_known_edges,
    axes: options.AxesNames = None,
    mask_axes: options.MaskAxesNames = None,
    mapping: options.Mapping = options.STACK_DEFAULTS.mapping,
    neighbours: options.NeighboursOf = options.STACK_DEFAULTS.neighbours,
    neighbour_axis: options.NeighbourAxis = None,
    neighbour_reach: options.NeighbourReach = options.STACK_DEFAULTS.neighbour_reach,
    spread_mask: options.SpreadMask = options.STACK_DEFAULTS.spread_mask,
    spread_axis: options.SpreadAxis = None,
    plane: options.Planes = None,
    scheduler: options.Scheduler = None,
    threads: options.Threads = 1,
    match_noise: options.MatchNoise = False,
    seed: options.NoiseSeed = options.DEFAULTS.seed,
    grow_px: options.GrowPx = options.GROW_PX,
    half: options.Half = False,
    device: options.Device = "auto",
    selftest: options.SelfTest = None,
    embed_mask: options.EmbedMask = None,
    overwrite: options.Overwrite = False,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Stage 2 alone: complete the image from an edge image, as often as you correct it.

    Give --grow-px, --threshold and --sigma as they were given to `edges`. For a stack the edges are a stack, too, such
    as `inpaint --save-edges` writes, or one plane for all; they may lack axes, as masks may.
    """
    chosen = chosen_model(model, edge_weights, inpaint_weights)
    with reporting(as_json=as_json, quiet=quiet) as report:
        task = Task(
            command="complete",
            image=image,
            mask=mask,
            output=output,
            edges=edges,
            probability=probability,
            model=chosen,
            device=device,
            self_test=selftest,
            embed_mask=embed_mask,
            overwrite=overwrite,
            settings=Settings(
                sigma=options.chosen_sigma(sigma, none_wanted=no_known_edges),
                threshold=threshold,
                merge_known_edges=merge_known_edges,
                rim_correction=rim_correction,
                grow_px=grow_px,
                half_precision=half,
                match_noise=match_noise,
                seed=seed,
            ),
        )
        if axes is None and not holds_stack(image):
            refuse_options(context, FOR_STACKS_ALONE, f"it goes with stacks, and {image} is one plane.")
            repair_image(task, report)
            return
        refuse_options(context, {"selftest"}, "it goes with one plane, not with a stack.")
        refuse_contradiction(scheduler, threads)
        if neighbours == "edges":
            raise typer.BadParameter("edges are given: give contents, start or off.", param_hint="--neighbours")
        choices = stack_choices(
            mapping, "own", (neighbours, neighbour_axis, neighbour_reach), (spread_mask, spread_axis), plane
        )
        of_stack = StackOptions(axes=axes, mask_axes=mask_axes, choices=choices, scheduler=scheduler, threads=threads)
        repair_stack_file(StackTask.of(task, of_stack), report)


def _refuse_network_options(context: typer.Context, method: str) -> None:
    """Options that a classical method would ignore are a mistake, whatever their value."""
    others = _names(context) - _FOR_EVERY_METHOD - MASKS_OF_STACKS - WORKERS
    refuse_options(context, others, f"only --method {options.EDGECONNECT} knows that; {method} has no networks.")


def _names(context: typer.Context) -> set[str]:
    return {str(parameter.name) for parameter in context.command.params}


def excluded_value(text: str) -> float:
    """What ``--exclude`` says, as a number."""
    from napari_edgeconnect.core.exclusion import value_in

    try:
        return value_in(text)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--exclude") from None


def refuse_options(context: typer.Context, names: Collection[str], message: str) -> None:
    """Options that would be ignored are a mistake."""
    given = [p.opts[0] for p in context.command.params if p.name in names and _was_given(context, p.name)]
    if given:
        raise typer.BadParameter(message, param_hint=" and ".join(given))


def _was_given(context: typer.Context, name: str | None) -> bool:
    source = context.get_parameter_source(name or "")
    return source is not None and source.name != "DEFAULT"


_FOR_EVERY_METHOD = {
    "image",
    "mask",
    "output",
    "method",
    "exclude",
    "axes",
    "grow_px",
    "selftest",
    "embed_mask",
    "overwrite",
    "as_json",
    "quiet",
}


def chosen_model(model: str | None, edge: Path | None, inpaint: Path | None) -> str | tuple[Path, Path] | None:
    """One model out of the options that name it."""
    if (edge is None) != (inpaint is None):
        raise typer.BadParameter("give both files, or neither.", param_hint="--edge-weights and --inpaint-weights")
    if edge is None or inpaint is None:
        return model
    if model is not None:
        raise typer.BadParameter("give a model, or two weight files, not both.", param_hint="--model")
    return edge, inpaint
