"""Devices are offered only where they exist, and never swapped silently."""

from __future__ import annotations

import pytest
import torch

from napari_edgeconnect.core.device import available_devices, choose_device, is_out_of_memory


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch):
    """Pretend to be a machine with these accelerators."""

    def pretend(*, cuda: int = 0, mps: bool = False) -> None:
        monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda > 0)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: cuda)
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)

    return pretend


@pytest.mark.parametrize(
    ("has", "names", "first"),
    [
        ({}, ["cpu"], "cpu"),
        ({"cuda": 1}, ["cuda", "cpu"], "cuda"),
        ({"cuda": 2}, ["cuda:0", "cuda:1", "cpu"], "cuda:0"),
        ({"mps": True}, ["mps", "cpu"], "mps"),
        ({"cuda": 1, "mps": True}, ["cuda", "mps", "cpu"], "cuda"),
    ],
)
def test_auto_takes_cuda_then_mps_then_the_cpu(machine, has: dict, names: list[str], first: str) -> None:
    machine(**has)
    assert available_devices() == names
    assert choose_device("auto") == torch.device(first)


@pytest.mark.parametrize(("has", "name"), [({}, "cuda"), ({"cuda": 1}, "cuda:1"), ({}, "mps"), ({}, "tpu")])
def test_a_device_that_is_not_there_is_an_error(machine, has: dict, name: str) -> None:
    machine(**has)
    with pytest.raises(ValueError, match=f"Device '{name}' is not available: this machine has"):
        choose_device(name)


@pytest.mark.parametrize(("has", "name"), [({"cuda": 1}, "cuda:0"), ({"cuda": 2}, "cuda"), ({"cuda": 2}, "cuda:1")])
def test_cuda_devices_are_named_with_or_without_number(machine, has: dict, name: str) -> None:
    machine(**has)
    assert choose_device(name) == torch.device(name)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (torch.OutOfMemoryError("CUDA out of memory."), True),
        (MemoryError(), True),
        (RuntimeError("[enforce fail] . DefaultCPUAllocator: can't allocate memory"), True),
        (RuntimeError("MPS backend out of memory (MPS allocated: 8 GB)"), True),
        (RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 5 bytes"), True),
        (RuntimeError("Given groups=1, weight of size"), False),
        (ValueError("out of memory"), False),
    ],
)
def test_running_out_of_memory_is_recognised(error: Exception, expected: bool) -> None:
    assert is_out_of_memory(error) is expected
