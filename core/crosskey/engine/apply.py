"""Carry a plan out, batch by batch: the intent is durable before a request leaves, the outcome before the next one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from datetime import timedelta
from itertools import groupby
from typing import Final

import msgspec

from crosskey.connector.target import Target
from crosskey.engine.batching import batched
from crosskey.engine.findings import LISTED
from crosskey.engine.guarding import Guard, take_out
from crosskey.engine.order import Applied
from crosskey.engine.spans import RunTelling
from crosskey.errors import AuthError, ContractError, CrosskeyError, PluginError, RetryableError, UncertainError
from crosskey.journal import UNSENT, JournalWriter
from crosskey.model import Subject
from crosskey.plan import Change, Held, Outcome, Result

__all__ = ("Alone", "apply_changes", "batches")

_WINDOW: Final = 5_000

Alone = AbstractSet[tuple[str, Subject]]
"""Whose changes go alone: kind and subject."""


def batches(changes: Iterable[Change], size: int, alone: Alone = frozenset()) -> Iterator[list[Change]]:
    """The changes in order, in lists of one kind and action that are no longer than ``size``.

    Those of ``alone`` (kind and subject) come last, each by itself.
    """
    batch: list[Change] = []
    last: list[Change] = []
    for change in _neighbours_together(changes):
        if (change.kind, change.subject) in alone:
            last.append(change)
            continue
        if batch and (len(batch) == size or (batch[0].kind, batch[0].action) != (change.kind, change.action)):
            yield batch
            batch = []
        batch.append(change)
    if batch:
        yield batch
    for change in last:
        yield [change]


def _neighbours_together(changes: Iterable[Change]) -> Iterator[Change]:
    """The changes in order, but for those of one kind and action, which come by subject within a window.

    The journal finds operations and links by subject. In the order of people's names each batch would touch as many of
    its pages as it has rows, and write them all to the disk twice.
    """
    for window in batched(changes, _WINDOW):
        for _, alike in groupby(window, lambda change: (change.kind, change.action)):
            yield from sorted(alike, key=lambda change: change.subject)


async def apply_changes(
    journal: JournalWriter,
    target: Target,
    changes: Iterable[Change],
    *,
    run: str,
    batch: int,
    settle: timedelta,
    stop: Callable[[], bool],
    progress: Callable[[Sequence[Change], Sequence[Outcome]], None],
    telling: RunTelling,
    alone: Alone = frozenset(),
    guards: Sequence[Guard] = (),
) -> Applied:
    """Apply every change once; stop between batches when ``stop`` says so, or at an error all others would meet.

    ``guards`` are asked before each batch and told what it came to; what they hold is not written and stays due.
    A change that is sent alone since its last answer was lost may lose it again: that concerns nobody else.
    """
    applied = Applied()
    for each in batches(changes, batch, alone):
        if each[0].action != "create":
            journal.flush()  # guards may look at the target now, and take their time
        if stop():
            applied.interrupted = True
            break
        try:
            group = await _let_through(guards, each, applied)
        except CrosskeyError as error:
            applied.stopped = error
            break
        if applied.is_halted:
            break
        if not group:
            continue
        with telling.batch(group) as told:
            journal.intend(run, group, settle=settle)
            answered, error = await _send(target, group)
            # What creates came to may share the synced commit of the next intent, which nothing but memory is before.
            # A run that is killed in between looks, as one does that was killed before it heard the answer.
            outcomes = journal.record(run, group, answered, with_next=error is None and group[0].action == "create")
            told(outcomes)
        applied.note(group, outcomes, listed=0 if isinstance(error, AuthError) else LISTED)
        progress(group, outcomes)
        if error is not None and not (isinstance(error, UncertainError) and (group[0].kind, group[0].subject) in alone):
            applied.stopped = error
            break
        applied.held += [held for guard in guards for held in guard.after(group, outcomes)]
        if applied.is_halted:
            break
    journal.flush()
    return applied


async def _let_through(guards: Sequence[Guard], batch: list[Change], applied: Applied) -> list[Change]:
    """What no guard holds; what one does is noted, and the next ones are not asked about it."""
    for guard in guards:
        held: Sequence[Held] = await guard.before(batch) if batch else ()
        applied.held += held
        batch = take_out(batch, held)
    return batch


async def _send(target: Target, group: Sequence[Change]) -> tuple[list[Outcome], CrosskeyError | None]:
    """Outcomes in the order of the changes, and the error that must stop the run."""
    try:
        answered = await target.apply(group)
    except UncertainError as error:
        return _all(group, "unknown", error), error
    except (AuthError, RetryableError) as error:
        return _all(group, "rejected", error, code=UNSENT), error
    except CrosskeyError as error:
        return _all(group, "unknown", error), error
    except Exception as error:  # noqa: BLE001 - a plugin may raise anything; what it had sent by then is not known
        failure = PluginError(
            f"the target raised {type(error).__name__} while applying",
            code="apply-raised",
            fix="run again: what happened is found out first; report it to the plugin's author",
        )
        failure.__cause__ = error
        return _all(group, "unknown", failure), failure
    by_id = {outcome.change: outcome for outcome in answered}
    missing = [change for change in group if change.id not in by_id]
    if not missing:
        return [by_id[change.id] for change in group], None
    broken = ContractError(
        f"the target gave no outcome for {len(missing)} of {len(group)} changes",
        code="outcome-missing",
        fix="report it to the plugin's author",
    )
    lost = Outcome(change="", result="unknown", code=broken.code, message=broken.message)
    return [by_id.get(change.id) or msgspec.structs.replace(lost, change=change.id) for change in group], broken


def _all(group: Sequence[Change], result: Result, error: CrosskeyError, *, code: str = "") -> list[Outcome]:
    return [
        Outcome(change=change.id, result=result, code=code or error.code, message=error.message) for change in group
    ]
