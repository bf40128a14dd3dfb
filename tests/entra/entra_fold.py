"""What a reader knows after a full read and any rounds of changes: a fold over pages, as the contracts word it."""

from __future__ import annotations

from typing import Any

from crosskey.connector.source import (
    GonePage,
    GroupsPage,
    MembersLeftPage,
    MembersPage,
    PeoplePage,
    ReadComplete,
    ReadRequest,
)
from crosskey.model import Group, Person


class Known:
    """People, groups and members by id. ``forgets``: whoever is gone is taken out of every group at once.

    A reader may do either, so both must end in the same for people who are there.
    """

    def __init__(self, *, forgets: bool = True) -> None:
        self.forgets = forgets
        self.people: dict[str, Person] = {}
        self.groups: dict[str, Group] = {}
        self.members: dict[str, set[str]] = {}
        self.cursor = ""
        self.pages: list[object] = []
        self.warnings: tuple[Any, ...] = ()

    async def read(self, source: Any, request: ReadRequest) -> Known:
        """Everything anew."""
        self.people, self.groups, self.members = {}, {}, {}
        await self._take(source.read(request))
        return self

    async def follow(self, source: Any, request: ReadRequest) -> Known:
        """One round more."""
        await self._take(source.read_changes(self.cursor, request))
        return self

    async def _take(self, pages: Any) -> None:
        self.pages, complete = [], None
        async for page in pages:
            assert complete is None, "a page came after the end"
            self.pages.append(page)
            match page:
                case PeoplePage(people):
                    self.people.update((person.subject.id, person) for person in people)
                case GroupsPage(groups):
                    self.groups.update((group.id, group) for group in groups)
                case MembersPage(group, members, whole):
                    held = self.members.setdefault(group, set())
                    if whole:
                        held.clear()
                    held.update(members)
                case MembersLeftPage(group, members):
                    self.members.setdefault(group, set()).difference_update(members)
                case GonePage():
                    self._forget(page)
                case ReadComplete():
                    complete = page
                case _:
                    raise AssertionError(page)
        assert complete is not None, "the read ended without saying so"
        self.cursor, self.warnings = complete.cursor, complete.warnings

    def _forget(self, page: GonePage) -> None:
        for key in page.people:
            self.people.pop(key, None)
            for held in self.members.values() if self.forgets else ():
                held.discard(key)
        for key in page.groups:
            self.groups.pop(key, None)
            if self.forgets:
                self.members.pop(key, None)

    def told(self) -> tuple[dict[str, Person], dict[str, set[str]]]:
        """People, and who of them is in which live group that has members."""
        return self.people, {
            key: here
            for key, held in self.members.items()
            if key in self.groups and (here := held & self.people.keys())
        }
