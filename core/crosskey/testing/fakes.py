"""What stands below the client in place of a vendor: a fake, and how a test changes what is true there.

A fake answers requests and keeps its truth in memory. Every other method is optional: a test that needs one which the
fake does not have is left out (``should``), or asks for it (``must``). Nothing here waits or reaches a network.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, ClassVar

import httpx

__all__ = ("Answering", "FakeDirectory", "FakeTarget", "FakeVendor", "provides", "transport_of")

Answering = (
    httpx.AsyncBaseTransport
    | httpx.BaseTransport
    | Callable[[httpx.Request], httpx.Response | Awaitable[httpx.Response]]
    | Callable[[Any, Any, Any], Awaitable[None]]
)
"""What may answer: an httpx transport, a function from request to response, or an ASGI application."""


class FakeVendor:
    """Base of every fake.

    ``settings`` are lines of TOML added to those of the test class and ``secrets`` what their references read: for what
    only the fake knows (a folder, a token that it made).
    """

    settings: str = ""
    secrets: Mapping[str, str] = {}

    def answers(self) -> Answering | None:
        """What answers the plugin's requests; ``None``: it sends none (it reads files, say)."""
        return None


class FakeDirectory(FakeVendor):
    """A fake behind a source. ``statuses`` says what each of the vendor's words for a person's state should mean."""

    statuses: ClassVar[Mapping[str, bool | None]] = {}

    def hire(self, name: str) -> str:
        """Add an active person called ``name`` (a made-up word, unique); the id that the source will tell."""
        raise NotImplementedError

    def rename(self, person: str, name: str) -> None:
        """Change a person's name."""
        raise NotImplementedError

    def suspend(self, person: str) -> None:
        """Take a person's right to have accounts, who stays in the directory: ``active`` is ``False`` from now on."""
        raise NotImplementedError

    def restore(self, person: str) -> None:
        """Take a suspension back."""
        raise NotImplementedError

    def set_status(self, person: str, status: str) -> None:
        """Put a person into a state by the vendor's word, one of ``statuses`` or one that nobody knows."""
        raise NotImplementedError

    def delete(self, person: str) -> None:
        """Remove a person for good."""
        raise NotImplementedError

    def form(self, name: str) -> str:
        """Add a group called ``name``; its id."""
        raise NotImplementedError

    def disband(self, group: str) -> None:
        """Remove a group."""
        raise NotImplementedError

    def join(self, group: str, person: str) -> None:
        """Put a person into a group."""
        raise NotImplementedError

    def leave(self, group: str, person: str) -> None:
        """Take a person out of a group."""
        raise NotImplementedError

    def expire(self, cursor: str) -> None:
        """Forget the place that ``cursor`` stands for, as vendors do after some days."""
        raise NotImplementedError


class FakeTarget(FakeVendor):
    """A fake behind a target."""

    def bearing(self, kind: str, marker: str) -> int:
        """How many records of that kind bear this marker."""
        raise NotImplementedError

    def add(self, kind: str, name: str) -> str:
        """Add a record by hand, as an administrator would, without a marker; its key."""
        raise NotImplementedError

    def edit(self, kind: str, key: str, field: str, value: str) -> None:
        """Change a field by hand."""
        raise NotImplementedError

    def grant(self, kind: str, key: str, reference: str, id: str) -> None:
        """Give a record something to refer to, by hand."""
        raise NotImplementedError

    def remove(self, kind: str, key: str) -> None:
        """Remove a record for good."""
        raise NotImplementedError

    def sign_in(self, kind: str, key: str) -> None:
        """Sign in as this record's person, now by the clock, past crosskey."""
        raise NotImplementedError


def provides(fake: FakeVendor, hook: str) -> bool:
    """Whether a fake has an optional method, and not only the one that says what it would do."""
    own = getattr(type(fake), hook, None)
    return own is not None and own not in (getattr(base, hook, None) for base in (FakeDirectory, FakeTarget))


def transport_of(answering: Answering) -> httpx.AsyncBaseTransport:
    """A transport of whatever answers."""
    if isinstance(answering, httpx.AsyncBaseTransport):
        return answering
    if isinstance(answering, httpx.BaseTransport):
        return httpx.MockTransport(_settled(answering.handle_request))
    call = answering if inspect.isroutine(answering) else type(answering).__call__
    wanted = [one for one in inspect.signature(call).parameters if one != "self"]
    if len(wanted) == 1:
        return httpx.MockTransport(answering)  # pyright: ignore[reportArgumentType] - it takes one request
    return httpx.ASGITransport(app=answering)  # pyright: ignore[reportArgumentType] - it takes scope, receive, send


def _settled(handle: Callable[[httpx.Request], httpx.Response]) -> Callable[[httpx.Request], httpx.Response]:
    """Answers whose bodies were read: a synchronous stream cannot be read by an asynchronous client."""

    def answer(request: httpx.Request) -> httpx.Response:
        response = handle(request)
        body = response.read()
        headers = [(name, value) for name, value in response.headers.raw if name.lower() != b"content-encoding"]
        return httpx.Response(response.status_code, headers=headers, content=body)

    return answer
