"""What a watcher shows on its own machine: is it alive, is it ready, how is it doing. Nothing here changes anything."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from crosskey.watch import Watcher
from crosskey.web.metrics import exposition

__all__ = ("watch_app",)


def watch_app(watcher: Watcher, routes: Sequence[BaseRoute] = ()) -> Starlette:
    """The application of a watcher; ``routes`` are mounted beside its own endpoints (incoming signals)."""

    async def healthz(_request: Request) -> Response:
        return _verdict(fine=watcher.is_alive, otherwise="the loop stands still")

    async def readyz(_request: Request) -> Response:
        return _verdict(fine=watcher.is_ready, otherwise="see /status")

    async def status(_request: Request) -> Response:
        if watcher.status is None:
            return _verdict(fine=False, otherwise="starting")
        body = msgspec.json.encode({"doing": watcher.doing, "status": watcher.status})
        return Response(body, media_type="application/json", headers=_FRESH)

    async def metrics(_request: Request) -> Response:
        body, content_type = exposition(watcher)
        return Response(body, headers={**_FRESH, "content-type": content_type})

    own = [
        Route("/healthz", healthz),
        Route("/readyz", readyz),
        Route("/status", status),
        Route("/metrics", metrics),
    ]
    app = Starlette(routes=[*own, *routes])
    app.router.redirect_slashes = False  # nobody comes by an address that is nearly right; some cannot be written down
    return app


_FRESH = {"cache-control": "no-store"}


def _verdict(*, fine: bool, otherwise: str) -> Response:
    return PlainTextResponse("ok\n" if fine else f"{otherwise}\n", 200 if fine else 503, headers=_FRESH)
