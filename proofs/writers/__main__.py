"""``python -m proofs.writers``: many rounds of two writers, and of twenty that start at once."""

from __future__ import annotations

import os
import sys
import time
from collections import Counter
from collections.abc import Iterator
from random import Random

import click

from proofs.crash.scenarios import SCENARIOS
from proofs.crash.sweep import Bench, prepared
from proofs.writers.rounds import Paused, paused, raced

_RACE_EVERY = 20


@click.command()
@click.option("--rounds", type=click.IntRange(1), default=1000, show_default=True)
@click.option("--seed", type=int, default=1, show_default=True, help="Chooses where each round stops the writer.")
def main(rounds: int, seed: int) -> None:
    """Stop, replace and wake a writer; every twentieth round lets twenty start at once."""
    os.nice(10)
    started, bad = time.monotonic(), 0
    kinds: Counter[str] = Counter()
    with prepared(SCENARIOS["sync"], settle="2m", traced=False) as bench:
        for number, (kind, wrong) in enumerate(_rounds(bench, rounds, Random(seed)), start=1):
            kinds[kind] += 1
            bad += bool(wrong)
            if number % _RACE_EVERY == 0:
                print(f"{number} rounds, {bad} wrong, {time.monotonic() - started:.0f} s", flush=True)
            for text in wrong:
                print(f"round {number}, {kind}: {text}", flush=True)
    took = time.monotonic() - started
    counts = ", ".join(f"{kind} {count}" for kind, count in sorted(kinds.items()))
    print(f"{rounds} rounds ({counts}), {bad} wrong, {took:.0f} s ({took / rounds:.2f} s each)")
    sys.exit(1 if bad else 0)


def _rounds(bench: Bench, rounds: int, random: Random) -> Iterator[tuple[str, list[str]]]:
    posts = len(bench.expected.facts.posts)
    for number in range(rounds):
        if number % _RACE_EVERY == 0:
            yield "raced", raced(bench)
            continue
        post = random.randint(1, posts)
        case = random.choice(
            [
                Paused(post=post, after=random.random() < 0.5),
                Paused(post=post, after=random.random() < 0.5, killed=True),
                Paused(post=post, moment=random.uniform(0.0, 0.04)),
            ]
        )
        yield (
            "killed" if case.killed else "stopped anywhere" if case.moment is not None else "stopped",
            paused(bench, case),
        )


if __name__ == "__main__":
    main()
