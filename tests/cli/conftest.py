import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from skimage import data
from typer.testing import CliRunner

from napari_edgeconnect.cli import app
from napari_edgeconnect.files import read_image, sha256, write_image

SIDE = 96


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path, monkeypatch):
    """Every test has a folder and a models folder of its own, and works in it."""
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.setenv("NAPARI_EDGECONNECT_MODELS", str(tmp_path / "models"))


@pytest.fixture
def pair():
    """The names of an image and its mask in the working folder."""
    return saved("image.png", camera()), saved("mask.png", scratch() * np.uint8(255))


def run(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def succeed(*arguments):
    result = run(*arguments)
    assert result.exit_code == 0, result.output
    return result


def fail(*arguments, code=1):
    """Run what can't be done: one line on stderr, and nothing new in the folder."""
    before = contents()
    result = run(*arguments)
    assert result.exit_code == code, result.output
    assert contents() == before
    lines = [line for line in result.stderr.splitlines() if not line.startswith(("Note:", "Model "))]
    assert len(lines) == 1
    return lines[0]


def killed_when(reached, *arguments):
    """Run in another process, and kill it with no chance to clean up at the first step that ``reached`` is true of."""
    command = [sys.executable, "-m", "napari_edgeconnect", *arguments, "--json"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) as process:
        for line in process.stderr:
            event = json.loads(line)
            if event["event"] == "step" and reached(event):
                break
        os.kill(process.pid, signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL


def everything():
    """The names of all files and folders in the working folder, sorted."""
    return sorted(str(path) for path in Path().iterdir())


def contents(folder="."):
    return {path.name: path.read_bytes() for path in Path(folder).iterdir() if path.is_file()}


def camera(dtype=np.uint8):
    image = data.camera()[120 : 120 + SIDE, 160 : 160 + SIDE]
    return image if dtype == np.uint8 else (image.astype(dtype) * 16 + 100).astype(dtype)


def scratch():
    mask = np.zeros((SIDE, SIDE), bool)
    mask[40:48, 10:80] = True
    return mask


def saved(name, array):
    write_image(Path(name), array)
    return name


def pixels(name):
    return read_image(Path(name)).pixels


def record(name):
    return json.loads(Path(name).read_text())


def sha256_of(name):
    return sha256(Path(name))
