"""Requests to Microsoft Graph for one tenant: lists page by page, single objects, up to twenty lists at once."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from itertools import count
from typing import Generic, TypeVar

import msgspec

from crosskey.clock import Clock
from crosskey.errors import CrosskeyError, RejectedError
from crosskey.http import Client, Reply
from crosskey_entra.advice import Advice
from crosskey_entra.errors import is_expired_page
from crosskey_entra.throttle import Throttle

__all__ = ("BATCH", "TOP", "Graph", "Page", "Parameters", "Row")

T = TypeVar("T")
Row = TypeVar("Row")
Parameters = Mapping[str, str | int]

TOP = 999
"""The most that lists of directory objects give in a page."""
BATCH = 20
"""The most requests that one batch takes."""
_RESTARTS = 3
_PATIENCE = 10
"""How often the throttled items of a batch are asked for again together."""
_AGAIN = 5.0
"""Seconds until then, where an item says nothing (it should)."""


class Page(msgspec.Struct, Generic[Row], frozen=True):
    """A page of a list (OData): its rows, and where the next one is; of a delta list, where the next round starts."""

    value: list[Row]
    next_link: str | None = msgspec.field(name="@odata.nextLink", default=None)
    delta_link: str | None = msgspec.field(name="@odata.deltaLink", default=None)


class _Item(msgspec.Struct):
    id: str
    status: int
    headers: dict[str, object] = {}
    body: msgspec.Raw = msgspec.Raw(b"null")


class _Answers(msgspec.Struct):
    responses: list[_Item]


_ANSWERS = msgspec.json.Decoder(_Answers)


class Graph:
    """The client of one tenant's Graph (v1.0), with advice for every refusal.

    Links are followed whole, as they come; the client lets none leave Graph's host, so that no token does.
    """

    def __init__(self, client: Client, advice: Advice, clock: Clock) -> None:
        self._client = client
        self._throttle = Throttle(clock)
        self._base = str(client.base_url)
        self.advice = advice

    def owns(self, link: str) -> bool:
        """Whether a link leads to this very Graph: only then may it be kept, or followed with a token."""
        return link.startswith(self._base)

    async def get(
        self, path: str, decode: msgspec.json.Decoder[T], *, params: Parameters | None = None, template: str = ""
    ) -> Reply[T]:
        """One object or one page. Raises what the HTTP client raises."""
        await self._throttle.wait()
        try:
            reply = await self._client.call("GET", path, decode=decode, params=params, template=template or path)
        except CrosskeyError as error:
            raise self.advice.improve(error, template or path) from None
        self._throttle.note(reply.headers)
        return reply

    async def send(self, method: str, path: str, decode: msgspec.json.Decoder[T], json: object) -> T:
        """One write: only its own subscriptions, and apps that people sign in to. Raises what the client raises."""
        await self._throttle.wait()
        kind, _, rest = path.removeprefix("/").partition("/")
        template = f"/{kind}" + ("/{id}" if rest else "") + (f"/{action}" if (action := rest.partition("/")[2]) else "")
        try:
            reply = await self._client.call(
                method,
                path,
                decode=decode,
                json=msgspec.UNSET if json is None else json,
                template=template,
                repeatable=method != "POST",
            )
        except CrosskeyError as error:
            raise self.advice.improve(error, template) from None
        self._throttle.note(reply.headers)
        return reply.value

    async def listing(
        self,
        path: str,
        decode: msgspec.json.Decoder[Page[Row]],
        params: Parameters | None = None,
        *,
        template: str = "",
    ) -> AsyncIterator[Reply[Page[Row]]]:
        """Every page of a list, until Graph gives no next link; empty pages on the way are none the less pages.

        A list whose page token expired starts again, a few times: rows may come twice, none is lost.
        """
        template = template or path
        for restarts in count():
            await self._throttle.wait()
            moved = False
            pages = self._client.pages(path, decode=decode, params=params, template=template, next_url=_next)
            try:
                async for reply in pages:
                    moved = True
                    self._throttle.note(reply.headers)
                    yield reply
                    await self._throttle.wait()
            except RejectedError as error:
                # The token of a page never gets good again: asking for that page once more would never work.
                if restarts == _RESTARTS or not moved or not is_expired_page(error):
                    raise self.advice.improve(error, template) from None
            except CrosskeyError as error:
                raise self.advice.improve(error, template) from None
            else:
                return

    async def batch(self, urls: Mapping[str, str], decode: msgspec.json.Decoder[T]) -> dict[str, T]:
        """The answers to several reads (at most twenty) in one request, by the same names.

        ``urls`` are relative to the version. Each item counts and is throttled on its own: throttled ones are asked for
        again together after the longest of their waits. Whatever was refused is **left out**: ask for it alone, where
        every refusal becomes the right error.
        """
        found: dict[str, T] = {}
        wanted = dict(urls)
        for _ in range(_PATIENCE):
            await self._throttle.wait()
            requests = [{"id": name, "method": "GET", "url": url} for name, url in wanted.items()]
            try:
                reply = await self._client.call(
                    "POST", "/$batch", decode=_ANSWERS, json={"requests": requests}, repeatable=True
                )
            except CrosskeyError as error:
                raise self.advice.improve(error, next(iter(urls.values()))) from None
            self._throttle.note(reply.headers)
            throttled = self._sort(reply.value.responses, wanted, decode, found)
            if not throttled:
                break
            wanted = {name: url for name, url in wanted.items() if name in throttled}
        return found

    def _sort(
        self, items: list[_Item], wanted: Mapping[str, str], decode: msgspec.json.Decoder[T], found: dict[str, T]
    ) -> set[str]:
        """Put good answers into ``found``; the names of those to ask for again, with the gate shut till then."""
        throttled: set[str] = set()
        for item in items:
            if item.id not in wanted:
                continue
            if item.status == 200:
                try:
                    found[item.id] = decode.decode(item.body)
                except msgspec.MsgspecError:
                    continue  # asked for alone, what is wrong with it is said
            elif item.status == 429:
                throttled.add(item.id)
                self._throttle.shut(_retry_after(item.headers))
        return throttled


def _next(reply: Reply[Page[Row]]) -> str | None:
    return reply.value.next_link


def _retry_after(headers: Mapping[str, object]) -> float:
    """Seconds, maybe with decimals; names of headers inside a batch come in any case."""
    told = next((value for name, value in headers.items() if name.lower() == "retry-after"), "")
    try:
        return min(max(float(str(told)), 1.0), 300.0)
    except ValueError:
        return _AGAIN
