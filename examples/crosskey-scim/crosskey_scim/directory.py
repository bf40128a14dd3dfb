"""The requests: one resource, lists, filters, and writes that an ETag guards where the service has any."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from typing import Any, Generic, TypeVar
from urllib.parse import quote

import httpx
import msgspec
from crosskey import AuthError, ContractError, RejectedError, RetryableError
from crosskey.http import Client

from crosskey_scim.places import Resource, meta_of, places_of
from crosskey_scim.service import ListOf, ResourceType, Schema, Service, ServiceConfig, service_of
from crosskey_scim.settings import ScimSettings

__all__ = ("PATCH_OP", "Directory", "Operation", "explain", "version_of")

T = TypeVar("T")

Operation = dict[str, Any]
"""One operation of a PATCH (RFC 7644 §3.5.2)."""

PATCH_OP = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
_JSON = {"Content-Type": "application/scim+json"}
_RESTARTS = 3


class Directory:
    """One open service. It is asked once what it is, when that is first needed."""

    def __init__(self, client: Client, settings: ScimSettings, instance: str) -> None:
        self._client = client
        self._settings = settings
        self._instance = instance
        self.places = places_of(settings.attributes)
        self._service: Service | None = None
        self._asking = asyncio.Lock()

    @property
    def where(self) -> str:
        """The section that this was opened for."""
        return self._instance

    async def service(self) -> Service:
        """What the service says of itself. Costs three requests, once."""
        async with self._asking:
            if self._service is None:
                self._service = service_of(
                    await self._told("/ServiceProviderConfig", ServiceConfig),
                    _rows(await self._told("/ResourceTypes", _TYPES)),
                    _rows(await self._told("/Schemas", _SCHEMAS)),
                    places=self.places.values(),
                    patch=self._settings.patch,
                    page_size=self._settings.page_size,
                )
            return self._service

    # --------------------------------------------------------------------------------------------------------- reading

    async def one(self, endpoint: str, key: str) -> Resource | None:
        """One resource by id; ``None`` only when the service says that there is none."""
        try:
            reply = await self._client.call("GET", _path(endpoint, key), decode=Resource, template=f"{endpoint}/{{id}}")
        except RejectedError as error:
            if error.status == 404:
                return None
            raise
        return self._whole(reply.value)

    async def count(self, endpoint: str) -> int:
        """How many there are, by the service's word."""
        params = {"startIndex": 1, "count": 1}
        return (await self._client.call("GET", endpoint, params=params, decode=ListOf)).value.total_results

    async def matching(self, endpoint: str, condition: str) -> list[Resource]:
        """Every resource that fits a filter."""
        return [each async for page in self.pages(endpoint, {"filter": condition}) for each in page]

    async def pages(self, endpoint: str, params: Mapping[str, str] | None = None) -> AsyncGenerator[list[Resource]]:
        """A whole list, page by page. Raises :class:`RetryableError` for one that does not hold still.

        Pages are numbered by place (RFC 7644 §3.4.2.4), so whoever is deleted meanwhile makes all that follow move up
        and one of them vanish between two pages. Each page therefore begins with the last resource of the one before,
        and the total must stay; otherwise the list is read anew. A resource may come twice because of that.
        """
        for _ in range(_RESTARTS):
            async with aclosing(self._once(endpoint, dict(params or {}))) as listing:
                async for page in listing:
                    if page is None:
                        break
                    yield page
                else:
                    return
        raise RetryableError(
            f"{endpoint} changes while it is read",
            code="scim-unsteady",
            where=self._instance,
            fix="run again when less is going on there",
        )

    async def _once(self, endpoint: str, params: dict[str, str]) -> AsyncGenerator[list[Resource] | None]:
        """The pages of a list as long as it holds still; ``None``: it does not."""
        size = (await self.service()).page_size
        total: int | None = None
        seen = 0
        last = ""
        while total is None or seen < total:
            start = max(1, seen)
            query: dict[str, str | int] = {**params, "startIndex": start, "count": size}
            reply = await self._client.call("GET", endpoint, params=query, decode=ListOf, template=endpoint)
            found = list({each["id"]: each for each in map(self._whole, reply.value.resources)}.values())
            moved = total is not None and total != reply.value.total_results
            if moved or (seen and (not found or found[0]["id"] != last)):
                yield None
                return
            total = reply.value.total_results
            fresh = found[1:] if seen else found
            if not fresh and seen < total:
                raise ContractError(
                    f"GET {endpoint} promises {total} resources and shows {seen}",
                    code="scim-short-list",
                    where=self._instance,
                    fix="run again; report it to the service's vendor if it stays",
                )
            yield fresh
            seen += len(fresh)
            last = fresh[-1]["id"] if fresh else last

    # --------------------------------------------------------------------------------------------------------- writing

    async def create(self, endpoint: str, resource: Resource) -> Resource | None:
        """Make one; never sent twice. What it is now, where the answer says it."""
        return await self._write("POST", endpoint, resource, template=endpoint, repeatable=False)

    async def patch(
        self, endpoint: str, key: str, operations: Sequence[Operation], version: str = ""
    ) -> Resource | None:
        """Change some of one. What it is now, where the answer says it."""
        body = {"schemas": [PATCH_OP], "Operations": operations}
        return await self._change("PATCH", endpoint, key, body, version)

    async def put(self, endpoint: str, key: str, resource: Resource, version: str = "") -> Resource | None:
        """Replace one. What it is now, where the answer says it."""
        return await self._change("PUT", endpoint, key, resource, version)

    async def _change(self, method: str, endpoint: str, key: str, body: object, version: str) -> Resource | None:
        # It sets values, so sent twice it does no harm: who gets no answer looks whether it happened.
        guard = {"If-Match": version} if version else {}
        template = f"{endpoint}/{{id}}"
        return await self._write(method, _path(endpoint, key), body, template=template, repeatable=True, headers=guard)

    async def _write(
        self,
        method: str,
        url: str,
        body: object,
        *,
        template: str,
        repeatable: bool,
        headers: Mapping[str, str] | None = None,
    ) -> Resource | None:
        reply = await self._client.call(
            method,
            url,
            decode=_ANSWER,
            json=body,
            headers={**_JSON, **(headers or {})},
            template=template,
            repeatable=repeatable,
        )
        return reply.value if reply.value and "id" in reply.value else None

    # -------------------------------------------------------------------------------------------------- what it can do

    async def _told(self, url: str, wanted: type[T] | msgspec.json.Decoder[T]) -> T | None:
        """What the service says at an address of discovery; ``None`` where it says nothing, or not to us."""
        try:
            return (await self._client.call("GET", url, decode=wanted)).value
        except RejectedError:
            return None
        except AuthError as error:
            if error.code != "permission-denied":
                raise
            return None

    def _whole(self, resource: Resource) -> Resource:
        if isinstance(resource.get("id"), str) and resource["id"]:
            return resource
        raise ContractError(
            "the service shows a resource without an id",
            code="scim-no-id",
            where=self._instance,
            fix="report it to the service's vendor: RFC 7643 §3.1 requires one",
        )


_ANSWER = msgspec.json.Decoder(Resource | None)


class _Listed(msgspec.Struct, Generic[T]):
    rows: list[T] = msgspec.field(name="Resources")


# RFC 7644 §4 asks for the form of a list; some services give the bare one.
_TYPES = msgspec.json.Decoder(_Listed[ResourceType] | list[ResourceType])
_SCHEMAS = msgspec.json.Decoder(_Listed[Schema] | list[Schema])


def _rows(told: _Listed[T] | list[T] | None) -> list[T] | None:
    return told.rows if isinstance(told, _Listed) else told


class _Problem(msgspec.Struct, rename="camel"):
    detail: str = ""
    scim_type: str = ""


def explain(response: httpx.Response) -> str:
    """What a SCIM error says (RFC 7644 §3.12), in one sentence."""
    problem = msgspec.json.decode(response.content, type=_Problem)
    return ": ".join(part for part in (problem.scim_type, problem.detail) if part)


def version_of(resource: Resource) -> str:
    """The ETag of a resource, empty where it has none (RFC 7644 §3.14)."""
    return meta_of(resource, "version")


def _path(endpoint: str, key: str) -> str:
    return f"{endpoint}/{quote(key, safe='')}"
