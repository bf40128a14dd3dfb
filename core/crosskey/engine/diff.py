"""Compare the account somebody should have with the one that is there, and say what to write and why.

Own only what you gave: a field is cleared, and a role, team or department taken away, only where the journal says that
crosskey put it there.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from crosskey.connector.mapper import CompiledMapping, Desired
from crosskey.connector.target import KindSpec, ReferenceSpec
from crosskey.engine.marker import marker
from crosskey.model import Account, Person, Scalar, Subject
from crosskey.plan import Action, Change, FieldChange, ReferenceChange

__all__ = ("Differ", "Given", "is_cut", "is_empty")

_ON = FieldChange(before=False, after=True)
_OFF = FieldChange(before=True, after=False)
_SHORTEST_CUT = 20


class Given(msgspec.Struct, frozen=True):
    """What crosskey itself last wrote to an account and still owns."""

    references: Mapping[str, tuple[str, ...]] = {}
    fields: Mapping[str, Scalar] = {}


_NOTHING = Given()


class Differ:
    """Makes the changes of one kind of account."""

    def __init__(self, kind: KindSpec, mapping: CompiledMapping) -> None:
        self._kind = kind
        self._ownership = mapping.fields
        self._managed = mapping.managed
        self._unlisted = frozenset(field.name for field in kind.fields if not field.listed)

    def create(self, person: Person, desired: Desired) -> Change:
        """A new account with everything the rules give."""
        fields = {name: FieldChange(None, value) for name, value in desired.fields.items() if not is_empty(value)}
        references = {name: ReferenceChange((), ids) for name, ids in desired.references.items() if ids}
        return self._change("create", person, desired, None, fields, references, desired.why.get("", ""))

    def adopt(self, person: Person, desired: Desired, account: Account, because: str) -> Change:
        """Link an account that was already there, mark it, and bring it in line."""
        fields, references = self._fields(desired, account, _NOTHING), self._references(desired, account, _NOTHING)
        return self._change("adopt", person, desired, account, fields, references, because)

    def update(self, person: Person, desired: Desired, account: Account, given: Given) -> Change | None:
        """What differs between an active account and the rules, or nothing."""
        fields, references = self._fields(desired, account, given), self._references(desired, account, given)
        if not fields and not references:
            return None
        return self._change("update", person, desired, account, fields, references, "")

    def enable(self, person: Person, desired: Desired, account: Account, given: Given, because: str) -> Change:
        """Switch on again what crosskey switched off, and bring it in line."""
        fields, references = self._fields(desired, account, given), self._references(desired, account, given)
        return self._change("enable", person, desired, account, fields, references, because)

    def disable(self, subject: Subject, label: str, account: Account, because: str) -> Change:
        """Switch the account off and end its sessions; nothing is deleted, nothing else is changed."""
        return Change(
            id=f"{self._kind.name}:{marker(subject)}",
            action="disable",
            kind=self._kind.name,
            subject=subject,
            label=label,
            key=account.key,
            active=_OFF,
            why={"": because},
            end_sessions=True,
        )

    def _change(
        self,
        action: Action,
        person: Person,
        desired: Desired,
        account: Account | None,
        fields: dict[str, FieldChange],
        references: dict[str, ReferenceChange],
        because: str,
    ) -> Change:
        mark = marker(person.subject)
        why = {name: desired.why[name] for name in (*fields, *references) if name in desired.why}
        return Change(
            id=f"{self._kind.name}:{mark}",
            action=action,
            kind=self._kind.name,
            subject=person.subject,
            label=person.label,
            key=None if account is None else account.key,
            marker=mark if action in ("create", "adopt") else "",
            bore=account.marker if action == "adopt" and account is not None else "",
            active=_ON if account is None or not account.active else None,
            fields=fields,
            references=references,
            why={"": because, **why} if because else why,
        )

    def _fields(self, desired: Desired, account: Account, given: Given) -> dict[str, FieldChange]:
        changes: dict[str, FieldChange] = {}
        current = account.fields
        for name, wanted in desired.fields.items():
            now = current.get(name)
            ownership = self._ownership.get(name, "always")
            if now is None and name in self._unlisted:
                now = given.fields.get(name)
                ownership = "on_create" if ownership == "if_empty" else ownership
            if now == wanted:
                continue
            if ownership == "on_create" or (is_empty(wanted) and is_empty(now)):
                continue
            if ownership == "if_empty" and not is_empty(now):
                continue
            if is_empty(wanted) and given.fields.get(name) != now:
                continue  # somebody else filled it: not ours to clear
            if given.fields.get(name) == wanted and is_cut(now, wanted):
                continue  # written as it should be, and kept shorter: written again it would be cut again
            changes[name] = FieldChange(now, wanted)
        return changes

    def _references(self, desired: Desired, account: Account, given: Given) -> dict[str, ReferenceChange]:
        changes: dict[str, ReferenceChange] = {}
        for reference in self._kind.references:
            if reference.name not in self._managed and reference.name not in given.references:
                continue  # no rule gives it and crosskey never did
            before = account.references.get(reference.name, ())
            wanted = desired.references.get(reference.name, ())
            after = _after(reference, before, wanted, given.references.get(reference.name, ()))
            if set(after) != set(before):
                changes[reference.name] = ReferenceChange(before, after)
        return changes


def _after(
    reference: ReferenceSpec, before: tuple[str, ...], wanted: tuple[str, ...], given: tuple[str, ...]
) -> tuple[str, ...]:
    if not reference.many:
        return wanted or before
    withdrawn = set(given) - set(wanted)
    kept = [id_ for id_ in before if id_ not in withdrawn]
    return (*kept, *(id_ for id_ in wanted if id_ not in kept))


def is_cut(now: Scalar, wanted: Scalar) -> bool:
    """Whether a text looks cut to a column whose length nobody told. Somebody's hand seldom leaves a long beginning."""
    if not isinstance(now, str) or not isinstance(wanted, str):
        return False
    return _SHORTEST_CUT <= len(now) < len(wanted) and wanted.startswith(now)


def is_empty(value: Scalar) -> bool:
    """Whether a field holds nothing: no value, no text, or a flag that is off."""
    return value is None or value == "" or value is False
