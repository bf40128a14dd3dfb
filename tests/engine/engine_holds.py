"""What waits for a person and what they let through, as the commands do it, over the in-memory bench."""

from __future__ import annotations

from datetime import timedelta

from engine_bench import Bench

from crosskey.engine.holds import Hold, choose, holds
from crosskey.engine.rails import Approvals
from crosskey.journal import Approval, Journal, Watchbook


def held(bench: Bench) -> list[Hold]:
    """What ``crosskey held`` would show."""
    with Journal.open(bench.config.journal.path, clock=bench.clock, connection="desk") as journal:
        return holds(journal.waiting(), Approvals(journal.usable_approvals(bench.clock.now())))


def waits(bench: Bench) -> list[str]:
    """The same in short: rail, kind and action where there are any, how many."""
    return [" ".join(filter(None, (one.rail, one.kind, one.action, str(one.count)))) for one in held(bench)]


def approve(bench: Bench, rail: str, *, hours: float = 4, **chosen) -> Approval:
    """Let through what is held now; without the lock of a run, as somebody does beside a watcher."""
    with book(bench) as noted:
        choice = choose(noted.waiting(), rail, **chosen)
        return noted.approve(
            rail,
            items=choice.items,
            words=choice.words,
            by="ops",
            reason="it is right",
            lasts=timedelta(hours=hours),
        )


def book(bench: Bench) -> Watchbook:
    return Watchbook.noting(bench.config.journal.path, clock=bench.clock, connection="desk")


def states(bench: Bench) -> list[str]:
    """What became of every approval, newest first."""
    with Journal.open(bench.config.journal.path, clock=bench.clock, connection="desk") as journal:
        return [one.state(bench.clock.now()) for one in journal.approvals()]


async def staffed(bench: Bench, count: int = 20, **attributes: str) -> None:
    """So many people with an account each."""
    bench.desk.batch = 50
    for number in range(count):
        bench.directory.add(f"p{number:03}", groups=["Staff"], **attributes)
    await bench.run()


def leave(bench: Bench, *numbers: int) -> None:
    """These people leave."""
    for number in numbers:
        bench.directory.change(f"p{number:03}", active=False)
