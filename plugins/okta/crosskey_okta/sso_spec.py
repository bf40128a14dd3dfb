"""The sign-in flow ``okta``: its settings, and how to open it."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager

from crosskey.connector.sso import SsoContext, SsoFlow, SsoFlowSpec
from crosskey_okta.sso_settings import OktaSsoSettings

__all__ = ("SSO",)


def _open(settings: OktaSsoSettings, context: SsoContext) -> AbstractAsyncContextManager[SsoFlow]:
    from crosskey_okta.sso import open_okta_sso  # noqa: PLC0415 - HTTP and cryptography only when needed

    return open_okta_sso(settings, context)


SSO = SsoFlowSpec(
    name="okta",
    summary="Signing in with an Okta org",
    settings=OktaSsoSettings,
    open=_open,
    inherits=("url", "issuer"),
)
