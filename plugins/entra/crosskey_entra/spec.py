"""The source ``entra``: its settings, and how to open it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager

from crosskey.connector.context import Context
from crosskey.connector.lateness import Lateness
from crosskey.connector.source import Source, SourceSpec
from crosskey_entra.settings import EntraSettings

__all__ = ("SPEC",)


def _open(settings: EntraSettings, context: Context) -> AbstractAsyncContextManager[Source]:
    from crosskey_entra.opening import open_entra  # noqa: PLC0415 - HTTP and cryptography only when needed

    return open_entra(settings, context)


def _lateness(settings: EntraSettings) -> Sequence[Lateness]:
    from crosskey_entra.lateness import of_source  # noqa: PLC0415 - for `crosskey status`

    return of_source(settings)


SPEC = SourceSpec(
    name="entra",
    summary="People, groups and app assignments of a Microsoft Entra ID tenant",
    settings=EntraSettings,
    open=_open,
    lateness=_lateness,
)
