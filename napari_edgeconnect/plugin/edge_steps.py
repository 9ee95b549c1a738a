"""napari's undo, followed: which edge map the labels of a layer are an edit of.

Undo and redo bring labels back, whoever made them: a person's stroke, or the
machine by a new threshold, a new sigma or a new run. What lies behind labels
(probabilities, measured edges, threshold, decisions) is not napari's to bring
back; without it, labels of an earlier threshold would pass for a person's
edits. No Qt.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..core.edges import EdgeMap, EdgeSource

if TYPE_CHECKING:
    from napari.layers import Labels

#: napari takes back a hundred steps; of large planes, as many are remembered as fit into this, at least two.
STEPS_BYTES = 256 * 2**20
_STEPS = 100


class _Step(NamedTuple):
    """What the machine drew, and the labels that it drew over."""

    before: NDArray[np.uint8]
    drawn: EdgeMap


class EdgeSteps:
    """Every edge map that the machine has put into a layer, and the one that it shows edits of.

    Whether a person or an undo has made the labels what they were before the
    machine's last drawing can't be seen from them. napari's events tell: a
    stroke fires ``paint``, an undo does not.

    Parameters
    ----------
    edge_map : EdgeMap
        What the layer was made from.
    """

    def __init__(self, edge_map: EdgeMap) -> None:
        self._steps = [_Step(edge_map.labels, edge_map)]
        self._at = 0
        self._painted = False

    @property
    def threshold(self) -> float:
        """That of the proposals which the layer shows."""
        return self._steps[self._at].drawn.threshold

    def read(self, layer: Labels) -> EdgeMap:
        """The edge map behind the layer's labels, as a person has edited it."""
        labels = self._labels(layer)
        self._follow(labels)
        return self._steps[self._at].drawn.edited(labels)

    def write(self, layer: Labels, edge_map: EdgeMap) -> None:
        """Put what the machine drew into the layer, as one step of its own undo history."""
        layer.events.paint.connect(self._note_stroke)
        layer.events.set_data.connect(self._note_refresh)
        before = self._labels(layer)
        labels = edge_map.labels.reshape(layer.data.shape)
        changed = np.nonzero(layer.data != labels)
        if not changed[0].size:  # and no step for napari either
            self._steps[self._at] = self._steps[self._at]._replace(drawn=edge_map)
            return
        layer.data_setitem(changed, labels[changed])  # drops what could have been redone, as any stroke does
        self._steps.append(_Step(before, edge_map))
        while len(self._steps) > 2 and (len(self._steps) > _STEPS or _size(self._steps) > STEPS_BYTES):
            del self._steps[0]
        self._at = len(self._steps) - 1
        self._painted = False

    def _labels(self, layer: Labels) -> NDArray[np.uint8]:
        """A copy of the layer's pixels, (H, W); any label beyond "drawn" counts as drawn."""
        plane = layer.data.reshape(self._steps[0].before.shape)
        return np.minimum(plane, EdgeSource.DRAWN).astype(np.uint8)

    def _note_stroke(self, event: Any = None) -> None:
        self._painted = True
        del self._steps[self._at + 1 :]  # napari forgets what it could have redone

    def _note_refresh(self, event: Any) -> None:
        """Each undo and redo ends in a refresh, and so does new data of any shape."""
        if event.source.data.size == self._steps[0].before.size:
            self._follow(self._labels(event.source))

    def _follow(self, labels: NDArray[np.uint8]) -> None:
        """See whether the machine's last drawings were taken back, or its next ones put back."""
        if np.array_equal(labels, self._steps[self._at].drawn.labels):
            self._painted = False
        elif not self._painted:
            undone = (i - 1 for i in range(self._at, 0, -1) if np.array_equal(labels, self._steps[i].before))
            redone = (
                i for i in range(self._at + 1, len(self._steps)) if np.array_equal(labels, self._steps[i].drawn.labels)
            )
            self._at = next(chain(undone, redone), self._at)


def _size(steps: Sequence[_Step]) -> int:
    """Bytes of all planes, of which steps share many."""
    kept = [(s.before, s.drawn.labels, s.drawn.decided, s.drawn.measured, s.drawn.probability) for s in steps]
    return sum({id(plane): plane.nbytes for planes in kept for plane in planes}.values())
