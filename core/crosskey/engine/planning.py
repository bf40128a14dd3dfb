"""Work the whole plan out over a complete stage: everyone, the absent, the vanished, the newcomers, then the rails."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Final

from crosskey.config import Config
from crosskey.connector.target import CountsSeats, Seats, TargetSchema
from crosskey.engine.absence import Absentees
from crosskey.engine.blame import blaming
from crosskey.engine.duties import plan_duties
from crosskey.engine.forgotten import tell_forgotten
from crosskey.engine.kindplan import KindPlan
from crosskey.engine.leavers import plan_absent, plan_unvouched
from crosskey.engine.logical import LogicalGroups
from crosskey.engine.losing import plan_losing
from crosskey.engine.newcomers import plan_newcomers
from crosskey.engine.planner import Planner
from crosskey.engine.rails import TAKES_SEATS, Allowed, Remaining, headroom, hold_last_active, run_rails
from crosskey.engine.read import PeopleRead
from crosskey.engine.restored import hold_restored
from crosskey.engine.sources import Sources
from crosskey.engine.spans import RunTelling
from crosskey.engine.vanished import plan_vanished

__all__ = ("plan_everyone", "settle_time", "tell_unknown", "tell_unruled")

_SETTLE: Final = timedelta(minutes=2)


def settle_time(config: Config, schema: TargetSchema) -> timedelta:
    """How long a write may take to be seen: what the operator says about this desk; else what its plugin says of all
    desks, and never less than usual.
    """
    given = config.sync.settle
    return max(_SETTLE, timedelta(seconds=schema.settle)) if given is None else given


async def plan_everyone(
    planner: Planner,
    sources: Sources,
    target: object,
    logical: LogicalGroups,
    *,
    config: Config,
    allowed: Allowed,
    unattended: bool,
    run: str,
    advance: Callable[[int], None],
    telling: RunTelling,
) -> Mapping[str, Remaining]:
    """Stage every change that the rails let through; what they hold is in the planner's findings.

    ``target`` is asked for seats and single accounts, as far as it can tell them.
    ``unattended``: nobody looks at the plan before it is applied. Gives by kind what the plan leaves active, where some
    must stay so.
    """
    most = config.rails.max_disable.count
    planner.plan(logical, advance)
    await plan_losing(planner, sources, logical, config.rails.max_disable)
    planner.tell_left()
    await plan_unvouched(planner, sources, most=most, allowed=allowed)
    absentees = Absentees(reads=config.rails.absent_reads, spread=config.rails.absent_for, run=run)
    await plan_absent(planner, sources, most=most, allowed=allowed, absentees=absentees)
    with blaming(config.target):
        await plan_vanished(planner, target, most=most, allowed=allowed)
    plan_newcomers(planner, logical, allowed)
    with blaming(config.target):
        await hold_restored(planner, target, allowed)
    tell_forgotten(planner)
    seats: Mapping[str, Seats] = {}
    if isinstance(target, CountsSeats) and any(_takes_seats(planner, kind) for kind in planner.kinds):
        with blaming(config.target):
            seats = await target.seats()
        telling.seats(seats)
    telling.headroom(headroom(planner, config.rails))
    with telling.guard("rails"):
        run_rails(planner, seats=seats, config=config, allowed=allowed, unattended=unattended)
        kinds = [kind.kind for kind in planner.kinds]
        held, remaining = hold_last_active(kinds, planner.stage, config.rails, allowed)
        for each in held:
            planner.findings.add(each)
    await plan_duties(planner, target, allowed=allowed)
    return remaining


def _takes_seats(planner: Planner, kind: KindPlan) -> bool:
    """Whether seats matter: always after a full read, else only where somebody would take one."""
    if not kind.kind.seats:
        return False
    counts = planner.stage.proposals.change_counts()
    return not planner.stage.people.partial or any(counts.get((kind.name, action)) for action in TAKES_SEATS)


def tell_unknown(planner: Planner, read: PeopleRead) -> None:
    """Tell once of people whose status nobody mapped, unless the source did so itself and said more."""
    unknown = planner.findings.unknown
    if not unknown or any(warning.code.endswith("status-unknown") for warning in read.warnings):
        return
    statuses = ", ".join(f'"{status}" ({count})' for status, count in sorted(unknown.items()))
    planner.findings.notice(
        "status-unknown",
        f"{unknown.total()} people are left as they are: nobody knows what their status means: {statuses}",
        path=", ".join(source.path for source in read.sources),
        fix="say in the source's section what the status means",
    )


def tell_unruled(planner: Planner, schema: TargetSchema) -> None:
    """Tell of accounts that crosskey linked and that no mapping rules any more."""
    ruled = {kind.name for kind in planner.kinds}
    for kind in schema.kinds:
        linked = 0 if kind.name in ruled else planner.journal.link_count(kind.name, active_only=True)
        if linked:
            accounts = f"1 {kind.name} account is" if linked == 1 else f"{linked} {kind.name} accounts are"
            planner.findings.notice(
                "links-without-rules",
                f"{accounts} linked, but no rules are left for them: nobody switches them off when people leave",
                path=f"map.{kind.name}",
                fix=f"write [map.{kind.name}] again (a scope that means nobody makes all of them leavers), "
                "or switch them off in the target",
            )
