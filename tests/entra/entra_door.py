"""Opens the Entra source through its public door, and a small Graph in memory to open it over."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Collection, Iterable
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qs

import httpx

from crosskey.clock import Clock
from crosskey.connector.source import GroupsPage, MembersPage, PeoplePage, ReadComplete, ReadRequest
from crosskey.context import InstanceContext
from crosskey.model import Group, GroupSelection, Person
from crosskey.settings import Secret
from crosskey_entra import EntraSettings, crosskey_sources
from fake_clock import FakeClock

TENANT = "19ae0f99-6fc6-444b-bd54-97504efc66ad"
CLIENT = "0f0f0f0f-0000-4000-8000-000000000001"
ISSUER = f"https://login.microsoftonline.com/{TENANT}/v2.0"
SECRET = "s3cret~value.never.shown"
GRAPH = "https://graph.microsoft.com/v1.0"
USER, GROUP, DEVICE = "#microsoft.graph.user", "#microsoft.graph.group", "#microsoft.graph.device"


def settings(**changes: Any) -> EntraSettings:
    """Settings with a client secret, or with whatever credential ``changes`` bring."""
    proven = {"client_secret", "certificate", "federated_token_file"} & changes.keys()
    credential = {} if proven else {"client_secret": Secret(SECRET)}
    return EntraSettings(**{"tenant": TENANT, "client_id": CLIENT, **credential, **changes})


@asynccontextmanager
async def opened(
    transport: httpx.AsyncBaseTransport, *, clock: Clock | None = None, **changes: Any
) -> AsyncIterator[Any]:
    """The open source."""
    context = InstanceContext("source.corp", clock=clock or FakeClock(), transport=lambda _: transport)
    async with crosskey_sources()[0].open(settings(**changes), context) as source:
        yield source


def refusal(status: int, code: str, message: str = "no", **headers: str) -> httpx.Response:
    """An error as Graph writes it."""
    inner = {"date": "2026-01-05T09:00:00", "request-id": "3f4a5b6c-0000-4000-8000-00000000000f"}
    return httpx.Response(
        status, json={"error": {"code": code, "message": message, "innerError": inner}}, headers=headers
    )


Answer = Callable[[httpx.Request], httpx.Response | None]


class LocalGraph(httpx.AsyncBaseTransport):
    """Sign-in and Graph for one tenant, as far as a full read goes; pages hold ``size`` rows.

    ``intercept`` sees every request first, items of a batch included, and may answer in Graph's place.
    """

    def __init__(self, *, size: int = 100, intercept: Answer | None = None) -> None:
        self.size = size
        self.intercept = intercept
        self.lists: dict[str, list[dict[str, Any]]] = {"/users": [], "/groups": [], "/servicePrincipals": []}
        self.singles: dict[str, dict[str, Any]] = {}
        self.requests: list[httpx.Request] = []
        self.tokens: list[dict[str, str]] = []

    def user(self, id: str, **properties: Any) -> str:
        row = {
            "id": id,
            "accountEnabled": True,
            "userType": "Member",
            "userPrincipalName": f"{id}@example.com",
            "displayName": id.title(),
            "mail": f"{id}@example.com",
            **properties,
        }
        self.lists["/users"].append(row)
        self.singles[f"/users/{id}"] = row
        return id

    def group(self, id: str, members: Iterable[str | tuple[str, str]] = (), **properties: Any) -> str:
        """A group whose members are users, or pairs of id and type; both relations give the same."""
        self.lists["/groups"].append({"id": id, "displayName": id, "securityEnabled": True, **properties})
        rows = [
            {"@odata.type": USER, "id": one} if isinstance(one, str) else {"id": one[0], "@odata.type": one[1]}
            for one in members
        ]
        for relation in ("members", "transitiveMembers"):
            self.lists[f"/groups/{id}/{relation}"] = rows
        return id

    def app(self, id: str, assigned: Iterable[tuple[str, str]] = (), **properties: Any) -> str:
        """An enterprise app with what is assigned to it: ids and ``User``, ``Group`` or ``ServicePrincipal``."""
        self.lists["/servicePrincipals"].append({"id": id, "displayName": id, **properties})
        self.lists[f"/servicePrincipals/{id}/appRoleAssignedTo"] = [
            {"id": f"a-{who}", "principalId": who, "principalType": kind} for who, kind in assigned
        ]
        return id

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await request.aread()
        self.requests.append(request)
        return self._answer(request)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        answer = self.intercept(request) if self.intercept else None
        if answer is not None:
            return answer
        if request.url.path.endswith("/oauth2/v2.0/token"):
            self.tokens.append({name: values[0] for name, values in parse_qs(request.content.decode()).items()})
            token = f"token-{len(self.tokens)}"
            return httpx.Response(200, json={"token_type": "Bearer", "expires_in": 3599, "access_token": token})
        path = request.url.path.removeprefix("/v1.0")
        if path == "/$batch":
            return self._batch(request)
        if path in self.singles:
            return httpx.Response(200, json=self.singles[path])
        if path in self.lists:
            return self._page(path, request)
        return refusal(404, "Request_ResourceNotFound", f"Resource '{path}' does not exist")

    def _page(self, path: str, request: httpx.Request) -> httpx.Response:
        rows, start = self.lists[path], int(request.url.params.get("$skiptoken", "0"))
        size = min(self.size, int(request.url.params.get("$top", "100")))
        body: dict[str, Any] = {"@odata.context": "…", "value": rows[start : start + size]}
        if start + size < len(rows):
            link = request.url.copy_merge_params({"$skiptoken": str(start + size)})
            body["@odata.nextLink"] = str(link)
        return httpx.Response(200, json=body, headers={"date": "Mon, 05 Jan 2026 09:00:00 GMT"})

    def _batch(self, request: httpx.Request) -> httpx.Response:
        items = json.loads(request.content)["requests"]
        assert len(items) <= 20
        responses = []
        for item in reversed(items):  # the order is free
            alone = httpx.Request(item["method"], GRAPH + item["url"], headers={"x-in-batch": "1"})
            answer = self._answer(alone)
            responses.append(
                {
                    "id": item["id"],
                    "status": answer.status_code,
                    "headers": {name.title(): value for name, value in answer.headers.items()},
                    "body": json.loads(answer.content),
                }
            )
        return httpx.Response(200, json={"responses": responses})

    def asked(self) -> list[str]:
        """Paths asked for so far, without the sign-in."""
        return [one.url.path.removeprefix("/v1.0") for one in self.requests if "oauth2" not in one.url.path]


class Everything:
    """All that one read brought."""

    def __init__(self) -> None:
        self.people: dict[str, Person] = {}
        self.groups: dict[str, Group] = {}
        self.members: dict[str, set[str]] = {}
        self.complete: ReadComplete | None = None

    def add(self, page: object) -> None:
        assert self.complete is None, "a page came after the end"
        match page:
            case PeoplePage(people):
                self.people.update((person.subject.id, person) for person in people)
            case GroupsPage(groups):
                self.groups.update((group.id, group) for group in groups)
            case MembersPage(group, members):
                assert group in self.groups, "members came before their group"
                self.members.setdefault(group, set()).update(members)
            case ReadComplete():
                self.complete = page
            case _:
                raise AssertionError(page)

    @property
    def warnings(self) -> dict[str, str]:
        """Findings of the whole read by code."""
        assert self.complete is not None, "the read ended without saying so"
        return {finding.code: str(finding) for finding in self.complete.warnings}


async def read_all(source: Any, request: ReadRequest | None = None, *, into: Everything | None = None) -> Everything:
    """Read to the end."""
    everything = into or Everything()
    async for page in source.read(request or wanting()):
        everything.add(page)
    assert everything.complete is not None
    return everything


def wanting(
    *groups: str,
    apps: Collection[str] = (),
    pins: dict[str, str] | None = None,
    attributes: Collection[str] | None = (),
) -> ReadRequest:
    """A request for the members of these groups and apps, and these extra attributes."""
    return ReadRequest(
        groups=GroupSelection(names=frozenset(groups), pins=pins or {}, where="source.corp"),
        apps=GroupSelection(names=frozenset(apps), kind="app", where="source.corp"),
        attributes=None if attributes is None else frozenset(attributes),
    )
