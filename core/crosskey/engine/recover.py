"""Find out what became of writes whose outcome nobody recorded, by looking at the target; never by repeating them.

A create is present when an account bears its marker, and absent only once the settle time has passed and nothing does:
until then the person is left alone. Other writes name their account and set values: what the account shows of them is
crosskey's from then on, and the planner works out again whatever is still missing.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

import msgspec

from crosskey.connector.target import FindsChanges, KindSpec, Target
from crosskey.engine.shown import shown
from crosskey.engine.stage import Stage
from crosskey.engine.timekeeper import Timekeeper
from crosskey.journal import JournalWriter
from crosskey.model import Account, Subject
from crosskey.plan import Change

__all__ = ("Recovery", "settle_operations")


class Recovery(msgspec.Struct, frozen=True):
    """Who must wait (kind and subject) and until when, and whose changes go alone because their answer was unclear.

    Nobody knows which record of an array made the target lose its head; alone, it takes nobody along.
    """

    waiting: dict[tuple[str, Subject], datetime]
    alone: set[tuple[str, Subject]]


async def settle_operations(
    journal: JournalWriter,
    stage: Stage,
    target: Target,
    kinds: Mapping[str, KindSpec],
    *,
    run: str,
    timekeeper: Timekeeper,
    settle: timedelta,
) -> Recovery:
    """Resolve every open operation that can be resolved. Those of kinds that are not read (``kinds``) stay open."""
    recovery = Recovery({}, set())
    until = timekeeper.now() + settle
    late = [operation.id for operation in journal.unresolved() if operation.settle_until > until]
    if late and not timekeeper.doubt:  # noted while the clock was ahead
        journal.wait_no_longer(late, until, run=run)
    for operation in journal.unresolved():
        change, kind = operation.change, kinds.get(operation.change.kind)
        if kind is None:
            continue
        account = await _look(stage, target, change)
        found, whole = (None, False) if account is None else shown(account, change, kind)
        ended = timekeeper.is_past(operation.settle_until)
        if account is not None and found is not None and (whole or ended):
            journal.resolve(operation.id, "present", run=run, key=account.key, found=found)
        elif not ended:
            recovery.waiting[change.kind, change.subject] = operation.settle_until
        else:
            journal.resolve(operation.id, "absent" if change.action == "create" else "superseded", run=run)
            if operation.state == "uncertain":
                recovery.alone.add((change.kind, change.subject))
    return recovery


async def _look(stage: Stage, target: Target, change: Change) -> Account | None:
    """The account of a change as it was read; a list may leave one out that is there, so then it is asked for."""
    if change.key is not None:
        found = stage.accounts.by_key(change.kind, [change.key]).get(change.key)
    else:
        found = stage.accounts.by_marker(change.kind, change.marker)
    if found is None and isinstance(target, FindsChanges):
        found = await target.find(change)
    return found
