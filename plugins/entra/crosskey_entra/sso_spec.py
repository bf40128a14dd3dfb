"""The sign-in flow ``entra``: its settings, and how to open it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager

from crosskey.connector.lateness import Lateness
from crosskey.connector.sso import DoorApp, SsoContext, SsoFlow, SsoFlowSpec
from crosskey_entra.clouds import CLOUDS
from crosskey_entra.sso_settings import EntraSsoSettings

__all__ = ("SSO",)


def _open(settings: EntraSsoSettings, context: SsoContext) -> AbstractAsyncContextManager[SsoFlow]:
    from crosskey_entra.sso import open_entra_sso  # noqa: PLC0415 - HTTP and cryptography only when needed

    return open_entra_sso(settings, context)


def _app(settings: EntraSsoSettings) -> DoorApp:
    authority = settings.authority.rstrip("/") or CLOUDS[settings.cloud].authority
    return DoorApp(
        client_id=settings.client_id,
        issuer=f"{authority}/{settings.tenant.strip().lower()}/v2.0",
        auth="client_secret_post" if settings.certificate is None else "private_key_jwt",
        secret=settings.client_secret,
        scopes=settings.scopes,
    )


def _lateness(settings: EntraSsoSettings) -> Sequence[Lateness]:
    from crosskey_entra.lateness import of_door  # noqa: PLC0415 - for `crosskey status`

    return of_door(settings)


SSO = SsoFlowSpec(
    name="entra",
    summary="Signing in with a Microsoft Entra ID tenant",
    settings=EntraSsoSettings,
    open=_open,
    inherits=("tenant", "cloud", "authority", "issuer"),
    app=_app,
    lateness=_lateness,
)
