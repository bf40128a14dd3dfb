"""Spans as JSON lines in a file, for people without a collector."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from crosskey.errors import ConfigError

__all__ = ("JsonLinesExporter",)

_logger = logging.getLogger("crosskey.trace")


class JsonLinesExporter(SpanExporter):
    """Writes each finished span as one line of JSON; the file is this user's alone and starts empty."""

    def __init__(self, path: Path) -> None:
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        except OSError as error:
            raise ConfigError(
                f"the trace file cannot be written: {error.strerror}",
                code="trace-file",
                where=str(path),
                fix="name a file that this user may write",
            ) from None
        self._file = os.fdopen(descriptor, "w", encoding="utf-8")

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Append the spans. A disk that takes no more ends the trace, never the run."""
        try:
            for span in spans:
                self._file.write(json.dumps(_span_facts(span), ensure_ascii=False) + "\n")
            self._file.flush()
        except OSError as error:
            _logger.warning("spans are lost: the trace file cannot be written (%s)", error.strerror)
            return SpanExportResult.FAILURE
        return SpanExportResult.SUCCESS

    def shutdown(self) -> None:
        """Close the file."""
        with suppress(OSError):  # said when the spans could not be written
            self._file.close()


def _span_facts(span: ReadableSpan) -> dict[str, object]:
    context, start, end = span.get_span_context(), span.start_time or 0, span.end_time or 0
    return {
        "name": span.name,
        "trace": f"{context.trace_id:032x}" if context else "",
        "span": f"{context.span_id:016x}" if context else "",
        "parent": f"{span.parent.span_id:016x}" if span.parent else "",
        "start": start / 1e9,
        "seconds": (end - start) / 1e9,
        "status": span.status.status_code.name.lower(),
        "attributes": dict(span.attributes or {}),
    }
