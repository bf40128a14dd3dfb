"""The sign-in flow ``entra``: its settings, and how to open it."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager

from crosskey.connector.sso import SsoContext, SsoFlow, SsoFlowSpec
from crosskey_entra.sso_settings import EntraSsoSettings

__all__ = ("SSO",)


def _open(settings: EntraSsoSettings, context: SsoContext) -> AbstractAsyncContextManager[SsoFlow]:
    from crosskey_entra.sso import open_entra_sso  # noqa: PLC0415 - HTTP and cryptography only when needed

    return open_entra_sso(settings, context)


SSO = SsoFlowSpec(
    name="entra",
    summary="Signing in with a Microsoft Entra ID tenant",
    settings=EntraSsoSettings,
    open=_open,
    inherits=("tenant", "cloud", "authority", "issuer"),
)
