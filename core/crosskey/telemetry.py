"""Traces and metrics: the OpenTelemetry API for everybody, the SDK only where the command line asks for it."""

from __future__ import annotations

import os
import sys
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from crosskey.errors import ConfigError
from crosskey.instruments import Instruments

if TYPE_CHECKING:
    from opentelemetry.metrics import Meter
    from opentelemetry.trace import Tracer

__all__ = ("Wish", "exporting", "instruments", "meter", "tracer")

_SIGNALS: Final = ("traces", "metrics")


def tracer(name: str = "crosskey") -> Tracer:
    """A tracer by the API; its spans go nowhere until :func:`exporting` sets the SDK up."""
    from opentelemetry import trace  # noqa: PLC0415 - keeps `crosskey --help` light

    return trace.get_tracer(name, release())


def meter(name: str = "crosskey") -> Meter:
    """A meter by the API."""
    from opentelemetry import metrics  # noqa: PLC0415 - keeps `crosskey --help` light

    return metrics.get_meter(name, release())


def instruments() -> Instruments:
    """The instruments of crosskey; silent and next to free unless :func:`exporting`, or who embeds us, set an SDK up.

    Nobody can have set one up without importing the metrics API, so it is not imported to find that out.
    """
    metrics = sys.modules.get("opentelemetry.metrics")
    if metrics is None:
        return _SILENT
    provider: object = metrics.get_meter_provider()
    # the API's own providers, its proxy among them, take no values
    return _SILENT if type(provider).__module__.startswith("opentelemetry.metrics") else _instruments()


_SILENT: Final = Instruments()


@cache
def _instruments() -> Instruments:
    """One set: an instrument that is made twice counts apart."""
    return Instruments(meter())


@cache
def release() -> str:
    """Our version. Reading a distribution's metadata opens its files: once is enough."""
    return version("crosskey")


class Wish(msgspec.Struct, frozen=True):
    """What is to be exported: the exporters' names by signal, the spans' file, and the collector's base address.

    ``endpoint`` is empty where OpenTelemetry's own variables, or their default, say where the collector is.
    """

    exporters: Mapping[str, tuple[str, ...]]
    file: Path | None = None
    endpoint: str = ""

    @classmethod
    def read(cls, environ: Mapping[str, str], *, file: Path | None = None, otlp: str | None = None) -> Wish:
        """What ``OTEL_*`` ask for, and ``--trace`` (``file``) and ``--otlp`` (its URL, or empty) besides.

        Raises :class:`ConfigError` for an address that cannot be one.
        """
        if environ.get("OTEL_SDK_DISABLED", "").lower() == "true":
            return cls({}, file)
        exporters = {signal: _names(environ, signal, anyway=otlp is not None) for signal in _SIGNALS}
        return cls({signal: names for signal, names in exporters.items() if names}, file, _base(otlp or ""))

    def __bool__(self) -> bool:
        return self.file is not None or bool(self.exporters)


def _names(environ: Mapping[str, str], signal: str, *, anyway: bool) -> tuple[str, ...]:
    """The exporters for a signal: those named, and ``otlp`` where only an address is given or it is wanted anyway."""
    named = [name.strip() for name in environ.get(f"OTEL_{signal.upper()}_EXPORTER", "").split(",") if name.strip()]
    if "none" in named:
        return ()
    addresses = ("OTEL_EXPORTER_OTLP_ENDPOINT", f"OTEL_EXPORTER_OTLP_{signal.upper()}_ENDPOINT")
    if anyway or (not named and any(environ.get(name) for name in addresses)):
        named.append("otlp")
    return tuple(dict.fromkeys(named))


def _base(url: str) -> str:
    from urllib.parse import urlsplit  # noqa: PLC0415 - only where an address is given

    if not url:
        return ""
    try:
        parts = urlsplit(url)
        whole = parts.scheme in ("http", "https") and bool(parts.hostname) and not parts.query and not parts.fragment
        fit = whole and parts.username is None and (parts.port or 1) > 0
    except ValueError:
        fit = False
    if not fit:
        raise ConfigError(
            "that is not the address of a collector",
            code="otlp-url",
            where="--otlp",
            fix="write --otlp http://127.0.0.1:4318 without user and query (credentials go into "
            "OTEL_EXPORTER_OTLP_HEADERS), or --otlp as the last word to go by the OTEL_* variables",
        )
    return url.rstrip("/")


@contextmanager
def exporting(
    file: Path | None = None, otlp: str | None = None, *, environ: Mapping[str, str] = os.environ
) -> Generator[None]:
    """Export spans and metrics for the length of a command, if anybody asked: see :meth:`Wish.read`.

    What a collector does not take is dropped: it neither stops nor slows a run, and the end waits for seconds at most.
    Only a process of its own may call this, since OpenTelemetry sets its providers once. Raises :class:`ConfigError`
    when the file cannot be written or an exporter is not installed.
    """
    wish = Wish.read(environ, file=file, otlp=otlp)
    if not wish:
        yield
        return
    from crosskey.exporters import Pipelines  # noqa: PLC0415 - the SDK costs 100 ms

    pipelines = Pipelines(wish, environ, release())
    try:
        yield
    finally:
        pipelines.close()
