"""How a plan is cut into waves: a few changes of every sort first, then growing shares of the rest.

A wave is looked at before the next one begins, so what is wrong shows while it concerns few.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from math import ceil
from typing import Final

import msgspec

from crosskey.engine.order import RunOptions, Waves
from crosskey.journal import Journal
from crosskey.plan import Change

__all__ = ("FIRST_RUN", "Class", "Wave", "cut", "spread", "waves_for")

FIRST_RUN: Final = Waves(canary=5, steps=(100.0,))
"""What `apply` does where nothing was ever applied, unless told otherwise (G20)."""

Class = tuple[str, str]
"""A sort of change: kind and action."""


class Wave(msgspec.Struct, frozen=True):
    """One wave: its name for people, and how many changes are done when it is, all waves before it included."""

    name: str
    end: int


def waves_for(journal: Journal, options: RunOptions) -> Waves | None:
    """How this run goes in waves: as a person says, else as an earlier run was told that is not through with it yet."""
    if options.kind != "apply":
        return None
    if options.waves is not None:
        return options.waves if options.waves.canary else None
    ladder = journal.ladder()
    if ladder is not None:
        return msgspec.json.decode(ladder.waves, type=Waves)
    return FIRST_RUN if journal.last_applied() is None else None


def cut(waves: Waves, total: int, classes: int) -> list[Wave]:
    """The waves of a plan of ``total`` changes of so many sorts; a step that adds nothing is no wave.

    The canary holds one of every sort, even if those are more than were asked for.
    """
    found = [Wave("the canary", min(total, max(waves.canary, classes)))]
    for step in (*waves.steps, 100.0):
        end = ceil(total * step / 100)
        if end > found[-1].end:
            found.append(Wave(f"the wave to {step:g} %", min(end, total)))
    return found


def spread(changes: Iterable[Change], size: int, covered: AbstractSet[Class] = frozenset()) -> list[str]:
    """Ids of ``size`` changes, in turns one of each sort, in the order of the plan; sorts not ``covered`` yet first."""
    rank: Counter[Class] = Counter(dict.fromkeys(covered, 1))
    placed: list[tuple[int, int, str]] = []
    for place, change in enumerate(changes):
        sort = (change.kind, change.action)
        if rank[sort] < size + 1:  # more of one sort than the canary holds are never chosen
            placed.append((rank[sort], place, change.id))
            rank[sort] += 1
    chosen = sorted(placed)[:size]
    return [id_ for _, _, id_ in sorted(chosen, key=lambda each: each[1])]
