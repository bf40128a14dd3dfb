"""One client span for each request that goes out, named by the stable OpenTelemetry HTTP conventions.

Never the query (filters hold addresses, cursors are secrets), never a header, never an exception's text.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

import httpx
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, Tracer

from crosskey.http.exchange import Exchange

__all__ = ("request_span", "tell_status")

_PORTS = {"https": 443, "http": 80}


@contextmanager
def request_span(tracer: Tracer, exchange: Exchange, url: httpx.URL) -> Generator[Span]:
    """A span around one request and the reading of its answer."""
    attributes: dict[str, str | int] = {
        "http.request.method": exchange.method,
        "server.address": url.host,
        "server.port": url.port or _PORTS.get(url.scheme, 0),
        "url.scheme": url.scheme,
        "url.template": exchange.template,
        "crosskey.instance": exchange.instance,
    }
    if exchange.sends:
        attributes["http.request.resend_count"] = exchange.sends
    with tracer.start_as_current_span(
        str(exchange),
        kind=SpanKind.CLIENT,
        attributes=attributes,
        record_exception=False,
        set_status_on_exception=False,
    ) as span:
        try:
            yield span
        except BaseException as exc:
            span.set_attribute("error.type", type(exc).__qualname__)
            span.set_status(Status(StatusCode.ERROR))
            raise


def tell_status(span: Span, status: int) -> None:
    """Write the answer's status on the span; 4xx and 5xx make it an error."""
    span.set_attribute("http.response.status_code", status)
    if status >= 400:
        span.set_attribute("error.type", str(status))
        span.set_status(Status(StatusCode.ERROR))
