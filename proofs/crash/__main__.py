"""``python -m proofs.crash``: disturb a command at every point, and say what was wrong afterwards."""

from __future__ import annotations

import os
import sys
import time
from collections import Counter
from collections.abc import Iterator
from typing import get_args

import click

from proofs.crash.command import Fault, Injection, strace
from proofs.crash.scenarios import SCENARIOS
from proofs.crash.sweep import Bench, Verdict, prepared, selected

_TELL_EVERY = 100


@click.command()
@click.option("--command", "name", type=click.Choice(sorted(SCENARIOS)), default="sync", show_default=True)
@click.option("--fault", type=click.Choice(get_args(Fault)), default="kill", show_default=True)
@click.option("--every", type=click.IntRange(1), default=1, help="Only every n-th point.")
@click.option("--points", metavar="A:B", default=":", help="Only from point A to point B, counted from 1.")
@click.option("--call", "only", metavar="NAME", help="Only calls of this name, such as fsync.")
@click.option(
    "--file", metavar="NAME", help="Only calls on this file of the journal's folder, or on the folder itself."
)
@click.option("--wal", is_flag=True, help="Keep the journal as a machine with a fixed SQLite would.")
def main(name: str, fault: Fault, every: int, points: str, only: str | None, file: str | None, *, wal: bool) -> None:
    """Disturb a command at every write of the journal's folder; after each, one undisturbed run must set all right.

    Without a choice of points the sweep goes on past the last point of an undisturbed run, until nothing is hit.
    """
    if strace() is None:
        sys.exit("strace is not installed, or may not trace here: nothing was proved")
    first, _, last = points.partition(":")
    whole = every == 1 and points == ":" and not (only or file)
    os.nice(10)
    started = time.monotonic()
    tried = hit = bad = 0
    codes: Counter[int] = Counter()
    with prepared(SCENARIOS[name], wal=wal) as bench:
        print(f"{name}, {fault}: {len(bench.calls)} points in an undisturbed run", flush=True)
        fitting = [
            point
            for point, call in zip(bench.points(fault), bench.calls, strict=True)
            if only in (None, call.name) and file in (None, call.file)
        ]
        chosen = selected(fitting, every=every, first=int(first or 1), last=int(last) if last else None)
        for verdict in _verdicts(bench, chosen, fault, whole=whole):
            tried, hit, bad = tried + 1, hit + verdict.fired, bad + bool(verdict.wrong)
            if tried % _TELL_EVERY == 0:
                print(f"{tried} of {len(chosen)}, {bad} wrong, {time.monotonic() - started:.0f} s", flush=True)
            codes[verdict.code] += 1
            for text in verdict.wrong:
                print(f"{verdict.injection.call} #{verdict.injection.n}: {text}", flush=True)
    took = time.monotonic() - started
    print(", ".join(f"exit {code}: {count}" for code, count in sorted(codes.items())))
    print(f"{tried} trials, {hit} disturbed, {bad} wrong, {took:.0f} s ({took / max(tried, 1):.2f} s each)")
    sys.exit(1 if bad else 0)


def _verdicts(bench: Bench, chosen: list[Injection], fault: Fault, *, whole: bool) -> Iterator[Verdict]:
    yield from (bench.trial(injection) for injection in chosen)
    if whole:
        yield from bench.beyond(fault)


if __name__ == "__main__":
    main()
