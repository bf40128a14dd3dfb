"""A place that takes change notifications: the source's ``receive`` behind real HTTP on loopback."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from crosskey.connector.signal import SignalAnswer, SignalRequest
from crosskey_sandbox.server import serving


class Hook:
    """Answers as ``source`` says, once there is one; ``answers`` are what it said, ``status`` overrides it."""

    def __init__(self) -> None:
        self.source: Any = None
        self.answers: list[SignalAnswer] = []
        self.status = 0
        self.url = ""

    async def __call__(self, request: Request) -> Response:
        told = SignalRequest(
            method=request.method,
            query=dict(request.query_params),
            headers={name.lower(): value for name, value in request.headers.items()},
            body=await request.body(),
        )
        answer: SignalAnswer = self.source.receive(told)
        self.answers.append(answer)
        return Response(answer.body, self.status or answer.status, media_type=answer.content_type)


@contextmanager
def a_hook() -> Iterator[Hook]:
    hook = Hook()
    app = Starlette(routes=[Route("/hooks/corp", hook.__call__, methods=["GET", "POST"])])
    with serving(app) as url:
        hook.url = f"{url}/hooks/corp"
        yield hook
