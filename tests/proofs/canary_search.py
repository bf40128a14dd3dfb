"""Looks for words that must be nowhere in what a program left behind, however they may be written there."""

from __future__ import annotations

import base64
import gzip
import json
import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

PEOPLE_MAY_BE_IN = frozenset({"link", "plan", "plan_change", "held", "operation", "voucher", "leaver"})
"""Tables of the journal that name people: documented under "State, privacy, backups"."""


def forms(word: str) -> set[bytes]:
    """A word as text, JSON, a URL and base64 (at any offset) would write it."""
    written = {word, json.dumps(word)[1:-1], quote(word, safe=""), quote(word)}
    raw = word.encode()
    for pad in range(3):
        text = base64.b64encode(b"\0" * pad + raw).decode()
        # the first and last characters depend on what stands beside
        written.add(text[4 if pad else 0 : len(text) - 4 if len(raw) > 8 else None])
    return {one.encode() for one in written if len(one) > 3}


def found(words: Mapping[str, str], places: Iterable[tuple[str, bytes]]) -> list[str]:
    """Which word is in which place."""
    wanted = {name: forms(word) for name, word in words.items()}
    return [
        f"{name} is in {place}"
        for place, content in places
        for name, written in wanted.items()
        if any(form in content for form in written)
    ]


def files(folder: Path) -> list[tuple[str, bytes]]:
    """Every file; of those that are compressed, what is in them."""
    places: list[tuple[str, bytes]] = []
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            content = path.read_bytes()
            places.append((str(path), gzip.decompress(content) if path.suffix == ".gz" else content))
    return places


def tables_without_people(journal: Path) -> list[tuple[str, bytes]]:
    """The rows of every table of the journal that names nobody."""
    with closing(sqlite3.connect(f"file:{journal}?mode=ro", uri=True)) as db:
        names = [row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return [
            (f"table {name}", repr(db.execute(f"SELECT * FROM {name}").fetchall()).encode())
            for name in names
            if name not in PEOPLE_MAY_BE_IN
        ]
