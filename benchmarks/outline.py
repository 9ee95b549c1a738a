"""Seconds for the outline of altered pixels, ours against napari's own contours of the same labels, in one run.

Run as ``python benchmarks/outline.py``; needs no screen. Times are of the processor, the median of five.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median

import numpy as np
from napari.components import ViewerModel
from napari.layers import Layer

from napari_edgeconnect.plugin.altered import overlay_of, show_altered
from napari_edgeconnect.plugin.layer_plane import displayed_plane
from napari_edgeconnect.plugin.layers import completed_tuple
from napari_edgeconnect.plugin.placing import add

SIDES = 1024, 4096


def usual(times: int, do: Callable[[], object]) -> float:
    seconds = []
    for _ in range(times):
        begun = time.process_time()
        do()
        seconds.append(time.process_time() - begun)
    return median(seconds)


def toggled(layer: Layer) -> None:
    layer.visible = False
    layer.visible = True


def main() -> None:
    print("side   what            contours      ours  ratio")
    for side in SIDES:
        viewer = ViewerModel()
        image = viewer.add_image(np.zeros((side, side), np.uint8), name="large")
        plane = displayed_plane(image, viewer.dims)
        result = add(viewer, completed_tuple(plane, np.zeros((side, side), np.uint8), details={}))
        altered = np.zeros((side, side), bool)
        altered[side // 4 : side // 4 + 40, 100 : side - 96] = altered[side // 2 : side // 2 + 600, 300:900] = True
        show_altered(viewer, result, plane, altered)
        ours = overlay_of(viewer.layers, result)
        contours = viewer.add_labels(altered.astype(np.uint8))
        contours.contour = 2
        both = [altered, ~altered]

        def moved(both: list[np.ndarray] = both, contours: Layer = contours) -> None:
            both.reverse()
            contours.data = both[0].astype(np.uint8)

        def redrawn(both: list[np.ndarray] = both, viewer: ViewerModel = viewer) -> None:
            both.reverse()
            show_altered(viewer, result, plane, both[0])  # noqa: B023 - called within this turn of the loop

        for what, theirs, mine in (
            ("shown again", lambda layer=contours: toggled(layer), lambda layer=ours: toggled(layer)),
            ("other pixels", moved, redrawn),
        ):
            slow, quick = usual(5, theirs), usual(5, mine)
            print(f"{side:<6} {what:<13} {slow:>8.3f} s {quick:>7.3f} s {slow / max(quick, 1e-4):>5.1f}x")


if __name__ == "__main__":
    main()
