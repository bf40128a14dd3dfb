"""A local First Target: the truth is in memory, and whoever is in it was invented.

It obeys the rules of the service: what it takes, what it refuses, and in which words.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import httpx
import msgspec
from crosskey.testing import FakeTarget

Row = dict[str, Any]

FIELDS = ("name", "email", "title", "phone")
LONGEST = {"name": 200, "email": 254, "title": 120, "phone": 40}


class FakeFirstTarget(FakeTarget):
    """What the kit does to the service is done here, as an administrator would."""

    secrets: Mapping[str, str] = {"FIRST_TARGET_TOKEN": "an-invented-token"}

    def __init__(self) -> None:
        self.scopes = ["accounts:read", "accounts:write"]
        self.accounts: dict[str, Row] = {}
        self.roles = {"r1": "Viewer", "r2": "Editor", "r3": "Owner"}

    # -- what the kit asks for ----------------------------------------------------------------------------------------

    def bearing(self, kind: str, marker: str) -> int:
        _ = kind
        return sum(row["external_id"] == marker for row in self.accounts.values())

    def add(self, kind: str, name: str) -> str:
        _ = kind
        address = f"{name.lower().replace(' ', '.')}@people.example"
        return self._add({"name": name, "email": address, "active": True, "roles": [], "external_id": None})["id"]

    def edit(self, kind: str, key: str, field: str, value: str) -> None:
        _ = kind
        self.accounts[key][field] = value

    def grant(self, kind: str, key: str, reference: str, id: str) -> None:
        _ = kind
        self.accounts[key][reference] = sorted({*self.accounts[key][reference], id})

    def remove(self, kind: str, key: str) -> None:
        _ = kind
        del self.accounts[key]

    # -- what the service answers -------------------------------------------------------------------------------------

    def answers(self) -> Callable[[httpx.Request], httpx.Response]:
        return self.answer

    def answer(self, request: httpx.Request) -> httpx.Response:
        """One answer, as the service would give it."""
        if request.headers.get("authorization") != f"Bearer {self.secrets['FIRST_TARGET_TOKEN']}":
            return refusal(401, "unauthorized", "the token is not known")
        match request.method, request.url.path.strip("/").split("/"):
            case "GET", ["v1", "me"]:
                return httpx.Response(200, json={"name": "crosskey", "scopes": self.scopes})
            case "GET", ["v1", "roles"]:
                return page(request, "roles", [{"id": key, "name": name} for key, name in self.roles.items()])
            case "GET", ["v1", "accounts"]:
                return page(request, "accounts", self._matching(request.url.params.get_list("any")))
            case "POST", ["v1", "accounts"]:
                return self._create(msgspec.json.decode(request.content, type=Row))
            case "PATCH", ["v1", "accounts", key] if key in self.accounts:
                return self._update(self.accounts[key], msgspec.json.decode(request.content, type=Row))
            case _:
                return refusal(404, "not_found", "there is no such thing")

    def _matching(self, terms: Sequence[str]) -> list[Row]:
        wanted = {term.casefold() for term in terms}
        return [
            row
            for _, row in sorted(self.accounts.items())
            if not wanted or wanted & {f"{name}:{value}".casefold() for name, value in row.items()}
        ]

    def _create(self, body: Row) -> httpx.Response:
        if not body.get("name") or not body.get("email"):
            return refusal(422, "invalid", "an account needs a name and an address")
        if self._is_taken(body, "external_id"):
            return refusal(409, "exists", "the external id is taken")
        return self._invalid(body) or httpx.Response(201, json=self._add(body))

    def _update(self, row: Row, body: Row) -> httpx.Response:
        if (problem := self._invalid(body)) is not None:
            return problem
        roles = {*row["roles"], *body.pop("add_roles", ())} - {*body.pop("remove_roles", ())}
        row.update(body, roles=sorted(roles))
        return httpx.Response(200, json=row)

    def _invalid(self, body: Row) -> httpx.Response | None:
        for name, longest in LONGEST.items():
            if len(str(body.get(name) or "")) > longest:
                return refusal(422, "invalid", f"{name} is too long")
        return None

    def _is_taken(self, body: Row, name: str) -> bool:
        value = body.get(name)
        return value is not None and any(row[name] == value for row in self.accounts.values())

    def _add(self, body: Row) -> Row:
        key = f"a{len(self.accounts) + 1:06d}"
        self.accounts[key] = {"title": "", "phone": "", **body, "id": key}
        return self.accounts[key]


def page(request: httpx.Request, name: str, rows: Sequence[Row]) -> httpx.Response:
    """A page of rows: those after the last id that was told, so that a row more or less moves nobody."""
    limit, after = int(request.url.params.get("limit", "100")), request.url.params.get("after", "")
    rest = [row for row in rows if row["id"] > after]
    shown = rest[:limit]
    following = str(request.url.copy_set_param("after", shown[-1]["id"])) if len(rest) > limit else None
    return httpx.Response(200, json={name: shown, "next": following, "total": len(rows)})


def refusal(status: int, code: str, message: str) -> httpx.Response:
    """How the service says no."""
    return httpx.Response(status, json={"error": code, "message": message})
