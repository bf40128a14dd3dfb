"""What crosskey itself sent to one account lately: what such a write explains is nobody else's doing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from functools import cached_property

from crosskey.engine.drift.values import alike
from crosskey.journal import Link, OperationRecord, SnapshotRecord, Value
from crosskey.plan import Change, FieldChange, ReferenceChange

__all__ = ("Writes", "run_that_applied")


class Writes:
    """The newest writes to one account, read from the journal only once somebody asks.

    ``now`` and ``settle`` say for which of them the target's lists may lag behind, ``looked`` is the last complete read
    of all accounts before this one.
    """

    def __init__(
        self,
        read: Callable[[], Sequence[OperationRecord]],
        *,
        now: datetime,
        settle: timedelta,
        looked: SnapshotRecord | None,
    ) -> None:
        self._read = read
        self._since = now - settle
        self._looked = looked

    @cached_property
    def newest(self) -> Sequence[OperationRecord]:
        """Newest first."""
        return self._read()

    def explains(self, part: str, now: Value) -> bool:
        """Whether a value can be what crosskey sent, or what was there before a write that no list shows yet."""
        for operation, before, after in self._of(part):
            done, moving = operation.holds, operation.intent_at > self._since
            if now == after or (moving and now == before):
                return True
            if not done and alike(now, after):
                return True
            if done and not moving:
                return False
        return False

    def moving(self, part: str) -> bool:
        """Whether a list may not show yet what was written to this part."""
        return any(operation.intent_at > self._since for operation, _, _ in self._of(part))

    def adds(self, reference: str, id: str) -> bool:
        """Whether a list may not show yet that an id was given."""
        return any(
            operation.intent_at > self._since and id in after and id not in before
            for operation, before, after in self._of(reference)
            if isinstance(after, tuple) and isinstance(before, tuple)
        )

    def first_look(self, part: str) -> bool:
        """Whether nobody has looked since this part was last written: what the target made of it is seen now."""
        for operation, _, _ in self._of(part):
            return self._is_first_since(operation.intent_at, operation.run)
        return False

    def first_look_at(self, link: Link) -> bool:
        """Whether nobody has looked at an account since it was made."""
        return link.established_by == "created" and self._is_first_since(link.since, link.run)

    def _is_first_since(self, at: datetime, run: str) -> bool:
        looked = self._looked
        return looked is None or looked.at < at or looked.run == run

    def run_of(self, part: str, value: Value) -> str:
        """The run that applied a value; empty when it is not among the newest writes."""
        return run_that_applied(self.newest, part, value)

    def _of(self, part: str) -> Iterator[tuple[OperationRecord, Value, Value]]:
        return _of(self.newest, part)


def run_that_applied(operations: Iterable[OperationRecord], part: str, value: Value) -> str:
    """The newest run that wrote this value, or gave these ids; empty when none of these writes did."""
    for operation, _, after in _of(operations, part):
        held = set(value) <= set(after) if isinstance(value, tuple) and isinstance(after, tuple) else value == after
        if operation.holds and held:
            return operation.run
    return ""


def _of(operations: Iterable[OperationRecord], part: str) -> Iterator[tuple[OperationRecord, Value, Value]]:
    for operation in operations:
        found = _part(operation.change, part)
        if found is not None:
            yield operation, found.before, found.after


def _part(change: Change, part: str) -> FieldChange | ReferenceChange | None:
    if part == "active":
        return change.active
    return change.fields.get(part) or change.references.get(part)
