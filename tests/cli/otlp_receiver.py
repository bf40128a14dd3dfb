"""A collector on loopback: takes OTLP over HTTP, decodes it with the protocol's own messages, and keeps it."""

from __future__ import annotations

import threading
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


class Span(NamedTuple):
    """One span as it arrived."""

    name: str
    id: str
    parent: str
    trace: str
    kind: int
    failed: bool
    attributes: dict[str, Any]
    said: str
    """What an exception would have left: its events and its message."""


class Metric(NamedTuple):
    """One metric as it arrived last; a histogram's points are count, sum and boundaries."""

    name: str
    unit: str
    about: str
    kind: str
    points: list[tuple[dict[str, Any], Any]]

    def values(self, by: str) -> dict[Any, Any]:
        """The points by the value of one attribute."""
        return {attributes.get(by): value for attributes, value in self.points}

    @property
    def value(self) -> Any:
        """The only point."""
        [(_, value)] = self.points
        return value


class Collector:
    """What arrived at ``url``."""

    def __init__(self) -> None:
        self.url = ""
        self.payloads: list[tuple[str, bytes]] = []
        self.headers: list[dict[str, str]] = []
        self.ended = threading.Event()

    @property
    def spans(self) -> list[Span]:
        """All spans, in the order in which they ended."""
        requests = [ExportTraceServiceRequest.FromString(body) for path, body in self.payloads if path == "/v1/traces"]
        return [
            Span(
                each.name,
                each.span_id.hex(),
                each.parent_span_id.hex(),
                each.trace_id.hex(),
                each.kind,
                each.status.code == 2,
                _attributes(each.attributes),
                f"{each.status.message}{list(each.events) or ''}",
            )
            for request in requests
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for each in scope.spans
        ]

    @property
    def metrics(self) -> dict[str, Metric]:
        """Every metric by name, as it arrived last."""
        sent = [body for path, body in self.payloads if path == "/v1/metrics"]
        return {
            each.name: _metric(each)
            for request in map(ExportMetricsServiceRequest.FromString, sent)
            for resource in request.resource_metrics
            for scope in resource.scope_metrics
            for each in scope.metrics
        }

    @property
    def resources(self) -> list[dict[str, Any]]:
        """Who told, payload by payload."""
        found: list[dict[str, Any]] = []
        for path, body in self.payloads:
            if path == "/v1/traces":
                told = ExportTraceServiceRequest.FromString(body).resource_spans
            else:
                told = ExportMetricsServiceRequest.FromString(body).resource_metrics
            found += [_attributes(each.resource.attributes) for each in told]
        return found

    def text(self) -> str:
        """Everything that arrived, as text."""
        return "\n".join(body.decode("utf-8", "replace") for _, body in self.payloads)


@contextmanager
def collecting(*, hangs: bool = False) -> Generator[Collector]:
    """A collector that listens; one that ``hangs`` takes nothing, and lets go of nobody before the block ends."""
    collector = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            if hangs:
                collector.ended.wait()
                return
            collector.headers.append({name.lower(): value for name, value in self.headers.items()})
            collector.payloads.append((self.path, self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Standard error belongs to the tests."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    collector.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield collector
    finally:
        collector.ended.set()
        server.shutdown()
        thread.join()
        server.server_close()


def _metric(told: Any) -> Metric:
    shape = told.WhichOneof("data")
    data = getattr(told, shape)
    kind = ("counter" if data.is_monotonic else "up-down counter") if shape == "sum" else shape
    points = [(_attributes(point.attributes), _value(shape, point)) for point in data.data_points]
    return Metric(told.name, told.unit, told.description, kind, points)


def _value(shape: str, point: Any) -> Any:
    if shape == "histogram":
        return (point.count, point.sum, tuple(point.explicit_bounds))
    return getattr(point, point.WhichOneof("value"))


def _attributes(told: Any) -> dict[str, Any]:
    return {each.key: getattr(each.value, each.value.WhichOneof("value")) for each in told}
