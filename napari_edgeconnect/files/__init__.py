"""Image files: read, checked, and written without losing what they say about the image.

Apart from ``core``, which knows arrays only, and from ``cli``, which knows
neither formats nor tags. Formats are told by a file's first bytes, not by its
name. Whatever can be wrong with a file ends as a :class:`FileError` that names
the file; nothing is read with fewer bits than it has.
"""

from .beside import as_black_and_white, write_json, write_text
from .embedded import read_embedded
from .errors import FileError
from .identity import sha256, stamp
from .image import ImageFile, check_format, check_mask_place, read_image, write_image
from .parts import Parts
from .roles import read_as_edges, read_as_mask
from .stack import (
    check_stack_format,
    check_stack_mask_place,
    has_stack_mask_place,
    holds_stack,
    open_stack,
    write_stack,
)
from .stack_file import StackFile
from .staging import Staging
from .tiff_stack import write_planes
from .zarr_stack import is_zarr

__all__ = [
    "FileError",
    "ImageFile",
    "Parts",
    "StackFile",
    "Staging",
    "as_black_and_white",
    "check_format",
    "check_mask_place",
    "check_stack_format",
    "check_stack_mask_place",
    "has_stack_mask_place",
    "holds_stack",
    "is_zarr",
    "open_stack",
    "read_as_edges",
    "read_as_mask",
    "read_embedded",
    "read_image",
    "sha256",
    "stamp",
    "write_image",
    "write_json",
    "write_planes",
    "write_stack",
    "write_text",
]
