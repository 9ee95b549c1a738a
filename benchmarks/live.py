"""From a stroke to the new pixels: live completion against a full call of ``complete``.

    python benchmarks/live.py [--strokes 20] [--model NAME] [--device cpu]

Every stroke is timed on both sides in turn, from the changed labels to the
pixels, and with it the network alone on the same window, which no side can
beat; so the ratios hold on a busy machine, too. Both sides must give the same
picture.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np
from skimage import data
from skimage.draw import line

from napari_edgeconnect.core.edgeconnect import EdgeConnect
from napari_edgeconnect.core.edges import EdgeMap, EdgeSource
from napari_edgeconnect.core.holes import Box
from napari_edgeconnect.core.job import Job
from napari_edgeconnect.core.live import LiveCompletion
from napari_edgeconnect.core.models import DEFAULT_MODEL
from napari_edgeconnect.core.passes import stage_two_edges
from napari_edgeconnect.core.settings import Settings


def scratched(size: int) -> tuple[np.ndarray, np.ndarray]:
    """A size x size uint16 image in one window, and a scratch of 17 px through its middle half."""
    rows, columns = np.mgrid[:size, :size]
    middle = (abs(rows - size // 2) <= size // 4) & (abs(columns - size // 2) <= size // 4)
    return data.camera()[:size, :size].astype(np.uint16) * 257, middle & (abs(rows - columns) <= 8)


def spotted() -> tuple[np.ndarray, np.ndarray]:
    """A 1024 x 1024 uint16 image with a spot of 40 px in each quarter: four windows of 320 px."""
    rows, columns = np.mgrid[:1024, :1024]
    mask = np.hypot(rows % 512 - 256, columns % 512 - 256) <= 20
    return np.tile(data.camera(), (2, 2)).astype(np.uint16) * 257, mask


CASES = {
    "one window of 256 px": lambda: scratched(256),
    "one window of 512 px": lambda: scratched(512),
    "four windows of 320 px": spotted,
}


def timed(work: Callable[[], np.ndarray]) -> tuple[float, np.ndarray]:
    started = time.perf_counter()
    result = work()
    return time.perf_counter() - started, result


def measure(model: EdgeConnect, image: np.ndarray, mask: np.ndarray, strokes: int) -> dict[str, np.ndarray]:
    """Seconds of each stroke on each side."""
    settings = Settings()
    job = Job.prepare(image, mask, settings)
    edges = model.hallucinate_edges(image, mask, settings)
    live, shown = LiveCompletion(model, image, mask, settings), image.copy()

    def follow(edges: EdgeMap) -> np.ndarray:
        for patch in live.update(edges):
            patch.put_into(shown)
        return shown

    first, _ = timed(lambda: follow(edges))
    seconds: dict[str, list[float]] = {"live": [], "complete": [], "network alone": []}
    rng, inside = np.random.default_rng(0), np.argwhere(job.hole)
    labels = edges.labels.copy()
    for number in range(strokes):
        start = rng.choice(inside)
        end = rng.choice(inside[np.abs(inside - start).max(axis=1) <= 60])
        labels[line(*start, *end)] = EdgeSource.DRAWN
        labels[~mask] = edges.labels[~mask]

        spot = Box(start[0], start[0] + 1, start[1], start[1] + 1)
        window = next(window for window in job.plan.windows if window.box.overlaps(spot))
        view = job.view(window, stage_two_edges(edges.edited(labels), window.box, job), None)
        sides: dict[str, Callable[[], np.ndarray]] = {
            "live": lambda: follow(edges.edited(labels)),
            "complete": lambda: model.complete(image, mask, edges.edited(labels), settings),
            "network alone": lambda view=view: model.stages.completed([view])[0],  # type: ignore[misc]
        }
        results = {}
        for side in sorted(sides, reverse=bool(number % 2)):
            took, results[side] = timed(sides[side])
            seconds[side].append(took)
        assert np.array_equal(results["live"], results["complete"])
    return {"first": np.array([first]), **{side: np.array(times) for side, times in seconds.items()}}


def main() -> None:
    """Print a table a case, and the ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--strokes", type=int, default=20)
    parser.add_argument("--model", default=DEFAULT_MODEL)
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()
    model = EdgeConnect.load(options.model, device=options.device)
    print(f"{options.model} on {model.device}, milliseconds, {options.strokes} strokes")
    for name, case in CASES.items():
        times = measure(model, *case(), options.strokes)
        print(f"\n{name}  (the first picture: {1000 * times.pop('first')[0]:.0f})")
        print(f"{'':>16} {'median':>8} {'90 %':>8} {'max':>8}")
        for side, seconds in times.items():
            figures = 1000 * np.array([np.median(seconds), np.percentile(seconds, 90), seconds.max()])
            print(f"{side:>16} " + " ".join(f"{figure:8.0f}" for figure in figures))
        ratios = [np.median(times[side] / times["live"]) for side in ("complete", "network alone")]
        print(f"complete takes {ratios[0]:.2f} times as long as live, the network alone {ratios[1]:.2f} times.")


if __name__ == "__main__":
    main()
