"""The source ``entra``: its settings, and how to open it."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager

from crosskey.connector.context import Context
from crosskey.connector.source import Source, SourceSpec
from crosskey_entra.settings import EntraSettings

__all__ = ("SPEC",)


def _open(settings: EntraSettings, context: Context) -> AbstractAsyncContextManager[Source]:
    from crosskey_entra.opening import open_entra  # noqa: PLC0415 - HTTP and cryptography only when needed

    return open_entra(settings, context)


SPEC = SourceSpec(
    name="entra",
    summary="People, groups and app assignments of a Microsoft Entra ID tenant",
    settings=EntraSettings,
    open=_open,
)
