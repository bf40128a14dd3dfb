"""The pages as tests see them: their fenced blocks, links and headings."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
GENERATED = re.compile(r"<!-- generated: .*?<!-- end -->", re.DOTALL)
FENCE = re.compile(r"^(?P<indent> *)```(?P<info>[^\n]*)\n(?P<text>.*?)^ *```$", re.DOTALL | re.MULTILINE)
NOT_RUN = "# not run by the tests: "


class Block(NamedTuple):
    """One fenced block: where it is, the words behind the fence, and its text."""

    page: Path
    line: int
    info: str
    text: str

    @property
    def where(self) -> str:
        return f"{self.page.relative_to(ROOT).as_posix()}:{self.line}"


def blocks(page: Path, language: str, *, generated: bool = True) -> list[Block]:
    text = page.read_text(encoding="utf-8")
    found = []
    made = [match.span() for match in GENERATED.finditer(text)]
    for match in FENCE.finditer(text):
        inside = any(start <= match.start() < end for start, end in made)
        if match["info"].split()[:1] == [language] and (generated or not inside):
            line = text.count("\n", 0, match.start()) + 1
            found.append(Block(page, line, match["info"], match["text"]))
    return found


def every(language: str, *, generated: bool = True) -> list[Block]:
    return [block for page in PAGES for block in blocks(page, language, generated=generated)]


def prose(page: Path) -> str:
    """The page without its fenced blocks."""
    return FENCE.sub("", page.read_text(encoding="utf-8"))


def anchors(page: Path) -> set[str]:
    """The anchors that GitHub makes of headings."""
    found: set[str] = set()
    for heading in re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE):
        words = re.sub(r"[^\w\- ]", "", heading.replace("`", "").lower())
        anchor = words.strip().replace(" ", "-")
        twins = sum(1 for known in found if known == anchor or re.fullmatch(rf"{re.escape(anchor)}-\d+", known))
        found.add(f"{anchor}-{twins}" if twins else anchor)
    return found
