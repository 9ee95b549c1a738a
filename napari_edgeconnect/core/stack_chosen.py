"""Some planes of a stack: what a person writes, such as "Z=3-7,C=0", and whether a plane is among them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from .axes import CHANNEL, Axes

#: For each axis that was named, the numbers along it.
Selection = Mapping[str, range]


def selections(axes: Axes, texts: Sequence[str]) -> list[Selection]:
    """Read what planes are named.

    Parameters
    ----------
    axes : Axes
    texts : sequence of str
        Each "AXIS=NUMBER" or "AXIS=FIRST-LAST", several with commas between, and the axis may be left out where only
        one counts planes. Axes that are not named are taken whole.

    Raises
    ------
    ValueError
        For anything else, and for planes that are not there.

    Examples
    --------
    >>> selections(Axes("TCYX", (5, 2, 8, 8)), ["3", "t=0-1,c=1"])
    [{'T': range(3, 4)}, {'T': range(0, 2), 'C': range(1, 2)}]
    """
    return [_selection(axes, text) for text in texts]


def is_chosen(chosen: Sequence[Selection], where: Mapping[str, int]) -> bool:
    """True for a plane of one of the selections, and for every plane where there is none."""
    return not chosen or any(all(where[name] in numbers for name, numbers in one.items()) for one in chosen)


def _selection(axes: Axes, text: str) -> Selection:
    found: dict[str, range] = {}
    for part in text.split(","):
        read = re.fullmatch(r"\s*(?:([A-Za-z])\s*=)?\s*(\d+)\s*(?:-\s*(\d+)\s*)?", part)
        if read is None:
            raise ValueError(f"The planes {text!r} can't be read: write such as Z=12, Z=3-7 or Z=12,T=3.")
        name, first, last = read[1], int(read[2]), int(read[3] or read[2])
        if name is None and len(axes.place_names) != 1:
            raise ValueError(
                f"The planes {text!r} name no axis, and the image {axes.names!r} has "
                f"{', '.join(axes.place_names) or 'none'} to count them: write such as Z={first}."
            )
        name = (name or axes.place_names).upper()
        known = [one for one in (*axes.place_names, CHANNEL) if one in axes.names]
        if name not in known or name in found:
            twice = "twice" if name in found else f"but the image {axes.names!r} counts planes by {', '.join(known)}"
            raise ValueError(f"The planes {text!r} name the axis {name} {twice}.")
        if not first <= last < axes.size(name):
            raise ValueError(
                f"The planes {text!r} are not all there: {name} of the image goes from 0 to {axes.size(name) - 1}."
            )
        found[name] = range(first, last + 1)
    return found
