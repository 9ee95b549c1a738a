"""One more tag in a TIFF that is there already, without moving a pixel.

tifffile replaces tags that a file has; a file that was copied, because its pixels lie as they are in memory, has none
of ours. The first page's directory is written anew at the end of the file, with the tag in it, and the header points
there; everything else keeps its place, so what points to it still does.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import BinaryIO

_ASCII = 2


def add_ascii_tag(path: Path, code: int, value: bytes) -> bool:
    """Give a TIFF's first page a tag, in the place of one with this code if there is one.

    Parameters
    ----------
    path : Path
        Classic or BigTIFF, of either byte order.
    code : int
    value : bytes
        ASCII, with its final NUL.

    Returns
    -------
    added : bool
        False where a classic TIFF has no room left for offsets; nothing is changed then.
    """
    with path.open("r+b") as file:
        order = {b"II": "<", b"MM": ">"}[file.read(2)]
        big = struct.unpack(order + "H", file.read(2))[0] == 43
        word, pointer_at = ("Q", 8) if big else ("I", 4)
        file.seek(pointer_at)
        (first,) = _unpacked(file, order + word)
        file.seek(first)
        (count,) = _unpacked(file, order + ("Q" if big else "H"))
        size = 20 if big else 12
        entries = [file.read(size) for _ in range(count)]
        following = file.read(8 if big else 4)
        end = file.seek(0, 2)
        value_at = end + end % 2
        directory_at = value_at + len(value) + len(value) % 2
        if not big and directory_at + size * (count + 2) >= 2**32:
            return False
        room = 8 if big else 4
        inline = value.ljust(room, b"\0") if len(value) <= room else struct.pack(order + word, value_at)
        entry = struct.pack(order + "HH" + word, code, _ASCII, len(value)) + inline
        kept = [old for old in entries if struct.unpack(order + "H", old[:2])[0] != code]
        entries = sorted([*kept, entry], key=lambda old: struct.unpack(order + "H", old[:2])[0])
        file.write(b"\0" * (value_at - end) + value + b"\0" * (len(value) % 2))
        file.write(struct.pack(order + ("Q" if big else "H"), len(entries)) + b"".join(entries) + following)
        file.seek(pointer_at)
        file.write(struct.pack(order + word, directory_at))
    return True


def _unpacked(file: BinaryIO, form: str) -> tuple[int, ...]:
    return struct.unpack(form, file.read(struct.calcsize(form)))
