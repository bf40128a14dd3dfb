"""What a plan holds, thing by thing, for whoever asks what waits; and what it does not hold since a person said so."""

from __future__ import annotations

from collections.abc import Iterator

from crosskey.engine.findings import Findings
from crosskey.engine.rails import Allowed
from crosskey.engine.stage import Stage
from crosskey.journal import Journal
from crosskey.model import Subject
from crosskey.plan import Change, Held

__all__ = ("held_in_class", "tell_approved", "waiting")


def waiting(stage: Stage, findings: Findings) -> Iterator[tuple[Held, Change | None]]:
    """Every rail that holds a run or a class, every change of such a class, everybody who is held."""
    classes = {(held.rail, held.kind, held.action): held for held in findings.held if held.scope == "class"}
    for held in findings.held:
        if held.scope != "person":
            yield held, None
    for rail, change in stage.proposals.held_changes():
        yield _of(classes[rail, change.kind, change.action], change), change
    for held in stage.proposals.all_held():
        yield held, None


def held_in_class(journal: Journal, kind: str, subject: Subject) -> list[Held]:
    """What of a person's account of a kind waits because all changes of its class do."""
    return [
        each.held for each in journal.waiting_about(subject) if each.held.scope == "class" and each.held.kind == kind
    ]


def tell_approved(findings: Findings, allowed: Allowed) -> None:
    """Tell what goes through by whose word."""
    for one in allowed.approvals.told():
        findings.notice(
            "approved",
            f"{one.rail}: {one.size} of what it would hold may go, because {one.by} approved it "
            f'({one.id}: "{one.reason}")',
        )


def _of(held: Held, change: Change) -> Held:
    return Held(
        rail=held.rail,
        scope="class",
        summary=f"{change.action}: {held.summary}",
        fix=held.fix,
        action=change.action,
        kind=change.kind,
        subject=change.subject,
        label=change.label,
        key=change.key,
    )
