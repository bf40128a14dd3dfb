"""How far a plan is from the rails that count, so that somebody hears before one trips."""

from __future__ import annotations

from collections.abc import Iterator

from crosskey.config import RailSettings
from crosskey.engine.planner import Planner
from crosskey.engine.rails.disables import limit_of
from crosskey.engine.rails.first import has_begun

__all__ = ("headroom",)


def headroom(planner: Planner, settings: RailSettings) -> Iterator[tuple[str, str, int]]:
    """By rail and kind of account: how many more changes would go, below 0 how many are too many.

    Ask before the rails move anything aside. What a person let through counts as too many all the same.
    """
    counts, journal = planner.stage.proposals.change_counts(), planner.journal
    for kind in planner.kinds:
        name = kind.name
        active = journal.link_count(name, active_only=True)
        yield "mass-disable", name, limit_of(settings.max_disable, active) - counts.get((name, "disable"), 0)
        if has_begun(journal, name):
            limit = limit_of(settings.max_create, journal.link_count(name))
            yield "create-flood", name, limit - counts.get((name, "create"), 0)
