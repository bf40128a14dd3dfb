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
from crosskey.engine.stage import Stage
from crosskey.engine.timekeeper import Timekeeper
from crosskey.journal import JournalWriter
from crosskey.model import Account, Scalar, Subject
from crosskey.plan import Change, FieldChange, ReferenceChange

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
    if not timekeeper.doubt:
        journal.wait_no_longer(timekeeper.now() + settle)
    for operation in journal.unresolved():
        change, kind = operation.change, kinds.get(operation.change.kind)
        if kind is None:
            continue
        account = await _look(stage, target, change)
        found, whole = (None, False) if account is None else _found(account, change, kind)
        ended = timekeeper.is_past(operation.settle_until)
        if found is not None and (whole or ended):
            key = None if account is None else account.key
            journal.resolve(operation.id, "present", run=run, key=key, found=found)
        elif not ended:
            recovery.waiting[change.kind, change.subject] = operation.settle_until
        else:
            journal.resolve(operation.id, "absent" if change.action == "create" else "superseded", run=run)
            if operation.state == "uncertain":
                recovery.alone.add((change.kind, change.subject))
    return recovery


async def _look(stage: Stage, target: Target, change: Change) -> Account | None:
    if change.key is not None:
        return stage.accounts.by_key(change.kind, [change.key]).get(change.key)
    found = stage.accounts.by_marker(change.kind, change.marker)
    if found is None and isinstance(target, FindsChanges):
        found = await target.find(change)
    return found


def _found(account: Account, change: Change, kind: KindSpec) -> tuple[Change | None, bool]:
    """What the account shows of a change (``None``: nothing), and whether that is all that lists can show of it.

    A create only has to be there.
    """
    if change.action == "create":
        return change, True
    switched = change.active is not None and account.active == change.active.after
    if change.action == "adopt" and change.active is not None and not switched:
        return None, False  # taken for linked, it would look switched off by somebody else
    marked = bool(change.marker) and account.marker == change.marker
    unlisted = {field.name for field in kind.fields if not field.listed}
    fields = {
        name: field
        for name, field in change.fields.items()
        if _holds(account.fields.get(name), field, listed=name not in unlisted)
    }
    references = {name: _shown(account.references.get(name, ()), each) for name, each in change.references.items()}
    found = msgspec.structs.replace(
        change,
        active=change.active if switched else None,
        marker=change.marker if marked else "",
        fields=fields,
        references=references,
    )
    given = any(set(each.after) - set(each.before) for each in references.values())
    taken = any(set(each.before) - set(each.after) for each in references.values())
    if not (switched or marked or fields or given or taken):
        return None, False
    whole = (
        switched == (change.active is not None)
        and marked == bool(change.marker)
        and not change.fields.keys() - fields.keys() - unlisted
        and all(set(references[name].after) == set(each.after) for name, each in change.references.items())
    )
    return found, whole


def _holds(now: Scalar, field: FieldChange, *, listed: bool) -> bool:
    return now == field.after or (listed and _empty(now) and _empty(field.after))


def _empty(value: Scalar) -> bool:
    return value is None or value == ""


def _shown(now: tuple[str, ...], wanted: ReferenceChange) -> ReferenceChange:
    """The part of a reference's change that holds: what others gave meanwhile is not ours."""
    known = {*wanted.before, *wanted.after}
    return ReferenceChange(wanted.before, tuple(id_ for id_ in now if id_ in known))
