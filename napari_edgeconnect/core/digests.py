"""Which array it is: SHA-256 of its values, whatever file or memory layout they came in.

Apart from ``files.identity``, which tells files apart: the widget's arrays lie in no file, and the same pixels may lie
in a PNG and in a TIFF.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray


def array_sha256(array: ArrayLike) -> str:
    """The SHA-256 of an array's dtype, shape and values, as hex digits.

    Hashed are one line of text, such as ``<u2 (480, 640)`` and its line feed, which is numpy's name of the dtype in
    little-endian order and the shape, and then the bytes of the values, row by row, in that order. So neither byte
    order nor strides matter, and every bit of NaN and of negative zero does.

    Parameters
    ----------
    array : array of bool, integers or floats, of any shape

    Examples
    --------
    >>> array_sha256(np.array([[1, 2]], ">u2")) == array_sha256(np.array([[1, 2]], "<u2"))
    True
    """
    given: NDArray[Any] = np.asarray(array)
    plain = np.ascontiguousarray(given, dtype=given.dtype.newbyteorder("<"))
    digest = hashlib.sha256(f"{plain.dtype.str} {given.shape}\n".encode())
    digest.update(plain.reshape(-1).view(np.uint8).data)
    return digest.hexdigest()


def sha256_of_parts(digests: Iterable[str]) -> str:
    """One digest for what was hashed in parts: the SHA-256 of their hex digits, a line each."""
    return hashlib.sha256("".join(f"{digest}\n" for digest in digests).encode()).hexdigest()
