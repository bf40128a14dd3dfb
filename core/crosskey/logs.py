"""Logging for the command line: plain lines or JSON lines on standard error, with secrets taken out."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from typing import TextIO

__all__ = ("JsonFormatter", "PlainFormatter", "RedactionFilter", "configure_logging")


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
        """Time (UTC), level, logger, message, and a traceback where the record has one."""
        facts = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_text:
            facts["exception"] = record.exc_text
        return json.dumps(facts, ensure_ascii=False)


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
