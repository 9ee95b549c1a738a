"""``python -m napari_edgeconnect``: the command line, where launchers want a module."""

from .cli import main

if __name__ == "__main__":
    main()
