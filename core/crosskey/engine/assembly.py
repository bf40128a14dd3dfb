"""Put a planner together with everything it asks: what was refused, undone, or changed by hand before."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime, timedelta

from crosskey.config import Config
from crosskey.connector.target import TargetSchema
from crosskey.engine.drift import Drifting
from crosskey.engine.escrow import Escrow
from crosskey.engine.findings import Findings
from crosskey.engine.kindplan import KindPlan
from crosskey.engine.planner import Planner
from crosskey.engine.protect import Protection
from crosskey.engine.rails import Allowed, limit_of
from crosskey.engine.stage import Stage
from crosskey.engine.timekeeper import Timekeeper
from crosskey.engine.undone import Undone
from crosskey.events import Event
from crosskey.journal import JournalWriter
from crosskey.model import Subject

__all__ = ("assemble_planner",)


def assemble_planner(
    stage: Stage,
    journal: JournalWriter,
    kinds: Sequence[KindPlan],
    findings: Findings,
    *,
    config: Config,
    run: str,
    schema: TargetSchema,
    blocked: Mapping[tuple[str, Subject], datetime],
    allowed: Allowed,
    timekeeper: Timekeeper,
    settle: timedelta,
    told: Callable[[str, Sequence[Event]], None] = lambda _kind, _events: None,
    unclear: AbstractSet[Subject] = frozenset(),
) -> Planner:
    """The planner of one run. ``told`` hears of drift that is noticed, by kind."""
    return Planner(
        stage,
        journal,
        kinds,
        Protection(config.rails.protect),
        timekeeper=timekeeper,
        settle=settle,
        escrow=Escrow(
            journal,
            stage,
            findings,
            timekeeper,
            config_digest=config.digest,
            final=schema.final,
            covers=allowed.covers,
        ),
        blocked=blocked,
        most_missing=max(config.rails.max_disable.count, allowed.number("accounts-missing")),
        most_demoted={
            kind.name: limit_of(config.rails.max_demote, journal.link_count(kind.name, active_only=True))
            for kind in kinds
        },
        findings=findings,
        drifting=Drifting(
            journal,
            findings,
            run,
            timekeeper=timekeeper,
            settle=settle,
            looked=lambda kind: journal.last_complete(config.target.path, kind, full=True),
            allows=lambda change: allowed.lets("drift", change),
            told=told,
            unsure=lambda subject: stage.proposals.make_due([subject]),
        ),
        undone=Undone(journal, config.digest, allowed=allowed.lets_again, covers=allowed.covers),
        unclear=unclear,
        covers=allowed.covers,
    )
