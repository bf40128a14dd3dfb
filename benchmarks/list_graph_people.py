"""List and normalise 10,000 Graph users: at most two and a half times a bare httpx + msgspec loop, whole processes."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from measuring import HERE, Measured, Verdicts, arguments, median, run, show, side_by_side


@contextmanager
def graph(people: int) -> Iterator[dict[str, Any]]:
    """A process of :mod:`graph_pages`, and what it told."""
    process = subprocess.Popen(
        [sys.executable, str(HERE / "graph_pages.py"), "--people", str(people)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield json.loads(process.stdout.readline())
    finally:
        process.stdin.close()
        process.wait(30)


def listing(program: str, people: int, *words: str) -> Measured:
    measured = run([sys.executable, str(HERE / program), *words])
    assert int(measured.output) == people, measured.output
    return measured


def main() -> None:
    chosen = arguments(__doc__, people=10_000, rounds=7)
    verdicts = Verdicts()
    with graph(chosen.people) as facts:
        people = facts["people"]
        runs = side_by_side(
            chosen.rounds,
            bare_httpx_and_msgspec=lambda: listing("bare_graph_listing.py", people, facts["first"]),
            crosskey=lambda: listing(
                "crosskey_graph_listing.py", people, facts["url"], facts["tenant"], facts["client_id"]
            ),
        )
    show(f"Listing {people:,} people ({facts['bytes'] / 1024:.2f} KiB each)", runs)
    ratio = median(runs["crosskey"]) / median(runs["bare_httpx_and_msgspec"])
    verdicts.bar("wall, whole process, to the bare loop", ratio, 2.5, " x")
    verdicts.exit()


if __name__ == "__main__":
    main()
