"""What leavers leave behind: open tickets, approvals, teams they lead; listed, handed over or held before the disable.

Looked up after the rails, so that no more accounts are asked for than may be switched off at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from crosskey.connector.target import TellsDuties
from crosskey.engine.kindplan import KindPlan
from crosskey.engine.planner import RANK, Planner
from crosskey.engine.rails import Allowed
from crosskey.errors import CrosskeyError
from crosskey.plan import Change, Duty

__all__ = ("in_words", "plan_duties")

RAIL = "duties-open"


async def plan_duties(planner: Planner, target: object, *, allowed: Allowed) -> None:
    """Add to each staged disable what waits for its account, and do what the policy says about that.

    Where nobody can tell, that is said; only under ``hold`` it holds.
    """
    for kind in planner.kinds:
        disables = [change for change in planner.stage.proposals.changes(kind.name, "disable") if change.key]
        if not disables:
            continue
        found, unknown = await _ask(target, kind, [str(change.key) for change in disables])
        if unknown:
            planner.findings.notice(
                "duties-unknown",
                f"what waits for {len(disables)} leaving {kind.name} accounts is not known: {unknown}",
                path=f"map.{kind.name}.leavers.duties",
                fix="look in the target who has open tickets; `crosskey check` tells which right is missing",
            )
        for change in disables:
            _decide(planner, kind, change, tuple(found.get(str(change.key), ())), unknown, allowed)


def in_words(duties: Iterable[Duty]) -> str:
    """Duties as a clause, with a few examples."""
    return "; ".join(_one_in_words(duty) for duty in duties)


async def _ask(target: object, kind: KindPlan, keys: Sequence[str]) -> tuple[Mapping[str, Sequence[Duty]], str]:
    """What the target tells, and why it does not."""
    asked = kind.mapping.leavers.duties
    if not isinstance(target, TellsDuties):
        return {}, "" if asked == "list" else "this target does not tell"
    try:
        return await target.duties(kind.name, keys), ""
    except CrosskeyError as error:
        return {}, error.message
    except Exception as error:  # noqa: BLE001 - whatever a plugin raises, leavers are not kept on for it
        return {}, f"the target raised {type(error).__name__}"


def _decide(
    planner: Planner, kind: KindPlan, change: Change, duties: tuple[Duty, ...], unknown: str, allowed: Allowed
) -> None:
    policy = kind.mapping.leavers
    if policy.duties == "hold" and (duties or unknown) and not allowed.lets(RAIL, change):
        _hold(planner, change, in_words(duties) or f"not known: {unknown}")
        return
    heir = policy.hand_over if policy.duties == "reassign" else None
    if heir is not None and heir.to == change.kind and heir.key == change.key:
        planner.findings.notice("duties-heir", f"{change.label} leaves and was to take tickets over; theirs stay")
        heir = None
    tickets = unknown or any(duty.kind == "open_tickets" for duty in duties)
    if not duties and not (heir and tickets):
        return
    if duties and heir is None:
        planner.findings.notice("duties-left", f"{change.label} leaves behind {in_words(duties)}")
    rest = [duty for duty in duties if duty.kind != "open_tickets"]
    if rest and heir is not None:
        planner.findings.notice("duties-left", f"{change.label} leaves behind {in_words(rest)}; give that to somebody")
    told = msgspec.structs.replace(change, duties=duties, hand_over=heir if tickets else None)
    planner.stage.proposals.drop_changes(change.kind, change.action, ids=[change.id])
    planner.stage.proposals.add_change(RANK[change.action], [told])


def _hold(planner: Planner, change: Change, what: str) -> None:
    planner.stage.proposals.drop_changes(change.kind, change.action, ids=[change.id])
    planner.stage.proposals.make_due([change.subject])
    planner.findings.hold(
        RAIL,
        f"leaves behind {what}" if not what.startswith("not known") else f"what they leave behind is {what}",
        fix="give it to somebody in the target; to switch off all the same: "
        f"`crosskey approve {RAIL}`, or --allow {RAIL}={change.kind}:{change.key}",
        kind=change.kind,
        subject=change.subject,
        label=change.label,
        key=change.key,
    )


def _one_in_words(duty: Duty) -> str:
    words = {"open_tickets": "open ticket", "approvals": "pending approval", "leads": "team or department led"}
    plurals = {**{kind: f"{word}s" for kind, word in words.items()}, "leads": "teams or departments led"}
    name = words[duty.kind] if duty.count == 1 else plurals[duty.kind]
    more = ", …" if duty.count > len(duty.examples) else ""
    return f"{duty.count} {name}" + (f" ({', '.join(duty.examples)}{more})" if duty.examples else "")
