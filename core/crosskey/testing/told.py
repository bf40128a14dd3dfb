"""What a reader knows after a read and rounds of changes: the contract of a source, folded in a few lines."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Final

import pytest

from crosskey.connector.source import (
    GonePage,
    GroupsPage,
    MembersLeftPage,
    MembersPage,
    PeoplePage,
    ReadComplete,
    ReadPage,
    ReadRequest,
)
from crosskey.model import Group, Person

__all__ = ("Told",)

_MOST: Final = 10_000


class Told:
    """People and groups by id, members by group, and what told of them. ``rows`` counts people as they came."""

    def __init__(self) -> None:
        self.people: dict[str, Person] = {}
        self.groups: dict[str, Group] = {}
        self.members: dict[str, set[str]] = {}
        self.gone: set[str] = set()
        self.disbanded: set[str] = set()
        self.complete: ReadComplete | None = None
        self.pages = 0
        self.people_pages = 0

    @property
    def cursor(self) -> str:
        """Where changes may go on from."""
        return self.complete.cursor if self.complete else ""

    def copy(self) -> Told:
        """The same, to go on from twice."""
        other = Told()
        other.people, other.groups = dict(self.people), dict(self.groups)
        other.members = {group: set(held) for group, held in self.members.items()}
        other.complete = self.complete
        return other

    async def read(self, source: Any, request: ReadRequest) -> Told:  # noqa: ANN401 - a Source
        """Everything anew: whoever is known and does not come is not known any more."""
        self.people, self.groups, self.members = {}, {}, {}
        return await self._take(source.read(request), full=True)

    async def follow(self, source: Any, request: ReadRequest) -> Told:  # noqa: ANN401 - a source that tells changes
        """One round of changes more. Nothing is kept of a round that does not end."""
        other = self.copy()
        await other._take(source.read_changes(self.cursor, request), full=False)  # noqa: SLF001 - another of its kind
        self.__dict__.update(other.__dict__)
        return self

    async def _take(self, pages: AsyncIterator[ReadPage], *, full: bool) -> Told:
        self.complete = None
        what = "read()" if full else "read_changes()"
        async for page in pages:
            if self.complete is not None:
                pytest.fail(f"{what} went on with a {type(page).__name__} after its ReadComplete: yield that one last")
            self.pages += 1
            if self.pages > _MOST:
                pytest.fail(f"{what} brought {_MOST} pages and goes on: does it ever end?")
            self._keep(page, what, full=full)
        if self.complete is None:
            pytest.fail(
                f"{what} ended after {self.pages} pages without a ReadComplete: yield it when all came, raise when not"
            )
        return self

    def _keep(self, page: ReadPage, what: str, *, full: bool) -> None:
        match page:
            case PeoplePage(people):
                self.people_pages += 1
                self.people.update((person.subject.id, person) for person in people)
            case GroupsPage(groups):
                self.groups.update((group.id, group) for group in groups)
            case MembersPage(group, members, whole):
                held = self.members.setdefault(group, set())
                if whole:
                    held.clear()
                held.update(members)
            case MembersLeftPage() | GonePage() if full:
                pytest.fail(f"read() brought a {type(page).__name__}: a full read tells who is there, nobody's leaving")
            case MembersLeftPage(group, members):
                self.members.setdefault(group, set()).difference_update(members)
            case GonePage():
                self._bury(page)
            case ReadComplete():
                self.complete = page
            case _:  # pyright: ignore[reportUnnecessaryComparison] - plugins are not all type-checked
                pytest.fail(f"{what} brought a {type(page).__name__}, which is no page of the contract")

    def _bury(self, page: GonePage) -> None:
        self.gone.update(page.people)
        self.disbanded.update(page.groups)
        for key in page.people:
            self.people.pop(key, None)
            for held in self.members.values():
                held.discard(key)
        for key in page.groups:
            self.groups.pop(key, None)
            self.members.pop(key, None)

    def facts(self) -> tuple[dict[str, Person], frozenset[str], dict[str, frozenset[str]]]:
        """People, groups, and who of the people is in which of the groups; what must be equal where reads are."""
        members = {
            group: frozenset(held & self.people.keys())
            for group, held in self.members.items()
            if group in self.groups and held & self.people.keys()
        }
        return self.people, frozenset(self.groups), members
