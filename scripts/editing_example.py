"""Makes the picture of the editing example: the lines of one photograph, the greys of another.

    python scripts/editing_example.py [FOLDER]

The paper's own example, with photographs that come with scikit-image and the
bundled model. The picture goes to docs/images unless another folder is named.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageColor, ImageDraw, ImageFont
from skimage import data

from napari_edgeconnect import EdgeConnect, EdgeSource
from napari_edgeconnect.core.drawing import edges_from
from napari_edgeconnect.plugin.layers import EDGE_COLOURS, MASK_COLOUR

FOLDER = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parents[1] / "docs" / "images"
NAME = "lines-of-one-colours-of-another.png"
#: What is shown of the 176 px that the model sees.
SHOWN = np.s_[30:138, 8:168]
SCALE = 2
GAP_PX, CAPTION_PX, FONT_PX = 8, 26, 15


def main() -> None:
    image = data.camera()[36:212, 40:216]
    other = data.coins()[27:203, 30:206]
    hole = np.zeros(image.shape, dtype=bool)
    hole[74:102, 30:112] = True

    model = EdgeConnect.load(device="cpu")
    lines = edges_from(other, sigma=2, hole=hole)
    pale = np.where(hole, other, 160 + other // 3)
    panels = {
        "a photograph with a hole": coloured(image, hole, MASK_COLOUR),
        "the lines of another photograph": coloured(pale, lines, EDGE_COLOURS[EdgeSource.DRAWN]),
        "completed from its own edges": model.inpaint(image, hole),
        "completed from the other's lines": model.complete(image, hole, lines),
    }
    FOLDER.mkdir(parents=True, exist_ok=True)
    row_of(panels).quantize(256, dither=Image.Dither.NONE).save(FOLDER / NAME, optimize=True)


def coloured(picture: NDArray[np.uint8], where: NDArray[np.bool_], colour: str) -> NDArray[np.uint8]:
    """A gray picture with some of its pixels in a colour."""
    rgb = np.repeat(picture[..., None], 3, axis=2)
    rgb[where] = ImageColor.getrgb(colour)
    return rgb


def row_of(panels: dict[str, NDArray[np.uint8]]) -> Image.Image:
    """Enlarged panels side by side, each over its caption."""
    pictures = [Image.fromarray(panel[SHOWN]).convert("RGB") for panel in panels.values()]
    width, height = (SCALE * side for side in pictures[0].size)
    size = (len(pictures) * (width + GAP_PX) - GAP_PX, height + CAPTION_PX)
    row = Image.new("RGB", size, "white")
    pen, font = ImageDraw.Draw(row), ImageFont.load_default(FONT_PX)
    for number, (caption, picture) in enumerate(zip(panels, pictures, strict=True)):
        left = number * (width + GAP_PX)
        row.paste(picture.resize((width, height), Image.Resampling.BICUBIC), (left, 0))
        pen.text((left + width / 2, height + CAPTION_PX / 2), caption, "black", font, anchor="mm")
    return row


if __name__ == "__main__":
    main()
