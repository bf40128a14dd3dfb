"""Accounts that crosskey linked and that the target's list did not bring: absence alone is no reason to make another.

Lists are read page by page while others add and delete, so a list can miss what is there. Each account is looked up by
its key where the target can do that; too many at once are held, because then the read itself is suspect.
"""

from __future__ import annotations

from crosskey.connector.target import FindsChanges
from crosskey.engine.kindplan import KindPlan
from crosskey.engine.planner import Planner
from crosskey.engine.rails import Allowed
from crosskey.engine.undecided import Gone
from crosskey.model import Account
from crosskey.plan import Held

__all__ = ("plan_vanished",)


async def plan_vanished(planner: Planner, target: object, *, most: int, allowed: Allowed) -> None:
    """Set aside whose account is surely gone, to be made anew. At most ``most`` accounts a kind are looked up."""
    for kind in planner.kinds:
        count = planner.gone_counts[kind.name]
        gone = [each for each in planner.gone if each.kind is kind]
        if not allowed.upto("accounts-missing", count, most):
            planner.findings.add(_held(kind, gone, count, most))
            planner.stage.proposals.make_due(each.person.subject for each in gone)
            continue
        for each in gone:
            await _confirm(planner, target, each)


async def _confirm(planner: Planner, target: object, gone: Gone) -> None:
    kind, person, key = gone.kind, gone.person, gone.link.key
    if isinstance(target, FindsChanges):
        stands_for = Account(kind=kind.name, key=key, label=person.label)
        if await target.find(kind.differ.disable(person.subject, person.label, stands_for, "")) is not None:
            planner.findings.notice(
                "not-listed",
                f"{person.label}: {kind.name} {key} is missing from the target's list but is there by id; "
                "nothing changed",
            )
            planner.stage.proposals.make_due([person.subject])
            return
    planner.findings.notice(
        "account-gone", f"{person.label}: {kind.name} {key} no longer exists in the target; made anew"
    )
    planner.set_aside(kind, person, gone.desired, wanted=True)


def _held(kind: KindPlan, gone: list[Gone], count: int, most: int) -> Held:
    return Held(
        rail="accounts-missing",
        scope="class",
        action="create",
        kind=kind.name,
        summary=f"{count} linked {kind.name} accounts were not in the target's list: more than {most} at once, "
        "so none was looked up or made anew",
        fix="look whether the credential may still see every account; "
        f"then `--allow accounts-missing={count}` makes those anew that are gone",
        examples=tuple(f"{kind.name} {each.link.key} ({each.person.label})" for each in gone[:10]),
        word=f"accounts-missing={count}",
        count=count,
    )
