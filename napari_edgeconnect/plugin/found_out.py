"""What was found out about an image and its mask goes into the records of all their repairs, older ones included.

Image and mask are known by the digests in every record, so nothing about layers has to be remembered, and pixels
that were changed in place are other pixels. No Qt.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from ..core.record import with_self_test, with_uncertainty
from . import layers as ours

if TYPE_CHECKING:
    from napari.layers import Layer

Record = Mapping[str, Any]

_REPAIRED = (ours.COMPLETED, ours.CLASSICAL, ours.CANDIDATE)


class FoundOut:
    """The last self-test, and what is known about uncertainty, of each image and mask."""

    def __init__(self) -> None:
        self._tests: dict[tuple[str, str], Record] = {}
        self._uncertainties: dict[tuple[str, str, str], Record] = {}

    def take_test(self, record: Record) -> None:
        """Remember a self-test's record."""
        pixels = record["pixels"]
        self._tests[pixels["image"], pixels["mask"]] = record

    def take_uncertainty(self, record: Record) -> None:
        """Remember what was found out about one result; a spread that is not calibrated goes into no record."""
        pixels = record["pixels"]
        key = (pixels["image"], pixels["mask"], record["result_sha256"])
        if record["kind"] == "uncertainty":
            self._uncertainties[key] = record
        else:
            self._uncertainties.pop(key, None)

    def added_to(self, record: Record) -> Record:
        """A repair's record with all that is known about its image and mask; itself where nothing is."""
        pixels = record.get("pixels", {})
        image, mask, result = (str(pixels.get(name, "")) for name in ("image", "mask", "result"))
        record = _with(record, "self_test", self._tests.get((image, mask)), with_self_test)
        return _with(record, "uncertainty", self._uncertainties.get((image, mask, result)), with_uncertainty)

    def write_into(self, layers: Iterable[Layer]) -> None:
        """Bring the records of all repairs among these layers up to date."""
        for layer in layers:
            if any(ours.is_own(layer, kind) for kind in _REPAIRED):
                metadata = layer.metadata[ours.KEY]
                for details in (metadata, *metadata.get("records", {}).values()):
                    if "record" in details:
                        details["record"] = self.added_to(details["record"])


def _with(record: Record, name: str, found: Record | None, attach: Callable[[Record, Record], Record]) -> Record:
    if found is None or record.get(name) == found:
        return record
    with suppress(ValueError):  # of a kind that it does not go with
        return attach(record, found)
    return record
