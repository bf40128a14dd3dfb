"""Let accounts follow their people into the new directory: links move, and the external id at the target with them.

One journalled run like any other: intent before each write, outcome after it. A run that was cut short is simply made
again, since links that moved already are no longer the old directory's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Final

import msgspec

from crosskey.connector.target import Target, TargetSchema
from crosskey.engine.apply import apply_changes
from crosskey.engine.batching import batched
from crosskey.engine.guarding import Guard
from crosskey.engine.marker import marker
from crosskey.engine.order import Applied
from crosskey.engine.protect import Protection
from crosskey.engine.spans import RunTelling
from crosskey.engine.stage import Stage
from crosskey.journal import Journal, JournalWriter, Link
from crosskey.model import Account, Subject
from crosskey.plan import Change, Held, Outcome

__all__ = ("Pretend", "cut_over", "moved_whole", "relinks")

_BATCH: Final = 500


def relinks(
    journal: Journal,
    stage: Stage,
    kinds: Sequence[str],
    new_of: Mapping[Subject, Subject],
    old: str,
    protection: Protection,
    held: list[Held],
) -> Iterator[Change]:
    """The change that each link of the old directory needs; who cannot follow is ``held``.

    One without a marker is the journal's alone: the account is protected, and still its person's.
    """
    for kind in kinds:
        for links in batched(_of_issuer(journal, kind, old), _BATCH):
            accounts = stage.accounts.by_key(kind, [link.key for link in links])
            taken = journal.links(kind, [new_of[link.subject] for link in links if link.subject in new_of])
            for link in links:
                subject = new_of.get(link.subject)
                if subject is None:
                    continue
                change = _relink(link, subject, accounts.get(link.key))
                stop = _has_another(change, taken.get(subject))
                if stop is not None:
                    held.append(stop)
                elif protection.holds(change, None, accounts.get(link.key)) is not None:
                    yield msgspec.structs.replace(change, marker="")
                else:
                    yield change


def _has_another(change: Change, other: Link | None) -> Held | None:
    """Somebody who has an account by the new directory already: nobody can have two, and whose is whose is unknown."""
    if other is None:
        return None
    return Held(
        rail="identity-collision",
        scope="person",
        summary=f"{other.kind} {other.key} is linked to the same person of the new directory already",
        fix=f"look which of {change.key} and {other.key} is theirs, and switch the other off in the target",
        kind=change.kind,
        subject=change.subject,
        label=change.label,
        key=change.key,
    )


def moved_whole(
    journal: Journal, new_of: Mapping[Subject, Subject], kinds: Sequence[str]
) -> list[tuple[Subject, Subject]]:
    """Everybody, as (old, new), of whose accounts none stayed with the old directory."""
    moves: list[tuple[Subject, Subject]] = []
    for batch in batched(new_of.items(), _BATCH):
        olds = [old for old, _ in batch]
        stayed = {subject for kind in kinds for subject in journal.links(kind, olds)}
        moves += [(old, new) for old, new in batch if old not in stayed]
    return moves


def _of_issuer(journal: Journal, kind: str, issuer: str) -> Iterator[Link]:
    return (link for link in journal.all_links(kind) if link.subject.issuer == issuer)


def _relink(link: Link, subject: Subject, account: Account | None) -> Change:
    mark = marker(subject)
    return Change(
        id=f"{link.kind}:{mark}",
        action="relink",
        kind=link.kind,
        subject=subject,
        label=account.label if account is not None else link.key,
        key=link.key,
        marker=mark,
        former=link.subject,
        why={"": f"the same person: {link.subject} is {subject}"},
    )


async def cut_over(
    journal: JournalWriter,
    target: Target,
    schema: TargetSchema,
    changes: Sequence[Change],
    *,
    run: str,
    settle: timedelta,
    stop: Callable[[], bool],
    progress: Callable[[Sequence[Change], Sequence[Outcome]], None],
    telling: RunTelling,
    guards: Sequence[Guard] = (),
) -> Applied:
    """Carry changes out, of which some only the journal knows. What got no clear answer is settled by the next run."""
    applied = Applied()
    noted = [change for change in changes if not change.writes]
    written = [change for change in changes if change.writes]
    for where, some in ((Pretend(target), noted), (target, written)):
        if applied.interrupted or applied.stopped is not None or applied.is_halted:
            break
        before = applied
        applied = await apply_changes(
            journal,
            where,
            some,
            run=run,
            batch=schema.batch,
            settle=settle,
            stop=stop,
            progress=progress,
            telling=telling,
            guards=guards,
        )
        applied.counts.update(before.counts)
        applied.failures[:0] = before.failures
    return applied


class Pretend:
    """A target that says yes to everything and writes nothing: for a rehearsal in a copy of the journal."""

    def __init__(self, target: Target) -> None:
        self.check, self.schema, self.read = target.check, target.schema, target.read

    async def apply(self, batch: Sequence[Change]) -> Sequence[Outcome]:
        """Every change is done, as far as the journal knows."""
        return [Outcome(change=change.id, result="applied", key=change.key) for change in batch]
