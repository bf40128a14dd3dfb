"""The source ``okta``: its settings, and how to open it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager

from crosskey.connector.context import Context
from crosskey.connector.lateness import Lateness
from crosskey.connector.source import Source, SourceSpec
from crosskey_okta.settings import OktaSettings

__all__ = ("SPEC",)


def _open(settings: OktaSettings, context: Context) -> AbstractAsyncContextManager[Source]:
    from crosskey_okta.opening import open_okta  # noqa: PLC0415 - HTTP and cryptography only when needed

    return open_okta(settings, context)


def _lateness(settings: OktaSettings) -> Sequence[Lateness]:
    from crosskey_okta.lateness import of_source  # noqa: PLC0415 - for `crosskey status`

    return of_source(settings)


SPEC = SourceSpec(
    name="okta",
    summary="People, groups and app assignments of an Okta org",
    settings=OktaSettings,
    open=_open,
    lateness=_lateness,
)
