"""A run's state on disk: written whole or not at all, and only ever taken up by the run that wrote it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import torch

STATE = "state.pt"


class StateError(ValueError):
    """A training state that can't be gone on from; the message says why and what to do."""


def save_state(folder: Path, state: dict[str, Any]) -> None:
    """Replace the state in ``folder``; a kill or a full disk at any moment leaves the old one."""
    temporary = folder / f"{STATE}.part"
    with temporary.open("wb") as file:
        torch.save(state, file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, folder / STATE)


def load_state(folder: Path, identity: dict[str, Any], unsaid: dict[str, Any] | None = None) -> dict[str, Any] | None:
    """The state in ``folder``, or None where there is none yet.

    Parameters
    ----------
    identity : dict
        What the run is (stage, recipe, seed …), plain values.
    unsaid : dict, optional
        What a run was whose state does not say: earlier versions did not ask for all of it.

    Raises
    ------
    StateError
        If the state can't be read, or was written by another run; the first difference is named.
    """
    path = folder / STATE
    if not path.exists():
        return None
    try:
        # Tensors and plain values only: nothing is unpickled.
        state = torch.load(path, map_location="cpu", weights_only=True)
        before = state["identity"]
    except Exception as error:  # noqa: BLE001 (torch raises whatever the zip and pickle readers do)
        raise StateError(f"{path} can't be read ({error}): remove it, or give another --output.") from None
    known = _flat(unsaid or {}) | _flat(before)
    for name, value in _flat(identity).items():
        was = known.get(name)
        if was != value:
            raise StateError(
                f"The run in {folder} was begun with {name} = {was!r}, but now it is {value!r}: "
                f"go on with the same, or give another --output."
            )
    return state


def _flat(values: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, dict):
            flat |= _flat(value, f"{name}.")
        else:
            flat[prefix + name] = value
    return flat
