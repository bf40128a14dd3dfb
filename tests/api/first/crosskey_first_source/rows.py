"""Answers of First Source as types.

What must be there has no default: an answer of another shape is then an error, never an empty list. Members that are
not named here are ignored, for every service adds some one day.
"""

from __future__ import annotations

from typing import Protocol

from msgspec import Struct

__all__ = (
    "ChangesRows",
    "Deleted",
    "GroupsRows",
    "Joined",
    "Left",
    "Me",
    "MembersRows",
    "Page",
    "PeopleRows",
    "PersonRow",
    "Written",
)


class Page(Protocol):
    """What all pages have: ``next`` leads to the one after, and is ``null`` on the last."""

    @property
    def next(self) -> str | None:
        """The way to the next page."""
        ...


class Me(Struct, frozen=True):
    """Who is asking, and what they may."""

    name: str
    scopes: tuple[str, ...]


class PersonRow(Struct, frozen=True):
    """One person."""

    id: str
    status: str
    login: str
    email: str
    first_name: str = ""
    last_name: str = ""
    title: str = ""
    department: str = ""


class GroupRow(Struct, frozen=True):
    """One group."""

    id: str
    name: str


class MemberRow(Struct, frozen=True):
    """One member of a group."""

    id: str


class PeopleRows(Struct, frozen=True):
    """A page of people."""

    people: list[PersonRow]
    next: str | None


class GroupsRows(Struct, frozen=True):
    """A page of groups."""

    groups: list[GroupRow]
    next: str | None


class MembersRows(Struct, frozen=True):
    """A page of members."""

    members: list[MemberRow]
    next: str | None


class Written(Struct, frozen=True, tag_field="what", tag="person"):
    """Somebody is new or was changed; the row is whole."""

    person: PersonRow


class Deleted(Struct, frozen=True, tag_field="what", tag="deleted"):
    """Somebody was deleted for good."""

    id: str


class Joined(Struct, frozen=True, tag_field="what", tag="joined"):
    """Somebody joined a group."""

    group: str
    id: str


class Left(Struct, frozen=True, tag_field="what", tag="left"):
    """Somebody left a group."""

    group: str
    id: str


class ChangesRows(Struct, frozen=True):
    """A page of what happened, oldest first; ``cursor`` is the place after it."""

    changes: list[Written | Deleted | Joined | Left]
    next: str | None
    cursor: str
