"""Paid seats are counted before accounts are made (G14)."""

from __future__ import annotations

from itertools import islice

from crosskey.connector.target import Seats
from crosskey.engine.planner import KindPlan
from crosskey.engine.stage import Stage
from crosskey.plan import Action, Held

__all__ = ("TAKES_SEATS", "hold_seats")

TAKES_SEATS: tuple[Action, ...] = ("enable", "adopt", "create")


def hold_seats(kind: KindPlan, stage: Stage, seats: Seats | None) -> list[Held]:
    """Paid seats are counted before accounts are made; none is made by guess (G14).

    What takes a seat is taken out of the stage; an adoption of an account that is switched on already takes none.
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
    needed, free = sum(map(len, takers.values())), seats.total - seats.used
    if needed <= free:
        return []
    for action, labels in takers.items():
        stage.proposals.drop_changes(kind.name, action, ids=list(labels))
    return [
        Held(
            rail="seats-short",
            scope="class",
            action=action,
            kind=kind.name,
            summary=f"{needed} {kind.name} seats are needed, {max(free, 0)} of {seats.total} are free",
            fix="buy seats, free some, or narrow the mapping's scope",
            examples=tuple(islice(labels.values(), 10)),
        )
        for action, labels in takers.items()
        if labels
    ]
