"""Repairs a real OME-Zarr in the real window: made, opened, painted on, repaired, saved, and photographed.

    xvfb-run -a -s "-screen 0 1440x900x24 +extension GLX" python scripts/ome_zarr_example.py [FOLDER]

The slide is scikit-image's immunohistochemistry picture, unmixed into its stains, mirrored into 10 240 x 10 240 px, and
scratched: two channels, five levels, 0.25 um a pixel. It is opened as a layer of zarr arrays, as a script of a user's
would do it; no reader plugin is needed. The pictures go to docs/images unless another folder is named; the stores are
temporary.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import napari
import numpy as np
import zarr
from napari.settings import get_settings
from screenshots import PLUGIN, SIZE, take, wait_until
from skimage import data
from skimage.color import rgb2hed

from napari_edgeconnect.core.overlay import Overlay
from napari_edgeconnect.files.ome_zarr import OmeImage, write_ome_zarr

SIDE, LEVELS, PIXEL_UM = 10_240, 5, 0.25
#: Rows and columns of the scratch, in pixels of the full resolution.
SCRATCH = np.array([(5310, 5265), (5332, 5310), (5350, 5372), (5395, 5420), (5412, 5480)])
SCRATCH_PX, BRUSH_PX = 5, 9
ZOOM = 9.0


def main() -> None:
    get_settings().application.confirm_close_window = False
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "slide.zarr"
        write_ome_zarr(source, slide())
        repaired = Path(folder) / "repaired.zarr"
        repair_in_the_window(source, repaired)
        check(source, repaired)


def slide() -> OmeImage:
    """Two stains of a mirrored picture, with a pyramid by averaging."""
    stains = rgb2hed(data.immunohistochemistry())[..., [0, 2]]
    low, high = np.percentile(stains, (0.1, 99.9), axis=(0, 1))
    stains = np.rint(4000 * np.clip((stains - low) / (high - low), 0, 1)).astype(np.uint16)
    tile = np.concatenate([stains, stains[::-1]])
    tile = np.moveaxis(np.concatenate([tile, tile[:, ::-1]], axis=1), -1, 0)
    levels = [np.tile(tile, (1, SIDE // tile.shape[1], SIDE // tile.shape[2]))]
    for row, column in along_the_scratch():
        at = (slice(int(centre) - SCRATCH_PX // 2, int(centre) + SCRATCH_PX // 2 + 1) for centre in (row, column))
        levels[0][:, *at] = 4095
    for _ in range(LEVELS - 1):
        c, height, width = levels[-1].shape
        means = levels[-1].reshape(c, height // 2, 2, width // 2, 2).mean(axis=(2, 4))
        levels.append(np.rint(means).astype(np.uint16))
    units = (None, "micrometer", "micrometer")
    return OmeImage(levels, "cyx", units, (1, PIXEL_UM, PIXEL_UM), (0, 0, 0), name="slide")


def along_the_scratch() -> Iterator[np.ndarray]:
    """Points less than a pixel apart."""
    for start, end in pairwise(SCRATCH):
        for share in np.linspace(0, 1, 100):
            yield start + share * (end - start)


def repair_in_the_window(source: Path, repaired: Path) -> None:
    """What a person would do, button by button."""
    viewer = napari.Viewer()
    viewer.theme = "dark"
    viewer.window.resize(*SIZE)
    levels = opened(source)
    image = viewer.add_image(
        levels,
        name="slide",
        scale=(1, PIXEL_UM, PIXEL_UM),
        units=("pixel", "um", "um"),
        axis_labels=("c", "y", "x"),
        contrast_limits=(0, 4095),
        colormap="gray",
    )
    _, widget = viewer.window.add_plugin_dock_widget(PLUGIN, "Inpaint")
    panel = widget.panel
    wait_until(lambda: panel.device.count() > 1)
    viewer.canvas.overlays.scale_bar.visible = True
    viewer.dims.set_point(0, 0)
    panel.new_mask.click()
    mask = viewer.layers["slide [damage]"]
    mask.brush_size = BRUSH_PX
    for row, column in list(along_the_scratch())[::5]:
        mask.paint((0, float(row), float(column)), 1)
    viewer.scene.camera.center = (0, *(PIXEL_UM * SCRATCH.mean(axis=0)))
    viewer.scene.camera.zoom = ZOOM
    wait_until(panel.hallucinate.isEnabled)
    panel.hallucinate.click()
    wait_until(lambda: not widget.is_busy)
    mask.visible = False
    take(viewer, "ome-zarr-edges")

    panel.complete.click()
    wait_until(lambda: not widget.is_busy)
    widget.session.edges(widget.session.plane()).visible = False
    take(viewer, "ome-zarr-completed")
    completed = viewer.layers["slide [reconstructed]"]
    assert completed.multiscale
    assert all(isinstance(level, Overlay) for level in completed.data)
    assert completed.save(str(repaired), plugin=PLUGIN) == [str(repaired)]
    assert image.data[0] is levels[0]
    viewer.close()


def opened(path: Path) -> list[zarr.Array]:
    """The levels of an OME-Zarr, for reading only."""
    group = zarr.open_group(path, mode="r")
    return [group[level["path"]] for level in group.attrs["ome"]["multiscales"][0]["datasets"]]


def check(source: Path, repaired: Path) -> None:
    """What was saved is the source, but for the pixels that it says were invented."""
    before, after = opened(source), opened(repaired)
    # One label image for all channels.
    altered = zarr.open_group(repaired, mode="r")["labels/reconstructed/0"][:] > 0
    changed = before[0][:] != after[0][:]
    print(f"{np.count_nonzero(altered)} px invented, {np.count_nonzero(changed)} of them with other values than before")
    assert altered.any()
    assert not (changed & ~altered).any()
    for old, new in zip(before[1:], after[1:], strict=True):
        factor = before[0].shape[1] // old.shape[1]
        shown = altered.reshape(old.shape[1], factor, old.shape[2], factor).any(axis=(1, 3))
        assert not ((old[:] != new[:]) & ~shown).any()


if __name__ == "__main__":
    main()
