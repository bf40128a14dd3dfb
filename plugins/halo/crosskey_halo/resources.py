"""The lists of a desk: where they are, what their rows are, and how to take a list out of whatever wraps it."""

from __future__ import annotations

from typing import Generic, TypeVar

import msgspec

from crosskey_halo.rows import (
    AgentRow,
    ApplicationRow,
    ApprovalRow,
    ClientRow,
    DepartmentRow,
    Row,
    SiteRow,
    TeamRow,
    TicketRow,
    UserRow,
)

__all__ = (
    "AGENTS",
    "AGENT_ROLES",
    "APPLICATIONS",
    "APPROVALS",
    "CLIENTS",
    "DEPARTMENTS",
    "SITES",
    "TEAMS",
    "TICKETS",
    "USERS",
    "USER_ROLES",
    "VISIBILITY",
    "Resource",
)

R = TypeVar("R", bound=Row)

_MEMBERS: msgspec.json.Decoder[dict[str, msgspec.Raw]] = msgspec.json.Decoder(dict[str, msgspec.Raw])
_NUMBER: msgspec.json.Decoder[int | float | None] = msgspec.json.Decoder(int | float | None)


class Resource(Generic[R]):
    """One kind of record under ``/api``: ``path``, the envelope's ``member``, and what a 403 on it is cured by."""

    def __init__(self, path: str, row: type[R], *, member: str, right: str) -> None:
        self.path = path
        self.member = member
        self.right = right
        self._rows: msgspec.json.Decoder[list[R]] = msgspec.json.Decoder(list[row])
        self._saved: msgspec.json.Decoder[R | list[R] | None] = msgspec.json.Decoder(row | list[row] | None)
        self._one: msgspec.json.Decoder[R] = msgspec.json.Decoder(row)

    def rows(self, body: bytes) -> tuple[list[R], int | None]:
        """The rows of a list answer and its ``record_count`` (``None``: it has none, or says 0).

        A bare array is the list itself; in an envelope it is the known member, else ``results``, else the first member
        that is an array. Raises :class:`msgspec.DecodeError` when the body is neither.
        """
        if body.lstrip()[:1] == b"[":
            return self._rows.decode(body), None
        members = {name: bytes(value) for name, value in _MEMBERS.decode(body).items()}
        count = _NUMBER.decode(members.get("record_count", b"null"))
        arrays = {name: value for name, value in members.items() if value.startswith(b"[")}
        found = arrays.get(self.member) or arrays.get("results") or next(iter(arrays.values()), b"[]")
        return self._rows.decode(found), int(count) if count and count > 0 else None

    def saved(self, body: bytes) -> list[R]:
        """The records in the answer to a write, which is one object or an array."""
        if not body.strip():
            return []
        found = self._saved.decode(body)
        return found if isinstance(found, list) else [] if found is None else [found]

    def one(self, body: bytes) -> R:
        """The record of a detail answer."""
        return self._one.decode(body)


VISIBILITY = "the agent's team and department visibility filters lists: let the agent of the API application see all"
"""What to do about a list that is answered with 200 and shows nothing."""

_CUSTOMERS = "read and edit rights on customers (users and sites count as such)"
_TICKETS = "read and edit rights on tickets"
_ADMINISTRATION = "the scope `all`, and the Administrator role"

USERS = Resource("/api/Users", UserRow, member="users", right=_CUSTOMERS)
CLIENTS = Resource("/api/Client", ClientRow, member="clients", right=_CUSTOMERS)
SITES = Resource("/api/Site", SiteRow, member="sites", right=_CUSTOMERS)
AGENTS = Resource("/api/Agent", AgentRow, member="agents", right=_ADMINISTRATION)
AGENT_ROLES = Resource("/api/Roles", Row, member="roles", right=_ADMINISTRATION)
USER_ROLES = Resource("/api/UserRoles", Row, member="userroles", right=_ADMINISTRATION)
TEAMS = Resource("/api/Team", TeamRow, member="teams", right=_ADMINISTRATION)
TICKETS = Resource("/api/Tickets", TicketRow, member="tickets", right=_TICKETS)
APPROVALS = Resource("/api/TicketApproval", ApprovalRow, member="approvals", right=_TICKETS)
DEPARTMENTS = Resource("/api/TopLevel", DepartmentRow, member="tree", right=_ADMINISTRATION)
APPLICATIONS = Resource("/api/SingleSignOnApplication", ApplicationRow, member="applications", right=_ADMINISTRATION)
