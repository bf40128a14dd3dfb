"""Rails on accounts that are switched off: at once, and over a day and a week (G5, G6)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from crosskey.config import Limit, RailSettings
from crosskey.engine.kindplan import KindPlan
from crosskey.engine.planner import Planner
from crosskey.engine.rails.allowed import Allowed
from crosskey.engine.rails.holding import hold_class, way_through
from crosskey.plan import Action, Change

__all__ = ("check_disables", "check_rolling", "limit_of")


def limit_of(limit: Limit, accounts: int) -> int:
    """The larger of a count and a share."""
    return max(limit.count, int(accounts * limit.percent / 100))


def check_disables(planner: Planner, kind: KindPlan, settings: RailSettings, allowed: Allowed) -> None:
    """No more disables at once than the larger of a count and a share of the managed active accounts (G5)."""
    disables = _planned(planner, kind) + _released_off(planner, kind)
    active = planner.journal.link_count(kind.name, active_only=True)
    limit = limit_of(settings.max_disable, active)
    if not disables or allowed.upto("mass-disable", disables, limit):
        return
    ways_out: tuple[Action, ...] = ("disable", "release")
    for action in ways_out:
        hold_class(
            planner,
            allowed,
            kind,
            action,
            rail="mass-disable",
            summary=f"{disables} of {active} managed {kind.name} accounts would be disabled; the limit is {limit}",
            fix=way_through("mass-disable", kind, disables, "[rails] max_disable raises the limit"),
            among=_is_switched_off,
        )


def check_rolling(planner: Planner, kind: KindPlan, settings: RailSettings, allowed: Allowed) -> None:
    """No slow bleeding: what single runs disable adds up over a day and a week (G6).

    Whoever was disabled by a person's word, or has the account back, does not count.
    """
    disables = _unapproved(planner, kind, allowed)
    if disables <= allowed.number("mass-disable"):
        return  # nobody is disabled, or somebody named that number
    active = planner.journal.link_count(kind.name, active_only=True)
    now = planner.timekeeper.now()
    for days, times, setting in _windows(settings):
        before = planner.journal.disabled_since(kind.name, now - timedelta(days=days))
        limit = int(limit_of(settings.max_disable, active + before) * times)
        if allowed.upto("rolling-disable", disables, limit - before):
            continue
        span = "a day" if days == 1 else "a week"
        hold_class(
            planner,
            allowed,
            kind,
            "disable",
            rail="rolling-disable",
            summary=f"{disables} {kind.name} accounts would be disabled and {before} were within {span}; "
            f"the limit for {span} is {limit}",
            fix=way_through("rolling-disable", kind, disables, f"[rails] {setting} raises the limit"),
        )
        return


def _windows(settings: RailSettings) -> Iterator[tuple[int, float, str]]:
    yield 1, settings.disable_per_day, "disable_per_day"
    yield 7, settings.disable_per_week, "disable_per_week"


def _planned(planner: Planner, kind: KindPlan) -> int:
    return planner.stage.proposals.change_counts().get((kind.name, "disable"), 0)


def _released_off(planner: Planner, kind: KindPlan) -> int:
    """Accounts that an undo gives back as it found them, switched off: whoever uses one is out all the same."""
    return sum(map(_is_switched_off, planner.stage.proposals.changes(kind.name, "release")))


def _is_switched_off(change: Change) -> bool:
    return change.active is not None


def _unapproved(planner: Planner, kind: KindPlan, allowed: Allowed) -> int:
    """Disables that nobody let through: what a person approved was looked at."""
    return sum(
        not allowed.covers("rolling-disable", kind.name, "disable", change.subject)
        for change in planner.stage.proposals.changes(kind.name, "disable")
    )
