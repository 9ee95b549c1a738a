"""The command as a whole: its own process, its help and its version."""

import subprocess
import sys
from typing import get_args

import numpy as np

from napari_edgeconnect import EdgeConnect
from napari_edgeconnect.cli import methods, train

from .conftest import camera, pixels, scratch, succeed


def test_the_command_runs_as_a_process_of_its_own(pair):
    command = [sys.executable, "-c", "from napari_edgeconnect.cli import main; main()"]
    done = subprocess.run(
        [*command, "inpaint", pair[0], "-m", pair[1], "-o", "out.png"], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["out.png", "out.json", "out_altered.png"]
    assert "\x1b" not in done.stderr  # no progress bar without a terminal
    np.testing.assert_array_equal(pixels("out.png"), EdgeConnect.load().inpaint(camera(), scratch(), grow_px=2))
    broken = subprocess.run(
        [*command, "inpaint", pair[0], "-m", "out.json", "-o", "x.png"], capture_output=True, text=True
    )
    assert broken.returncode == 1
    assert broken.stderr == "Error: out.json is none of the formats that are read here: PNG, JPEG, TIFF, NPY.\n"


def test_help_names_commands_and_exit_codes_without_loading_torch():
    script = (
        "import sys\n"
        "from typer.testing import CliRunner\n"
        "from napari_edgeconnect.cli import app\n"
        "print(CliRunner().invoke(app, ['--help']).output)\n"
        "print(sorted({'torch', 'napari', 'qtpy'} & set(sys.modules)))\n"
    )
    out = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    for word in ("inpaint", "edges", "complete", "demo", "models", "Exit codes", "130"):
        assert word in out
    assert out.splitlines()[-1] == "[]"


def test_the_version_is_said():
    from napari_edgeconnect import __version__

    assert succeed("--version").stdout.strip() == f"napari-edgeconnect {__version__}"


def test_commands_offer_what_the_rooms_know_that_they_must_not_load_for_their_help():
    from napari_edgeconnect.core.methods_text import FORMATS
    from napari_edgeconnect.training.learner import PRECISIONS
    from napari_edgeconnect.training.stages import STAGES

    assert get_args(train.Stage) == STAGES
    assert get_args(train.Precision) == ("auto", *PRECISIONS)
    assert get_args(get_args(methods.Format)[0]) == FORMATS
