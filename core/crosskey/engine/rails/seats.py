"""Paid seats are counted before accounts are made (G14)."""

from __future__ import annotations

from itertools import islice

from crosskey.connector.target import Seats
from crosskey.engine.kindplan import KindPlan
from crosskey.engine.stage import Stage
from crosskey.plan import Action, Held

__all__ = ("TAKES_SEATS", "hold_seats")

TAKES_SEATS: tuple[Action, ...] = ("enable", "adopt", "create")


def hold_seats(kind: KindPlan, stage: Stage, seats: Seats | None, *, keep: int = 0) -> list[Held]:
    """Paid seats are counted before accounts are made; none is made by guess (G14).

    What takes a seat is moved aside; an adoption of an account that is switched on already takes none. ``keep`` seats
    stay free for people who are given an account by hand.
    """
    if seats is None:
        return []
    takers: dict[Action, dict[str, str]] = {
        action: {
            change.id: change.label
            for change in stage.proposals.changes(kind.name, action)
            if change.active is not None
        }
        for action in TAKES_SEATS
    }
    needed, free = sum(map(len, takers.values())), seats.total - seats.used - keep
    if needed <= free:
        return []
    for action, labels in takers.items():
        stage.proposals.hold_changes("seats-short", kind.name, action, list(labels))
    return [
        Held(
            rail="seats-short",
            scope="class",
            action=action,
            kind=kind.name,
            summary=f"{needed} {kind.name} seats are needed, {max(free, 0)} of {seats.total} are free"
            + (f" ({keep} are kept)" if keep else ""),
            fix="buy seats, free some, or narrow the mapping's scope",
            examples=tuple(islice(labels.values(), 10)),
            count=len(labels),
        )
        for action, labels in takers.items()
        if labels
    ]
