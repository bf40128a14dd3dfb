"""A wire that spoils answers: what a network, a proxy and a vendor on a bad day make of an exchange."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Mapping
from types import MappingProxyType
from typing import Final

import httpx

from proofs.simulation.clock import SimClock
from proofs.simulation.faults import Faults

__all__ = ("WIRE", "BadWire")

WIRE: Final[Mapping[str, str]] = MappingProxyType(
    {
        "wire.truncated": "the body ends half-way, and its length says so was meant",
        "wire.html": "a page of a proxy comes with status 200",
        "wire.empty": "the body is empty",
        "wire.other-shape": "the body is JSON of another shape",
        "wire.not-utf8": "the body is in another character set",
        "wire.bad-letter": "one letter of a body that is whole is a byte that no text has",
        "wire.bad-gzip": "the body's compression is broken",
        "wire.429-seconds": "too many requests, try again in some seconds",
        "wire.429-date": "too many requests, try again at a time",
        "wire.429-huge": "too many requests, try again in a year",
        "wire.429-negative": "too many requests, try again before now",
        "wire.429-silent": "too many requests, and no word of when",
        "wire.503-burst": "unavailable, several times in a row",
        "wire.504-html": "a gateway's page with status 504",
        "wire.drip": "the body drips for ever, a byte at a time",
        "wire.reset": "the connection is reset while the answer is read",
        "wire.refused": "the connection is refused",
        "wire.tls": "the certificate is another host's",
        "wire.timeout": "nothing comes back in time",
        "wire.token-expired": "the credential is refused once, half-way",
        "wire.redirect": "the answer leads to a sign-in page elsewhere",
        "wire.next-loop": "the link to the next page leads to the same page",
        "wire.next-elsewhere": "the link to the next page leads to another host",
        "wire.write-lost": "a write is cut off before it arrives",
        "wire.answer-lost": "a write arrives and its answer is cut off",
        "wire.500-before": "a write ends in a 500 and is not carried out",
        "wire.500-after": "a write is carried out and ends in a 500",
        "wire.html-after": "a write is carried out and a proxy's page comes back",
        "wire.truncated-after": "a write is carried out and half the answer comes back",
        "wire.bad-letter-after": "a write is carried out and one letter of its answer is a byte that no text has",
    }
)
"""Faults that the second family strikes with."""

_PAGE: Final = b"<!DOCTYPE html><html><body><h1>Please sign in</h1></body></html>"
_BURST: Final = 3
_READ: Final = 0.19
_WRITE: Final = 0.97
_RETRY_AFTER: Final[Mapping[str, str]] = MappingProxyType(
    {
        "wire.429-seconds": "3",
        "wire.429-date": "Mon, 05 Jan 2026 09:10:00 GMT",
        "wire.429-huge": "31536000",
        "wire.429-negative": "-5",
    }
)
_BODIES: Final[Mapping[str, tuple[int, bytes, str]]] = MappingProxyType(
    {
        "wire.html": (200, _PAGE, "text/html"),
        "wire.empty": (200, b"", "application/json"),
        "wire.other-shape": (200, b'{"unexpected": [null, 1e999]}', "application/json"),
        "wire.not-utf8": (200, '[{"name": "Jörg"}]'.encode("latin-1"), "application/json"),
        "wire.504-html": (504, _PAGE, "text/html"),
        "wire.token-expired": (401, b"{}", "application/json"),
        "wire.500-before": (500, b"{}", "application/json"),
    }
)
_DONE: Final = (
    "wire.answer-lost",
    "wire.500-after",
    "wire.html-after",
    "wire.truncated-after",
    "wire.bad-letter-after",
)
_NO_TEXT: Final = b"\xff"
_WRITES: Final = ("wire.write-lost", "wire.500-before", *_DONE)
_READS: Final = tuple(fault for fault in WIRE if fault not in _WRITES)


class BadWire(httpx.AsyncBaseTransport):
    """An application in place of a network; by the seed's will an answer is spoilt."""

    def __init__(self, app: httpx.ASGITransport, faults: Faults, clock: SimClock, *, written: str) -> None:
        self._app = app
        self._faults = faults
        self._clock = clock
        self._written = written
        self._burst = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer, as far as nothing comes between."""
        await self._clock.sleep(0.05)
        writes = request.method == "POST" and request.url.path.startswith(self._written)
        fault = self._next(writes=writes)
        if fault in _DONE:
            return await self._after(fault, request)
        self._break_off(fault, request)
        if fault.startswith("wire.429") or fault == "wire.503-burst":
            return _busy(fault, request)
        if fault in _BODIES:
            status, body, sort = _BODIES[fault]
            return httpx.Response(status, content=body, headers={"content-type": sort}, request=request)
        if fault == "wire.redirect":
            return httpx.Response(302, headers={"location": "https://login.elsewhere.example/"}, request=request)
        if fault == "wire.bad-letter":
            return self._misspelt(await self._answer(request), request)
        return _spoilt(fault, await self._answer(request), request)

    def _next(self, *, writes: bool) -> str:
        if self._burst:
            self._burst -= 1
            return "wire.503-burst"
        known = [fault for fault in (_WRITES if writes else _READS) if self._faults.may(fault)]
        if not known or not self._faults.chance(_WRITE if writes else _READ):
            return ""
        fault = self._faults.choose(known)
        self._faults.hit(fault)
        if fault == "wire.503-burst":
            self._burst = _BURST
        return fault

    async def _answer(self, request: httpx.Request) -> httpx.Response:
        answer = await self._app.handle_async_request(request)
        await answer.aread()
        return answer

    async def _after(self, fault: str, request: httpx.Request) -> httpx.Response:
        answer = await self._answer(request)
        if fault == "wire.answer-lost":
            raise httpx.ReadError("connection reset", request=request)
        if fault == "wire.500-after":
            return httpx.Response(500, json={}, request=request)
        if fault == "wire.html-after":
            return httpx.Response(200, content=_PAGE, headers={"content-type": "text/html"}, request=request)
        if fault == "wire.bad-letter-after":
            return self._misspelt(answer, request)
        return _spoilt("wire.truncated", answer, request)

    def _misspelt(self, answer: httpx.Response, request: httpx.Request) -> httpx.Response:
        letters = [place for place, byte in enumerate(answer.content) if chr(byte).isalpha()]
        if not letters:
            return answer
        place = self._faults.choose(letters)
        body = answer.content[:place] + _NO_TEXT + answer.content[place + 1 :]
        return httpx.Response(answer.status_code, headers=_headers(answer), content=body, request=request)

    def _break_off(self, fault: str, request: httpx.Request) -> None:
        if fault in {"wire.reset", "wire.write-lost"}:
            raise httpx.ReadError("connection reset", request=request)
        if fault == "wire.refused":
            raise httpx.ConnectError("connection refused", request=request)
        if fault == "wire.timeout":
            raise httpx.ReadTimeout("timed out", request=request)
        if fault == "wire.tls":
            error = httpx.ConnectError("certificate", request=request)
            cause = ssl.SSLCertVerificationError("hostname mismatch")
            cause.verify_message = "hostname mismatch"
            raise error from cause


def _busy(fault: str, request: httpx.Request) -> httpx.Response:
    if fault == "wire.503-burst":
        return httpx.Response(503, content=b"", request=request)
    headers = {"retry-after": _RETRY_AFTER[fault]} if fault in _RETRY_AFTER else {}
    return httpx.Response(429, json={}, headers=headers, request=request)


def _headers(answer: httpx.Response) -> list[tuple[str, str]]:
    """Those of an answer whose body will be another."""
    return [(name, value) for name, value in answer.headers.multi_items() if name != "content-length"]


def _spoilt(fault: str, answer: httpx.Response, request: httpx.Request) -> httpx.Response:
    headers, body = _headers(answer), answer.content
    if fault == "wire.truncated":
        body = body[: len(body) // 2]
    elif fault == "wire.bad-gzip":
        stream = _Raw(b"\x1f\x8b this was never compressed")
        return httpx.Response(200, headers=[*headers, ("content-encoding", "gzip")], stream=stream, request=request)
    elif fault == "wire.drip":
        return httpx.Response(answer.status_code, headers=headers, stream=_Drip(body), request=request)
    elif fault in {"wire.next-loop", "wire.next-elsewhere"}:
        host = str(request.url) if fault == "wire.next-loop" else "https://elsewhere.example/api/v1/users?after=x"
        headers = [*((name, value) for name, value in headers if name != "link"), ("link", f'<{host}>; rel="next"')]
    return httpx.Response(answer.status_code, headers=headers, content=body, request=request)


class _Raw(httpx.AsyncByteStream):
    """A body as it comes off the wire."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._body


class _Drip(httpx.AsyncByteStream):
    """A body that comes so slowly that each read is in time and the whole never is."""

    def __init__(self, body: bytes) -> None:
        self._body = body or b" "

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for byte in self._body:
            await asyncio.sleep(4.0)
            yield bytes([byte])
