"""One Halo instance over HTTP: lists that miss nothing, single records, writes of arrays."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from math import ceil
from typing import TYPE_CHECKING, TypeVar

import msgspec

from crosskey.errors import AuthError, ContractError, RejectedError, UncertainError
from crosskey_halo.resources import Resource
from crosskey_halo.rows import Row

if TYPE_CHECKING:
    from crosskey.http import Client

__all__ = ("Desk", "Parameters")

T = TypeVar("T")
R = TypeVar("R", bound=Row)
Parameters = Mapping[str, str | int]

_RAW: msgspec.json.Decoder[msgspec.Raw] = msgspec.json.Decoder(msgspec.Raw)
_PAGE_LENGTHS = frozenset({50, 100})
"""Page lengths that instances impose whatever was asked for."""


class Desk:
    """What the other modules ask and tell a Halo instance.

    ``where`` is the configuration section, for messages; ``ahead`` is how many pages may be on their way at once.
    """

    def __init__(self, client: Client, *, where: str, page_size: int, ahead: int) -> None:
        self._client = client
        self._page_size = page_size
        self._ahead = ahead
        self.where = where

    async def get(self, path: str, params: Parameters | None = None, *, template: str = "", right: str = "") -> bytes:
        """The body of one GET.

        Raises what :meth:`crosskey.http.Client.call` raises; a 403 names the right that is missing.
        """
        try:
            reply = await self._client.call("GET", path, decode=_RAW, params=params, template=template or path)
        except AuthError as error:
            raise self._lacking(error, template or path, right) from error
        return bytes(reply.value)

    async def one(self, resource: Resource[R], key: str) -> R | None:
        """One record with all its details, ``None`` when Halo says that there is none."""
        template = f"{resource.path}/{{id}}"
        try:
            body = await self.get(
                f"{resource.path}/{key}", {"includedetails": "true"}, template=template, right=resource.right
            )
        except RejectedError as error:
            if error.status == 404:
                return None
            raise
        return self.decoded(resource.one, body, template)

    async def some(self, resource: Resource[R], keys: Sequence[str]) -> list[R]:
        """Single records with all their details, those that are there; several are on their way at once.

        Raises :class:`ContractError` when Halo gives another record than the one that was asked for.
        """
        coming = [asyncio.create_task(self.one(resource, key)) for key in keys]
        try:
            rows = [await task for task in coming]
        finally:
            for task in coming:
                task.cancel()
            await asyncio.gather(*coming, return_exceptions=True)
        for key, row in zip(keys, rows, strict=True):
            if row is not None and row.key != key:
                raise ContractError(
                    f"GET {resource.path}/{{id}} gave the record {row.key or 'without an id'} for the id {key}",
                    code="halo-answer",
                    where=self.where,
                    fix="run again; a full run reads lists and does not need single records",
                )
        return [row for row in rows if row is not None]

    async def save(self, resource: Resource[R], records: Sequence[Mapping[str, object]]) -> list[R]:
        """POST an array and return the records of the answer, as many as it has.

        Records with an ``id`` are updated, others created. Raises :class:`UncertainError` when it may have happened.
        """
        try:
            reply = await self._client.call(
                "POST", resource.path, decode=_RAW, json=records, template=resource.path, repeatable=False
            )
        except AuthError as error:
            raise self._lacking(error, resource.path, resource.right) from error
        try:
            return resource.saved(bytes(reply.value))
        except msgspec.DecodeError:
            raise UncertainError(
                f"POST {resource.path}: Halo accepted the request, but its answer cannot be read",
                code="halo-answer",
                where=self.where,
            ) from None

    async def all(self, resource: Resource[R], params: Parameters | None = None) -> list[R]:
        """A whole list. Raises :class:`ContractError` when it stays incomplete."""
        return [row async for rows in self.pages(resource, params) for row in rows]

    async def count_and_first(self, resource: Resource[R], params: Parameters) -> tuple[int, list[R]]:
        """How many records a list has and the rows of its first page, in one request."""
        rows, count = await self._page(resource, params, 1)
        return count or len(rows), rows

    async def pages(
        self, resource: Resource[R], params: Parameters | None = None, *, ahead: int = 0
    ) -> AsyncGenerator[list[R]]:
        """A list in pages of new rows: each record once, none missing.

        Instances cut pages to 100 or 50 rows whatever was asked, so the end is where ``record_count`` is reached or a
        page is empty, never a computed page number. Rows move between pages while somebody works at the desk: what was
        missed is looked for in a second pass. Raises :class:`ContractError` when rows are missing even then.
        """
        seen: set[object] = set()
        count = 0
        for _ in range(2):
            shrunk = False
            async with aclosing(self._sweep(resource, params or {}, ahead or self._ahead)) as sweep:
                async for rows, told in sweep:
                    shrunk = shrunk or (told or count) < count
                    count = told or count
                    fresh = {row.id: row for row in rows if row.id not in seen}
                    seen.update(fresh)
                    if fresh:
                        yield list(fresh.values())
            if len(seen) >= count and not shrunk:
                return
        if len(seen) >= count:
            return
        raise ContractError(
            f"GET {resource.path} says that there are {count} records, but gave only {len(seen)}",
            code="halo-incomplete",
            where=self.where,
            fix="run again; if it stays, look in Halo whether the agent of the API application may see all of them",
        )

    async def _sweep(
        self, resource: Resource[R], params: Parameters, ahead: int
    ) -> AsyncGenerator[tuple[list[R], int | None]]:
        """The pages once, up to ``ahead`` of them on their way; never one more than the count calls for."""
        asked = got = count = length = longest = 0
        before: list[object] = []
        coming: deque[asyncio.Task[tuple[list[R], int | None]]] = deque()
        try:
            while True:
                expected = max(1, min(ahead, ceil((count - got) / length))) if count and length else 1
                while len(coming) < expected:
                    asked += 1
                    coming.append(asyncio.create_task(self._page(resource, params, asked)))
                rows, told = await coming.popleft()
                ids: list[object] = [row.id for row in rows]
                if ids and ids == before:  # page_no is ignored
                    return
                yield rows, told
                if not rows:  # past the end, unless the count says otherwise
                    return
                got, count, length, before = got + len(rows), told or count, len(rows), ids
                longest = max(longest, length)
                # more rows than the count: it is not the truth, and only a shorter page is the last
                if count and (got == count or (got > count and length < longest)):
                    return
                # an array without a count is the whole list, unless it is just as long as a page
                if not count and length not in _PAGE_LENGTHS and length != self._page_size:
                    return
        finally:
            for task in coming:
                task.cancel()
            await asyncio.gather(*coming, return_exceptions=True)

    async def _page(self, resource: Resource[R], params: Parameters, number: int) -> tuple[list[R], int | None]:
        paging = {"pageinate": "true", "page_size": self._page_size, "page_no": number}
        body = await self.get(resource.path, {**params, **paging}, right=resource.right)
        return self.decoded(resource.rows, body, resource.path)

    def decoded(self, decode: Callable[[bytes], T], body: bytes, template: str) -> T:
        """Decode an answer. Raises :class:`ContractError` when it has another shape than documented."""
        try:
            return decode(body)
        except msgspec.DecodeError as error:
            raise ContractError(
                f"GET {template}: the answer has not the shape of this list ({error})",
                code="halo-shape",
                where=self.where,
                fix="check that url is the address of a Halo instance",
            ) from None

    def _lacking(self, error: AuthError, template: str, right: str) -> AuthError:
        if error.code != "permission-denied":
            return error  # no token, or one that is refused: the reason is told already
        return AuthError(
            f"Halo refuses {template} to this API application. {error.message}",
            code="halo-forbidden",
            where=self.where,
            fix=f"give the application and its agent in Halo {right}" if right else error.fix,
        )
