"""Answers of First Target as types.

What must be there has no default: an answer of another shape is then an error, never an empty list. Members that are
not named here are ignored, for every service adds some one day.
"""

from __future__ import annotations

from msgspec import Struct

__all__ = ("AccountRow", "AccountsRows", "Me", "RolesRows")


class Me(Struct, frozen=True):
    """Who is asking, and what they may."""

    name: str
    scopes: tuple[str, ...]


class AccountRow(Struct, frozen=True, kw_only=True):
    """One account."""

    id: str
    external_id: str | None
    active: bool
    name: str
    email: str
    title: str = ""
    phone: str = ""
    roles: tuple[str, ...]


class AccountsRows(Struct, frozen=True):
    """A page of accounts; ``next`` leads to the one after, and is ``null`` on the last. ``total`` counts all."""

    accounts: list[AccountRow]
    next: str | None
    total: int


class RoleRow(Struct, frozen=True):
    """One role."""

    id: str
    name: str


class RolesRows(Struct, frozen=True):
    """A page of roles."""

    roles: list[RoleRow]
    next: str | None
