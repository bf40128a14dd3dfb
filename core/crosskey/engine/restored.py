"""A journal from a backup knows less than happened: nobody is switched off, and nothing is made that may be there.

What was linked, given or switched off after the backup is not in it. So the first run reads everything, adopts by
crosskey's own marker, looks each account up before it makes it, and leaves disables to a person.

Whom no read tells of just then is not found that way, and comes back some day. So accounts are looked up before they
are made for as long as the journal lives.
"""

from __future__ import annotations

from crosskey.connector.target import FindsChanges
from crosskey.engine.kindplan import KindPlan
from crosskey.engine.order import Applied, Reach, RunOptions
from crosskey.engine.planner import Planner
from crosskey.engine.rails import Allowed
from crosskey.engine.rails.holding import hold_class, way_through
from crosskey.journal import Journal
from crosskey.plan import Plan

__all__ = ("RAIL", "hold_restored", "is_settled")

RAIL = "restored"


async def hold_restored(planner: Planner, target: object, allowed: Allowed) -> None:
    """Take out of the stage what only a complete journal could tell to be right."""
    if not planner.journal.was_restored:
        return
    for kind in planner.kinds:
        if planner.journal.is_restored:
            _hold_disables(planner, kind, allowed)
        if isinstance(target, FindsChanges):
            await _hold_creates(planner, kind, target)


def is_settled(journal: Journal, options: RunOptions, reach: Reach, plan: Plan, applied: Applied) -> bool:
    """Whether a journal from a backup may be relied on again: everything was read, decided and carried out."""
    if not journal.is_restored or options.kind == "plan" or reach != "everything":
        return False
    if any(held.rail == RAIL or held.scope == "run" for held in plan.held):
        return False
    return not (applied.declined or applied.interrupted or applied.stopped)


def _hold_disables(planner: Planner, kind: KindPlan, allowed: Allowed) -> None:
    count = planner.stage.proposals.change_counts().get((kind.name, "disable"), 0)
    if allowed.upto(RAIL, count, 0):
        return
    hold_class(
        planner,
        allowed,
        kind,
        "disable",
        rail=RAIL,
        summary=f"the journal came from a backup, and by it {count} {kind.name} accounts would be disabled",
        fix=way_through(RAIL, kind, count, "look at them first"),
    )


async def _hold_creates(planner: Planner, kind: KindPlan, target: FindsChanges) -> None:
    """Hold whoever already has an account that bears the marker, although the list did not bring it."""
    for change in list(planner.stage.proposals.changes(kind.name, "create")):
        account = await target.find(change)
        if account is None:
            continue
        planner.stage.proposals.drop_changes(kind.name, "create", ids=[change.id])
        planner.findings.hold(
            RAIL,
            f"the journal came from a backup, and {kind.name} {account.key} bears crosskey's marker of this person, "
            "although the target's list did not bring it",
            fix="run again: once it is listed it is adopted",
            kind=kind.name,
            subject=change.subject,
            label=change.label,
            key=account.key,
        )
