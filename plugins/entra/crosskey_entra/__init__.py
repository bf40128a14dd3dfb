"""Microsoft Entra ID as a source of people and groups, read by Microsoft Graph.

Importing this module stays cheap: HTTP and cryptography are loaded when a source is opened.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager

from crosskey.connector.context import Context
from crosskey.connector.source import Source, SourceSpec
from crosskey.hookspecs import hookimpl
from crosskey_entra.settings import EntraSettings

__all__ = ("EntraSettings", "crosskey_sources")


def _open(settings: EntraSettings, context: Context) -> AbstractAsyncContextManager[Source]:
    from crosskey_entra.opening import open_entra  # noqa: PLC0415 - HTTP and cryptography only when needed

    return open_entra(settings, context)


@hookimpl
def crosskey_sources() -> Sequence[SourceSpec]:
    """The one source of this package: ``use = "entra"``."""
    return [
        SourceSpec(
            name="entra",
            summary="People, groups and app assignments of a Microsoft Entra ID tenant",
            settings=EntraSettings,
            open=_open,
        )
    ]
