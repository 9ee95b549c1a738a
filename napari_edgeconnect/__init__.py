"""Repair scientific images with EdgeConnect: lines first, colour next.

    from napari_edgeconnect import EdgeConnect

    model = EdgeConnect.load()
    edges = model.hallucinate_edges(image, mask)
    repaired = model.complete(image, mask, edges)

Names are imported when they are first asked for, so that importing the package
(as napari does with every plugin) costs neither torch nor time.
"""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .core.device import available_devices
    from .core.edgeconnect import EdgeConnect
    from .core.edges import EdgeMap, EdgeSource
    from .core.models import import_model, list_models
    from .core.results import Repair, Step
    from .core.settings import Settings

__all__ = [
    "EdgeConnect",
    "Settings",
    "EdgeMap",
    "EdgeSource",
    "Repair",
    "Step",
    "available_devices",
    "list_models",
    "import_model",
]

_MODULES = {
    "EdgeConnect": ".core.edgeconnect",
    "Settings": ".core.settings",
    "EdgeMap": ".core.edges",
    "EdgeSource": ".core.edges",
    "Repair": ".core.results",
    "Step": ".core.results",
    "available_devices": ".core.device",
    "list_models": ".core.models",
    "import_model": ".core.models",
}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        value: Any = version("napari-edgeconnect")
    elif name in _MODULES:
        value = getattr(import_module(_MODULES[name], __name__), name)
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value  # asked for once
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_MODULES, "__version__"})
