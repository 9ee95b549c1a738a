"""A picture that says by itself what in it is reconstructed: outlined, and with a caption.

For papers and slides. Apart from ``planes``, whose contrast is for networks: here a person looks, and nothing that is
drawn here is ever an input.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image, ImageDraw, ImageFont
from scipy import ndimage

from .holes import EIGHT_NEIGHBOURS, read_mask
from .methods_text import METHOD_NAMES
from .planes import checked_image, colours, fixed_mapping, nonfinite, percentile_mapping

#: The outline: an inner line, next to the regions, and one around it, so that one of them is seen on any background.
INNER, OUTER = (255, 255, 255), (0, 0, 0)
_UNBROKEN = "\N{NO-BREAK SPACE}"
#: The caption's letters, and how tall they are in a picture that is not small.
_INK, _PAPER = (20, 20, 20), (255, 255, 255)
_SMALLEST_TEXT_PX, _LARGEST_TEXT_PX = 11, 40
#: A narrower picture gets white space beside it, so that the caption's words fit.
_NARROWEST_PX = 200


def figure_of(
    image: ArrayLike,
    altered: ArrayLike,
    record: Mapping[str, Any],
    *,
    outline: bool = True,
    caption: bool = True,
    contrast: tuple[float, float] | None = None,
    line_px: int | None = None,
) -> NDArray[np.uint8]:
    """A repaired image as a figure: contrast-stretched, its reconstructed regions outlined, with a caption below.

    The outline lies outside the regions, a white line at their border and a black one around it: inside, and
    elsewhere, every pixel is the stretched image's.

    Parameters
    ----------
    image : (H, W), (H, W, 3) or (H, W, 4) bool, integer or float
        The repaired one. Pixels that are NaN or infinite are black; alpha is left out.
    altered : (H, W) bool
        True where pixels were invented.
    record : dict
        Of the repair; for the caption.
    outline, caption : bool
    contrast : (low, high), optional
        Values of the image that become black and white. By default the whole range of 8-bit colours and of bool, and
        of anything else the 0.5 and 99.5 percentiles.
    line_px : int, optional
        Width of each of the outline's two lines; by default it grows with the image.

    Returns
    -------
    figure : (H, W, 3) uint8
        With a caption it goes on below, and where the image is narrow with white space to the right.

    Raises
    ------
    TypeError, ValueError
        For bad input, in one sentence.

    Examples
    --------
    >>> altered = np.zeros((40, 40), bool)
    >>> altered[10:20, 10:20] = True
    >>> figure = figure_of(np.full((40, 40), 9, np.uint8), altered, {}, caption=False, contrast=(0, 255), line_px=1)
    >>> figure[15, 15].tolist(), figure[15, 9].tolist(), figure[15, 8].tolist(), figure[15, 7].tolist()
    ([9, 9, 9], [255, 255, 255], [0, 0, 0], [9, 9, 9])
    """
    pixels = checked_image(image)
    regions = read_mask(altered, pixels.shape[:2])
    figure = stretched(pixels, contrast)
    if outline:
        _draw_outline(figure, regions, line_px or max(1, round(min(regions.shape) / 400)))
    if not caption:
        return figure
    space = np.full((figure.shape[0], max(0, _NARROWEST_PX - figure.shape[1]), 3), _PAPER, np.uint8)
    figure = np.hstack([figure, space])
    return np.vstack([figure, _caption_strip(caption_of(record, regions), figure.shape[1])])


def stretched(image: ArrayLike, contrast: tuple[float, float] | None = None) -> NDArray[np.uint8]:
    """An image as (H, W, 3) uint8 between two values; see :func:`figure_of`."""
    pixels = checked_image(image)
    missing = nonfinite(pixels)
    shown = colours(pixels)
    low, high = contrast or _usual_contrast(pixels, ~missing)
    if not (np.isfinite(low) and np.isfinite(high) and low < high):
        raise ValueError(f"The contrast is {low:g} to {high:g}: give two finite values, the lower one first.")
    values = np.where(missing[..., None], low, shown).astype(np.float64)
    half_span = high / 2 - low / 2  # the difference of two float64 extremes overflows
    unit = np.clip((values / 2 - low / 2) / half_span, 0, 1)
    return np.ascontiguousarray(np.broadcast_to(np.rint(255 * unit).astype(np.uint8), (*missing.shape, 3)))


def _usual_contrast(pixels: NDArray[Any], finite: NDArray[np.bool_]) -> tuple[float, float]:
    fixed = fixed_mapping(pixels.dtype, colour=pixels.ndim == 3)
    if fixed is not None:
        return fixed.low, fixed.high
    values = colours(pixels)[finite]
    mapping = percentile_mapping(values if values.size else np.zeros(1))
    return mapping.low, mapping.high


def caption_of(record: Mapping[str, Any], altered: NDArray[np.bool_]) -> str:
    """What the outlined regions are, in one sentence.

    Examples
    --------
    >>> caption_of({"method": "patchmatch", "version": "0.1.0"}, np.eye(10, dtype=bool))
    'Outlined: reconstructed by PatchMatch (napari-edgeconnect 0.1.0), not measured; 10 % of the image.'
    """
    if not altered.any():
        return "Nothing in this image is reconstructed."
    method = str(record.get("method", "edgeconnect"))
    made_by = " ".join(str(part) for part in ("napari-edgeconnect", record.get("version")) if part)
    model = (record.get("model") or {}).get("name")
    by = f"{made_by}, model {model}" if model else made_by
    share = 100 * float(altered.mean())
    percent = f"{share:.1f}".removesuffix(".0") if share >= 0.1 else f"{share:.2g}"
    if record.get("kind") == "excluded":
        return f"Outlined: damaged and marked as missing ({by}), nothing filled in; {percent} % of the image."
    return (
        f"Outlined: reconstructed by {METHOD_NAMES.get(method, method)} ({by}), not measured; {percent} % of the image."
    )


def _draw_outline(figure: NDArray[np.uint8], regions: NDArray[np.bool_], line_px: int) -> None:
    inner = ndimage.binary_dilation(regions, EIGHT_NEIGHBOURS, iterations=line_px) if regions.any() else regions
    outer = ndimage.binary_dilation(inner, EIGHT_NEIGHBOURS, iterations=line_px) if regions.any() else regions
    figure[outer & ~inner] = OUTER
    figure[inner & ~regions] = INNER


def _caption_strip(text: str, width: int) -> NDArray[np.uint8]:
    """The caption on white, as wide as the picture: (h, W, 3) uint8."""
    size = int(np.clip(width / 45, _SMALLEST_TEXT_PX, _LARGEST_TEXT_PX))
    font = ImageFont.load_default(size)
    margin = size // 2
    draw = ImageDraw.Draw(Image.new("RGB", (1, 1)))
    lines = _wrapped(text, lambda line: draw.textlength(line.replace(_UNBROKEN, " "), font), max(width - 2 * margin, 1))
    height = round(1.3 * size)
    strip = Image.new("RGB", (width, len(lines) * height + 2 * margin), _PAPER)
    ink = ImageDraw.Draw(strip)
    for number, line in enumerate(lines):
        # Not every font has a no-break space.
        ink.text((margin, margin + number * height), line.replace(_UNBROKEN, " "), fill=_INK, font=font)
    return np.asarray(strip)


def _wrapped(text: str, length: Any, most: float) -> Sequence[str]:
    """Lines that are no longer than allowed where words permit."""
    lines: list[str] = []
    for word in text.replace(" %", f"{_UNBROKEN}%").split(" "):
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and length(longer) <= most:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines
