"""Many seeds, on several cores: what broke, and whether every fault really struck."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import Final

import msgspec

from proofs.simulation.faults import KINDS
from proofs.simulation.history import Verdict, live_through
from proofs.simulation.wire.spoiling import WIRE

__all__ = ("Totals", "live", "try_seeds", "unproved")

_CHUNK: Final = 20
_TWICE: Final = 100
"""One seed of so many is lived through twice, and must come to the same."""
_SHARE: Final = 20
"""Each fault strikes at least once in so many seeds: 100 times in 2,000."""


class Totals(msgspec.Struct):
    """What a range of seeds came to."""

    seeds: int = 0
    broken: dict[int, list[str]] = msgspec.field(default_factory=dict[int, list[str]])
    hits: Counter[str] = msgspec.field(default_factory=Counter[str])
    ends: Counter[str] = msgspec.field(default_factory=Counter[str])
    writes: int = 0
    seconds: float = 0.0

    def add(self, verdict: Verdict) -> None:
        """Count one seed."""
        self.seeds += 1
        self.hits.update(verdict.hits)
        self.ends.update(verdict.ends)
        self.writes += verdict.writes
        if verdict.broken:
            self.broken[verdict.seed] = verdict.broken

    def summary(self) -> str:
        """One paragraph."""
        return (
            f"{self.seeds} seeds, {len(self.broken)} bad; {self.writes} writes, {self.hits.total()} faults of "
            f"{len(self.hits)} kinds, {sum(self.ends.values())} runs in {self.seconds:.0f} s"
        )


def live(seed: int) -> Verdict:
    """One seed; some are lived through twice, and both must come to the same."""
    verdict = live_through(seed)
    if seed % _TWICE == 0 and live_through(seed).digest != verdict.digest:
        verdict.broken.append("nondeterministic: the same seed came to something else")
    return msgspec.structs.replace(verdict, trace=[])


def try_seeds(seeds: Sequence[int], *, jobs: int = 1) -> Totals:
    """Live through all of them."""
    totals, began = Totals(), time.monotonic()
    for verdict in _verdicts(seeds, jobs):
        totals.add(verdict)
    totals.seconds = time.monotonic() - began
    return totals


def _verdicts(seeds: Sequence[int], jobs: int) -> Iterator[Verdict]:
    if jobs == 1:
        yield from map(live, seeds)
        return
    with ProcessPoolExecutor(jobs) as pool:
        yield from pool.map(live, seeds, chunksize=_CHUNK)


def unproved(totals: Totals, known: Iterable[str] = (*KINDS, *WIRE)) -> list[str]:
    """Faults that struck less often than a proof needs."""
    least = totals.seeds // _SHARE
    return sorted(f"{fault}: {totals.hits[fault]} of {least}" for fault in known if totals.hits[fault] < least)
