"""Moving a class of changes aside: what a person approved goes on, whatever joined it later does not."""

from __future__ import annotations

from collections.abc import Callable

from crosskey.engine.kindplan import KindPlan
from crosskey.engine.planner import Planner
from crosskey.engine.rails.allowed import Allowed
from crosskey.engine.who import shown_as
from crosskey.plan import Action, Change, Held

__all__ = ("hold_class", "way_through")

_EXAMPLES = 10


def hold_class(
    planner: Planner,
    allowed: Allowed,
    kind: KindPlan,
    action: Action,
    *,
    rail: str,
    summary: str,
    fix: str,
    among: Callable[[Change], bool] = lambda _change: True,
    told: Callable[[Change], str] = lambda change: change.why.get("", ""),
    most: int = _EXAMPLES,
) -> None:
    """Hold the changes of one kind and action, or those ``among`` them, except what somebody approved.

    ``told`` says what one of them is about; ``most`` are shown as examples.
    """
    ids: list[str] = []
    examples: list[str] = []
    approved = 0
    for change in planner.stage.proposals.changes(kind.name, action):
        if not among(change):
            continue
        if allowed.covers(rail, kind.name, action, change.subject):
            approved += 1
            continue
        ids.append(change.id)
        if len(examples) < most:
            who = shown_as(change.label, change.kind, change.key)
            examples.append(f"{who}: {told(change)}".removesuffix(": "))
    if not ids:
        return
    planner.stage.proposals.hold_changes(rail, kind.name, action, ids)
    planner.findings.add(
        Held(
            rail=rail,
            scope="class",
            action=action,
            kind=kind.name,
            summary=f"{summary}; {approved} of them were approved and go on" if approved else summary,
            fix=fix,
            examples=tuple(examples),
            count=len(ids),
        )
    )


def way_through(rail: str, kind: KindPlan, count: int, setting: str) -> str:
    """What lets a class through: exactly these, so many for one run, or more for good."""
    approve = f'crosskey approve {rail} --kind {kind.name} --because "…"'
    return f"if that is right: {approve}, or --allow {rail}={count} for one run; {setting}"
