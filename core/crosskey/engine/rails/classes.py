"""Rails on classes of changes: what is held is moved aside, everything else goes on."""

from __future__ import annotations

from collections.abc import Mapping

from crosskey.config import Config
from crosskey.connector.target import Seats
from crosskey.engine.batching import batched
from crosskey.engine.kindplan import KindPlan
from crosskey.engine.planner import Planner
from crosskey.engine.rails.allowed import Allowed
from crosskey.engine.rails.ceiling import hold_above
from crosskey.engine.rails.disables import check_disables, check_rolling, limit_of
from crosskey.engine.rails.first import has_begun, is_first
from crosskey.engine.rails.holding import hold_class, way_through
from crosskey.engine.rails.seats import hold_seats
from crosskey.engine.rails.updates import check_demotions, check_mass_change
from crosskey.model import Subject
from crosskey.plan import Action

__all__ = ("run_rails",)

_BATCH = 500


def run_rails(
    planner: Planner, *, seats: Mapping[str, Seats], config: Config, allowed: Allowed, unattended: bool
) -> None:
    """Check each class of changes; what is held is moved aside in the stage, everything else goes on.

    What one rail held is none of the next one's business. Seats come last: only what is left takes any.
    """
    settings = config.rails
    for kind in planner.kinds:
        hold_above(planner, kind, settings.may)
        _check_passed_over(planner, kind, allowed)
        _check_first_run(planner, kind, config, allowed, unattended=unattended)
        check_disables(planner, kind, settings, allowed)
        check_rolling(planner, kind, settings, allowed)
        check_demotions(planner, kind, settings, allowed)
        check_mass_change(planner, kind, config, allowed)
        _check_creates(planner, kind, config, allowed)
        for held in hold_seats(kind, planner.stage, seats.get(kind.name), keep=settings.keep_seats):
            planner.findings.add(held)


def _check_passed_over(planner: Planner, kind: KindPlan, allowed: Allowed) -> None:
    """Who waited when somebody chose others waits on, few as they may be, until somebody chooses them too."""
    passed: dict[tuple[str, Action], set[Subject]] = {}
    for rail, action, subject in planner.journal.passed_over(kind.name):
        passed.setdefault((rail, action), set()).add(subject)
    for (rail, action), people in sorted(passed.items()):
        hold_class(
            planner,
            allowed,
            kind,
            action,
            rail=rail,
            summary=f"some {kind.name} accounts waited when others were approved, and were not among those",
            fix=f'approve them too (crosskey approve {rail} --kind {kind.name} --because "…"), or put right why they '
            "are in the plan",
            among=lambda change, people=people: change.subject in people,
        )


def _check_first_run(planner: Planner, kind: KindPlan, config: Config, allowed: Allowed, *, unattended: bool) -> None:
    """Nothing is written for a kind before somebody looked at its first plan (G20)."""
    counts: dict[Action, int] = {
        action: count for (name, action), count in planner.stage.proposals.change_counts().items() if name == kind.name
    }
    if not counts or not is_first(planner.journal, kind.name, config):
        return
    total = sum(counts.values())
    if not unattended:
        planner.findings.looked_at = True
        planner.findings.notice(
            "first-run",
            f"nothing was applied for {kind.name} accounts yet: `crosskey sync` and `crosskey watch` hold all {total} "
            "changes until somebody applied or approved them",
            fix="look at them, then `crosskey apply`",
        )
        return
    if allowed.upto("first-run", total, 0):
        return
    for action in counts:
        hold_class(
            planner,
            allowed,
            kind,
            action,
            rail="first-run",
            summary=f"this is the first run for {kind.name} accounts, and nobody has looked at its {total} changes",
            fix="look at them with `crosskey plan`, then `crosskey apply`, or crosskey approve first-run "
            f'--kind {kind.name} --because "…"; [rails] first_run = "go" never asks',
        )


def _check_creates(planner: Planner, kind: KindPlan, config: Config, allowed: Allowed) -> None:
    """No flood of new accounts once the first run is over (G8).

    An account that is made anew in the place of one that is surely gone is no new one, nor one that went through here
    before and was not made.
    """
    if not has_begun(planner.journal, kind.name):
        return
    linked = planner.journal.link_count(kind.name)
    limit = limit_of(config.rails.max_create, linked)
    new = set[Subject]()
    for batch in batched(planner.stage.proposals.changes(kind.name, "create"), _BATCH):
        people = [change.subject for change in batch]
        known = planner.journal.links(kind.name, people).keys() | planner.journal.tried_to_make(kind.name, people)
        new.update(set(people) - known)
    if allowed.upto("create-flood", len(new), limit):
        return
    hold_class(
        planner,
        allowed,
        kind,
        "create",
        rail="create-flood",
        summary=f"{len(new)} {kind.name} accounts would be made, {linked} are managed; the limit is {limit}",
        fix=way_through("create-flood", kind, len(new), "[rails] max_create raises the limit"),
        among=lambda change: change.subject in new,
    )
