"""``crosskey serve``: both doors as one application. Addresses are in :mod:`crosskey.sso.addresses`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import get_args
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from crosskey.connector.sso import Door
from crosskey.sso.addresses import door_addresses
from crosskey.web.doors import hearing, leaving, operating, watching
from crosskey.web.doors.answering import Answering
from crosskey.web.doors.entering import Entering
from crosskey.web.doors.forms import Forms
from crosskey.web.doors.hall import Hall
from crosskey.web.doors.pages import style
from crosskey.web.doors.verify import Verify

__all__ = ("door_app", "style_route")


def door_app(hall: Hall) -> ASGIApp:
    """The application of the open doors."""
    answering = Answering(hall)
    verify = Verify(hall)
    routes = [Route("/healthz", _healthz), Route("/readyz", _readyz(hall))]
    for door in get_args(Door):
        routes += _routes(door, hall, answering)
    pages = Starlette(routes=routes, exception_handlers={404: _nowhere(answering), 405: _nowhere(answering)})
    pages.router.redirect_slashes = False  # where it would lead is made from what the request says

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] == "/auth/verify":
            await verify(scope, receive, send)
        else:
            await pages(scope, receive, send)

    return app


def _routes(door: Door, hall: Hall, answering: Answering) -> list[Route]:
    """What one door answers to; a closed door says at each of its addresses that it is closed."""
    section = hall.sections.get(door)
    flow = section.provided.value.name if section else "{flow}"
    at = {name: urlsplit(url).path for name, url in _addresses(door, flow).items()}
    entering = Entering(Forms(hall.clock))
    end = answering.endpoint
    get, post = ["GET"], ["POST"]
    routes = [
        Route(at["home"], end(door, entering.home), methods=get),
        style_route(at["home"]),
        Route(at["start"], end(door, entering.sign_in, writes=True), methods=get),
        Route(f"{at['start']}/start", end(door, entering.start, writes=True), methods=get),
        Route(f"{at['start']}/again", end(door, entering.again, writes=True), methods=get),
        Route(f"{at['start']}/waiting", end(door, entering.waiting.again, writes=True), methods=get),
        Route(at["callback"], end(door, entering.callback, writes=True), methods=[*get, *post]),
        Route(f"{at['home']}/sign-out", end(door, leaving.sign_out_page), methods=get),
        Route(f"{at['home']}/sign-out", end(door, leaving.sign_out), methods=post),
        Route(at["signed_out"], end(door, leaving.signed_out), methods=get),
        Route(at["front_channel"], end(door, leaving.front_channel, writes=True), methods=get),
        Route(at["back_channel"], end(door, hearing.back_channel, writes=True, programs=True), methods=post),
        Route(at["security_events"], end(door, hearing.security_events, writes=True, programs=True), methods=post),
        Route(at["token_revocation"], end(door, hearing.token_revocation, writes=True, programs=True), methods=post),
    ]
    if door == "agents" and hall.config.serve.operators:
        routes += [
            Route(f"{at['home']}/sessions", end(door, operating.sessions), methods=get),
            Route(f"{at['home']}/sessions", end(door, operating.end_session), methods=post),
            Route(f"{at['home']}/attempts", end(door, watching.attempts), methods=get),
        ]
    return routes


def style_route(home: str) -> Route:
    """The address of the style sheet below a door's."""
    return Route(f"{home}/style.css", _style, methods=["GET"])


def _addresses(door: Door, flow: str) -> dict[str, str]:
    addresses = door_addresses("", door, flow)
    return {name: getattr(addresses, name) for name in addresses.__struct_fields__}


def _nowhere(answering: Answering) -> Callable[[Request, Exception], Awaitable[Response]]:
    async def nowhere(request: Request, _error: Exception) -> Response:
        return answering.nowhere(request)

    return nowhere


async def _style(_request: Request) -> Response:
    return style()


async def _healthz(_request: Request) -> Response:
    return PlainTextResponse("ok\n", headers={"cache-control": "no-store"})


def _readyz(hall: Hall) -> Callable[[Request], Awaitable[Response]]:
    async def readyz(_request: Request) -> Response:
        ready = len(hall.doors) == len(hall.sections)
        return PlainTextResponse("ok\n" if ready else "opening\n", 200 if ready else 503, {"cache-control": "no-store"})

    return readyz
