"""Completed images that are kept: shown again with their edges, compared, sent to layers of their own.

Of a candidate only the pixels of its hole are kept; the rest is the image's own.
Works on any ``ViewerModel``; no Qt.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Layer
from numpy.typing import NDArray
from skimage.transform import resize

from ..core.edges import EdgeMap
from ..core.results import Repair
from . import layers as ours
from .altered import overlay_of, set_visible, show_altered
from .layer_plane import Plane, read_plane
from .placing import add, show_completion, show_edges

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image

#: So much of a hole's surroundings is in its small picture, as a share of the hole's longer side.
_AROUND = 0.25


@dataclass(frozen=True, eq=False)
class Candidate:
    """One completed plane.

    Attributes
    ----------
    number : int
        Counted within its plane, from 1.
    title : str
        What is particular about it.
    plane : Plane
    edges : EdgeMap
        What it was completed from.
    altered : (H, W) bool
        True where pixels were invented.
    invented : (N,) or (N, channels) array
        These pixels, in the image's dtype.
    record : dict
    """

    number: int
    title: str
    plane: Plane
    edges: EdgeMap
    altered: NDArray[np.bool_]
    invented: NDArray[Any]
    record: dict[str, Any]

    def image(self) -> NDArray[Any]:
        """The completed plane, (H, W) or (H, W, channels).

        Raises
        ------
        ValueError
            If the image's data were replaced meanwhile.
        """
        if not self.plane.is_current:
            raise ValueError(
                f"“{self.plane.layer.name}” holds other data than candidate {self.number} was made from: delete it."
            )
        image = read_plane(self.plane)
        image[self.altered] = self.invented
        return image

    def repair(self) -> Repair:
        """All of it, as it came from the model; errors as for :meth:`image`."""
        return Repair(self.image(), self.edges, self.altered, self.record)


class Candidates:
    """All candidates of one viewer.

    Parameters
    ----------
    viewer : ViewerModel
    """

    def __init__(self, viewer: ViewerModel) -> None:
        self._viewer = viewer
        self._kept: list[Candidate] = []
        #: The last of each: what is shown now, and what was before.
        self._recent: list[Candidate] = []
        self._comparison: _Comparison | None = None
        self._look_back: _LookBack | None = None

    def of(self, plane: Plane) -> list[Candidate]:
        """The candidates of a plane, in the order in which they were kept."""
        return [candidate for candidate in self._kept if ours.belongs_to(candidate.plane) == ours.belongs_to(plane)]

    def keep(self, plane: Plane) -> Candidate:
        """Keep the plane's completed image, with the edges it was made from.

        Raises
        ------
        ValueError
            Where there is none, or it does not follow its edges to the end yet.
        """
        layer = ours.find_own(self._viewer.layers, plane, ours.COMPLETED)
        details = {} if layer is None else ours.details_of(layer, plane)
        if "edges" not in details:
            raise ValueError("There is no completed image to keep: complete first.")
        record = details["record"]
        if "unfinished" in record:
            raise ValueError("The completed image is still following the edges: keep it when it has caught up.")
        repair = Repair(ours.pixels_of(layer, plane), details["edges"], details["altered"], record)
        return self.add(plane, repair, _in_words(record))

    def add(self, plane: Plane, repair: Repair, title: str) -> Candidate:
        """Keep a repair of a plane."""
        self._kept = [other for other in self._kept if other.plane.layer in self._viewer.layers]
        number = 1 + max((other.number for other in self.of(plane)), default=0)
        invented = repair.image[repair.altered]
        candidate = Candidate(number, title, plane, repair.edges, repair.altered, invented, repair.record)
        self._kept.append(candidate)
        return candidate

    def delete(self, candidate: Candidate) -> None:
        """Forget a candidate; what is shown stays."""
        self._kept = [other for other in self._kept if other is not candidate]
        self._recent = [other for other in self._recent if other is not candidate]

    def show(self, candidate: Candidate) -> None:
        """Put a candidate's pixels into the plane's completed layer, and its edges into the edge layer.

        Raises
        ------
        ValueError
            As for :meth:`Candidate.image`; nothing is changed then.
        """
        repair = candidate.repair()
        show_edges(self._viewer, candidate.plane, repair.edges, details={"record": candidate.record})
        show_completion(self._viewer, candidate.plane, repair)
        self._recent = [*(other for other in self._recent if other is not candidate), candidate]
        if self._comparison is not None:
            self.compare(candidate)

    def is_shown(self, candidate: Candidate) -> bool:
        """True where the plane's layers hold this candidate's pixels and edges."""
        layers, plane = self._viewer.layers, candidate.plane
        edges, completed = (ours.find_own(layers, plane, kind) for kind in (ours.EDGES, ours.COMPLETED))
        if edges is None or completed is None:
            return False
        pixels = ours.pixels_of(completed, plane)[candidate.altered]
        return np.array_equal(pixels, candidate.invented) and np.array_equal(
            ours.pixels_of(edges, plane), candidate.edges.labels
        )

    def send(self, candidate: Candidate) -> Image:
        """Put a candidate into a layer of its own; errors as for :meth:`Candidate.image`."""
        layer: Image = add(self._viewer, _as_layer(candidate, ours.CANDIDATE))
        show_altered(self._viewer, layer, candidate.plane, candidate.altered)
        return layer

    # ---- side by side

    def compare(self, candidate: Candidate) -> None:
        """Show a candidate beside the one that was shown before it, or else beside the image as it was.

        All other layers are hidden until :meth:`stop_comparing`. Errors as for :meth:`Candidate.image`.
        """
        others = [other for other in self.of(candidate.plane) if other is not candidate]
        before = next((other for other in reversed(self._recent) if other in others), None)
        other = before or next(reversed(others), None)
        right = _as_layer(candidate, ours.COMPARED)
        left = _as_layer(other, ours.COMPARED) if other else _damaged(candidate.plane)
        self.stop_comparing()
        outlines = (other or candidate).altered, candidate.altered
        self._comparison = _Comparison(self._viewer, candidate.plane, (left, right), outlines)

    def stop_comparing(self) -> None:
        """Bring back what was on display before; whatever was removed since stays removed."""
        if self._comparison is not None:
            self._comparison.end()
            self._comparison = None

    # ---- before and after

    def before(self, held: bool, plane: Plane | None) -> None:
        """While ``held``, show a plane as it was; then as it had been on display."""
        if self._look_back is not None:
            self._look_back.end()
            self._look_back = None
        results = [] if plane is None else ours.results_of(self._viewer.layers, plane)
        if held and results:
            assert plane is not None
            layers = self._viewer.layers
            over = [overlay_of(layers, result) for result in results]
            over.append(ours.find_own(layers, plane, ours.UNCERTAINTY))
            hidden = [*results, *(layer for layer in over if layer is not None)]
            self._look_back = _LookBack(self._viewer, {**dict.fromkeys(hidden, False), plane.layer: True})


class _LookBack:
    """Layers shown or hidden for a while. napari ends the mode of a layer that it hides, so modes come back, too."""

    def __init__(self, viewer: ViewerModel, wanted: dict[Layer, bool]) -> None:
        self._viewer = viewer
        self._were = [(layer, layer.visible, layer.mode) for layer in viewer.layers]
        for layer, visible in wanted.items():
            set_visible(layer, visible)

    def end(self) -> None:
        for layer, visible, mode in self._were:
            if layer in self._viewer.layers and layer.visible != visible:
                set_visible(layer, visible)
                layer.mode = mode


class _Comparison:
    """Two pictures side by side in napari's grid, each with its outline, and the way back."""

    def __init__(
        self,
        viewer: ViewerModel,
        plane: Plane,
        pictures: tuple[ours.LayerTuple, ours.LayerTuple],
        outlines: tuple[NDArray[np.bool_], NDArray[np.bool_]],
    ) -> None:
        self._viewer = viewer
        self._hidden = _LookBack(viewer, dict.fromkeys(viewer.layers, False))
        grid = viewer.canvas.grid
        self._grid = {name: getattr(grid, name) for name in ("enabled", "stride", "shape")}
        active = viewer.layers.selection.active
        self._pictures = []
        # napari counts cells from the bottom of the list, or, with a negative stride, from its top: there lie ours.
        for picture, altered in reversed(list(zip(pictures, outlines, strict=True))):
            layer = add(viewer, picture)
            layer.name_overlay.visible = True
            self._pictures += [layer, show_altered(viewer, layer, plane, altered)]
        viewer.layers.selection.active = active
        grid.stride, grid.shape, grid.enabled = -2, (1, len(pictures)), True

    def end(self) -> None:
        for picture in self._pictures:
            if picture in self._viewer.layers:
                self._viewer.layers.remove(picture)
        for name, value in self._grid.items():
            setattr(self._viewer.canvas.grid, name, value)
        self._hidden.end()


def thumbnail(plane: Plane, image: NDArray[Any], altered: NDArray[np.bool_], side: int) -> NDArray[np.uint8]:
    """A small picture of a completed hole, in the colours in which the image is on display.

    Parameters
    ----------
    plane : Plane
    image : (H, W) or (H, W, channels)
        The completed plane.
    altered : (H, W) bool
        Its box, with a little around it, is shown.
    side : int
        Of the longer side, in pixels.

    Returns
    -------
    picture : (h, w, 3) uint8
    """
    cut = _around(altered)
    layer = plane.layer
    if layer.rgb:
        colours = image[cut][..., :3]
        whole = np.iinfo(colours.dtype).max if colours.dtype.kind in "ui" else 1
        unit = np.clip(colours.astype(float) / whole, 0, 1)
    else:
        low, high = layer.contrast_limits
        unit = np.clip((image[cut].astype(float) - low) / max(high - low, np.finfo(float).tiny), 0, 1) ** layer.gamma
        unit = layer.colormap.map(unit.ravel())[:, :3].reshape(*unit.shape, 3)
    scale = side / max(unit.shape[:2])
    shape = [max(1, round(scale * length)) for length in unit.shape[:2]]
    small = resize(unit, shape, order=1, anti_aliasing=scale < 1)
    return np.rint(255 * small).astype(np.uint8)


def _around(altered: NDArray[np.bool_]) -> tuple[slice, slice]:
    """A box around all that is marked, as square as the plane allows."""
    rows, columns = (np.flatnonzero(altered.any(axis=axis)) for axis in (1, 0))
    if not rows.size:
        return slice(None), slice(None)
    lows, highs = np.array([rows[0], columns[0]]), np.array([rows[-1], columns[-1]]) + 1
    half = (0.5 + _AROUND) * (highs - lows).max() + 4
    middle = (lows + highs) / 2
    starts = np.maximum(np.floor(middle - half), 0).astype(int)
    stops = np.minimum(np.ceil(middle + half), altered.shape).astype(int)
    return slice(starts[0], stops[0]), slice(starts[1], stops[1])


def _in_words(record: dict[str, Any]) -> str:
    """What has led to a completion: "sigma 2, threshold 0.3, 12 px drawn, open-science-16"."""
    settings, edges = record["settings"], record["edges"]
    sigma = "no known edges" if settings["sigma"] is None else f"sigma {settings['sigma']:g}"
    by_hand = [f"{edges[f'{what}_px']} px {what}" for what in ("drawn", "erased") if edges[f"{what}_px"]]
    words = [sigma, f"threshold {edges['threshold']:g}", *by_hand, record["model"]["name"]]
    return ", ".join(words)


def _as_layer(candidate: Candidate, kind: str) -> ours.LayerTuple:
    details = {"record": candidate.record, "altered": candidate.altered}
    title = f"{ours.TITLES[ours.COMPLETED]} · candidate {candidate.number}"
    return ours.completed_tuple(candidate.plane, candidate.image(), details=details, kind=kind, title=title)


def _damaged(plane: Plane) -> ours.LayerTuple:
    return ours.completed_tuple(plane, read_plane(plane), details={}, kind=ours.COMPARED, title="damaged")
