"""Serve an ASGI application over real HTTP on loopback, in a thread or in a process of its own."""

from __future__ import annotations

import asyncio
import multiprocessing
import socket
import threading
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from email.utils import formatdate
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING

import uvicorn

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ("serving", "serving_async", "serving_process")

ABORT = "crosskey.abort"
_START = 30.0


@contextmanager
def serving(app: ASGIApp, port: int = 0) -> Generator[str]:
    """Serve ``app`` on ``127.0.0.1`` in a thread with its own event loop; gives the base URL, without a trailing slash.

    Port 0 takes a free one. Leaving the block closes open connections and ends the thread. A port that is taken raises
    :class:`OSError` here, not in the thread.
    """
    listener = _listen(port)
    server = _server(app)
    thread = threading.Thread(target=_run, args=(server, listener), name="crosskey-sandbox", daemon=True)
    thread.start()
    try:
        yield _url(listener)
    finally:
        server.should_exit = True
        server.force_exit = True
        thread.join(_START)
        listener.close()


@asynccontextmanager
async def serving_async(app: ASGIApp, port: int = 0) -> AsyncGenerator[str]:
    """The same on the running event loop, for an application that shares state with its caller's tasks."""
    listener = _listen(port)
    server = _server(app)
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield _url(listener)
    finally:
        server.should_exit = True
        server.force_exit = True
        await task
        listener.close()


@contextmanager
def serving_process(factory: Callable[[], ASGIApp], port: int = 0) -> Generator[str]:
    """Serve ``factory()`` in a process of its own, so that the vendor costs the measured process nothing.

    ``factory`` is called in the child and must be importable by name.
    """
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    child = context.Process(target=_serve_child, args=(factory, port, theirs), daemon=True)
    child.start()
    theirs.close()
    try:
        if not ours.poll(_START):
            raise RuntimeError("the server process did not start")
        yield str(ours.recv())
    finally:
        ours.close()
        child.join(_START)


def _serve_child(factory: Callable[[], ASGIApp], port: int, parent: Connection) -> None:
    """Serve until the parent closes its end, or dies."""
    with serving(factory(), port) as url:
        parent.send(url)
        while True:
            try:
                parent.recv()
            except EOFError:
                return


def _listen(port: int) -> socket.socket:
    """A listening socket: whoever connects before the server accepts waits in its queue."""
    # the protocol is named so that asyncio sets TCP_NODELAY on accepted connections; without it each answer waits 40 ms
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
        listener.listen(128)
    except OSError:
        listener.close()
        raise
    return listener


def _url(listener: socket.socket) -> str:
    return f"http://127.0.0.1:{listener.getsockname()[1]}"


def _server(app: ASGIApp) -> uvicorn.Server:
    config = uvicorn.Config(
        _extended(app),
        log_config=None,
        access_log=False,
        lifespan="off",
        loop="asyncio",
        ws="none",
        server_header=False,
        date_header=False,
        timeout_graceful_shutdown=1,
    )
    return _Quiet(config)


class _Quiet(uvicorn.Server):
    """A server that leaves the process's signals alone."""

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        """Take over no signal: the command around it decides when to stop."""
        yield


def _run(server: uvicorn.Server, listener: socket.socket) -> None:
    with asyncio.Runner() as runner:
        runner.run(server.serve(sockets=[listener]))


def _extended(app: ASGIApp) -> ASGIApp:
    """Offer ``scope["extensions"]["crosskey.abort"]``, and add ``Date`` where the application has none of its own.

    Aborting closes the connection without an answer. An application on another clock sends its own ``Date``.
    """

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        aborted = False

        async def abort() -> None:
            nonlocal aborted
            aborted = True
            # ASGI has no way to drop a connection; uvicorn's cycle, to which `send` is bound, holds the transport
            send.__self__.transport.close()  # pyright: ignore[reportFunctionMemberAccess]  a bound method of uvicorn
            while (await receive())["type"] != "http.disconnect":
                pass

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start" and all(name != b"date" for name, _ in message["headers"]):
                message["headers"] = [*message["headers"], (b"date", formatdate(usegmt=True).encode())]
            if not aborted:
                await send(message)

        scope["extensions"] = {**scope.get("extensions", {}), ABORT: abort}
        await app(scope, receive, sending)

    return wrapped
