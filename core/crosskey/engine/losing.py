"""People who would lose an account, a role or a site because they are missing from a group: one pass over pages of
members is no proof that somebody left it.

Rows slip through pages while people change, so each is asked for by id first, at most as many as may lose it at once:
beyond that the rails on mass disables and demotions hold them all.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from crosskey.config import Limit
from crosskey.connector.mapper import Desired
from crosskey.engine.kindplan import KindPlan
from crosskey.engine.logical import LogicalGroups
from crosskey.engine.planner import Planner
from crosskey.engine.rails import limit_of
from crosskey.engine.sources import Sources
from crosskey.engine.stage import Stage
from crosskey.engine.undecided import Losing
from crosskey.model import Subject

__all__ = ("plan_losing",)


async def plan_losing(planner: Planner, sources: Sources, logical: LogicalGroups, max_disable: Limit) -> None:
    """Stage what everyone needs who would lose something, going by the groups that were read and those told by id.

    Where more people of a kind fell out of scope than may be disabled at once, none of these is asked for: all are
    staged, and held.
    """
    asking = _Asking(sources, planner.stage, logical)
    for kind in planner.kinds:
        losing = [one for one in planner.losing if one.kind is kind]
        asks_leavers = _asks_leavers(planner, kind, losing, max_disable)
        for one in losing:
            person = one.candidate.person
            told = await asking.desired(one) if one.desired.in_scope or asks_leavers else one.desired
            if told is not one.desired:
                planner.findings.notice(
                    "listing-flapped",
                    f"{person.label} was missing from the source's list of members but is one by id; "
                    "nothing was taken away for it",
                )
                planner.stage.proposals.make_due([person.subject])
                planner.journal.clear_leaving(kind.name, [person.subject])
            planner.plan_asked(one, told)


def _asks_leavers(planner: Planner, kind: KindPlan, losing: Sequence[Losing], limit: Limit) -> bool:
    leavers = sum(not one.desired.in_scope for one in losing)
    if not leavers or kind.mapping.leavers.do == "keep":
        return False
    return leavers <= limit_of(limit, planner.journal.link_count(kind.name, active_only=True))


class _Asking:
    """Asks the sources for the groups of single people, once for each."""

    def __init__(self, sources: Sources, stage: Stage, logical: LogicalGroups) -> None:
        self._sources = sources
        self._stage = stage
        self._logical = logical
        self._told: dict[Subject, frozenset[str]] = {}

    async def desired(self, losing: Losing) -> Desired:
        """What the rules want where the sources name more groups; the same object where that changes nothing."""
        if not losing.kind.mapping.groups:
            return losing.desired
        groups = losing.candidate.groups | await self._groups(losing.candidate.person.subject)
        if groups == losing.candidate.groups:
            return losing.desired
        [told] = losing.kind.mapping([msgspec.structs.replace(losing.candidate, groups=groups)])
        same = (told.in_scope, told.references) == (losing.desired.in_scope, losing.desired.references)
        return losing.desired if same else told

    async def _groups(self, lead: Subject) -> frozenset[str]:
        """The logical groups that the sources name for a person, whichever of them has them."""
        if lead not in self._told:
            refs: set[str] = set()
            for person in self._stage.people.rows(self._stage.people.together(lead)):
                told = None if person.active is False else await self._sources.groups_of(person.subject)
                refs.update(self._stage.groups.ref(person.subject.issuer, group) for group in told or ())
            self._told[lead], _ = self._logical.names(sorted(refs & self._logical.refs))
        return self._told[lead]
