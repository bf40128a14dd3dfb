"""Leave out of a change what was written a moment ago and the target's lists do not show yet.

A list may lag behind a write that was answered. Within the settle time the very same change of the very same value is
such an echo, and planning it again would say that something is to do. A value that is neither the old nor the new one
is somebody's hand, and is corrected at once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import msgspec

from crosskey.journal import OperationRecord
from crosskey.plan import Change, ReferenceChange

__all__ = ("without_echoes",)

P = TypeVar("P")


def without_echoes(change: Change, written: Sequence[OperationRecord]) -> Change | None:
    """The change without what ``written`` (answered writes to that account, newest first) did; ``None``: all of it."""
    earlier = [operation.change for operation in written if operation.change.subject == change.subject]
    if not earlier:
        return change
    fields = {
        name: part
        for name, part in change.fields.items()
        if part != _last(earlier, lambda one, name=name: one.fields.get(name))
    }
    references = {
        name: part
        for name, part in change.references.items()
        if _sets(part) != _sets(_last(earlier, lambda one, name=name: one.references.get(name)))
    }
    active = None if change.active == _last(earlier, lambda one: one.active) else change.active
    if active is None and change.active is not None and change.action == "enable":
        return None  # what else it holds belongs to the switch, and waits with it
    if active is None and not fields and not references:
        return None
    return msgspec.structs.replace(change, active=active, fields=fields, references=references)


def _last(changes: Sequence[Change], part: Callable[[Change], P | None]) -> P | None:
    return next((found for one in changes if (found := part(one)) is not None), None)


def _sets(part: ReferenceChange | None) -> tuple[frozenset[str], frozenset[str]] | None:
    return None if part is None else (frozenset(part.before), frozenset(part.after))
