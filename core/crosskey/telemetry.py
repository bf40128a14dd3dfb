"""Traces and metrics: the OpenTelemetry API for everybody, the SDK only where the command line asks for it."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from crosskey.errors import ConfigError

if TYPE_CHECKING:
    from opentelemetry.metrics import Meter
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SpanExporter
    from opentelemetry.trace import Tracer

__all__ = ("meter", "tracer", "tracing", "wanted")

_SWITCHES = ("OTEL_TRACES_EXPORTER", "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")


def tracer(name: str = "crosskey") -> Tracer:
    """A tracer by the API; its spans go nowhere until :func:`tracing` sets the SDK up."""
    from opentelemetry import trace  # noqa: PLC0415 - keeps `crosskey --help` light

    return trace.get_tracer(name, _version())


def meter(name: str = "crosskey") -> Meter:
    """A meter by the API."""
    from opentelemetry import metrics  # noqa: PLC0415 - keeps `crosskey --help` light

    return metrics.get_meter(name, _version())


@cache
def _version() -> str:
    """Reading a distribution's metadata opens its files: once is enough."""
    return version("crosskey")


def wanted(environ: Mapping[str, str] = os.environ) -> bool:
    """Whether the environment asks for traces, by OpenTelemetry's own variables."""
    if environ.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return False
    return any(environ.get(name, "") not in ("", "none") for name in _SWITCHES)


@contextmanager
def tracing(file: Path | None = None, *, environ: Mapping[str, str] = os.environ) -> Generator[None]:
    """Export spans for the length of a command, if anybody asked: to ``file`` as JSON lines, and as OTEL_* says.

    Spans are flushed at the end. Only a process of its own may call this, since OpenTelemetry sets its provider once.
    Raises :class:`ConfigError` when the file cannot be written or an exporter is not installed.
    """
    if file is None and not wanted(environ):
        yield
        return
    provider = _provider(file, environ)
    try:
        yield
    finally:
        provider.shutdown()


def _provider(file: Path | None, environ: Mapping[str, str]) -> TracerProvider:
    from opentelemetry import trace  # noqa: PLC0415 - keeps `crosskey --help` light
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415 - the SDK costs 100 ms
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415 - the SDK costs 100 ms
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415 - the SDK costs 100 ms

    resource = Resource.create({"service.name": "crosskey", "service.version": _version()})
    provider = TracerProvider(resource=resource)
    if file is not None:
        from crosskey.tracefile import JsonLinesExporter  # noqa: PLC0415 - derives from a class of the SDK

        provider.add_span_processor(BatchSpanProcessor(JsonLinesExporter(file)))
    if wanted(environ):
        for exporter in _exporters(environ):
            provider.add_span_processor(BatchSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    return provider


def _exporters(environ: Mapping[str, str]) -> Iterator[SpanExporter]:
    """The exporters that ``OTEL_TRACES_EXPORTER`` names (default ``otlp``), each from its own distribution."""
    from importlib.metadata import entry_points  # noqa: PLC0415 - only when traces are asked for

    for name in environ.get("OTEL_TRACES_EXPORTER", "otlp").split(","):
        found = list(entry_points(group="opentelemetry_traces_exporter", name=name.strip()))
        if not found:
            raise ConfigError(
                f'no OpenTelemetry exporter named "{name.strip()}" is installed',
                code="trace-exporter",
                where="OTEL_TRACES_EXPORTER",
                fix="pip install opentelemetry-exporter-otlp-proto-http, or write spans to a file with `--trace FILE`",
            )
        yield found[0].load()()
