"""The source ``okta``: its settings, and how to open it."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager

from crosskey.connector.context import Context
from crosskey.connector.source import Source, SourceSpec
from crosskey_okta.settings import OktaSettings

__all__ = ("SPEC",)


def _open(settings: OktaSettings, context: Context) -> AbstractAsyncContextManager[Source]:
    from crosskey_okta.opening import open_okta  # noqa: PLC0415 - HTTP and cryptography only when needed

    return open_okta(settings, context)


SPEC = SourceSpec(
    name="okta",
    summary="People, groups and app assignments of an Okta org",
    settings=OktaSettings,
    open=_open,
)
