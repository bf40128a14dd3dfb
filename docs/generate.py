"""Rewrite the generated blocks of README.md and docs/*.md, so that they say what the program does.

    python docs/generate.py            rewrite
    python docs/generate.py --check    change nothing; exit code 1 and a diff when a block is stale

A block stands between ``<!-- generated: NAME -->`` and ``<!-- end -->``. Tables come from the code's own declarations
(:mod:`generate_tables`, :mod:`generate_signing_in`); what a terminal shows comes from running the commands
(:mod:`generate_runs`).
"""

from __future__ import annotations

import difflib
import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from generate_conformance import CONFORMANCE
from generate_hooks import HOOKS
from generate_reference import REFERENCE
from generate_runs import RUNS
from generate_signing_in import SIGNING_IN
from generate_tables import TABLES
from generate_testing import TESTING

ROOT = Path(__file__).resolve().parents[1]
BLOCK = re.compile(r"(<!-- generated: (?P<name>[^>]+?) -->\n)(?P<body>.*?)(<!-- end -->)", re.DOTALL)
BLOCKS: Mapping[str, Callable[[], str]] = {
    **TABLES,
    **SIGNING_IN,
    **RUNS,
    **TESTING,
    **CONFORMANCE,
    **HOOKS,
    **REFERENCE,
}


def pages() -> list[Path]:
    """Every page that may hold generated blocks."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def generated(text: str) -> str:
    """The page with all its blocks made anew. Raises :class:`KeyError` for a block that nobody makes."""
    return BLOCK.sub(lambda found: f"{found[1]}\n{BLOCKS[found['name']]().strip()}\n\n{found[4]}", text)


def unused() -> set[str]:
    """Blocks that can be made and stand on no page."""
    return set(BLOCKS) - {found["name"] for page in pages() for found in BLOCK.finditer(page.read_text("utf-8"))}


def main() -> int:
    """Rewrite, or with ``--check`` only compare; the exit code."""
    stale = 0
    for page in pages():
        before = page.read_text(encoding="utf-8")
        after = generated(before)
        if after == before:
            continue
        stale += 1
        name = page.relative_to(ROOT).as_posix()
        if "--check" in sys.argv:
            shown = difflib.unified_diff(
                before.splitlines(), after.splitlines(), name, f"{name} (generated)", lineterm=""
            )
            sys.stdout.write("\n".join(shown) + "\n")
        else:
            page.write_text(after, encoding="utf-8")
            sys.stdout.write(f"rewrote {name}\n")
    for name in sorted(unused()):
        sys.stdout.write(f"no page shows the block {name}\n")
    return 1 if "--check" in sys.argv and (stale or unused()) else 0


if __name__ == "__main__":
    sys.exit(main())
