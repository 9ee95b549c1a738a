"""Stacks for the tests of commands: their pixels, what a run has to make of them, and how it is stopped."""

from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from napari_edgeconnect import EdgeConnect
from napari_edgeconnect.core.settings import Settings
from napari_edgeconnect.core.stack import Stack
from napari_edgeconnect.core.stack_run import repair_stack
from napari_edgeconnect.files import Parts, open_stack

from .conftest import camera

OME = {"axes": "TCYX", "PhysicalSizeX": 0.1, "PhysicalSizeXUnit": "µm", "Channel": {"Name": ["DAPI", "GFP"]}}


def stack(places=3):
    """Different planes in two channels, TCYX uint16."""
    plane = camera(np.uint16)
    return np.stack([[np.roll(plane, 9 * t, 0), np.roll(plane, 7 * t, 1) // 2] for t in range(places)])


def expected(image, mask, axes="TCYX", mask_axes=None, choices=None, **changes):
    """What the core makes of a stack with the commands' defaults: the repaired stack, and its altered pixels."""
    settings = Settings(**{"grow_px": 2, **changes})
    prepared = Stack.prepare(image, mask, axes, mask_axes=mask_axes, settings=settings, choices=choices)
    out, altered = np.empty_like(image), np.empty(image.shape, bool)
    repair_stack(EdgeConnect.load(), prepared, out, altered)
    return out, altered


def read(name):
    """All pixels of a stack's file, whatever kind it is."""
    with open_stack(Path(name)) as file:
        return np.array(file.pixels[...])


def interrupt(*_, **__):
    raise KeyboardInterrupt


@contextmanager
def interrupted_before(name):
    """In here, a run on a stack is interrupted when it is about to keep this one of its places or parts."""
    original = Parts.put

    def put(self, number, *rest):
        if number == name:
            raise KeyboardInterrupt
        original(self, number, *rest)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Parts, "put", put)
        yield
