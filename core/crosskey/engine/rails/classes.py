"""Rails on classes of changes: what is held is taken out of the plan, everything else goes on."""

from __future__ import annotations

from collections.abc import Mapping

from crosskey.config import RailSettings
from crosskey.connector.target import Seats
from crosskey.engine.planner import KindPlan, Planner
from crosskey.engine.rails.allowed import Allowed
from crosskey.engine.rails.seats import hold_seats
from crosskey.engine.stage import Stage
from crosskey.plan import Held

__all__ = ("check_disables", "run_rails")


def check_disables(kind: KindPlan, stage: Stage, active: int, settings: RailSettings, allowed: Allowed) -> Held | None:
    """No more disables at once than the larger of a count and a share of the managed active accounts (G5)."""
    disables = stage.proposals.change_counts().get((kind.name, "disable"), 0) + len(_released_off(kind, stage))
    limit = max(settings.max_disable.count, int(active * settings.max_disable.percent / 100))
    if disables <= max(limit, allowed.number("mass-disable")):
        return None
    examples = tuple(
        f"{change.label}: {change.why.get('', '')}"
        for change in stage.proposals.changes(kind.name, "disable", limit=10)
    )
    return Held(
        rail="mass-disable",
        scope="class",
        action="disable",
        kind=kind.name,
        summary=f"{disables} of {active} managed {kind.name} accounts would be disabled; the limit is {limit}",
        fix=f"if that is right: --allow mass-disable={disables}, or raise [rails] max_disable",
        examples=examples,
    )


def _released_off(kind: KindPlan, stage: Stage) -> list[str]:
    """Accounts that an undo gives back as it found them, switched off: whoever uses one is out all the same."""
    return [change.id for change in stage.proposals.changes(kind.name, "release") if change.active is not None]


def run_rails(planner: Planner, *, seats: Mapping[str, Seats], settings: RailSettings, allowed: Allowed) -> None:
    """Check each class of changes; what is held is taken out of the stage, everything else goes on."""
    for kind in planner.kinds:
        active = planner.journal.link_count(kind.name, active_only=True)
        disables = check_disables(kind, planner.stage, active, settings, allowed)
        if disables is not None:
            planner.findings.add(disables)
            planner.stage.proposals.drop_changes(kind.name, "disable")
            planner.stage.proposals.drop_changes(kind.name, "release", ids=_released_off(kind, planner.stage))
        for held in hold_seats(kind, planner.stage, seats.get(kind.name)):
            planner.findings.add(held)
