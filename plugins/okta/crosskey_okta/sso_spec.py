"""The sign-in flow ``okta``: its settings, and how to open it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager

from crosskey.connector.lateness import Lateness
from crosskey.connector.sso import DoorApp, SsoContext, SsoFlow, SsoFlowSpec
from crosskey_okta.address import read_address
from crosskey_okta.sso_settings import OktaSsoSettings

__all__ = ("SSO",)


def _open(settings: OktaSsoSettings, context: SsoContext) -> AbstractAsyncContextManager[SsoFlow]:
    from crosskey_okta.sso import open_okta_sso  # noqa: PLC0415 - HTTP and cryptography only when needed

    return open_okta_sso(settings, context)


def _app(settings: OktaSsoSettings) -> DoorApp:
    org = read_address(settings.url, "url").base
    by_secret = "client_secret_basic" if settings.client_auth == "basic" else "client_secret_post"
    return DoorApp(
        client_id=settings.client_id,
        issuer=f"{org}/oauth2/{settings.server}" if settings.server else org,
        auth=by_secret if settings.private_key is None else "private_key_jwt",
        secret=settings.client_secret,
        scopes=settings.scopes,
    )


def _lateness(settings: OktaSsoSettings) -> Sequence[Lateness]:
    from crosskey_okta.lateness import of_door  # noqa: PLC0415 - for `crosskey status`

    return of_door(settings)


SSO = SsoFlowSpec(
    name="okta",
    summary="Signing in with an Okta org",
    settings=OktaSsoSettings,
    open=_open,
    inherits=("url", "issuer"),
    app=_app,
    poll=lambda settings: settings.poll,
    lateness=_lateness,
)
