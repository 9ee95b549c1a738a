"""How well a model's familiarity tells images of known kinds from others, and what it says about errors.

    python benchmarks/familiarity.py FOLDER [--model NAME] [--images 1000] [--size 256] [--cases cases.jsonl]

FOLDER holds images of the kinds that the model was trained on, but not those images, in sub-folders. They are set
against what is far from any micrograph or photograph: pages, drawings, screenshots, binary and label images, plots,
codes, noise, transforms. Each is damaged, judged by its known pixels, and repaired by EdgeConnect and by the biharmonic
fill.
"""

from __future__ import annotations

import argparse
import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from advice import LARGEST_SHARE, chosen, kept_cases
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from scipy import stats
from skimage import data
from skimage.transform import radon

from napari_edgeconnect import EdgeConnect
from napari_edgeconnect.core.classical import inpaint
from napari_edgeconnect.core.damage import random_damage
from napari_edgeconnect.core.models import DEFAULT_MODEL
from napari_edgeconnect.core.planes import colours
from napari_edgeconnect.core.refusals import nearest_training_images

ROOT = Path(__file__).parents[1]
FAR = "far"
SMALLER_PX = (72, 128)


def far_images(size: int) -> Iterator[tuple[str, NDArray[Any]]]:
    """What no model of this project was trained on, as (name, image)."""
    for name in ("page", "text", "horse", "binary_blobs", "checkerboard", "logo", "colorwheel"):
        if hasattr(data, name):
            yield name, getattr(data, name)()
    phantom = data.shepp_logan_phantom()
    yield "phantom", (255 * phantom).astype(np.uint8)
    yield "sinogram", radon(phantom, np.linspace(0, 180, 400), circle=True).astype(np.float32)
    camera = data.camera()[100:356, 100:356]
    spectrum = np.fft.fftshift(np.fft.fft2(camera.astype(float)))
    yield "Fourier magnitude", np.log1p(np.abs(spectrum)).astype(np.float32)
    yield "Fourier phase", np.angle(spectrum).astype(np.float32)
    yield "thresholded", camera > 100
    yield "dithered", np.asarray(Image.fromarray(camera).convert("1"))
    for path in sorted((ROOT / "docs" / "images" / "tutorial").glob("*.png"))[::4]:
        window = np.asarray(Image.open(path).convert("RGB"))
        yield f"panel in {path.name}", window[:, -size:]  # beside the picture that the window shows
    yield from _generated(size)


def _generated(size: int) -> Iterator[tuple[str, NDArray[Any]]]:
    rng = np.random.default_rng(0)
    plane = (size, size)
    yield "Gaussian noise", rng.normal(128, 30, plane).clip(0, 255).astype(np.uint8)
    yield "uniform noise", rng.integers(0, 256, plane).astype(np.uint8)
    yield "colour noise", rng.integers(0, 256, (*plane, 3)).astype(np.uint8)
    yield "few photons", rng.poisson(1.5, plane).astype(np.uint16)
    yield "salt and pepper", np.where(rng.random(plane) < 0.5, 0, 255).astype(np.uint8)
    for module in (4, 8, 16):
        code = rng.integers(0, 2, (size // module, size // module))
        yield f"code of {module} px", (255 * np.kron(code, np.ones((module, module)))).astype(np.uint8)
    rows, columns = np.mgrid[:size, :size]
    yield "grating", (127.5 + 127 * np.sin(columns / 3)).astype(np.uint8)
    yield "zone plate", (127.5 + 127 * np.cos((columns**2 + rows**2) / 300)).astype(np.uint8)
    yield "ramp", (columns % 256).astype(np.uint8)
    seeds = rng.integers(0, size, (40, 2))
    squared = (rows[..., None] - seeds[:, 0]) ** 2 + (columns[..., None] - seeds[:, 1]) ** 2
    yield "labels", (6 * squared.argmin(axis=2)).astype(np.uint8)
    yield "coloured labels", rng.integers(0, 256, (40, 3)).astype(np.uint8)[squared.argmin(axis=2)]
    yield "distances", np.sqrt(squared.min(axis=2)).astype(np.float32)
    for name, text in (("line art", False), ("rendered text", True)):
        picture = Image.new("L", plane, 255)
        pen = ImageDraw.Draw(picture)
        for number in range(size // 8):
            if text:
                sentence = "The quick brown fox jumps over the lazy dog"
                pen.text((4, 14 * number), sentence, fill=0, font=ImageFont.load_default(12))
            else:
                pen.line([tuple(rng.integers(0, size, 2)) for _ in range(2)], fill=0, width=int(rng.integers(1, 3)))
        yield name, np.asarray(picture)
    picture = Image.new("RGB", plane, (255, 255, 255))
    pen = ImageDraw.Draw(picture)
    for _ in range(40):
        left, top = (int(v) for v in rng.integers(0, size, 2))
        pen.rectangle([left, top, left + 40, top + 25], fill=tuple(int(v) for v in rng.integers(0, 256, 3)))
    yield "flat shapes", np.asarray(picture)


def middle(image: NDArray[Any], size: int) -> NDArray[Any]:
    """The square in the middle; of a smaller image all of it."""
    top, left = (max(0, (side - size) // 2) for side in image.shape[:2])
    return np.ascontiguousarray(image[top : top + size, left : left + size])


def judged(image: NDArray[Any], name: str, model: EdgeConnect) -> dict[str, Any]:
    """Distance and errors of an image with synthetic damage."""
    hole = random_damage(
        image.shape[:2], np.random.default_rng(zlib.crc32(name.encode())), "science", largest=LARGEST_SHARE
    )
    damaged = image.copy()
    damaged[hole] = 0
    assert model.info.familiarity is not None
    found = nearest_training_images(damaged, hole, model.info.familiarity)
    far = max(found, key=lambda nearest: nearest.distance / nearest.limit, default=None)
    repairs = {"edgeconnect": model.inpaint(damaged, hole), "biharmonic": inpaint(damaged, hole, "biharmonic")}
    truth = colours(image)[hole].astype(np.float64)
    contrast = float(np.sqrt(np.mean((truth - truth.mean(axis=0)) ** 2)))
    off = {key: colours(repair)[hole].astype(np.float64) - truth for key, repair in repairs.items()}
    return {
        "ratio": None if far is None else far.distance / far.limit,
        "nearest": None if far is None else far.kind,
        "contrast": contrast,
        "rms": {key: float(np.sqrt(np.mean(value**2))) for key, value in off.items()},
    }


def case(path: Path, model: EdgeConnect, size: int) -> dict[str, Any]:
    """One image: as it is, and smaller pieces of it, for false alarms."""
    image = np.asarray(Image.open(path)) if path.suffix != ".npy" else np.load(path)
    kind = path.parent.name
    found = judged(middle(image, size), path.name, model)
    smaller = {}
    for side in SMALLER_PX:
        piece = middle(image, side)
        assert model.info.familiarity is not None
        hole = np.zeros(piece.shape[:2], bool)
        hole[:1, :1] = True
        near = nearest_training_images(piece, hole, model.info.familiarity)
        smaller[str(side)] = near[0].distance / near[0].limit if near else None
    return {"image": path.name, "kind": kind, **found, "smaller": smaller}


def area_under_curve(near: NDArray[Any], far: NDArray[Any]) -> float:
    """Share of pairs in which the far one has the larger distance."""
    return float(stats.mannwhitneyu(far, near).statistic / (len(far) * len(near)))


def summary(cases: list[dict[str, Any]]) -> None:
    """Print how well near and far are told apart, and how distance and error go together."""
    known = [c for c in cases if c["ratio"] is not None]
    near = [c for c in known if c["kind"] != FAR]
    far = [c for c in known if c["kind"] == FAR]
    ratios = {name: np.array([c["ratio"] for c in group]) for name, group in (("near", near), ("far", far))}
    print(f"{len(near)} images of known kinds, {len(far)} of others, {len(cases) - len(known)} too small to be judged")
    print(f"called unfamiliar: {100 * np.mean(ratios['near'] > 1):.1f} % of known kinds (false alarms), "
          f"{100 * np.mean(ratios['far'] > 1):.0f} % of the others; "
          f"area under the ROC curve {area_under_curve(ratios['near'], ratios['far']):.3f}")  # fmt: skip
    for side in SMALLER_PX:
        small = {
            far_ones: np.array([c["smaller"][str(side)] for c in group if c["smaller"][str(side)] is not None])
            for far_ones, group in ((False, near), (True, far))
        }
        print(
            f"pieces of {side} px: {100 * np.mean(small[False] > 1):.1f} % and {100 * np.mean(small[True] > 1):.0f} %"
        )
    named = np.mean([c["nearest"] == c["kind"] for c in near])
    print(f"the kind that is called nearest is the image's own in {100 * named:.0f} %")
    print("not called unfamiliar, of the others: " + ", ".join(c["image"] for c in far if c["ratio"] <= 1))
    print("called unfamiliar, of known kinds: " + ", ".join(c["image"] for c in near if c["ratio"] > 1))
    _errors("all", known)
    _errors("known kinds", near)
    groups = [("known kinds", near), ("others", far), ("called unfamiliar", [c for c in known if c["ratio"] > 1]),
              ("not called so", [c for c in known if c["ratio"] <= 1])]  # fmt: skip
    for name, group in groups:
        left, gain = _left(group), _gain(group)
        print(f"{name:>18}: {len(group)} images; error over contrast, median {np.median(left):.2f}; dB ahead of "
              f"biharmonic, median {np.median(gain):.2f}, mean {gain.mean():.2f}, behind in "
              f"{100 * np.mean(gain < 0):.0f} %")  # fmt: skip


def _errors(name: str, group: list[dict[str, Any]]) -> None:
    ratio = np.array([c["ratio"] for c in group])
    for what, values in (("error over contrast", _left(group)), ("dB ahead of biharmonic", _gain(group))):
        found = stats.spearmanr(ratio, values)
        print(f"{name}: rank correlation of distance and {what} {found.statistic:.2f} (p = {found.pvalue:.2g})")


def _left(group: list[dict[str, Any]]) -> NDArray[np.float64]:
    return np.array([c["rms"]["edgeconnect"] / max(1e-6, c["contrast"]) for c in group])


def _gain(group: list[dict[str, Any]]) -> NDArray[np.float64]:
    floor = 1e-3
    return np.array([
        20 * np.log10((c["rms"]["biharmonic"] + floor) / (c["rms"]["edgeconnect"] + floor)) for c in group
    ])  # fmt: skip


def main() -> None:
    """Run the cases that are not there yet, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--images", type=int, default=1000)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--model", default=DEFAULT_MODEL)
    parser.add_argument("--cases", type=Path)
    options = parser.parse_args()
    model = EdgeConnect.load(options.model, device="cpu")
    if model.info.familiarity is None:
        parser.error(f"{options.model} does not say what it was trained on.")
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / FAR
        folder.mkdir()
        for name, image in far_images(options.size):
            np.save(folder / f"{name}.npy", image)
        paths = [*chosen(options.folder, options.images), *sorted(folder.iterdir())]
        cases = kept_cases(options.cases, paths, lambda path: case(path, model, options.size))
    summary(cases)


if __name__ == "__main__":
    main()
