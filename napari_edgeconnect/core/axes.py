"""What each axis of a stack is, and the planes that a stack is made of.

Apart from ``planes``, which knows one plane's values, because here only places
count. Nothing is read but the plane that is asked for, so an array may be
numpy's, a memory map, zarr's or dask's. What an axis means is stated, and
never guessed from how long it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from .holes import Box

#: Microscopy channels: planes of their own, of the same place.
CHANNEL = "C"
#: Samples of one colour pixel, RGB or RGBA, as tifffile calls them: part of their plane.
COLOUR = "S"

Place = tuple[int, ...]


class Readable(Protocol):
    """Anything with a shape and a dtype that gives parts of itself: numpy, a memory map, zarr, dask."""

    @property
    def shape(self) -> tuple[int, ...]: ...
    @property
    def dtype(self) -> Any: ...
    def __getitem__(self, key: Any, /) -> Any: ...


class Writable(Readable, Protocol):
    """What takes parts, too."""

    def __setitem__(self, key: Any, value: Any, /) -> None: ...


@dataclass(frozen=True)
class Axes:
    """The axes of one array.

    Attributes
    ----------
    names : str
        A letter for each axis, in the array's order, such as "TCZYX". "C" is
        microscopy channels, "S" the colours of RGB or RGBA; all others but the
        plane's are places.
    shape : tuple of int
        The array's.
    plane : str
        The two axes that make a plane: its rows, then its columns.

    Raises
    ------
    ValueError
        Where names and shape do not belong together, in one sentence.

    Examples
    --------
    >>> axes = Axes("TCYX", (5, 2, 64, 80))
    >>> axes.place_names, axes.channels, len(list(axes.places()))
    ('T', 2, 5)
    >>> axes.read(np.zeros(axes.shape), (3,), channel=1).shape
    (64, 80)
    """

    names: str
    shape: tuple[int, ...]
    plane: str = "YX"

    def __post_init__(self) -> None:
        names, plane = self.names.upper(), self.plane.upper()
        object.__setattr__(self, "names", names)
        object.__setattr__(self, "plane", plane)
        if not (names.isascii() and names.isalpha()) or len(set(names)) < len(names):
            raise ValueError(f"The axes are {self.names!r}: give one letter for each, no letter twice, such as 'TCYX'.")
        if len(names) != len(self.shape):
            raise ValueError(
                f"The axes {names!r} are {len(names)}, but the array has {len(self.shape)}, of shape {self.shape}: "
                f"give one letter for each."
            )
        if len(set(plane)) != 2 or len(plane) != 2 or not set(plane) <= set(names) - {CHANNEL, COLOUR}:
            raise ValueError(
                f"The plane {plane!r} is not among the axes {names!r}: name its rows and its columns, such as 'YX'; "
                f"C (channels) and S (colours) can be neither."
            )
        if COLOUR in names and self.size(COLOUR) not in (3, 4):
            raise ValueError(
                f"Axis S of {names!r} has length {self.size(COLOUR)}: S is for the colours of RGB (3) or RGBA (4); "
                f"call microscopy channels C."
            )
        if 0 in self.shape:
            raise ValueError(f"The array has shape {self.shape}: it holds no pixels.")

    def size(self, name: str) -> int:
        """How long an axis is; 1 where there is none of that name."""
        return self.shape[self.names.index(name)] if name in self.names else 1

    @property
    def plane_shape(self) -> tuple[int, int]:
        """(H, W)."""
        return self.size(self.plane[0]), self.size(self.plane[1])

    @property
    def channels(self) -> int:
        """How many planes each place has."""
        return self.size(CHANNEL)

    @property
    def place_names(self) -> str:
        """The axes that are neither the plane's, nor channels, nor colours, in the array's order."""
        return "".join(name for name in self.names if name not in (*self.plane, CHANNEL, COLOUR))

    def along(self, name: str | None, what: str, choice: str) -> str:
        """The axis of places that something goes along: the named one, or without a name the only one.

        Parameters
        ----------
        name : str or None
        what, choice : str
            What goes along it, and where the axis was chosen: for errors.

        Raises
        ------
        ValueError
            Where there is no such axis, or none is named and there are several.
        """
        known = self.place_names
        if name is None and len(known) == 1:
            return known
        if name is None or name.upper() not in tuple(known):
            have = f"that is one of {', '.join(known)}" if known else f"but {self.names!r} has none"
            raise ValueError(f"{choice} is {name!r}: {what} need an axis that counts planes, {have}.")
        return name.upper()

    def places(self) -> Iterator[Place]:
        """Every place, the last axis fastest: one number for each of ``place_names``."""
        return product(*(range(self.size(name)) for name in self.place_names))

    def number(self, place: Place) -> int:
        """Which of ``places`` this is, counted from 0."""
        sizes = tuple(self.size(name) for name in self.place_names)
        return int(np.ravel_multi_index(place, sizes)) if sizes else 0

    def label(self, place: Place, channel: int | None = None) -> str:
        """A place for people, such as "T 3, Z 0, C 1"; empty where there is only one."""
        parts = [f"{name} {at}" for name, at in zip(self.place_names, place, strict=True)]
        if channel is not None and CHANNEL in self.names:
            parts.append(f"{CHANNEL} {channel}")
        return ", ".join(parts)

    def where(self, place: Place, channel: int = 0) -> Mapping[str, int]:
        """A plane's place by the names of the axes, for arrays with other axes than these."""
        return {**dict(zip(self.place_names, place, strict=True)), CHANNEL: channel}

    def read(self, array: Readable, place: Place, channel: int = 0, box: Box | None = None) -> NDArray[Any]:
        """One plane of an array with these axes, or a box of it: (H, W), or (H, W, 3) or (H, W, 4) with colours."""
        return self.read_at(array, self.where(place, channel), box)

    def read_at(self, array: Readable, where: Mapping[str, int], box: Box | None = None) -> NDArray[Any]:
        """As :meth:`read`, at a place of an array with more axes: those that are missing here do not count."""
        return np.asarray(array[self.index(where, box)]).transpose(self._order())

    def write(
        self, array: Writable, place: Place, plane: NDArray[Any], channel: int = 0, box: Box | None = None
    ) -> None:
        """Put one plane or a box of it, shaped as :meth:`read` gives it, into an array with these axes."""
        array[self.index(self.where(place, channel), box)] = plane.transpose(np.argsort(self._order()))

    def index(self, where: Mapping[str, int], box: Box | None = None) -> tuple[Any, ...]:
        """What an array with these axes is indexed with for a plane or a box of it."""
        inside = dict(zip(self.plane, box.slices if box else (slice(None),) * 2, strict=True))
        # One long: it holds for every place.
        return tuple(
            inside[name] if name in inside else slice(None) if name == COLOUR else where[name] if size > 1 else 0
            for name, size in zip(self.names, self.shape, strict=True)
        )

    def of_mask(self, shape: tuple[int, ...], names: str | None = None, *, what: str = "mask") -> Axes:
        """The axes of a mask for an array with these axes.

        It may lack axes and be one long along them: it then holds for all
        places there, as dust on a camera does.

        Parameters
        ----------
        shape : tuple of int
            The mask's.
        names : str, optional
            Without them a mask has the array's axes without S, or those of a
            plane alone, in the array's order.
        what : str
            What it is called in errors: edges follow the same rule.

        Raises
        ------
        ValueError
            For axes that can't be told by this rule, that the array does not
            have, or of another length.
        """
        own = self.names.replace(COLOUR, "")
        flat = "".join(name for name in own if name in self.plane)
        if names is None:
            if len(shape) not in (2, len(own)):
                raise ValueError(
                    f"The {what} has {len(shape)} axes, of shape {shape}, and the image {self.names!r}: say which the "
                    f"{what}'s are; only with two axes (a plane) or with all of {own!r} it needs no names."
                )
            names = own if len(shape) == len(own) else flat
        mask = Axes(names, shape, self.plane)
        unknown = [name for name in mask.names if name not in own]
        if unknown:
            raise ValueError(f"The {what} has the axes {mask.names!r}, but the image {own!r}: it has no {unknown[0]}.")
        for name in mask.names:
            if mask.size(name) != self.size(name) and not (mask.size(name) == 1 and name not in self.plane):
                raise ValueError(
                    f"The {what} is {mask.size(name)} long along {name}, but the image {self.size(name)}: both must be "
                    f"of one size, or the {what} without this axis."
                )
        return mask

    def _order(self) -> list[int]:
        """How the axes that an index leaves become rows, columns and colours."""
        left = [name for name in self.names if name in (*self.plane, COLOUR)]
        return [left.index(name) for name in (*self.plane, COLOUR) if name in left]
