"""On which line of a configuration a key stands, for whoever is told which rule it was."""

from __future__ import annotations

import re
from collections import Counter
from typing import Final

__all__ = ("line_of",)

_TABLE: Final = re.compile(r"\s*(\[\[?)\s*(.+?)\s*\]\]?\s*(?:#.*)?$")
_KEY: Final = re.compile(
    r"""\s*((?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*'))*)\s*="""
)
_PART: Final = re.compile(r"""[A-Za-z0-9_-]+|"([^"]*)"|'([^']*)'""")
_STEP: Final = re.compile(r"""\[(\d+)\]|([A-Za-z0-9_-]+)|"([^"]*)\"""")
_QUOTES: Final = ('"""', "'''")


def line_of(text: str, path: str) -> int | None:
    """The line (from 1) of the key at ``path`` (``map.user.fields.title``, ``map.user.assign[0]``) in TOML ``text``.

    What stands inside another value, such as an inline table, has that value's line. ``None``: it is not written.
    """
    wanted = [found[1] or found[2] or found[3] or "" for found in _STEP.finditer(path)]
    best: tuple[int, int] | None = None
    for number, steps in _keys(text):
        covers = steps[: len(wanted)] == wanted or (len(steps) > 1 and wanted[: len(steps)] == steps)
        depth = min(len(steps), len(wanted))
        if covers and (best is None or depth > best[0]):
            best = depth, number
    return best[1] if best else None


def _keys(text: str) -> list[tuple[int, list[str]]]:
    """Each line that begins a table or a key, with the steps that lead there; arrays of tables count theirs."""
    found: list[tuple[int, list[str]]] = []
    table: list[str] = []
    counts: Counter[str] = Counter()
    inside = ""
    for number, line in enumerate(text.splitlines(), 1):
        if inside:
            inside = "" if inside in line else inside
            continue
        if (header := _TABLE.fullmatch(line)) and "=" not in header[2].partition("#")[0]:
            table = _parts(header[2])
            if header[1] == "[[":
                name = ".".join(table)
                table = [*table, str(counts[name])]
                counts[name] += 1
            found.append((number, table))
        elif key := _KEY.match(line):
            found.append((number, [*table, *_parts(key[1])]))
            inside = next((quotes for quotes in _QUOTES if line.count(quotes) % 2), "")
    return found


def _parts(dotted: str) -> list[str]:
    return [found[1] or found[2] or found[0] for found in _PART.finditer(dotted)]
