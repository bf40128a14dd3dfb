"""Identity sources: where people and groups are read."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Any, Protocol, runtime_checkable

import msgspec

from crosskey.connector.context import Context
from crosskey.connector.lateness import Lateness
from crosskey.errors import Diagnostic
from crosskey.model import Group, GroupSelection, Person, Subject
from crosskey.settings import Settings

__all__ = (
    "ConfirmsMembership",
    "FindsPeople",
    "GonePage",
    "GroupsPage",
    "MembersLeftPage",
    "MembersPage",
    "PeoplePage",
    "ReadComplete",
    "ReadPage",
    "ReadRequest",
    "ReadsChanges",
    "Source",
    "SourceSpec",
)


class ReadRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What a full read must bring: everyone, all groups, and the members of the groups and apps that mappings name.

    ``attributes`` are the names under ``extra`` that mappings use; ``None`` asks for every attribute. ``changes``: the
    read should end with a cursor for :meth:`ReadsChanges.read_changes`, even if that costs a few requests more.
    """

    groups: GroupSelection = GroupSelection()
    apps: GroupSelection = GroupSelection(kind="app")
    attributes: frozenset[str] | None = None
    changes: bool = False


class PeoplePage(msgspec.Struct, frozen=True):
    """Some people. One person may come twice (vendors page over moving data): the last one wins."""

    people: Sequence[Person]


class GroupsPage(msgspec.Struct, frozen=True):
    """Some groups (and, when apps were asked for, apps)."""

    groups: Sequence[Group]


class MembersPage(msgspec.Struct, frozen=True):
    """Some members (subject ids) of one group or app, of any status.

    ``whole``, among changes only: the first page of a list that is read anew from its start; whoever was known to be in
    the group before and is on none of its pages is in it no longer.
    """

    group: str
    members: Sequence[str]
    whole: bool = False


class MembersLeftPage(msgspec.Struct, frozen=True):
    """Among changes: people (subject ids) who are no longer in a group or app."""

    group: str
    members: Sequence[str]


class GonePage(msgspec.Struct, frozen=True, kw_only=True):
    """Among changes: ids of people and of groups that the vendor says were deleted (tombstones), never mere absence.

    Whoever has an account is still looked up by id before it is switched off.
    """

    people: Sequence[str] = ()
    groups: Sequence[str] = ()


class ReadComplete(msgspec.Struct, frozen=True, kw_only=True):
    """The last page of a read that missed nothing. A read that ends without it is incomplete.

    ``cursor`` is where :meth:`ReadsChanges.read_changes` may go on, ``server_time`` the vendor's own clock.
    """

    cursor: str = ""
    server_time: datetime | None = None
    warnings: tuple[Diagnostic, ...] = ()


ReadPage = PeoplePage | GroupsPage | MembersPage | MembersLeftPage | GonePage | ReadComplete


class Source(Protocol):
    """An open identity source."""

    @property
    def issuer(self) -> str:
        """The stable name that every :class:`Subject` of this source bears."""
        ...

    async def check(self) -> Sequence[Diagnostic]:
        """Try everything a run needs and say what works and what is missing, each with its fix.

        Writes nothing. Never raises for what it can name; an ``error`` finding means a run would fail.
        """
        ...

    def read(self, request: ReadRequest) -> AsyncIterator[ReadPage]:
        """Everyone, once, in pages, ending in exactly one :class:`ReadComplete`.

        Raises instead of ending early: whatever did not come must not look like somebody who left.
        """
        ...


@runtime_checkable
class FindsPeople(Protocol):
    """A source that can look one person up by id."""

    async def find(self, subject: Subject) -> Person | None:
        """The person, or ``None`` only when the vendor says for certain that there is none."""
        ...


@runtime_checkable
class ConfirmsMembership(Protocol):
    """A source that can tell one person's groups by id, without the pages that moving data may slip through."""

    async def groups_of(self, subject: Subject) -> frozenset[str]:
        """Ids of all groups the person is in. Raises when the source cannot tell."""
        ...


@runtime_checkable
class ReadsChanges(Protocol):
    """A source that can tell what changed since a cursor.

    The law: full read, then any number of rounds of changes, ends in the same people, groups and members as a full read
    made at the end. A round may bring again what an earlier one brought, and more than what changed; never less.
    """

    def read_changes(self, cursor: str, request: ReadRequest) -> AsyncIterator[ReadPage]:
        """What changed since ``cursor``, ending in exactly one :class:`ReadComplete` with the next cursor.

        ``cursor`` comes from a read, or a round of changes, with an equal ``request``. People come whole, never a part
        of their attributes. Raises :class:`crosskey.errors.CursorExpiredError` when the vendor (or the plugin) no
        longer knows that place: everything is then read again.
        """
        ...


class SourceSpec(msgspec.Struct, frozen=True, kw_only=True):
    """How to make a source: its name in ``use = "…"``, its settings, and how to open it.

    ``lateness`` says how soon a read shows a change (``directory``) and a ``hook`` tells of it, where there is one.
    """

    name: str
    summary: str
    settings: type[Settings]
    open: Callable[[Any, Context], AbstractAsyncContextManager[Source]]
    lateness: Callable[[Any], Sequence[Lateness]] | None = None
