"""What is known of a directory after a read and rounds of changes: the contract's law, folded in a few lines.

Pure: nothing here knows a vendor. ``fold(fold(NOTHING, full_read), round)`` equals ``fold(NOTHING, later_full_read)``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from crosskey.connector.source import (
    GonePage,
    GroupsPage,
    MembersLeftPage,
    MembersPage,
    PeoplePage,
    ReadComplete,
    ReadPage,
)
from crosskey.model import Group, Person


@dataclass(frozen=True)
class Known:
    """People and groups by id, members by group."""

    people: Mapping[str, Person] = field(default_factory=dict)
    groups: Mapping[str, Group] = field(default_factory=dict)
    members: Mapping[str, frozenset[str]] = field(default_factory=dict)
    cursor: str = field(default="", compare=False)


NOTHING = Known()


def fold(known: Known, pages: Iterable[ReadPage]) -> Known:
    """What is known after these pages, which must end in exactly one :class:`ReadComplete`."""
    people, groups = dict(known.people), dict(known.groups)
    members = {group: set(inside) for group, inside in known.members.items()}
    cursor: str | None = None
    for page in pages:
        assert cursor is None, "a page came after the end"
        match page:
            case PeoplePage():
                people.update((person.subject.id, person) for person in page.people)
            case GroupsPage():
                groups.update((group.id, group) for group in page.groups)
            case MembersPage():
                if page.whole:
                    members[page.group] = set()
                members.setdefault(page.group, set()).update(page.members)
            case MembersLeftPage():
                members.setdefault(page.group, set()).difference_update(page.members)
            case GonePage():
                for person in page.people:
                    people.pop(person, None)
                for group in page.groups:
                    groups.pop(group, None)
                    members.pop(group, None)
                for inside in members.values():
                    inside.difference_update(page.people)
            case ReadComplete():
                cursor = page.cursor
    assert cursor is not None, "the read did not end"
    return Known(people, groups, {group: frozenset(inside) for group, inside in members.items()}, cursor)


async def followed(source, known: Known, request) -> Known:
    """One round of changes folded in. Nothing of a round that does not end is kept."""
    return fold(known, [page async for page in source.read_changes(known.cursor, request)])


async def read_whole(source, request) -> Known:
    """A full read."""
    return fold(NOTHING, [page async for page in source.read(request)])
