"""``/hooks/{source}``: the address that a vendor delivers to, as routes of somebody else's application."""

from __future__ import annotations

import logging

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from crosskey.clock import Clock
from crosskey.connector.signal import SignalRequest
from crosskey.web.body import BadBody, read_body
from crosskey.web.door import HookDoor, Limits, Renew, Reply, Sources, Spoke, Wake

__all__ = ("hook_routes",)


def hook_routes(
    sources: Sources,
    wake: Wake,
    clock: Clock,
    *,
    renew: Renew | None = None,
    limits: Limits | None = None,
    spoke: Spoke | None = None,
) -> list[Route]:
    """``GET|POST /hooks/{source}`` for these sources, which must stay open as long as the routes serve.

    Each request is read by the source as it is then; what a door knows of floods and replays outlasts it. Every request
    is answered at once, whatever it is; what it says to look at goes to ``wake`` and ``renew``, and that it said
    anything to ``spoke``.
    """
    doors: dict[str, HookDoor] = {}

    async def hook(request: Request) -> Response:
        name: str = request.path_params["source"]
        if name not in sources:
            return _response(Reply(404))
        if name not in doors:
            doors[name] = HookDoor(name, wake, clock, renew=renew, limits=limits or Limits(), spoke=spoke)
        door = doors[name]
        if request.method not in ("GET", "POST"):  # a route of GET takes HEAD too
            return _response(Reply(405))
        try:
            return _response(door.enter() or await _through(door, sources, request))
        except Exception as error:  # noqa: BLE001 - a vendor takes a 500 for a broken address and may switch the hook off
            door.note("not-handled", logging.ERROR, type(error).__name__)
            return _response(Reply(503))

    return [Route("/hooks/{source}", hook, methods=["GET", "POST"], name="hooks")]


async def _through(door: HookDoor, sources: Sources, request: Request) -> Reply:
    limits = door.limits
    try:
        body = await read_body(request, limit=limits.body, seconds=limits.body_seconds, clock=door.clock)
        source = await sources.get(request.path_params["source"])
        return door.answer(source, _signal(request, body)) if source is not None else Reply(404)
    except BadBody as bad:
        door.note(bad.reason, logging.WARNING)
        return Reply(bad.status)
    except ClientDisconnect:
        door.note("body-cut", logging.INFO)
        return Reply(400)
    finally:
        door.leave()


def _signal(request: Request, body: bytes) -> SignalRequest:
    """The request as it came. A header that comes twice is one with a comma (RFC 9110 §5.3), so no secret fits it."""
    headers: dict[str, str] = {}
    for name, value in request.headers.items():
        headers[name.lower()] = f"{headers[name.lower()]}, {value}" if name.lower() in headers else value
    query: dict[str, str] = {}
    for name, value in request.query_params.multi_items():
        query.setdefault(name, value)
    return SignalRequest(method=request.method, query=query, headers=headers, body=body)


def _response(reply: Reply) -> Response:
    headers = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
    if reply.retry_after:
        headers["Retry-After"] = str(reply.retry_after)
    return Response(reply.body, reply.status, headers, reply.content_type)
