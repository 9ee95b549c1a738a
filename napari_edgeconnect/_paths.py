"""Where the files that ship with the package are: inside a wheel, or in the checkout it is installed from."""

from __future__ import annotations

from pathlib import Path


def weights_dir() -> Path:
    """The folder of the bundled models, one sub-folder each."""
    package = Path(__file__).resolve().parent
    packaged = package / "weights"
    return packaged if packaged.is_dir() else package.parent / "weights"
