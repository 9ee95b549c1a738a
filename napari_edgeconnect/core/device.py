"""What there is to run on, and being a good guest there.

torch is imported inside the functions, so that asking for defaults or building
a command line does not load it.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


class OutOfMemoryError(MemoryError):
    """A repair that does not fit into memory even in its smallest windows."""


def available_devices() -> list[str]:
    """Names of the devices of this machine, the preferred one first; "cpu" is always the last.

    Returns
    -------
    list of str
        Of "cuda" (or "cuda:0", "cuda:1", … where there are several), "mps", "cpu".
    """
    import torch

    devices = []
    if torch.cuda.is_available():
        count = torch.cuda.device_count()
        devices += [f"cuda:{i}" for i in range(count)] if count > 1 else ["cuda"]
    if torch.backends.mps.is_available():
        devices.append("mps")
    return [*devices, "cpu"]


def choose_device(name: str = "auto") -> torch.device:
    """The device of that name; "auto" takes CUDA, then MPS, then the CPU.

    Raises
    ------
    ValueError
        For a device that this machine does not have: nothing falls back silently.
    """
    import torch

    devices = available_devices()
    if name == "auto":
        return torch.device(devices[0])
    known = {*devices, *(d.split(":")[0] for d in devices), *(f"{d}:0" for d in devices if d != "cpu")}
    if name not in known:
        raise ValueError(f"Device {name!r} is not available: this machine has {', '.join(devices)}, or use 'auto'.")
    return torch.device(name)


def device_name(device: torch.device) -> str:
    """What a device is, for a record: a GPU's name, or the CPU's architecture."""
    import torch

    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return platform.machine()


@contextmanager
def one_core_left(device: torch.device) -> Iterator[None]:
    """On the CPU, leave one core to the interface while a window is computed."""
    import torch

    before = torch.get_num_threads()
    if device.type == "cpu":
        torch.set_num_threads(min(before, max(1, (os.cpu_count() or 1) - 1)))
    try:
        yield
    finally:
        torch.set_num_threads(before)


def is_out_of_memory(error: BaseException) -> bool:
    """True for every way in which torch says that memory is used up."""
    import torch

    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    # The CPU allocator and MPS raise plain RuntimeErrors.
    message = str(error)
    return isinstance(error, RuntimeError) and (
        "can't allocate memory" in message or "not enough memory" in message or "out of memory" in message
    )


def free_memory(device: torch.device) -> None:
    """Give cached blocks back to the device."""
    import torch

    if device.type == "cuda":
        torch.cuda.empty_cache()
    elif device.type == "mps":
        torch.mps.empty_cache()
