"""Image files: read, checked, and written without losing what they say about the image.

Apart from ``core``, which knows arrays only, and from ``cli``, which knows
neither formats nor tags. Formats are told by a file's first bytes, not by its
name. Whatever can be wrong with a file ends as a :class:`FileError` that names
the file; nothing is read with fewer bits than it has.
"""

from .errors import FileError
from .image import ImageFile, check_format, read_image, sha256, write_image
from .roles import read_as_edges, read_as_mask
from .stack import StackFile, check_stack_format, open_stack, write_stack
from .staging import Staging

__all__ = [
    "FileError",
    "ImageFile",
    "StackFile",
    "Staging",
    "check_format",
    "check_stack_format",
    "open_stack",
    "read_as_edges",
    "read_as_mask",
    "read_image",
    "sha256",
    "write_image",
    "write_stack",
]
