"""Checks the links in the repository's Markdown that mkdocs does not see, and those that it does.

    python scripts/check_links.py

Every relative link and picture in README.md, CONTRIBUTING.md, CHANGELOG.md,
weights/ and docs/ leads to a file or folder of the repository, and its anchor
to a heading there. External addresses are not asked, because the CI has no
open network.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from urllib.parse import unquote

ROOT = Path(__file__).resolve().parents[1]
PAGES = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "weights/**/*.md", "docs/**/*.md")

_FENCED = re.compile(r"^(```|~~~).*?^\1[^\n]*$", re.MULTILINE | re.DOTALL)
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_CODE = re.compile(r"(`+)[^\n]+?\1")
_LINKS = (
    re.compile(r"\]\(\s*<?([^)>\s]+)>?(?:\s+\"[^\"]*\")?\s*\)"),  # [text](target) and ![alt](target "title")
    re.compile(r"^\[[^\]]+\]:\s*<?([^>\s]+)>?", re.MULTILINE),  # [name]: target
    re.compile(r"<(?:img|a)\b[^>]*?\b(?:src|href)=\"([^\"]+)\"", re.IGNORECASE),
)
_HEADING = re.compile(r"^#{1,6}\s+(.+?)\s*#*\s*$", re.MULTILINE)
_ANCHOR = re.compile(r"\b(?:id|name)=\"([^\"]+)\"")
_ELSEWHERE = re.compile(r"[a-z][a-z0-9+.-]*:|//", re.IGNORECASE)


def main() -> int:
    pages = sorted({path for pattern in PAGES for path in ROOT.glob(pattern)})
    checked = broken = 0
    for page in pages:
        for line, target in links_of(page):
            checked += 1
            if problem := what_is_wrong(page, target):
                broken += 1
                print(f"{page.relative_to(ROOT)}:{line}: {target}: {problem}")
    print(f"{checked} relative links on {len(pages)} pages, {broken} of them broken.")
    return 1 if broken else 0


def links_of(page: Path) -> Iterator[tuple[int, str]]:
    """The relative links of a page with their lines; none of those in code and comments."""
    text = _blanked(page, _FENCED, _COMMENT, _CODE)
    for form in _LINKS:
        for found in form.finditer(text):
            if not _ELSEWHERE.match(found[1]):
                yield text.count("\n", 0, found.start()) + 1, found[1]


def what_is_wrong(page: Path, target: str) -> str:
    """Why a link leads nowhere; nothing where it leads somewhere."""
    path, _, anchor = unquote(target).partition("#")
    if path.startswith("/"):
        return "the address begins with /, which is another place in every viewer"
    there = (page.parent / path).resolve() if path else page
    if not there.is_relative_to(ROOT):
        return "it leads out of the repository"
    if not there.exists():
        return "there is no such file"
    if anchor and anchor not in (anchors_of(there) if there.suffix == ".md" else ()):
        return "there is no such heading"
    return ""


@cache
def anchors_of(page: Path) -> frozenset[str]:
    """What GitHub calls a page's headings in addresses, and ids that were given by hand."""
    text = _blanked(page, _FENCED, _COMMENT)
    seen: Counter[str] = Counter()
    anchors = set(_ANCHOR.findall(text))
    for heading in _HEADING.findall(text):
        words = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
        slug = re.sub(r"[^\w\- ]", "", words).replace(" ", "-")
        anchors.add(f"{slug}-{seen[slug]}" if seen[slug] else slug)
        seen[slug] += 1
    return frozenset(anchors)


def _blanked(page: Path, *forms: re.Pattern[str]) -> str:
    """A page's text with some of its parts left out, on the same lines."""
    text = page.read_text(encoding="utf-8")
    for form in forms:
        text = form.sub(lambda found: "\n" * found[0].count("\n"), text)
    return text


if __name__ == "__main__":
    sys.exit(main())
