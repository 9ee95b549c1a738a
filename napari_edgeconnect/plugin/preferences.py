"""What a person has chosen in napari's preferences for this plugin."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace

from ..core.settings import Settings
from .layers import KEY

#: The widget starts with a mask a little wider than painted, because tight masks leave rims.
DEFAULTS = Settings(grow_px=2.0)


@dataclass(frozen=True)
class Preferred:
    """Where the widget's controls start."""

    settings: Settings = DEFAULTS
    device: str = "auto"
    live: bool = False
    show_altered: bool = True
    level: float = 0.9


def preferred() -> Preferred:
    """The preferences, or the defaults where the plugin runs without its manifest."""
    from napari.settings import get_plugin_settings

    try:
        chosen = get_plugin_settings(KEY)
    except KeyError:
        return Preferred()
    settings = replace(
        DEFAULTS,
        sigma=chosen.edges.sigma or None,
        grow_px=chosen.damage.grow_px,
        margin_px=chosen.inference.margin_px,
        largest_window_px=max(DEFAULTS.largest_window_px, 4 * chosen.inference.margin_px),
        half_precision=chosen.inference.precision == "half",
        match_noise=chosen.completion.match_noise,
    )
    return Preferred(
        settings,
        chosen.inference.device,
        chosen.completion.live,
        chosen.trust.show_altered,
        chosen.trust.level_percent / 100,
    )


def remember_altered_shown(shown: bool) -> None:
    """Keep whether altered pixels are outlined; nothing is kept where the plugin runs without its manifest."""
    from napari.settings import get_plugin_settings

    with suppress(KeyError):
        get_plugin_settings(KEY).trust.show_altered = shown


def results_folder() -> str | None:
    """Where large results are kept while they are layers; None: where the system keeps temporary files."""
    from napari.settings import get_plugin_settings

    try:
        return str(get_plugin_settings(KEY).results.folder) or None
    except KeyError:
        return None
