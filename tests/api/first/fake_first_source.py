"""A local First Source: the truth is in memory, and whoever is in it was invented.

It obeys the rules of the service: what it takes, what it refuses, and in which words.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

import httpx
from crosskey.testing import FakeDirectory

Row = dict[str, Any]


class FakeFirstSource(FakeDirectory):
    """What the kit does to the directory is done here, as an administrator would."""

    secrets: Mapping[str, str] = {"FIRST_SOURCE_TOKEN": "an-invented-token"}
    statuses: ClassVar[Mapping[str, bool | None]] = {"active": True, "suspended": False, "left": False}

    def __init__(self) -> None:
        self.scopes = ["people:read", "groups:read"]
        self.people: dict[str, Row] = {}
        self.groups: dict[str, str] = {}
        self.members: dict[str, list[str]] = {}
        self.feed: list[Row] = []
        self.forgotten = 0
        self._made = 0

    # -- what the kit asks for ----------------------------------------------------------------------------------------

    def hire(self, name: str) -> str:
        person = self._id("p")
        self.people[person] = {
            "id": person,
            "status": "active",
            "login": f"{name}@people.example",
            "email": f"{name}@people.example",
            "first_name": name,
            "last_name": "Example",
            "title": "",
            "department": "IT",
        }
        self._tell(person)
        return person

    def rename(self, person: str, name: str) -> None:
        self.people[person]["first_name"] = name
        self._tell(person)

    def suspend(self, person: str) -> None:
        self.set_status(person, "suspended")

    def restore(self, person: str) -> None:
        self.set_status(person, "active")

    def set_status(self, person: str, status: str) -> None:
        self.people[person]["status"] = status
        self._tell(person)

    def delete(self, person: str) -> None:
        for group in self.members:
            self.leave(group, person)
        del self.people[person]
        self.feed.append({"what": "deleted", "id": person})

    def form(self, name: str) -> str:
        group = self._id("g")
        self.groups[group], self.members[group] = name, []
        return group

    def disband(self, group: str) -> None:
        del self.groups[group], self.members[group]

    def join(self, group: str, person: str) -> None:
        if person not in self.members[group]:
            self.members[group].append(person)
            self.feed.append({"what": "joined", "group": group, "id": person})

    def leave(self, group: str, person: str) -> None:
        if person in self.members[group]:
            self.members[group].remove(person)
            self.feed.append({"what": "left", "group": group, "id": person})

    def expire(self, cursor: str) -> None:
        self.forgotten = max(self.forgotten, int(cursor) + 1)

    # -- what the service answers -------------------------------------------------------------------------------------

    def answers(self) -> Callable[[httpx.Request], httpx.Response]:
        return self.answer

    def answer(self, request: httpx.Request) -> httpx.Response:
        """One answer, as the service would give it."""
        if request.headers.get("authorization") != f"Bearer {self.secrets['FIRST_SOURCE_TOKEN']}":
            return refusal(401, "unauthorized", "the token is not known")
        match request.url.path.strip("/").split("/"):
            case ["v1", "me"]:
                return httpx.Response(200, json={"name": "crosskey", "scopes": self.scopes})
            case ["v1", "people"]:
                wanted = request.url.params.get("id")
                rows = [row for key, row in sorted(self.people.items()) if wanted in (None, key)]
                return page(request, "people", rows)
            case ["v1", "groups"]:
                return page(request, "groups", [{"id": key, "name": name} for key, name in sorted(self.groups.items())])
            case ["v1", "groups", group, "members"] if group in self.groups:
                return page(request, "members", [{"id": member} for member in sorted(self.members[group])])
            case ["v1", "changes"]:
                return self._changes(request)
            case _:
                return refusal(404, "not_found", "there is no such thing")

    def _changes(self, request: httpx.Request) -> httpx.Response:
        since = request.url.params.get("since", "")
        if since == "now":
            since = str(len(self.feed))
        if not since.isdecimal() or not self.forgotten <= int(since) <= len(self.feed):
            return refusal(410, "cursor_gone", "nobody knows that place any more")
        return page(request, "changes", self.feed[int(since) :], cursor=str(len(self.feed)))

    def _id(self, sort: str) -> str:
        self._made += 1
        return f"{sort}{self._made:06d}"

    def _tell(self, person: str) -> None:
        self.feed.append({"what": "person", "person": dict(self.people[person])})


def page(request: httpx.Request, name: str, rows: Sequence[Row], **rest: str) -> httpx.Response:
    """A page of rows; those that begin after the last id that was told, so that a deletion moves nobody."""
    limit, after = int(request.url.params.get("limit", "100")), request.url.params.get("after", "")
    start = next((place for place, row in enumerate(rows) if position(row, place) > after), len(rows)) if after else 0
    shown = rows[start : start + limit]
    more = len(rows) > start + limit
    last = position(shown[-1], start + len(shown) - 1) if shown else ""
    following = str(request.url.copy_set_param("after", last)) if more else None
    return httpx.Response(200, json={name: list(shown), "next": following, **rest})


def position(row: Row, place: int) -> str:
    """What a list is sorted by: the id; a change has only its place."""
    return f"{place:09d}" if "what" in row else str(row["id"])


def refusal(status: int, code: str, message: str) -> httpx.Response:
    """How the service says no."""
    return httpx.Response(status, json={"error": code, "message": message})
