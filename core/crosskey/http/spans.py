"""One client span and one duration for each request that goes out, by the stable OpenTelemetry HTTP conventions.

Never the query (filters hold addresses, cursors are secrets), never a header, never an exception's text.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

import httpx
import msgspec
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, Tracer

from crosskey.clock import Clock
from crosskey.http.exchange import Exchange
from crosskey.http.ratelimit import Window
from crosskey.instruments import Instruments

__all__ = ("Telling",)

_PORTS = {"https": 443, "http": 80}


class _Request(msgspec.Struct):
    """One request under way."""

    span: Span
    attributes: dict[str, str | int]

    def answered(self, status: int) -> None:
        """Note the answer's status; 4xx and 5xx make it an error."""
        self._note("http.response.status_code", status)
        if status >= 400:
            self.failed(str(status))

    def failed(self, kind: str) -> None:
        """Note what went wrong, by class."""
        self._note("error.type", kind)
        self.span.set_status(Status(StatusCode.ERROR))

    def _note(self, name: str, value: str | int) -> None:
        self.attributes[name] = value
        self.span.set_attribute(name, value)


class Telling:
    """What one client tells of its requests, and of the rate limits that it meets."""

    def __init__(self, tracer: Tracer, instruments: Instruments, clock: Clock, *, host: str) -> None:
        self._tracer = tracer
        self._instruments = instruments
        self._clock = clock
        self._host = host

    @contextmanager
    def request(self, exchange: Exchange, url: httpx.URL) -> Generator[_Request]:
        """A span around one request and the reading of its answer; its duration when it ends."""
        attributes: dict[str, str | int] = {
            "http.request.method": exchange.method,
            "server.address": url.host,
            "server.port": url.port or _PORTS.get(url.scheme, 0),
            "url.scheme": url.scheme,
            "url.template": exchange.template,
        }
        if exchange.sends:
            attributes["http.request.resend_count"] = exchange.sends
        started = self._clock.monotonic()
        with self._tracer.start_as_current_span(
            str(exchange),
            kind=SpanKind.CLIENT,
            attributes={**attributes, "crosskey.instance": exchange.instance},
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            request = _Request(span, attributes)
            try:
                yield request
            except BaseException as exc:
                request.failed(type(exc).__qualname__)
                raise
            finally:
                seconds = self._clock.monotonic() - started
                self._instruments.tell("http.client.request.duration", seconds, attributes)

    def limits(self, exchange: Exchange, url: httpx.URL, status: int, window: Window | None) -> None:
        """What an answer says about the bucket that its request fell into."""
        if not self._instruments.on:
            return
        bucket = {
            "server.address": url.host,
            "http.request.method": exchange.method,
            "url.template": exchange.template,
        }
        if status == 429:
            self._instruments.tell("crosskey.ratelimit.throttled.count", 1, bucket)
        if window is not None and window.limit > 0:
            self._instruments.tell("crosskey.ratelimit.limit", window.limit, bucket)
            self._instruments.tell("crosskey.ratelimit.remaining", window.remaining, bucket)

    def waited(self, seconds: float) -> None:
        """A request was held back for a rate limit."""
        self._instruments.tell("crosskey.ratelimit.wait.duration", seconds, {"server.address": self._host})
