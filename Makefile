# Two commands for a fresh Debian or Ubuntu with python3, git and make:
#   make demo    repair a sample image, and open napari on it when there is a screen
#   make test    lint, types and all tests, on a headless display

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALL = $(BIN)/python -m pip install -qq --constraint constraints.txt

# What Qt's xcb platform and OpenGL in software need of a bare system.
SCREEN_PACKAGES := libgl1 libegl1 libopengl0 libgl1-mesa-dri libglib2.0-0 libdbus-1-3 libfontconfig1 \
	libxkbcommon-x11-0 libxcb-cursor0 libxcb-icccm4 libxcb-image0 libxcb-keysyms1 libxcb-randr0 \
	libxcb-render-util0 libxcb-shape0 libxcb-xfixes0 libxcb-xkb1

.PHONY: help demo test lint format docs screenshots bench
.DEFAULT_GOAL := help

help:
	@echo "make demo         repair a sample image into demo/, and open napari on it when there is a screen"
	@echo "make test         lint, types and all tests; installs what they need"
	@echo "make lint         ruff and mypy"
	@echo "make format       let ruff rewrite what it can"
	@echo "make docs         check every link and build the documentation into site/"
	@echo "make screenshots  the README's and the tutorial's pictures, taken from the real window"
	@echo "make bench        time and memory of repairs, and how often the damage finders are right"

demo: $(VENV)/.installed
	@[ -z "$$DISPLAY$$WAYLAND_DISPLAY" ] || scripts/system-packages.sh $(SCREEN_PACKAGES)
	$(BIN)/napari-edgeconnect demo --overwrite

test: headless lint
	$(BIN)/pytest

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/.dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(VENV)/.docs
	$(BIN)/python scripts/check_links.py
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

screenshots: headless $(VENV)/.dev
	xvfb-run --auto-servernum --server-args="-screen 0 1440x900x24 +extension GLX" $(BIN)/python scripts/screenshots.py
	xvfb-run --auto-servernum --server-args="-screen 0 1440x900x24 +extension GLX" $(BIN)/python scripts/ome_zarr_example.py
	$(BIN)/python scripts/editing_example.py

bench: $(VENV)/.dev
	for script in fill windows live live_window find_damage training; do $(BIN)/python benchmarks/$$script.py || exit 1; done
	$(BIN)/python benchmarks/stacks.py --quick
	$(BIN)/python benchmarks/large_layers.py --quick

.PHONY: headless
headless:
	@scripts/system-packages.sh xvfb xauth $(SCREEN_PACKAGES)

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Python 3.11 or newer is needed, \
	but $(PYTHON) is " + sys.version.split()[0] + ": try make PYTHON=python3.12 (or any newer one) again.")'
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || scripts/system-packages.sh python3-venv
	$(PYTHON) -m venv $(VENV)

# torch before everything else, so that nothing else chooses its build; a pip that knows dependency groups.
$(VENV)/.installed: pyproject.toml constraints.txt hatch_build.py | $(BIN)/python
	@echo "Installing into $(VENV): a few minutes the first time."
	$(INSTALL) pip torch
	$(INSTALL) hatchling editables
	$(INSTALL) --no-build-isolation --editable ".[all]"
	@touch $@

$(VENV)/.dev: $(VENV)/.installed
	$(INSTALL) --group dev
	@touch $@

# Neither torch nor napari is needed for the pages; a pip that knows dependency groups is.
$(VENV)/.docs: pyproject.toml constraints.txt | $(BIN)/python
	$(INSTALL) pip
	$(INSTALL) --group docs
	@touch $@
