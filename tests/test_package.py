"""What a user installs: the wheel's and the sdist's content, the manifest, and imports that stay cheap."""

import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from email.parser import HeaderParser
from pathlib import Path

import pytest
from packaging.requirements import Requirement

import napari_edgeconnect

ROOT = Path(__file__).parents[1]
#: The modules of ``core`` that are torch through and through; the others import it when a model is loaded.
TORCH_MODULES = {"networks", "formulations", "stages"}


@pytest.fixture(scope="session")
def distributions(tmp_path_factory):
    """The wheel (built from the sdist, as ``python -m build`` does) and the sdist of the tree as it stands."""
    source = tmp_path_factory.mktemp("source") / "tree"
    ignored = shutil.ignore_patterns(".venv*", ".git", ".*_cache", ".hypothesis", "__pycache__", "demo", "dist")
    shutil.copytree(ROOT, source, ignore=ignored, symlinks=True)
    out = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", out, source]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    (wheel,) = out.glob("*.whl")
    (sdist,) = out.glob("*.tar.gz")
    return wheel, sdist


@pytest.fixture(scope="session")
def wheel(distributions):
    with zipfile.ZipFile(distributions[0]) as archive:
        yield archive


@pytest.fixture(scope="session")
def metadata(wheel):
    (name,) = [name for name in wheel.namelist() if name.endswith(".dist-info/METADATA")]
    return HeaderParser().parsestr(wheel.read(name).decode())


def shipped_weights():
    return {path.relative_to(ROOT).as_posix() for path in (ROOT / "weights").rglob("*.safetensors")}


def test_the_wheel_holds_the_package_and_nothing_else(wheel):
    tops = {name.split("/")[0] for name in wheel.namelist()}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"napari_edgeconnect"}
    assert "napari_edgeconnect/py.typed" in wheel.namelist()


def test_the_wheel_holds_every_python_file_of_the_package_once(wheel):
    names = wheel.namelist()
    assert len(names) == len(set(names))
    sources = {path.relative_to(ROOT).as_posix() for path in (ROOT / "napari_edgeconnect").rglob("*.py")}
    assert {name for name in names if name.endswith(".py")} == sources


def test_the_wheel_holds_the_top_level_manifest(wheel):
    assert wheel.read("napari_edgeconnect/napari.yaml") == (ROOT / "napari.yaml").read_bytes()


def test_the_wheel_holds_the_bundled_models_unchanged(wheel):
    models = shipped_weights()
    assert models
    for name in models:
        assert wheel.read(f"napari_edgeconnect/{name}") == (ROOT / name).read_bytes()


def test_the_sdist_holds_what_a_build_needs_and_the_tests(distributions):
    with tarfile.open(distributions[1]) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    needed = {"pyproject.toml", "hatch_build.py", "napari.yaml", "LICENSE", "README.md", "tests/test_package.py"}
    assert needed | shipped_weights() <= names
    assert "napari_edgeconnect/napari.yaml" not in names  # the editable install's link stays at home


def test_the_plugin_manager_finds_the_framework_and_the_licence(metadata):
    assert "Framework :: napari" in metadata.get_all("Classifier")
    assert metadata["License-Expression"] == "BSD-3-Clause"


def test_the_base_brings_neither_napari_nor_a_qt_binding(metadata):
    requirements = [Requirement(line) for line in metadata.get_all("Requires-Dist")]
    base = {r.name.lower() for r in requirements if r.marker is None or r.marker.evaluate({"extra": ""})}
    assert "torch" in base
    assert base.isdisjoint({"napari", "pyqt5", "pyqt6", "pyside2", "pyside6", "pyside6-essentials"})


def test_every_base_dependency_is_pinned_to_its_tested_version():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pins = {pin.name.lower(): pin for pin in map(Requirement, filter(lambda s: s and s[0] != "#", lines))}
    for wanted in map(Requirement, project["dependencies"]):
        (pin,) = pins[wanted.name.lower()].specifier
        assert pin.operator == "=="
        assert wanted.specifier.contains(pin.version)


def test_npe2_finds_the_manifest_by_the_distribution_name():
    from npe2 import PluginManifest

    installed = PluginManifest.from_distribution("napari-edgeconnect")
    top_level = PluginManifest.from_file(ROOT / "napari.yaml")
    assert installed.name == "napari-edgeconnect"
    assert installed.model_dump(exclude={"package_metadata"}) == top_level.model_dump(exclude={"package_metadata"})


def test_every_command_of_the_manifest_can_be_imported():
    from npe2 import PluginManifest

    PluginManifest.from_distribution("napari-edgeconnect").validate_imports()


def test_every_public_name_is_there_and_listed():
    for name in napari_edgeconnect.__all__:
        assert getattr(napari_edgeconnect, name).__name__ == name
        assert name in dir(napari_edgeconnect)
    assert napari_edgeconnect.__version__


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'EdgeDisconnect'"):
        napari_edgeconnect.EdgeDisconnect  # noqa: B018


def imported_after(*modules):
    """Which of torch, napari and Qt a fresh interpreter has imported after ``modules``."""
    script = (
        "import importlib, sys\n"
        f"for name in {modules!r}: importlib.import_module(name)\n"
        "print(*sorted({name.partition('.')[0] for name in sys.modules}"
        " & {'torch', 'napari', 'qtpy', 'PyQt6', 'PySide6'}))"
    )
    return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()


def core_modules():
    names = {path.stem for path in (ROOT / "napari_edgeconnect" / "core").glob("*.py")} - {"__init__"}
    return {name: f"napari_edgeconnect.core.{name}" for name in sorted(names)}


def test_importing_the_package_imports_neither_torch_nor_napari_nor_qt():
    assert imported_after("napari_edgeconnect", "napari_edgeconnect.core") == []


def test_the_core_leaves_torch_alone_until_a_model_is_loaded():
    light = [module for name, module in core_modules().items() if name not in TORCH_MODULES]
    assert "napari_edgeconnect.core.edgeconnect" in light
    assert imported_after(*light) == []


def test_measuring_leaves_napari_and_qt_alone_and_files_and_commands_too():
    names = "effect", "objects", "samples", "segmentation", "table"
    assert set(imported_after(*(f"napari_edgeconnect.measurement.{name}" for name in names))) <= {"torch"}
    sources = [path.read_text() for path in (ROOT / "napari_edgeconnect" / "measurement").glob("*.py")]
    assert not any(f"from ..{room}" in source for source in sources for room in ("files", "cli", "plugin", "training"))


def test_the_whole_core_leaves_napari_and_qt_alone():
    assert set(imported_after(*core_modules().values())) <= {"torch"}


def test_saving_stands_on_files_and_they_on_nothing():
    package = ROOT / "napari_edgeconnect"
    on_files = {path.parent.name for path in package.glob("*/*.py") if "from ..files" in path.read_text()}
    assert "saving" in on_files
    assert not on_files & {"core", "selftest", "measurement"}
    assert not [path.name for path in (package / "files").glob("*.py") if "from ..core" in path.read_text()]


def test_the_plugin_stands_neither_on_files_nor_on_the_command_line():
    for path in (ROOT / "napari_edgeconnect" / "plugin").glob("*.py"):
        source = path.read_text(encoding="utf-8")
        assert not re.search(r"(from|import) (\.\.|napari_edgeconnect\.)(files|cli|saving|training)\b", source), path


def test_the_plugin_stands_on_the_core_the_selftest_and_the_measurement():
    sources = [path.read_text(encoding="utf-8") for path in (ROOT / "napari_edgeconnect" / "plugin").glob("*.py")]
    rooms = {room for source in sources for room in re.findall(r"from \.\.(\w+)[. ]", source)}
    # Of the evaluation the name of a method alone, which the self-test shares.
    assert rooms == {"core", "selftest", "measurement", "evaluation"}
    assert {line for source in sources for line in re.findall(r"from \.\.evaluation.*", source)} == {
        "from ..evaluation.names import HALLUCINATED"
    }
