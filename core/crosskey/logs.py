"""Logging for the command line: plain lines or JSON lines on standard error, with secrets taken out."""

from __future__ import annotations

import json
import logging
import sys
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import TextIO

__all__ = ("JsonFormatter", "PlainFormatter", "RedactionFilter", "configure_logging", "current_run")

current_run: ContextVar[str] = ContextVar("crosskey_run", default="")
"""The id of the run that is under way here, for its log lines."""


class RedactionFilter(logging.Filter):
    """The last line of defence: whatever looks like a credential is hidden, whoever logged it."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Rewrite the record; it always passes."""
        from crosskey.http.redaction import scrub_text  # noqa: PLC0415 - only when something is logged at all

        record.msg, record.args = scrub_text(record.getMessage()), ()
        if record.exc_info and not record.exc_text:
            record.exc_text = logging.Formatter().formatException(record.exc_info)
        if record.exc_text:
            record.exc_text = scrub_text(record.exc_text)
        return True


class PlainFormatter(logging.Formatter):
    """``warning source.corp: sentence`` for people; the tree ``crosskey.`` is left out of the name."""

    def format(self, record: logging.LogRecord) -> str:
        """One line, and a traceback where the record has one."""
        name = record.name.removeprefix("crosskey.")
        text = f"{record.levelname.lower()} {name}: {record.getMessage()}"
        return f"{text}\n{record.exc_text}" if record.exc_text else text


class JsonFormatter(logging.Formatter):
    """One JSON object a line, for machines."""

    def format(self, record: logging.LogRecord) -> str:
        """Time (UTC), level, logger, message, the run and its trace where there are, a traceback where there is one."""
        facts = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if run := current_run.get():
            facts["run"] = run
        facts |= _trace()
        if record.exc_text:
            facts["exception"] = record.exc_text
        return json.dumps(facts, ensure_ascii=False)


def _trace() -> dict[str, str]:
    """The trace and span that a line belongs to; who never imported OpenTelemetry has none."""
    if (trace := sys.modules.get("opentelemetry.trace")) is None:
        return {}
    context = trace.get_current_span().get_span_context()
    if not context.is_valid:
        return {}
    return {"trace_id": f"{context.trace_id:032x}", "span_id": f"{context.span_id:016x}"}


def configure_logging(*, level: int = logging.WARNING, as_json: bool = False, stream: TextIO | None = None) -> None:
    """Send the records of crosskey and its plugins to ``stream`` (standard error); may be called again.

    Only the command line calls this. Libraries below are heard from ``WARNING`` on.
    """
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonFormatter() if as_json else PlainFormatter())
    handler.addFilter(RedactionFilter())
    logging.getLogger("crosskey").setLevel(level)
    root = logging.getLogger()
    root.setLevel(logging.WARNING)
    root.handlers[:] = [handler]
