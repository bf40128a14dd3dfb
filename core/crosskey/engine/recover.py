"""Find out what became of writes whose outcome nobody recorded, by looking at the target; never by repeating them.

A create is present when an account bears its marker, and absent only once the settle time has passed and nothing does:
until then the person is left alone. Other writes name their account and set values: what the target shows now decides,
and the planner works out again whatever is still missing.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from crosskey.clock import Clock
from crosskey.connector.target import FindsChanges, Target
from crosskey.engine.stage import Stage
from crosskey.journal import JournalWriter, OperationRecord
from crosskey.model import Account, Subject
from crosskey.plan import Change

__all__ = ("settle_operations",)


async def settle_operations(
    journal: JournalWriter, stage: Stage, target: Target, *, run: str, clock: Clock
) -> dict[tuple[str, Subject], datetime]:
    """Resolve every open operation that can be resolved; return who must wait (kind and subject), and until when."""
    waiting: dict[tuple[str, Subject], datetime] = {}
    for operation in journal.unresolved():
        change = operation.change
        account = await _look(stage, target, change)
        if account is not None and _shows(account, change):
            journal.resolve(operation.id, "present", run=run, key=account.key)
        elif clock.now() < operation.settle_until:
            waiting[change.kind, change.subject] = operation.settle_until
        else:
            journal.resolve(operation.id, _ended(operation), run=run)
    return waiting


def _ended(operation: OperationRecord) -> Literal["absent", "superseded"]:
    return "absent" if operation.change.action == "create" else "superseded"


async def _look(stage: Stage, target: Target, change: Change) -> Account | None:
    if change.key is not None:
        return stage.accounts(change.kind, [change.key]).get(change.key)
    found = stage.account_by_marker(change.kind, change.marker)
    if found is None and isinstance(target, FindsChanges):
        found = await target.find(change)
    return found


def _shows(account: Account, change: Change) -> bool:
    """Whether the account is as the change wanted it. A create only has to be there: the planner corrects the rest."""
    if change.action == "create":
        return True
    if change.active is not None and account.active != change.active.after:
        return False
    fields = all(account.fields.get(name) == field.after for name, field in change.fields.items())
    return fields and all(
        set(account.references.get(name, ())) == set(reference.after) for name, reference in change.references.items()
    )
