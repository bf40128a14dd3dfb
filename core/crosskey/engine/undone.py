"""What a person took back is not simply done again by the next run.

As long as the rules are those by which it was done, a planned change that comes to the same is held (rail ``undone``):
the undo would not outlive the next timer otherwise. Another configuration plans as ever, and so does whoever is seen
otherwise meanwhile: an account that was switched on again and whose owner works on is an ordinary account, and its
owner an ordinary leaver the day they leave.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec

from crosskey.journal import JournalWriter, OperationRecord
from crosskey.model import Subject
from crosskey.plan import Action, Change, Held, ReferenceChange

__all__ = ("Undone",)

_IN: Final[frozenset[Action]] = frozenset({"create", "adopt", "enable"})
_LOOKED: Final = 50
"""So many later writes about one person are looked at for one that did the same again with a person's leave."""


class Undone:
    """The writes that were taken back under today's configuration. ``allowed``: what that run did may
    be done again; ``covers``: what a person approved may.
    """

    def __init__(
        self,
        journal: JournalWriter,
        config_digest: str,
        *,
        allowed: Callable[[str], bool],
        covers: Callable[[str, str, str, Subject], bool] = lambda _rail, _kind, _action, _subject: False,
    ) -> None:
        self._journal = journal
        self._allowed = allowed
        self._covers = covers
        self._by_person: dict[tuple[str, Subject], list[OperationRecord]] = {}
        self._lapsed: list[str] = []
        for operation in journal.undone(config_digest):
            if not operation.change.undoes:  # an undo that was taken back leaves what was there before it
                change = operation.change
                self._by_person.setdefault((change.kind, change.subject), []).append(operation)

    def __bool__(self) -> bool:
        """Whether anything was taken back at all."""
        return bool(self._by_person)

    def seen(self, kind: str, subject: Subject, *, wanted: bool, active: bool) -> None:
        """Note that somebody has what they should have: what was undone about their being in, or out, is settled."""
        if wanted != active:
            return
        for operation in self._by_person.get((kind, subject), ()):
            if _turns(operation.change) == (not wanted):
                self._lapsed.append(operation.id)

    def without(self, change: Change) -> tuple[Change | None, Held | None]:
        """The change without what was taken back, and what is told of that."""
        undone = [each for each in self._by_person.get((change.kind, change.subject), ()) if self._stands(each)]
        if not undone or self._covers("undone", change.kind, change.action, change.subject):
            return change, None
        whole = next((each for each in undone if _same_way(change, each.change)), None)
        if whole is not None:
            return None, _held(change, whole, change.action)
        fields, references, parts = dict(change.fields), dict(change.references), list[str]()
        first = undone[0]
        for operation in undone:
            for name, part in operation.change.fields.items():
                if name in fields and fields[name].after == part.after:
                    del fields[name]
                    parts.append(name)
            for name, reference in operation.change.references.items():
                if name in references and (rest := _other(references[name], reference)) != references[name]:
                    references[name] = rest
                    parts.append(name)
                    if set(rest.before) == set(rest.after):
                        del references[name]
            first = operation if parts and first is undone[0] else first
        if not parts:
            return change, None
        rest = msgspec.structs.replace(change, fields=fields, references=references)
        left = rest if fields or references or change.active is not None or change.action in _IN else None
        return left, _held(change, first, ", ".join(dict.fromkeys(parts)))

    def save(self, run: str) -> None:
        """Write down whose holds have ended."""
        if self._lapsed:
            self._journal.lapse(self._lapsed, run=run)
            self._lapsed = []

    def _stands(self, operation: OperationRecord) -> bool:
        """Whether nobody let the same be done again since."""
        if self._allowed(operation.run) or operation.id in self._lapsed:
            return False
        later = self._journal.operations(subject=operation.change.subject, limit=_LOOKED)
        return not any(
            int(each.id) > int(operation.id)
            and each.holds
            and not each.change.undoes
            and each.change.kind == operation.change.kind
            and _repeats(each.change, operation.change)
            for each in later
        )


def _turns(change: Change) -> bool | None:
    """Whether a write lets somebody in, or out, or neither."""
    if change.action in _IN:
        return True
    return False if change.action == "disable" else None


def _same_way(change: Change, undone: Change) -> bool:
    way = _turns(undone)
    return way is not None and way == _turns(change)


def _repeats(later: Change, undone: Change) -> bool:
    return (
        _same_way(later, undone)
        or any(name in later.fields and later.fields[name].after == part.after for name, part in undone.fields.items())
        or any(
            name in later.references and _other(later.references[name], part) != later.references[name]
            for name, part in undone.references.items()
        )
    )


def _other(planned: ReferenceChange, undone: ReferenceChange) -> ReferenceChange:
    """A planned change of a reference without the ids that the undone one gave or took."""
    gave, took = set(undone.after) - set(undone.before), set(undone.before) - set(undone.after)
    after = [id_ for id_ in planned.after if id_ not in gave or id_ in planned.before]
    after += [id_ for id_ in planned.before if id_ in took and id_ not in after]
    return ReferenceChange(planned.before, tuple(after))


def _held(change: Change, undone: OperationRecord, what: str) -> Held:
    return Held(
        rail="undone",
        scope="person",
        summary=f"{what}: run {undone.run} did this and run {undone.undone_by} took it back",
        fix=f"change the rules, or let it through: `crosskey approve undone`, or --allow undone={undone.run} once",
        action=change.action,
        kind=change.kind,
        subject=change.subject,
        label=change.label,
        key=change.key,
    )
