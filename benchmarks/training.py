"""How fast training is on this machine's CPU, by precision, threads, workers and processes.

Each line is a run of its own, on the same samples; shares are of a large
3x3 convolution's speed, forward and backward, in the precision of the run.

    python benchmarks/training.py [--steps 40] [--width 16]
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import imageio.v3 as iio
from skimage import data

#: What is compared, the first of them being what the others are compared with.
RUNS = {
    "float32, 2 threads, 1 worker": ["--precision", "no", "--threads", "2"],
    "float32, 1 thread, 1 worker": ["--precision", "no", "--threads", "1"],
    "float32, 2 threads, samples between steps": ["--precision", "no", "--threads", "2", "--workers", "0"],
    "bf16, 2 threads, 1 worker": ["--precision", "bf16", "--threads", "2"],
    "bf16, 1 thread, 1 worker (default of two cores)": ["--precision", "bf16", "--threads", "1"],
    "bf16, 2 threads, samples between steps": ["--precision", "bf16", "--threads", "2", "--workers", "0"],
    "bf16, 2 processes of 1 thread, samples between steps": ["--precision", "bf16", "--threads", "1", "--workers", "0"],
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--width", type=int, default=16)
    arguments = parser.parse_args()
    print(f"{os.cpu_count()} cores; stage edge-inpaint, width {arguments.width}, 8 crops of 128 px a step\n")
    print(f"{'':52} {'samples/s':>10} {'ratio':>6} {'of peak':>8}")
    with tempfile.TemporaryDirectory() as folder:
        images, edges = Path(folder, "images"), Path(folder, "edges")
        images.mkdir()
        for name in ("astronaut", "coins", "camera", "coffee", "immunohistochemistry", "moon"):
            iio.imwrite(images / f"{name}.png", getattr(data, name)())
        sizes = ["--set", f"width={arguments.width}"]
        _train(images, ["edge", "-o", str(edges), "--steps", "1", *sizes])
        first = None
        for number, (label, options) in enumerate(RUNS.items()):
            output = Path(folder, f"run{number}")
            words = ["edge-inpaint", "-o", str(output), "--edges", str(edges), "--steps", str(arguments.steps)]
            result = _train(images, [*words, *sizes, *options], processes=2 if "2 processes" in label else 1)
            speed = result["samples_per_second"]
            first = first or speed
            print(f"{label:52} {speed:10.1f} {speed / first:6.2f} {result['peak_share']:8.0%}", flush=True)


def _train(images: Path, words: list[str], processes: int = 1) -> dict:
    command = ["-m", "napari_edgeconnect", "train", words[0], str(images), *words[1:], "--device", "cpu", "--json"]
    if processes > 1:
        here = ["--standalone", "--local-addr", "127.0.0.1", "--nproc-per-node", str(processes)]
        command = ["-m", "torch.distributed.run", *here, *command]
    done = subprocess.run([sys.executable, *command], capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stderr[-2000:])
    return json.loads(done.stdout.strip().splitlines()[-1])


if __name__ == "__main__":
    main()
