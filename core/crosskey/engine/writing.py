"""Write a finished plan into the journal, let plugins review it, and tell what it came to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Final

import msgspec

from crosskey.config import Config
from crosskey.engine.batching import batched
from crosskey.engine.findings import Findings
from crosskey.engine.rails import Allowed
from crosskey.engine.saved import changes_digest
from crosskey.engine.spans import RunTelling
from crosskey.engine.stage import Stage
from crosskey.engine.waiting import tell_approved, waiting
from crosskey.events import RunFacts
from crosskey.journal import JournalWriter
from crosskey.model import Scalar
from crosskey.plan import Held, Plan, PlanHeader
from crosskey.plugins import Plugins

__all__ = ("tell_held", "write_plan")

_CHUNK: Final = 500


def write_plan(
    stage: Stage,
    findings: Findings,
    journal: JournalWriter,
    plugins: Plugins,
    facts: RunFacts,
    *,
    config: Config,
    now: datetime,
    allowed: Allowed,
    tell: Callable[[str, Mapping[str, Scalar]], None],
    telling: RunTelling,
    planned: bool,
) -> Plan:
    """The plan of a run, from its stage; what plugins object to holds all of it.

    ``planned``: no rail held the run before anything was planned.
    """
    tell_approved(findings, allowed)
    counts: dict[str, int] = {}
    for (_, action), count in sorted(stage.proposals.change_counts().items()):
        counts[action] = counts.get(action, 0) + count
    header = PlanHeader(
        id=facts.id,
        run=facts.id,
        lineage=journal.lineage,
        serial=journal.serial,
        config_digest=config.digest,
        created_at=now,
        expires_at=now + config.sync.plan_expiry,
        counts=counts,
        digest=changes_digest(stage.proposals.changes()),
        held=tuple(findings.held),
        held_counts=dict(findings.held_counts),
        allowed=allowed.words(),
    )
    findings.save()
    journal.save_plan(header)
    for chunk in batched(stage.proposals.changes(), _CHUNK):
        journal.add_changes(header.id, chunk)
    plan = Plan(header, lambda: journal.changes(header.id))
    with telling.guard("review"):
        found = plugins.review_plan(plan, facts)
    for finding in found:
        if finding.severity == "error":
            findings.add(Held(rail="review", scope="run", summary=str(finding), fix=finding.fix))
    header = msgspec.structs.replace(header, held=tuple(findings.held), held_counts=dict(findings.held_counts))
    journal.finish_plan(header)
    if facts.applies or not (allowed.words() or allowed.approvals.needed or findings.looked_at):
        journal.keep_waiting(facts.id, waiting(stage, findings), whole=planned)
    tell("plan.made", {**counts})
    for rail, count in sorted(findings.held_counts.items()):
        tell("rail.tripped", {"rail": rail, "count": count})
    return Plan(header, lambda: journal.changes(header.id))


def tell_held(
    plan: Plan,
    held: Sequence[Held],
    findings: Findings,
    journal: JournalWriter,
    tell: Callable[[str, Mapping[str, Scalar]], None],
) -> Plan:
    """The plan with what guards held once writing had begun, as journal and listeners are told too."""
    for each in held:
        findings.add(each)
    findings.save()
    counts = dict(findings.held_counts)
    header = msgspec.structs.replace(plan.header, held=tuple(findings.held), held_counts=counts)
    journal.finish_plan(header)
    for rail, count in sorted(Counter(each.rail for each in held).items()):
        tell("rail.tripped", {"rail": rail, "count": count})
    return Plan(header, plan.changes)
