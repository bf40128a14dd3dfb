"""The spans that crosskey makes, declared once, and the one way to open them: failures by class, never by text.

An exception's text may name people, so no span ever records one.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import msgspec

from crosskey.errors import CrosskeyError

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.trace import Link, Span, Tracer

__all__ = ("SPANS", "SpanKind", "error_type", "mark_failed", "opened", "trace_id")


class SpanKind(msgspec.Struct, frozen=True):
    """One kind of span: what it stands around, the span it is a child of, and its attributes."""

    about: str
    parent: str
    attributes: tuple[str, ...]


SPANS: Final[Mapping[str, SpanKind]] = {
    "crosskey": SpanKind(
        "one command",
        "",
        ("process.executable.name", "process.pid", "process.exit.code", "error.type", "crosskey.command"),
    ),
    "crosskey.run": SpanKind(
        "one run",
        "crosskey",
        (
            "crosskey.run.id",
            "crosskey.run.kind",
            "crosskey.run.trigger",
            "crosskey.run.reach",
            "crosskey.run.verdict",
            "crosskey.connection",
            "crosskey.target.plugin",
            "crosskey.plan.<action>",
            "crosskey.held.<rail>",
            "crosskey.result.<outcome>",
            "error.type",
        ),
    ),
    "crosskey.read": SpanKind("reading both sides at once", "crosskey.run", ("error.type",)),
    "crosskey.read.source": SpanKind(
        "reading people", "crosskey.read", ("crosskey.instance", "crosskey.plugin", "crosskey.records", "error.type")
    ),
    "crosskey.read.target": SpanKind(
        "reading accounts", "crosskey.read", ("crosskey.instance", "crosskey.plugin", "crosskey.records", "error.type")
    ),
    "crosskey.recover": SpanKind("finding out what became of earlier writes", "crosskey.run", ("error.type",)),
    "crosskey.plan": SpanKind("working the changes out", "crosskey.run", ("error.type",)),
    "crosskey.guard": SpanKind(
        "asking the rails, or the plugins that review",
        "crosskey.plan; of plugins crosskey.run",
        ("crosskey.guard.by", "error.type"),
    ),
    "crosskey.apply": SpanKind("carrying the plan out", "crosskey.run", ("error.type",)),
    "crosskey.batch": SpanKind(
        "one batch: intent, request, outcome",
        "crosskey.apply",
        (
            "crosskey.account.kind",
            "crosskey.operation.type",
            "crosskey.batch.size",
            "crosskey.result.<outcome>",
            "error.type",
        ),
    ),
    "{method} {template}": SpanKind(
        "one request, its answer read whole",
        "whatever sends it",
        (
            "http.request.method",
            "server.address",
            "server.port",
            "url.scheme",
            "url.template",
            "http.response.status_code",
            "http.request.resend_count",
            "error.type",
            "crosskey.instance",
        ),
    ),
}
"""By name. Attributes of other namespaces are OpenTelemetry's own."""

_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,47}")


@contextmanager
def opened(
    tracer: Tracer,
    name: str,
    attributes: Mapping[str, str | int] | None = None,
    *,
    context: Context | None = None,
    links: Sequence[Link] = (),
) -> Generator[Span]:
    """A span around a block, the current one while it lasts; an exception marks it by its class and goes on.

    ``context`` replaces what it would be a child of.
    """
    with tracer.start_as_current_span(
        name,
        context,
        attributes=attributes,
        links=links,
        record_exception=False,
        set_status_on_exception=False,
    ) as span:
        try:
            yield span
        except BaseException as error:
            mark_failed(span, error_type(error))
            raise


def mark_failed(span: Span, kind: str) -> None:
    """Make the span an error of that kind."""
    from opentelemetry.trace import Status, StatusCode  # noqa: PLC0415 - whoever has a span has imported it

    span.set_attribute("error.type", kind)
    span.set_status(Status(StatusCode.ERROR))


def error_type(error: BaseException | str) -> str:
    """The low-cardinality name of a failure: its documented code, else the exception's class, else ``_OTHER``."""
    if isinstance(error, BaseException):
        return error_type(error.code) if isinstance(error, CrosskeyError) else type(error).__qualname__
    return error if _CODE.fullmatch(error) else "_OTHER"  # a plugin may put anything into a code


def trace_id() -> str:
    """The id of the trace that is recorded now, as other tools write it; empty when none is."""
    from opentelemetry.trace import get_current_span  # noqa: PLC0415 - keeps `crosskey --help` light

    context = get_current_span().get_span_context()
    return f"{context.trace_id:032x}" if context.is_valid and context.trace_flags.sampled else ""
