"""An HR office that writes files, and what a reader makes of the pages that a source gives of them."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

from crosskey import (
    GonePage,
    Group,
    GroupSelection,
    GroupsPage,
    MembersPage,
    PeoplePage,
    Person,
    ReadComplete,
    ReadPage,
    ReadRequest,
)

from crosskey_csv.settings import CsvSettings
from crosskey_csv.source import CsvSource, open_file

HEADER = ["No", "First", "Last", "Mail", "Department", "Boss", "State", "Until"]
PEOPLE = [
    ["007", "Ada", "King", "ada@acme.example", "Service Desk", "", "Active", ""],
    ["008", "Jörg", "Köhler", "joerg@acme.example", "Service Desk", "007", "Active", ""],
    ["009", "Ute", "Müller", "ute@acme.example", "Sales; EMEA", "007", "Terminated", ""],
]
COLUMNS = {
    "given_name": "First",
    "family_name": "Last",
    "email": "Mail",
    "department": "Department",
    "manager": "Boss",
    "status": "State",
}
SETTINGS = CsvSettings(
    path=Path("people.csv"),
    id="No",
    columns=COLUMNS,
    active=("Active",),
    inactive=("Terminated",),
    last_day="Until",
    group_columns=("Department",),
    settle=timedelta(0),
)
STAFF = ReadRequest(groups=GroupSelection(names=frozenset({"Service Desk"}), optional=frozenset({"Service Desk"})))


class Clock:
    """A clock whose time the test moves. ``meanwhile`` happens while somebody sleeps."""

    def __init__(self) -> None:
        self.time = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
        self.slept: list[float] = []
        self.meanwhile = lambda: None

    def now(self) -> datetime:
        return self.time

    def monotonic(self) -> float:
        return self.time.timestamp()

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time += timedelta(seconds=seconds)
        self.meanwhile()


class Office:
    """Writes one file anew, as bytes, and opens it as a source."""

    def __init__(self, folder: Path, settings: CsvSettings = SETTINGS) -> None:
        self.path = folder / "people.csv"
        self.settings = settings
        self.clock = Clock()

    def writes(self, data: bytes) -> None:
        self.path.write_bytes(data)

    def files(self, people: Iterable[list[str]], *, header: list[str] = HEADER, separator: str = ",") -> None:
        self.writes(as_csv([header, *people], separator).encode())

    def opened(self, **settings: object) -> CsvSource:
        fields = {name: getattr(self.settings, name) for name in self.settings.__struct_fields__}
        context = SimpleNamespace(instance="source.hr", clock=self.clock)
        return open_file(CsvSettings(**{**fields, "path": self.path, **settings}), context)


def as_csv(rows: Iterable[list[str]], separator: str = ",") -> str:
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=separator).writerows(rows)
    return text.getvalue()


class Reader:
    """People, groups and members as they stand after a read and any number of rounds of changes."""

    def __init__(self) -> None:
        self.people: dict[str, Person] = {}
        self.groups: dict[str, Group] = {}
        self.members: dict[str, set[str]] = {}
        self.end = ReadComplete()
        self.pages: list[ReadPage] = []

    async def takes(self, pages: AsyncIterator[ReadPage]) -> Reader:
        self.pages = [page async for page in pages]
        assert [type(page) for page in self.pages].index(ReadComplete) == len(self.pages) - 1
        for page in self.pages:
            match page:
                case PeoplePage(people):
                    self.people |= {person.subject.id: person for person in people}
                case GroupsPage(groups):
                    self.groups |= {group.id: group for group in groups}
                case MembersPage(group, members, whole):
                    held = set() if whole else self.members.get(group, set())
                    self.members[group] = held | set(members)
                case GonePage():
                    for key in page.people:
                        del self.people[key]
                    for key in page.groups:
                        self.groups.pop(key, None)
                        self.members.pop(key, None)
                case ReadComplete():
                    self.end = page
                case _:
                    raise AssertionError(page)
        return self

    def facts(self) -> tuple[Mapping[str, Person], Mapping[str, Group], Mapping[str, set[str]]]:
        members = {group: held & self.people.keys() for group, held in self.members.items()}
        return self.people, self.groups, {group: held for group, held in members.items() if held}
