"""How far crosskey may go at all, whatever the rules say (G11)."""

from __future__ import annotations

from collections.abc import Mapping

from crosskey.config import Ceiling
from crosskey.engine.kindplan import KindPlan
from crosskey.engine.planner import Planner
from crosskey.engine.rails.allowed import Allowed
from crosskey.engine.rails.holding import hold_class
from crosskey.engine.rails.updates import takes_away
from crosskey.plan import Change

__all__ = ("hold_above",)

_HEIGHT: Mapping[Ceiling, int] = {"observe": 0, "create": 1, "disable": 2, "demote": 3}


def hold_above(planner: Planner, kind: KindPlan, may: Ceiling) -> None:
    """Hold what goes beyond: neither an approval nor an option lets it through, only another setting."""
    if may == "demote":
        return
    for name, action in sorted(planner.stage.proposals.change_counts()):
        if name == kind.name:
            hold_class(
                planner,
                Allowed(),
                kind,
                action,
                rail="ceiling",
                summary=f'[rails] may = "{may}" lets crosskey go no further',
                fix='if it should go further: [rails] may = "create", "disable" or "demote"',
                among=lambda change: _height(change, kind) > _HEIGHT[may],
            )


def _height(change: Change, kind: KindPlan) -> int:
    if change.action == "disable" or (change.action == "release" and change.active is not None):
        return _HEIGHT["disable"]
    return _HEIGHT["demote" if takes_away(change, kind) else "create"]
