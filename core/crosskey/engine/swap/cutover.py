"""Let accounts follow their people into the new directory: links move, and the external id at the target with them.

One journalled run like any other: intent before each write, outcome after it. A run that was cut short is simply made
again, since links that moved already are no longer the old directory's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Final

from crosskey.connector.target import Target, TargetSchema
from crosskey.engine.apply import apply_changes
from crosskey.engine.batching import batched
from crosskey.engine.marker import marker
from crosskey.engine.order import Applied
from crosskey.engine.protect import Protection
from crosskey.engine.spans import RunTelling
from crosskey.engine.stage import Stage
from crosskey.journal import Journal, JournalWriter, Link
from crosskey.model import Account, Subject
from crosskey.plan import Change, Held, Outcome

__all__ = ("Pretend", "cut_over", "relinks")

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
    """The change that each link of the old directory needs; accounts that must not be touched are ``held``."""
    for kind in kinds:
        for links in batched(_of_issuer(journal, kind, old), _BATCH):
            accounts = stage.accounts.by_key(kind, [link.key for link in links])
            for link in links:
                subject = new_of.get(link.subject)
                if subject is None:
                    continue
                change = _relink(link, subject, accounts.get(link.key))
                stop = protection.holds(change, None, accounts.get(link.key))
                if stop is not None:
                    held.append(stop)
                else:
                    yield change


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
) -> Applied:
    """Carry the relinks out. What got no clear answer is settled by the next run, as ever."""
    return await apply_changes(
        journal,
        target,
        changes,
        run=run,
        batch=schema.batch,
        settle=settle,
        stop=stop,
        progress=progress,
        telling=telling,
    )


class Pretend:
    """A target that says yes to everything and writes nothing: for a rehearsal in a copy of the journal."""

    def __init__(self, target: Target) -> None:
        self.check, self.schema, self.read = target.check, target.schema, target.read

    async def apply(self, batch: Sequence[Change]) -> Sequence[Outcome]:
        """Every change is done, as far as the journal knows."""
        return [Outcome(change=change.id, result="applied", key=change.key) for change in batch]
