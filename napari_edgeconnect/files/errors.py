"""The one error of this room, and what image decoders raise when a file is broken."""

import struct
import zlib
from tokenize import TokenError

from PIL.Image import DecompressionBombError


class FileError(ValueError):
    """A file that can't be read or written; the message names it and says why."""


#: A decoder that meets a broken file stumbles in any of these ways (Pillow: SyntaxError; tifffile: KeyError, …).
DECODER_ERRORS = (
    OSError,
    ValueError,
    TypeError,
    SyntaxError,
    LookupError,
    ArithmeticError,
    EOFError,
    NotImplementedError,
    RuntimeError,
    AttributeError,
    struct.error,
    zlib.error,
    DecompressionBombError,
    TokenError,  # from an NPY header
)
