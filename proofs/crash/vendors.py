"""The vendors in a process of their own: forked from a prepared state, so that every trial begins with the same one."""

from __future__ import annotations

import asyncio
import os
import pickle
import signal
import socket
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from typing import cast

import msgspec
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from crosskey_sandbox.halo import HaloDesk, halo_app
from crosskey_sandbox.okta import okta_app
from crosskey_sandbox.server import serving
from proofs.crash.company import Image, Vendors, image_of, marks_of

__all__ = ("Facts", "Ports", "Served", "Written", "free_ports", "served")

_KINDS = {"Users": "user", "Agent": "agent"}
_START = 30.0
_END = 10.0


class Ports(msgspec.Struct, frozen=True):
    """Where both vendors listen, in every trial alike: the configuration names them."""

    okta: int
    halo: int

    @property
    def urls(self) -> tuple[str, str]:
        """Both addresses."""
        return f"http://127.0.0.1:{self.okta}", f"http://127.0.0.1:{self.halo}"


class Written(msgspec.Struct, frozen=True):
    """One record that the desk saved, and when its request arrived (wall clock, as the command's own)."""

    kind: str
    action: str
    key: str
    at: float


class Facts(msgspec.Struct, frozen=True):
    """What the desk shows, what was written to it since the trial began, and when each request to write came."""

    image: Image
    marks: list[tuple[str, str, str]]
    writes: list[Written]
    posts: list[float]


def free_ports() -> Ports:
    """Two ports that nobody uses now."""
    with socket.socket() as first, socket.socket() as second:
        for each in (first, second):
            each.bind(("127.0.0.1", 0))
        return Ports(first.getsockname()[1], second.getsockname()[1])


class _Door:
    """Stands before the desk: notes when each request came that saved something, and holds one where asked."""

    def __init__(self, vendors: Vendors) -> None:
        self._app: ASGIApp = halo_app(vendors.desk)
        self._writes = vendors.desk.writes
        self._first = len(self._writes)
        self._at: list[float] = []
        self.posts: list[float] = []
        self.held_post = 0
        self.held_after = False
        self.reached, self.opened = threading.Event(), threading.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] != "POST" or not str(scope["path"]).startswith("/api/"):
            return await self._app(scope, receive, send)
        at = time.time()
        self.posts.append(at)
        held = len(self.posts) == self.held_post
        heard = [await receive()]  # the whole request has left its sender, whatever becomes of it now
        while heard[-1].get("more_body"):
            heard.append(await receive())

        async def hearing() -> Message:
            return heard.pop(0) if heard else await receive()

        async def sending(message: Message) -> None:
            self._at += [at] * (len(self._writes) - self._first - len(self._at))
            if held and self.held_after:
                await self._hold()
            await send(message)

        if held and not self.held_after:
            await self._hold()
        return await self._app(scope, hearing, sending)

    async def _hold(self) -> None:
        self.reached.set()
        await asyncio.to_thread(self.opened.wait)

    def written(self) -> list[Written]:
        new = zip(self._writes[self._first :], self._at, strict=True)
        return [
            Written(_KINDS.get(write.resource, write.resource), write.action, str(write.id), at) for write, at in new
        ]


class Served:
    """The process that serves one trial."""

    def __init__(self, pid: int, door: Connection) -> None:
        self._pid = pid
        self._door = door

    def facts(self) -> Facts:
        """What the desk shows now."""
        return msgspec.msgpack.decode(self._ask(b"fact"), type=Facts)

    def desk(self) -> HaloDesk:
        """The desk itself, to begin further trials with."""
        return pickle.loads(self._ask(b"desk"))

    def hold(self, post: int, *, after: bool) -> None:
        """Hold that request to write (counted from 1): before the desk looks at it, or before it answers."""
        self._ask(b"hold", bytes([post, after]))

    def held(self) -> None:
        """Wait until it has come."""
        if not self._ask(b"held"):
            raise RuntimeError("the request that was to be held never came")

    def open(self) -> None:
        """Let it go on."""
        self._ask(b"open")

    def _ask(self, what: bytes, more: bytes = b"") -> bytes:
        self._door.send_bytes(what + more)
        return self._door.recv_bytes()

    def end(self) -> None:
        """Stop serving. What a failed trial left waiting in there is not waited for."""
        self._door.close()
        end = time.monotonic() + _END
        while os.waitpid(self._pid, os.WNOHANG)[0] == 0:
            if time.monotonic() > end:
                os.kill(self._pid, signal.SIGKILL)
            time.sleep(0.001)


@contextmanager
def served(vendors: Vendors, ports: Ports) -> Generator[Served]:
    """Serve a copy of the state from a process of its own; this process's state stays as it is."""
    # typed as the class that Windows has, where nothing forks
    ours, theirs = cast("tuple[Connection, Connection]", Pipe())
    pid = os.fork()
    if not pid:
        ours.close()
        _serve(vendors, ports, theirs)
    theirs.close()
    process = Served(pid, ours)
    try:
        if not ours.poll(_START) or ours.recv_bytes() != b"ready":
            raise RuntimeError("the local vendors did not start")
        yield process
    finally:
        process.end()


def _serve(vendors: Vendors, ports: Ports, door: Connection) -> None:
    """Serve until the other end closes; never returns."""
    code = 1
    try:
        stand = _Door(vendors)
        with serving(okta_app(vendors.org), ports.okta), serving(stand, ports.halo):
            door.send_bytes(b"ready")
            while True:
                asked = door.recv_bytes()
                door.send_bytes(_answer(vendors.desk, stand, asked[:4], asked[4:]))
    except EOFError:
        code = 0
    finally:
        os._exit(code)


def _answer(desk: HaloDesk, stand: _Door, asked: bytes, more: bytes) -> bytes:
    match asked:
        case b"hold":
            stand.held_post, stand.held_after = more[0], bool(more[1])
        case b"held":
            stand.reached.wait(_START)
        case b"open":
            stand.opened.set()
        case b"desk":
            return pickle.dumps(desk)
        case _:
            facts = Facts(image=image_of(desk), marks=marks_of(desk), writes=stand.written(), posts=stand.posts)
            return msgspec.msgpack.encode(facts)
    return b"done" if asked != b"held" or stand.reached.is_set() else b""
