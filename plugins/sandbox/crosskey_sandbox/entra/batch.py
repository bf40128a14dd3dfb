"""``POST /$batch``: up to 20 requests in one, each answered, counted and refused on its own."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import parse_qsl

import msgspec

from crosskey_sandbox.entra.call import Answer, Request, reply
from crosskey_sandbox.entra.errors import GraphError
from crosskey_sandbox.entra.routes import spoken
from crosskey_sandbox.entra.tenant import EntraTenant

__all__ = ("run_batch",)

_MOST = 20


class Item(msgspec.Struct, frozen=True, rename="camel"):
    """One request of a batch; ``url`` is relative to the version."""

    id: str
    method: str
    url: str
    headers: dict[str, str] = {}
    body: msgspec.Raw = msgspec.Raw(b"")
    depends_on: tuple[str, ...] = ()


class Envelope(msgspec.Struct, frozen=True):
    """The body of a batch."""

    requests: tuple[Item, ...]


class ItemAnswer(msgspec.Struct, frozen=True):
    """One answer of a batch."""

    id: str
    status: int
    headers: dict[str, str]
    body: msgspec.Raw


def run_batch(tenant: EntraTenant, request: Request, answer: Callable[[Request], Answer]) -> Answer:
    """200 with an answer for each item, in any order; 400 for an envelope that makes no sense.

    An item whose ``dependsOn`` failed is not tried: 424.
    """
    items = _items(request)
    done: dict[str, ItemAnswer] = {}
    for item in items:
        failed = any(before not in done or done[before].status >= 400 for before in item.depends_on)
        given = _FAILED if failed else answer(_request(request, item))
        headers = {name.title(): value for name, value in given.headers.items()}
        if given.body:
            headers["Content-Type"] = given.media_type.partition(";")[0]
        body = (
            given.body if given.media_type.startswith("application/json") else msgspec.json.encode(given.body.decode())
        )
        done[item.id] = ItemAnswer(item.id, given.status, headers, msgspec.Raw(body or b"null"))
    answers = list(done.values())
    if tenant.quirks.unordered_batch:
        tenant.cell.random.shuffle(answers)
    return reply({"responses": answers})


_FAILED = Answer(
    status=424,
    body=b'{"error":{"code":"FailedDependency","message":"A request that this one depends on failed."}}',
    media_type="application/json",
)


def _items(request: Request) -> tuple[Item, ...]:
    try:
        items = msgspec.json.decode(request.body, type=Envelope).requests
    except msgspec.MsgspecError:
        raise GraphError.bad_request("Invalid batch payload format.", "BadRequest") from None
    if not 1 <= len(items) <= _MOST:
        message = f"Number of batch request steps exceeds the maximum value of {_MOST}." if items else "No requests."
        raise GraphError.bad_request(message, "MaximumValueExceeded" if items else "BadRequest")
    if len({item.id for item in items}) < len(items):
        raise GraphError.bad_request("Request Id has to be unique in a batch.", "BadRequest")
    return items


def _request(outer: Request, item: Item) -> Request:
    """An item as a request of its own; it has the batch's token, and no other header that it does not name."""
    path, _, query = item.url.partition("?")
    headers = {name.lower(): value for name, value in item.headers.items()}
    return Request(
        method=item.method.upper(),
        path=spoken(f"/v1.0/{path.lstrip('/')}"),
        query=parse_qsl(query, keep_blank_values=True),
        headers={"authorization": outer.headers.get("authorization", ""), **headers},
        body=bytes(item.body),
        base=outer.base,
        batched=True,
    )
