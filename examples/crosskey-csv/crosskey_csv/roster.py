"""What a file says: its people by id, its groups, and who is in them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

import msgspec
from crosskey import ContractError, Diagnostic, Group, Person, Subject

from crosskey_csv.settings import CsvSettings
from crosskey_csv.status import Verdicts
from crosskey_csv.table import Row, Table

__all__ = ("Roster", "read_roster")


class Roster(msgspec.Struct, frozen=True, kw_only=True):
    """Everybody in the file, with every attribute; ``groups_of`` holds the ids of each person's groups."""

    people: dict[str, Person]
    groups: dict[str, Group]
    groups_of: dict[str, frozenset[str]]
    warnings: tuple[Diagnostic, ...]

    def person(self, key: str, attributes: frozenset[str] | None) -> Person:
        """Somebody with those attributes under ``extra`` that are asked for (``None``: all)."""
        person = self.people[key]
        if attributes is None:
            return person
        return msgspec.structs.replace(
            person, extra={name: value for name, value in person.extra.items() if name in attributes}
        )

    def members(self, group: str) -> tuple[str, ...]:
        """Ids of everybody in a group, of any status."""
        return tuple(key for key, held in self.groups_of.items() if group in held)


def read_roster(table: Table, settings: CsvSettings, *, issuer: str, instance: str, today: date) -> Roster:
    """The people of a table as of one day. Raises :class:`ContractError` for an id that is missing, or there twice."""
    verdicts = Verdicts(settings, today)
    rows = _rows_by_id(table, settings.id, instance)
    mapped = {attribute: column for attribute, column in settings.columns.items() if column}
    extra = {name: place for name, place in table.places.items() if name not in {settings.id, *mapped.values()}}
    people = {
        key: Person(
            subject=Subject(issuer, key),
            active=verdicts.of(table, row),
            extra={name: row.cells[place].strip() for name, place in extra.items()},
            **_attributes(table, row, mapped),
        )
        for key, row in rows.items()
    }
    held = {key: frozenset(_groups(table, row, settings)) for key, row in rows.items()}
    return Roster(
        people=people,
        groups=_named(held, settings),
        groups_of=held,
        warnings=(*verdicts.warnings(instance), *_strange_managers(people, instance)),
    )


def _rows_by_id(table: Table, column: str, instance: str) -> dict[str, Row]:
    rows: dict[str, Row] = {}
    for row in table.rows:
        key = table.cell(row, column)
        twin = rows.setdefault(key, row)
        if not key:
            raise _refused(table, f"line {row.line} has no {column}", "csv-no-id", instance)
        if twin is not row:
            what = f'lines {twin.line} and {row.line} bear the same {column} "{key}"'
            raise _refused(table, what, "csv-duplicate-id", instance)
    return rows


def _refused(table: Table, what: str, code: str, instance: str) -> ContractError:
    return ContractError(
        f"{table.name}: {what}; nothing of it was used",
        code=code,
        where=f"{instance}.id",
        fix="correct it in the HR system: nobody can tell whose row is whose",
    )


def _attributes(table: Table, row: Row, mapped: Mapping[str, str]) -> dict[str, Any]:
    return {attribute: table.cell(row, column) for attribute, column in mapped.items()}


def _groups(table: Table, row: Row, settings: CsvSettings) -> Iterator[str]:
    for column in settings.group_columns:
        cell = table.cell(row, column)
        names = cell.split(settings.group_separator) if settings.group_separator else [cell]
        yield from (f"{column}={name.strip()}" for name in names if name.strip())


def _named(held: Mapping[str, frozenset[str]], settings: CsvSettings) -> dict[str, Group]:
    """The groups that somebody is in, and those that exist without."""
    groups: dict[str, Group] = {}
    for key in sorted(frozenset(settings.empty_groups).union(*held.values())):
        column = next(name for name in settings.group_columns if key.startswith(f"{name}="))
        groups[key] = Group(id=key, name=key.removeprefix(f"{column}="), origin=column)
    return groups


def _strange_managers(people: Mapping[str, Person], instance: str) -> Iterator[Diagnostic]:
    """Managers whom the file does not have, where managers are told by number."""
    named = {person.manager for person in people.values() if person.manager}
    if not named or not named & people.keys():
        return  # none is a number: they are told by name or address
    strange = sorted(named - people.keys())
    if strange:
        yield Diagnostic(
            severity="warning",
            code="csv-manager",
            summary=f"{len(strange)} people are named as managers and are not in the file",
            detail=f"Among them {', '.join(strange[:5])}.",
            path=f"{instance}.columns.manager",
            fix="correct them in the HR system; until then mappings see the number as it is written",
        )
