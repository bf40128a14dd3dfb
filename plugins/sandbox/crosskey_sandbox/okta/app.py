"""The org as an ASGI application. Everything Okta is elsewhere: this is the web framework's side of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from crosskey_sandbox.okta.call import Answer, Call
from crosskey_sandbox.okta.errors import ApiError
from crosskey_sandbox.okta.gateway import NOBODY, answer, refuse
from crosskey_sandbox.okta.org import OktaOrg
from crosskey_sandbox.okta.routes import OPERATIONS, Operation

__all__ = ("okta_app",)


def okta_app(org: OktaOrg) -> Starlette:
    """The ASGI application of ``org``.

    It leaves ``Date`` to the server unless the org runs on a clock of its own; a server must then not add one.
    """
    routes = [Route(op.template, _endpoint(org, op), methods=[op.method]) for op in OPERATIONS]

    def unknown(request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 404
        refusal = ApiError("E0000022" if status == 405 else "E0000008")
        return _response(refuse(org, refusal, request.method, request.url.path))

    return Starlette(routes=routes, exception_handlers={404: unknown, 405: unknown})


def _endpoint(org: OktaOrg, operation: Operation) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        body = await request.body()
        try:
            if operation.bucket is not None:
                org.limits.enter()
            if org.quirks.latency_ms > 0:
                await org.cell.clock.sleep(org.quirks.latency_ms / 1000)
            call = _call(org, request, body)
            if operation.prepare is not None:
                await operation.prepare(org, call)
            return _response(answer(org, operation, call))
        except ApiError as error:
            return _response(refuse(org, error, operation.method, operation.template))
        finally:
            if operation.bucket is not None:
                org.limits.leave()

    return endpoint


def _call(org: OktaOrg, request: Request, body: bytes) -> Call:
    base = f"{request.url.scheme}://{request.headers.get('host', request.url.netloc)}"
    canonical = org.quirks.canonical_host
    return Call(
        method=request.method,
        path=request.url.path,
        params=request.path_params,
        query=request.query_params.multi_items(),
        headers=request.headers,
        body=body,
        base=base,
        shown=f"{request.url.scheme}://{canonical}" if canonical else base,
        principal=NOBODY,
    )


def _response(given: Answer) -> Response:
    response = Response(given.body, status_code=given.status, media_type=None)
    if given.status != 204:
        media = given.media_type if given.media_type == "application/json" else f"{given.media_type}; charset=utf-8"
        response.raw_headers.append((b"content-type", media.encode()))
    response.raw_headers += [(name.encode("latin-1"), value.encode("latin-1")) for name, value in given.headers]
    return response
