"""The rules, ready to run: a table that says what somebody gets by one of their attributes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from crosskey import Candidate, Desired, LeaverPolicy, MatchKey, Ownership

__all__ = ("Field", "Rules", "Table")


class Field(NamedTuple):
    """A field of the account, the attribute it is copied from, and what the target says about it."""

    name: str
    attribute: str
    required: bool
    max_length: int


class Table(NamedTuple):
    """What a reference leads to, by the value of an attribute: ids of the target's catalogue."""

    reference: str
    attribute: str
    ids: Mapping[str, str]
    otherwise: str


class Rules:
    """Pure, total and deterministic: whoever comes gets the same answer every time, whoever stands beside them."""

    def __init__(self, path: str, group: str, fields: Sequence[Field], table: Table, match: Sequence[MatchKey]) -> None:
        self._path = path
        self._group = group
        self._fields = tuple(fields)
        self._table = table
        self._match = tuple(match)

    # -- what the core needs to know beforehand -----------------------------------------------------------------------

    @property
    def groups(self) -> frozenset[str]:
        """Groups whose members are needed. A source brings no others."""
        return frozenset({self._group})

    @property
    def apps(self) -> frozenset[str]:
        """Applications whose people are needed."""
        return frozenset()

    @property
    def attributes(self) -> frozenset[str]:
        """Attributes under ``extra`` that are needed."""
        used = {field.attribute for field in self._fields} | {self._table.attribute}
        return frozenset(name.removeprefix("extra.") for name in used if name.startswith("extra."))

    @property
    def fields(self) -> Mapping[str, Ownership]:
        """The fields that are written, and when: whenever they differ."""
        return {field.name: "always" for field in self._fields}

    @property
    def managed(self) -> frozenset[str]:
        """The references that are given. Others are left to whoever gave them."""
        return frozenset({self._table.reference})

    @property
    def match(self) -> Sequence[MatchKey]:
        """How accounts that are there already are recognised."""
        return self._match

    @property
    def leavers(self) -> LeaverPolicy:
        """What happens to leavers: their account is switched off at once."""
        return LeaverPolicy()

    @property
    def origins(self) -> Mapping[str, tuple[str, ...]]:
        """What each field is made of, for ``crosskey explain``."""
        return {field.name: (field.attribute,) for field in self._fields}

    # -- what everybody gets ------------------------------------------------------------------------------------------

    def __call__(self, people: Sequence[Candidate]) -> Sequence[Desired]:
        """One answer for each candidate, in order."""
        return [self._wanted(candidate) for candidate in people]

    def _wanted(self, candidate: Candidate) -> Desired:
        if self._group not in candidate.groups:
            return Desired(in_scope=False, why={"": f'not in group "{self._group}" ({self._path}.group)'})
        person = candidate.person
        values = {field.name: _cut(person.text(field.attribute), field.max_length) for field in self._fields}
        missing = [field for field in self._fields if field.required and not values[field.name]]
        value = person.text(self._table.attribute)
        found = self._table.ids.get(value)
        line = f'{self._path}.table: {self._table.attribute} is "{value}"' if found else f"{self._path}.otherwise"
        return Desired(
            in_scope=True,
            fields=dict(values),
            references={self._table.reference: (found or self._table.otherwise,)},
            why={
                "": f'in group "{self._group}" ({self._path}.group)',
                **{field.name: f"{self._path}.fields.{field.name}: {field.attribute}" for field in self._fields},
                self._table.reference: line,
            },
            # A problem keeps the account as it is, and is shown; it never stops the others.
            problem=f"{missing[0].name} would be empty: {missing[0].attribute} is" if missing else "",
        )


def _cut(text: str, max_length: int) -> str:
    """The text without blanks around it, and no longer than the field; 0: as long as it likes."""
    text = text.strip()
    return text[:max_length].rstrip() if max_length else text
