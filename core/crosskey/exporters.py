"""OpenTelemetry's SDK as a command uses it: bounded queues, a deadline at the end, and losses that are counted."""

from __future__ import annotations

import logging
import socket
import threading
import time
import uuid
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import EntryPoint, entry_points
from typing import Final

from opentelemetry import metrics, trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import (
    MetricExporter,
    MetricExportResult,
    MetricReader,
    MetricsData,
    PeriodicExportingMetricReader,
)
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

from crosskey.errors import ConfigError
from crosskey.telemetry import Wish
from crosskey.tracefile import JsonLinesExporter

__all__ = ("Pipelines",)

_logger = logging.getLogger("crosskey.telemetry")

_DEADLINE: Final = 5.0
"""Seconds that the end of a command waits for a collector."""
_CHATTER: Final = ("opentelemetry.exporter", "opentelemetry.sdk", "urllib3")
"""Loggers that tell each failed attempt, with the collector's address: we count, and say it once."""
_NAMESPACE: Final = uuid.UUID("4d2f3c7e-7a39-5c55-9c0e-6a1b0f6f2b11")


class Pipelines:
    """The providers of one process, from their set-up to the last flush."""

    def __init__(self, wish: Wish, environ: Mapping[str, str], release: str) -> None:
        self._losses = _Losses()
        resource = _resource(environ, release)
        readers = [self._reader(each) for each in _load("metrics", wish, environ)]
        # the file first: it must not wait behind a collector that hangs
        processors: list[SpanProcessor] = []
        if wish.file is not None:
            processors.append(BatchSpanProcessor(JsonLinesExporter(wish.file)))
        processors += [self._processor(each) for each in _load("traces", wish, environ)]
        for name in _CHATTER:
            logging.getLogger(name).setLevel(logging.CRITICAL)
        self._providers: list[MeterProvider | TracerProvider] = []
        if readers:
            meters = MeterProvider(readers, resource, shutdown_on_exit=False)
            metrics.set_meter_provider(meters)
            self._providers.append(meters)
        if processors:
            tracers = TracerProvider(resource=resource, shutdown_on_exit=False)
            for processor in (self._losses, *processors):
                tracers.add_span_processor(processor)
            trace.set_tracer_provider(tracers)
            self._providers.append(tracers)

    def _reader(self, made: object) -> MetricReader:
        """Some "exporters", such as Prometheus's, are whole readers."""
        if isinstance(made, MetricReader):
            return made
        assert isinstance(made, MetricExporter)  # noqa: S101 - what the entry point's group promises
        return PeriodicExportingMetricReader(_CountedMetrics(made, self._losses))

    def _processor(self, made: object) -> SpanProcessor:
        assert isinstance(made, SpanExporter)  # noqa: S101 - what the entry point's group promises
        return BatchSpanProcessor(_CountedSpans(made, self._losses))

    def close(self) -> None:
        """Flush everything, together within the deadline; whoever hangs after that is left behind."""
        flushes = [threading.Thread(target=_shut_down, args=(each,), daemon=True) for each in self._providers]
        for flush in flushes:
            flush.start()
        ends = time.monotonic() + _DEADLINE  # real time, whatever clock the run goes by
        for flush in flushes:
            flush.join(max(0.0, ends - time.monotonic()))
        self._losses.tell(late=any(flush.is_alive() for flush in flushes))


def _shut_down(provider: MeterProvider | TracerProvider) -> None:
    try:
        provider.shutdown()
    except Exception:  # noqa: BLE001 - nobody may stop a command that has done its work; losses are counted
        _logger.debug("telemetry did not end well: %s", type(provider).__name__)


def _resource(environ: Mapping[str, str], release: str) -> Resource:
    """Who tells: the operator's own words (``OTEL_SERVICE_NAME``, ``OTEL_RESOURCE_ATTRIBUTES``) go before ours.

    The instance is one machine, the same from run to run, without its name.
    """
    ours = {
        "service.name": "crosskey",
        "service.version": release,
        "service.instance.id": str(uuid.uuid5(_NAMESPACE, socket.gethostname())),
    }
    said = {part.partition("=")[0].strip() for part in environ.get("OTEL_RESOURCE_ATTRIBUTES", "").split(",")}
    if environ.get("OTEL_SERVICE_NAME"):
        said.add("service.name")
    return Resource.create({name: value for name, value in ours.items() if name not in said})


def _load(signal: str, wish: Wish, environ: Mapping[str, str]) -> Iterator[object]:
    """The exporters that are wished for, each from its own distribution."""
    for name in wish.exporters.get(signal, ()):
        chosen = name
        if name == "otlp":
            protocol = environ.get(f"OTEL_EXPORTER_OTLP_{signal.upper()}_PROTOCOL") or environ.get(
                "OTEL_EXPORTER_OTLP_PROTOCOL", ""
            )
            chosen = "otlp_proto_grpc" if protocol == "grpc" else "otlp_proto_http"
        found = list(entry_points(group=f"opentelemetry_{signal}_exporter", name=chosen))
        if not found:
            raise _missing(chosen, signal)
        options = {"endpoint": f"{wish.endpoint}/v1/{signal}"} if wish.endpoint and chosen == "otlp_proto_http" else {}
        yield _make(chosen, signal, found[0], options)


def _make(name: str, signal: str, entry: EntryPoint, options: Mapping[str, str]) -> object:
    try:
        return entry.load()(**options)
    except ImportError:
        raise _missing(name, signal) from None
    except Exception as error:  # an exporter reads its own variables and may refuse any of them
        raise ConfigError(
            f'the OpenTelemetry exporter "{name}" could not be set up ({type(error).__name__})',
            code="trace-exporter",
            where=f"OTEL_{signal.upper()}_EXPORTER",
            fix="look at the OTEL_EXPORTER_* variables",
        ) from error


def _missing(name: str, signal: str) -> ConfigError:
    remedy = 'pip install "crosskey[otlp]"' if name == "otlp_proto_http" else "install the distribution that brings it"
    return ConfigError(
        f'no OpenTelemetry exporter named "{name}" for {signal} is installed',
        code="trace-exporter",
        where=f"OTEL_{signal.upper()}_EXPORTER",
        fix=f"{remedy}, or write spans to a file with `--trace FILE`",
    )


class _Losses(SpanProcessor):
    """What was made, and what every collector took of it."""

    def __init__(self) -> None:
        self.made = 0
        self.taken: Counter[int] = Counter()
        self.exporters: list[object] = []
        self.metrics = 0

    def on_end(self, span: ReadableSpan) -> None:
        """Count a span that is to be exported."""
        context = span.get_span_context()
        if context is not None and context.trace_flags.sampled:
            self.made += 1

    def tell(self, *, late: bool) -> None:
        """Say once, for whoever looks for it, what is missing at the collector."""
        spans = sum(self.made - self.taken[id(each)] for each in self.exporters)
        if spans or self.metrics or late:
            _logger.debug(
                "dropped, because no collector took it%s: spans %d, sets of metrics %d",
                " in time" if late else "",
                spans,
                self.metrics,
            )


class _CountedSpans(SpanExporter):
    """An exporter whose successes are counted."""

    def __init__(self, inner: SpanExporter, losses: _Losses) -> None:
        self._inner = inner
        self._losses = losses
        losses.exporters.append(self)

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Hand the spans on."""
        result = self._inner.export(spans)
        if result is SpanExportResult.SUCCESS:
            self._losses.taken[id(self)] += len(spans)
        return result

    def shutdown(self) -> None:
        """End the exporter."""
        self._inner.shutdown()


class _CountedMetrics(MetricExporter):
    """An exporter whose failures are counted; numbers are cumulative, so the next set makes up for a lost one."""

    def __init__(self, inner: MetricExporter, losses: _Losses) -> None:
        # what the reader asks an exporter for has no public name
        super().__init__(inner._preferred_temporality, inner._preferred_aggregation)  # noqa: SLF001 # pyright: ignore
        self._inner = inner
        self._losses = losses

    def export(self, metrics_data: MetricsData, timeout_millis: float = 10_000, **kwargs: object) -> MetricExportResult:
        """Hand the metrics on."""
        # the SDK leaves its **kwargs without a type
        result = self._inner.export(metrics_data, timeout_millis, **kwargs)  # pyright: ignore[reportUnknownMemberType]
        self._losses.metrics += result is not MetricExportResult.SUCCESS
        return result

    def force_flush(self, timeout_millis: float = 10_000) -> bool:
        """Send what the exporter keeps."""
        return self._inner.force_flush(timeout_millis)

    def shutdown(self, timeout_millis: float = 30_000, **kwargs: object) -> None:
        """End the exporter."""
        self._inner.shutdown(timeout_millis, **kwargs)  # pyright: ignore[reportUnknownMemberType]  as above
