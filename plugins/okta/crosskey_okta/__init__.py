"""Okta as a source of people and groups.

Importing this module stays cheap: HTTP and cryptography are loaded when a source is opened.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager

from crosskey.connector.context import Context
from crosskey.connector.source import Source, SourceSpec
from crosskey.hookspecs import hookimpl
from crosskey_okta.settings import OktaSettings

__all__ = ("OktaSettings", "crosskey_sources")


def _open(settings: OktaSettings, context: Context) -> AbstractAsyncContextManager[Source]:
    from crosskey_okta.opening import open_okta  # noqa: PLC0415 - HTTP and cryptography only when needed

    return open_okta(settings, context)


@hookimpl
def crosskey_sources() -> Sequence[SourceSpec]:
    """The one source of this package: ``use = "okta"``."""
    return [
        SourceSpec(
            name="okta",
            summary="People, groups and app assignments of an Okta org",
            settings=OktaSettings,
            open=_open,
        )
    ]
