"""The flow ``oidc``: its settings, and how to open it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager

from crosskey.connector.lateness import Lateness
from crosskey.connector.sso import SsoContext, SsoFlow, SsoFlowSpec
from crosskey_oidc.settings import OidcSettings

__all__ = ("SPEC",)


def _open(settings: OidcSettings, context: SsoContext) -> AbstractAsyncContextManager[SsoFlow]:
    from crosskey_oidc.opening import open_provider  # noqa: PLC0415 - HTTP and cryptography only when needed

    return open_provider(settings, context)


def _lateness(settings: OidcSettings) -> Sequence[Lateness]:
    from crosskey_oidc.lateness import of_door  # noqa: PLC0415 - for `crosskey status`

    return of_door(settings)


SPEC = SsoFlowSpec(
    name="oidc",
    summary="Signing in with any OpenID Connect provider",
    settings=OidcSettings,
    open=_open,
    poll=lambda settings: settings.poll,
    lateness=_lateness,
)
