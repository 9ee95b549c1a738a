"""A hook of mkdocs: the model's card and the training log, which lie beside the weights, as pages of the site.

The pages in docs/ link to ../weights/, where these lie in the repository; on
the site they lie in weights/.
"""

from __future__ import annotations

from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parents[1]
SHOWN = {".md", ".jpg", ".png"}


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Called by mkdocs when it has listed docs/."""
    for path in sorted((ROOT / "weights").rglob("*")):
        if path.suffix in SHOWN:
            files.append(File.generated(config, path.relative_to(ROOT).as_posix(), abs_src_path=str(path)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Called by mkdocs with each page as it was written."""
    if page.file.src_uri.startswith("weights/"):
        return markdown
    return markdown.replace("](../weights/", "](weights/")
