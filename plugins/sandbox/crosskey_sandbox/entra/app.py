"""The tenant as an ASGI application. Everything Entra is elsewhere: this is the web framework's side of it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from starlette.applications import Starlette
from starlette.requests import Request as HttpRequest
from starlette.responses import Response
from starlette.routing import Route

from crosskey_sandbox.entra.call import Answer, Request
from crosskey_sandbox.entra.gateway import graph_answer, sign_in_answer
from crosskey_sandbox.entra.routes import SUBSCRIBE, spoken
from crosskey_sandbox.entra.tenant import EntraTenant

__all__ = ("entra_app",)

_SIGN_IN = (
    ("POST", "oauth2/v2.0/token"),
    ("GET", "v2.0/.well-known/openid-configuration"),
    ("GET", "discovery/v2.0/keys"),
)


def entra_app(tenant: EntraTenant) -> Starlette:
    """The ASGI application of ``tenant``: the sign-in host and Graph at one address.

    Graph is below ``/v1.0``, sign-in below ``/{tenant}``. It leaves ``Date`` to the server unless the tenant runs on a
    clock of its own; a server must then not add one.
    """

    async def graph(http: HttpRequest) -> Response:
        request = await _request(tenant, http)
        if (request.method, request.path) == ("POST", SUBSCRIBE):  # calls an address, which may be served by this loop
            return _response(await asyncio.to_thread(graph_answer, tenant, request))
        return _response(graph_answer(tenant, request))

    def sign_in(page: str) -> Callable[[HttpRequest], Awaitable[Response]]:
        async def endpoint(http: HttpRequest) -> Response:
            request = await _request(tenant, http)
            return _response(sign_in_answer(tenant, request, http.path_params["tenant"], page))

        return endpoint

    methods = ["GET", "POST", "PATCH", "PUT", "DELETE"]
    return Starlette(
        routes=[
            Route("/v1.0/{path:path}", graph, methods=methods),
            *(Route(f"/{{tenant}}/{page}", sign_in(page), methods=[method]) for method, page in _SIGN_IN),
        ]
    )


async def _request(tenant: EntraTenant, http: HttpRequest) -> Request:
    body = await http.body()
    if tenant.quirks.latency_ms > 0:
        await tenant.cell.clock.sleep(tenant.quirks.latency_ms / 1000)
    return Request(
        method=http.method,
        path=spoken(http.url.path),
        query=http.query_params.multi_items(),
        headers=http.headers,
        body=body,
        base=f"{http.url.scheme}://{http.headers.get('host', http.url.netloc)}",
    )


def _response(given: Answer) -> Response:
    response = Response(given.body, status_code=given.status, media_type=None)
    if given.status != 204:
        response.headers["content-type"] = given.media_type
    for name, value in given.headers.items():
        response.headers[name] = value
    return response
