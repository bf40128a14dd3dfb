"""From outcomes to links: what the target answered, or what was found by looking, becomes what crosskey knows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal

import msgspec

from crosskey.errors import ContractError, RejectedError
from crosskey.journal import absences, drifts, events, leavers, links, operations, sessions, vouchers
from crosskey.journal.database import Database
from crosskey.journal.operations import Settled
from crosskey.journal.ownership import link_after, link_restored
from crosskey.journal.records import Link, OperationState
from crosskey.journal.switched_off import end_recorded
from crosskey.model import Scalar, Subject
from crosskey.plan import Change, Outcome, Result

__all__ = ("Resolution", "forget", "link_done", "record", "resolve")

Resolution = Literal["present", "absent", "superseded"]

_STATE: dict[Result, OperationState] = {
    "applied": "done",
    "already": "done",
    "rejected": "failed",
    "unknown": "uncertain",
}
_RESOLVED: dict[Resolution, OperationState] = {
    "present": "resolved_present",
    "absent": "resolved_absent",
    "superseded": "superseded",
}


def record(
    database: Database,
    now: datetime,
    *,
    connection: str,
    run: str,
    changes: Sequence[Change],
    outcomes: Sequence[Outcome],
) -> list[Outcome]:
    """Note outcomes, and the links they make, inside the caller's transaction; the outcomes as they were noted.

    A change without an outcome stays open.

    A create that names no account, or somebody else's, is uncertain, whatever the target says: it may have made one,
    and nobody knows which. Any other change that names somebody else's account failed: an account has one person.
    """
    by_change = {change.id: change for change in changes}
    strangers = sorted(outcome.change for outcome in outcomes if outcome.change not in by_change)
    if strangers:
        raise ContractError(
            f"the target answered for changes that nobody sent: {', '.join(strangers[:5])}", code="outcome-unknown"
        )
    ids = operations.of_run(database, connection, run, changes)
    settled = {outcome.change: _settled(by_change[outcome.change], outcome, ids) for outcome in outcomes}
    done = [(by_change[change], one) for change, one in settled.items() if one.state == "done"]
    linked = link_done(database, now, connection, run, done)
    settled.update({change: _lost_sight(by_change[change], one) for change, one in linked.items()})
    taken_back = {
        by_change[change].undoes: run
        for change, one in settled.items()
        if one.state == "done" and by_change[change].undoes
    }
    facts = operations.settle(database, now, list(settled.values()), answered=True, taken_back=taken_back)
    counts = Counter[str](one.state for one in settled.values())
    _close(database, now, connection, run, "batch.recorded", {**counts, **facts})
    return [_noted(outcome, settled[outcome.change]) for outcome in outcomes]


def resolve(
    database: Database,
    now: datetime,
    *,
    connection: str,
    run: str,
    operation: str,
    resolution: Resolution,
    key: str | None,
    found: Change | None = None,
) -> None:
    """Note what looking at the target found, inside the caller's transaction. What is present is linked.

    Raises :class:`RejectedError` for an operation that is unknown or settled, or a present create without a key.
    """
    noted = operations.get(database, connection, operation)
    change, where = found or noted.change, str(database.path)
    if noted.state not in ("intent", "uncertain"):
        raise RejectedError(
            f"operation {operation} is settled already ({noted.state})", code="operation-settled", where=where
        )
    key = key or noted.key
    if resolution == "present" and key is None:
        raise RejectedError(
            f"operation {operation} made an account, so its id must be said", code="key-missing", where=where
        )
    one = Settled(operation=int(operation), state=_RESOLVED[resolution], key=key)
    if resolution == "present":
        one = link_done(database, now, connection, noted.run, [(change, one)])[change.id]
    taken_back = {change.undoes: noted.run} if one.state == "resolved_present" and change.undoes else {}
    facts = operations.settle(database, now, [one], answered=False, taken_back=taken_back)
    _close(database, now, connection, run, "operation.resolved", {"operation": noted.id, "state": one.state, **facts})


def forget(
    database: Database, now: datetime, *, connection: str, run: str, kind: str, subject: Subject, reason: str
) -> None:
    """Remove a link inside the caller's transaction, if there is one; the account itself stays as it is."""
    key = links.remove(database, connection, kind, subject)
    if key is not None:
        drifts.forget(database, connection, kind, subject)
        sessions.end_accounts(database, now, connection, kind, [subject], "link-removed", run=run)
        _close(database, now, connection, run, "link.removed", {"kind": kind, "key": key, "reason": reason})


def _settled(change: Change, outcome: Outcome, operations_by_change: dict[str, int]) -> Settled:
    one = Settled(
        operation=operations_by_change.get(change.id, -1),
        state=_STATE[outcome.result],
        key=outcome.key or change.key,
        code=outcome.code,
        message=outcome.message,
    )
    if one.state == "done" and one.key is None:
        message = "the target did not say which account it made"
        return msgspec.structs.replace(one, state="uncertain", code="no-key", message=message)
    return one


def _lost_sight(change: Change, one: Settled) -> Settled:
    """A create that names somebody else's account made one all the same, most likely: it must be looked for."""
    if change.action != "create" or one.state != "failed":
        return one
    return msgspec.structs.replace(one, state="uncertain", key=None)


def _noted(outcome: Outcome, one: Settled) -> Outcome:
    """The outcome, unless the journal took it for something else than the target said."""
    if _STATE[outcome.result] == one.state:
        return outcome
    result: Result = "rejected" if one.state == "failed" else "unknown"
    return msgspec.structs.replace(outcome, result=result, code=one.code, message=one.message)


def link_done(
    database: Database, now: datetime, connection: str, run: str, done: Sequence[tuple[Change, Settled]]
) -> dict[str, Settled]:
    """Save the links of changes that hold; by change, what became of it: it failed if it names another's account."""
    after: dict[str, Settled] = {}
    for kind in sorted({change.kind for change, _ in done}):
        of_kind = [(change, one, one.key) for change, one in done if change.kind == kind and one.key is not None]
        mine = links.find(database, connection, kind, [change.subject for change, _, _ in of_kind])
        formers = [change.former for change, _, _ in of_kind if change.former is not None]
        before_move = links.find(database, connection, kind, formers)
        owners = {
            key: link.subject
            for key, link in links.find_by_key(database, connection, kind, [key for _, _, key in of_kind]).items()
        }
        saved: dict[Subject, Link] = {}
        for change, one, key in of_kind:
            owner = owners.setdefault(key, change.subject)
            before = saved.get(change.subject, mine.get(change.subject))
            if change.former is not None and owner == change.former and change.subject not in mine:
                former = before_move[change.former]
                mine[change.subject] = _moved(database, connection, change, former)
                owner = owners[key] = change.subject
                before, now_link = former, mine[change.subject]
            else:
                now_link = before
            if owner != change.subject:
                message = f"{kind} {key} is linked to another person ({owner})"
                after[change.id] = msgspec.structs.replace(one, state="failed", code="key-taken", message=message)
                continue
            after[change.id] = msgspec.structs.replace(one, before=before)
            if change.action == "release":
                links.remove(database, connection, kind, change.subject)
            elif change.undoes:
                then = operations.link_before(database, change.undoes)
                saved[change.subject] = link_restored(change, now_link, then, key=key, at=now, run=run)
            else:
                saved[change.subject] = link_after(change, now_link, key=key, now=now, run=run)
        links.save(database, connection, saved.values())
        end_recorded(database, now, connection, run, saved.values())
        drifts.close(database, connection, [change for change, _, _ in of_kind if after[change.id].state != "failed"])
    return after


def _moved(database: Database, connection: str, change: Change, link: Link) -> Link:
    """The link of ``former``, now the new subject's, and everything that hung on it."""
    former = link.subject
    links.remove(database, connection, change.kind, former)
    leavers.move(database, connection, change.kind, former, change.subject)
    absences.clear(database, connection, change.kind, [former])
    drifts.move(database, connection, change.kind, former, change.subject)
    vouchers.follow(database, connection, former, change.subject)
    return msgspec.structs.replace(link, subject=change.subject)


def _close(
    database: Database, now: datetime, connection: str, run: str, kind: str, facts: Mapping[str, Scalar]
) -> None:
    """What crosskey knows has changed: plans made before are stale."""
    events.append(database, now, connection, run, kind, facts)
    database.run("UPDATE connection SET serial = serial + 1 WHERE name = ?", (connection,))
