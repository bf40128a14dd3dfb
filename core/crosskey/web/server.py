"""An ASGI application served on the running event loop, beside a watcher."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager

import uvicorn
from starlette.types import ASGIApp

from crosskey.errors import ConfigError

__all__ = ("serving",)


@asynccontextmanager
async def serving(
    app: ASGIApp, host: str, port: int, *, where: str = "watch.listen", most: int = 100
) -> AsyncGenerator[str]:
    """Serve while the block lasts, ``most`` connections at once; the base URL.

    Raises :class:`ConfigError`, which names the setting ``where``, when the address cannot be had.
    """
    listener = _listen(host, port, where)
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        lifespan="off",
        loop="asyncio",
        ws="none",
        server_header=False,
        proxy_headers=False,  # whose word counts is decided where it is used
        limit_concurrency=most,
        timeout_keep_alive=5,
        timeout_graceful_shutdown=1,
    )
    server = _Quiet(config)
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        bound = listener.getsockname()
        yield f"http://{f'[{bound[0]}]' if ':' in bound[0] else bound[0]}:{bound[1]}"
    finally:
        server.should_exit = True
        await task
        listener.close()


def _listen(host: str, port: int, where: str) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # the protocol is named so that asyncio sets TCP_NODELAY on accepted connections
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(128)
    except OSError as error:
        listener.close()
        raise ConfigError(
            f"{host}:{port} cannot be listened on: {error.strerror}",
            code="listen",
            where=where,
            fix="write another port there, or end the program that has this one",
        ) from None
    return listener


class _Quiet(uvicorn.Server):
    """A server that leaves the process's signals alone."""

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        """Take over no signal: the watcher drains, then the server ends."""
        yield
