"""People who fell out of scope: one pass over pages of members is no proof that somebody left a group.

Rows slip through pages while people change, so whoever would lose an account for missing memberships is asked for by
id first, as long as they are few enough to be disabled at once: beyond that the mass-disable rail holds them all.
"""

from __future__ import annotations

import msgspec

from crosskey.config import Limit
from crosskey.engine.logical import LogicalGroups
from crosskey.engine.planner import OutOfScope, Planner
from crosskey.engine.sources import Sources
from crosskey.engine.stage import Stage

__all__ = ("plan_out_of_scope",)


async def plan_out_of_scope(planner: Planner, sources: Sources, logical: LogicalGroups, limit: Limit) -> None:
    """Stage the disables of everyone who is out of scope and, where the source can tell, by id too.

    Where more people of a kind fell out than may be disabled at once nobody is asked for: all are staged, and held.
    """
    for kind in planner.kinds:
        leavers = [leaver for leaver in planner.out_of_scope if leaver.kind is kind]
        active = planner.journal.link_count(kind.name, active_only=True) if leavers else 0
        few = len(leavers) <= max(limit.count, int(active * limit.percent / 100))
        for leaver in leavers:
            person = leaver.candidate.person
            asks = few and kind.mapping.leavers.do != "keep"
            if asks and await _still_in_scope(sources, planner.stage, logical, leaver):
                planner.findings.notice(
                    "listing-flapped",
                    f"{person.label} was missing from the source's list of members but is one by id; nothing changed",
                )
                planner.stage.proposals.make_due([person.subject])
                continue
            change = planner.leave(kind, person.subject, person.label, leaver.account, leaver.because)
            if change is not None:
                planner.propose(change, person, leaver.account)


async def _still_in_scope(sources: Sources, stage: Stage, logical: LogicalGroups, leaver: OutOfScope) -> bool:
    """Whether the rules want the account, going by the groups that the sources name for this person."""
    if not leaver.kind.mapping.groups:
        return False
    lead = leaver.candidate.person.subject
    refs: set[str] = set()
    for person in stage.people.rows(stage.people.together(lead)):
        told = None if person.active is False else await sources.groups_of(person.subject)
        refs.update(stage.groups.ref(person.subject.issuer, group) for group in told or ())
    if not refs:
        return False
    groups, _ = logical.names(sorted(refs & logical.refs))
    candidate = msgspec.structs.replace(leaver.candidate, groups=leaver.candidate.groups | groups)
    [desired] = leaver.kind.mapping([candidate])
    return desired.in_scope
