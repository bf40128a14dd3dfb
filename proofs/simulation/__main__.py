"""``python -m proofs.simulation``: seeds by the thousand, one seed with its trace, or the planted bugs."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from proofs.simulation.driver import try_seeds, unproved
from proofs.simulation.history import live_through
from proofs.simulation.planted import BUGS, first_catch

_ENOUGH = 2_000
"""From so many seeds on, every fault must have struck often enough."""
_SHOWN = 20


def main() -> int:
    """Do what was asked; 1 when a law was broken, a fault did not strike, or a planted bug was missed."""
    parser = argparse.ArgumentParser(prog="python -m proofs.simulation", description=__doc__)
    parser.add_argument("--seeds", default="0:2000", help="a range, as FIRST:END (default 0:2000)")
    parser.add_argument("--seed", type=int, help="one seed only")
    parser.add_argument("--trace", action="store_true", help="print what happens in that seed")
    parser.add_argument("--jobs", type=int, default=2, help="processes (default 2)")
    parser.add_argument("--planted", metavar="BUG", help="how soon a planted bug is caught: a name, or all")
    parser.add_argument("--corpus", action="store_true", help="every seed that ever found a bug")
    asked = parser.parse_args()
    if asked.planted:
        return _plant(list(BUGS) if asked.planted == "all" else [asked.planted])
    if asked.seed is not None:
        verdict = live_through(asked.seed, echo=asked.trace)
        print(f"seed {asked.seed}: {'; '.join(verdict.broken) or 'nothing broken'} [{verdict.digest}]")
        return 1 if verdict.broken else 0
    first, end = (int(part) for part in asked.seeds.split(":"))
    return _many(corpus() if asked.corpus else list(range(first, end)), asked.jobs)


def corpus() -> list[int]:
    """Seeds that once failed, from ``corpus.txt``."""
    lines = Path(__file__).with_name("corpus.txt").read_text(encoding="utf-8").splitlines()
    return [int(line.split("#")[0]) for line in lines if line.split("#")[0].strip()]


def _many(seeds: list[int], jobs: int) -> int:
    totals = try_seeds(seeds, jobs=jobs)
    print(totals.summary())
    for fault, count in sorted(totals.hits.items()):
        print(f"  {count:6} {fault}")
    for seed, broken in sorted(totals.broken.items())[:_SHOWN]:
        print(f"seed {seed}: {broken[0]}\n  python -m proofs.simulation --seed {seed} --trace")
    missed = unproved(totals) if totals.seeds >= _ENOUGH else []
    for line in missed:
        print(f"struck too seldom: {line}")
    return 1 if totals.broken or missed else 0


def _plant(bugs: list[str]) -> int:
    missed = 0
    for bug in bugs:
        caught = first_catch(bug, range(300))
        missed += caught is None
        print(f"{bug:20} {'MISSED in 300 seeds' if caught is None else f'seed {caught[0]}: {caught[1]}'}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
