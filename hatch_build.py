"""Build hook: puts the top-level ``napari.yaml`` and ``weights/`` where the installed package finds them."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

#: What ships of ``weights/``: models, their cards and how they were trained.
SHIPPED = {".safetensors", ".md"}


class ShipTopLevelFiles(BuildHookInterface):
    """Wheels carry both inside the package; an editable install reads the weights from the checkout."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Called by hatchling before a wheel is built; ``version`` is "standard" or "editable"."""
        root = Path(self.root)
        if version == "editable":
            _link_manifest(root)
            return
        ship = build_data["force_include"]
        ship["napari.yaml"] = "napari_edgeconnect/napari.yaml"
        for path in sorted((root / "weights").rglob("*")):
            if path.suffix in SHIPPED:
                ship[str(path)] = f"napari_edgeconnect/{path.relative_to(root).as_posix()}"


def _link_manifest(root: Path) -> None:
    """Npe2 looks for the manifest in the package's own folder, also in an editable install."""
    link = root / "napari_edgeconnect" / "napari.yaml"
    link.unlink(missing_ok=True)
    try:
        link.symlink_to(Path("..", "napari.yaml"))
    except OSError:  # Windows without the right to make links: reinstall after editing the manifest
        shutil.copyfile(root / "napari.yaml", link)
