"""The source ``csv``: its settings, and how to open it."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from crosskey import Context, SourceSpec

from crosskey_csv.settings import CsvSettings
from crosskey_csv.source import CsvSource, open_file

__all__ = ("SPEC",)


@asynccontextmanager
async def _open(settings: CsvSettings, context: Context) -> AsyncGenerator[CsvSource]:
    yield open_file(settings, context)


SPEC = SourceSpec(name="csv", summary="People of an HR file (CSV)", settings=CsvSettings, open=_open)
