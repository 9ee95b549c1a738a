"""Options that go with stacks alone, and the choices that they make."""

from __future__ import annotations

from collections.abc import Sequence

import typer

from napari_edgeconnect.core.settings import ContrastOf, Neighbours, Spreading, StackSettings

#: By the names of the commands' parameters.
MASKS_OF_STACKS = {"mask_axes", "spread_mask", "spread_axis", "plane"}
_NEIGHBOURS = {"neighbours", "neighbour_axis", "neighbour_reach"}
WORKERS = {"scheduler", "threads"}
FOR_STACKS_ALONE = {"mapping", "edges_from"} | MASKS_OF_STACKS | _NEIGHBOURS | WORKERS


def stack_choices(
    mapping: ContrastOf,
    edges_from: str,
    neighbours: tuple[Neighbours, str | None, int],
    spreading: tuple[Spreading, str | None],
    planes: Sequence[str] | None = None,
) -> StackSettings:
    """The choices that a stack's options make; of neighbours their kind, axis and reach, of spreading how and along."""
    kind, axis, reach = neighbours
    how, along = spreading
    return StackSettings(
        mapping=mapping,
        # Any word may come; StackSettings refuses all but its own in a sentence.
        edges_from=int(edges_from) if edges_from.isdecimal() else edges_from,  # type: ignore[arg-type]
        neighbours=kind,
        neighbour_axis=axis and axis.upper(),
        neighbour_reach=reach,
        spread_mask=how,
        spread_axis=along and along.upper(),
        planes=tuple(planes or ()),
    )


def refuse_contradiction(scheduler: str | None, threads: int) -> None:
    """A scheduler's workers have threads of their own."""
    if scheduler is not None and threads > 1:
        raise typer.BadParameter("it is for this machine alone; --scheduler has workers.", param_hint="--threads")
