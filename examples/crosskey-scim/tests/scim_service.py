"""A SCIM service in this process (scim2-server), a wire to it that checks and spoils, and the target over it.

Every request that the target sends is judged by scim2-models as a service would judge it: its bodies must be what RFC
7643 and RFC 7644 say, whatever the service itself would let pass.
"""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import httpx
from crosskey import Change, FieldChange, ReferenceChange, Secret, Subject
from crosskey.http import open_client
from opentelemetry.trace import get_tracer
from scim2_models import Context, EnterpriseUser, Group, PatchOp, ScimProvider, ServiceProviderConfig, User
from scim2_server.applications.asgi import ASGIApplication
from scim2_server.applications.wsgi import WSGIApplication
from scim2_server.memory import AsyncInMemoryStorage, InMemoryStorage
from scim2_server.utils import (
    load_default_resource_types,
    load_default_schemas,
    load_default_service_provider_config,
)

from crosskey_scim.settings import ScimSettings
from crosskey_scim.target import ScimTarget, open_service

URL = "https://people.acme.example/v2"
TOKEN = "synthetic-token"
_JUDGES = {"Users": User[EnterpriseUser], "Groups": Group}
_PROVIDER = ScimProvider.from_discovery(load_default_schemas().values(), load_default_resource_types().values())
_TYPES = {one.name: one for one in _PROVIDER.resource_types}
_MODELS = {name: _PROVIDER.model_for(one) for name, one in _TYPES.items()}

Spoil = Callable[[httpx.Request, httpx.Response], httpx.Response | Exception | None]
"""What comes back instead of an answer: another one, an error, or (``None``) the answer itself."""


class Clock:
    """Nobody waits: time moves to the end of every sleep."""

    def __init__(self) -> None:
        self.elapsed = 0.0

    def now(self) -> datetime:
        return datetime(2026, 3, 2, 9, 0, tzinfo=UTC) + timedelta(seconds=self.elapsed)

    def monotonic(self) -> float:
        return self.elapsed

    async def sleep(self, seconds: float) -> None:
        self.elapsed += seconds


class Service(httpx.AsyncBaseTransport):
    """One service. ``log`` lists what was asked. ``before`` happens when a request arrives, ``instead`` may refuse it.

    ``spoil`` may change what comes back of a request that was carried out.
    """

    def __init__(self, **can: bool) -> None:
        config = load_default_service_provider_config()
        for name, supported in can.items():
            getattr(config, name).supported = supported
        self.config: ServiceProviderConfig = config
        provider = ScimProvider(_PROVIDER.models, _PROVIDER.resource_types, config)
        self.storage = InMemoryStorage()
        self.wsgi = WSGIApplication(self.storage, provider)
        self._asgi = httpx.ASGITransport(ASGIApplication(AsyncInMemoryStorage(self.storage), provider))
        self.log: list[str] = []
        self.bodies: list[Any] = []
        self.spoil: Spoil = lambda *_: None
        self.before: Callable[[httpx.Request], None] = lambda _: None
        self.instead: Callable[[httpx.Request], httpx.Response | None] = lambda _: None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        assert request.headers["Authorization"] == f"Bearer {TOKEN}"
        place = request.url.path.removeprefix("/v2")
        self.log.append(f"{request.method} {place}")
        if request.content:
            self.bodies.append(_judged(request.method, place, request))
        self.before(request)
        refused = self.instead(request)
        if refused is not None:
            return refused
        answer = await self._asgi.handle_async_request(request)
        await answer.aread()
        spoiled = self.spoil(request, answer)
        if isinstance(spoiled, Exception):
            raise spoiled
        return answer if spoiled is None else spoiled

    # what somebody else does there, and what is there

    def add_user(self, login: str, **values: Any) -> str:
        body = {"schemas": [str(User.__schema__)], "userName": login, **values}
        return self._made(body, "User")

    def add_group(self, name: str, *members: str) -> str:
        rows = [{"value": member, "type": "User"} for member in members]
        body = {"schemas": [str(Group.__schema__)], "displayName": name, "members": rows}
        return self._made(body, "Group")

    def users(self) -> dict[str, dict[str, Any]]:
        return {one["userName"]: one for one in self._all("User")}

    def members(self, name: str) -> set[str]:
        group = next(one for one in self._all("Group") if one["displayName"] == name)
        return {member["value"] for member in group.get("members", [])}

    def members_of(self, key: str) -> set[str]:
        group = next(one for one in self._all("Group") if one["id"] == key)
        return {member["value"] for member in group.get("members", [])}

    def edit(self, key: str, **values: Any) -> None:
        """Somebody changes a resource by hand."""
        kind, old = next((kind, one) for kind in _TYPES for one in self._all(kind) if one["id"] == key)
        self.storage.update(_TYPES[kind], _MODELS[kind].model_validate({**old, **values}))

    def drop(self, key: str) -> None:
        self.storage.delete(_TYPES["User"], key)

    def _made(self, body: dict[str, Any], kind: str) -> str:
        return str(self.storage.create(_TYPES[kind], _MODELS[kind].model_validate(body)).id)

    def _all(self, kind: str) -> list[dict[str, Any]]:
        return [one.model_dump() for one in self.storage.resources if one.meta.resource_type == kind]

    # the target over it

    @asynccontextmanager
    async def opened(self, clock: Clock | None = None, **settings: Any) -> AsyncGenerator[ScimTarget]:
        clock = clock or Clock()

        def http(base_url: str, **rest: Any) -> Any:
            logger, tracer = logging.getLogger("scim"), get_tracer("scim")
            known = {"instance": "target.people", "clock": clock, "logger": logger, "tracer": tracer}
            return open_client(base_url, transport=self, **known, **rest)

        context = SimpleNamespace(instance="target.people", clock=clock, http=http)
        async with open_service(ScimSettings(url=URL, token=Secret(TOKEN), **settings), context) as target:
            yield target


def _judged(method: str, place: str, request: httpx.Request) -> Any:
    """The body of a request, which must be valid SCIM."""
    assert request.headers["Content-Type"] == "application/scim+json"
    body = json.loads(request.content)
    model = _JUDGES[place.split("/")[1]]
    match method:
        case "POST":
            model.model_validate(body, scim_ctx=Context.RESOURCE_CREATION_REQUEST)
        case "PUT":
            model.model_validate(body, scim_ctx=Context.RESOURCE_REPLACEMENT_REQUEST)
        case _:
            assert method == "PATCH"
            PatchOp[model].model_validate(body, scim_ctx=Context.RESOURCE_PATCH_REQUEST)
    return body


def person(number: int) -> Subject:
    return Subject("https://acme.example", str(number))


def change(action: Any, number: int, key: str | None = None, **rest: Any) -> Change:
    """A change as the core makes it, for the person of that number."""
    fields = {name: FieldChange(*pair) for name, pair in rest.pop("fields", {}).items()}
    references = {name: ReferenceChange(*pair) for name, pair in rest.pop("references", {}).items()}
    marker = rest.pop("marker", f"ck-{number}" if action in ("create", "adopt", "relink") else "")
    switched = {"create": (False, True), "enable": (False, True), "disable": (True, False)}.get(action)
    return Change(
        id=f"user:{number}",
        action=action,
        kind="user",
        subject=person(number),
        label=f"Person {number}",
        key=key,
        marker=marker,
        active=FieldChange(*switched) if switched else None,
        fields=fields,
        references=references,
        **rest,
    )
