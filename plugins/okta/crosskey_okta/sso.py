"""Signing in with Okta: org or custom authorization server, and a second factor by ``acr`` or ``amr``."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any, ClassVar

from crosskey.connector.sso import LoginRequest, MfaEvidence, SsoContext, SsoFlow
from crosskey.errors import ConfigError
from crosskey.sso import (
    Dialect,
    OidcClient,
    SignalSettings,
    acr_evidence,
    amr_evidence,
    client_credential,
    no_evidence,
    open_oidc,
)
from crosskey_okta.address import read_address
from crosskey_okta.sso_settings import OktaSsoSettings

__all__ = ("open_okta_sso",)


def open_okta_sso(settings: OktaSsoSettings, context: SsoContext) -> AbstractAsyncContextManager[SsoFlow]:
    """Open the flow. Raises :class:`crosskey.ConfigError` for an address or a key that cannot be one."""
    org = read_address(settings.url, f"{context.instance}.url").base
    if not settings.client_id:
        raise ConfigError(
            "this door has no application at Okta yet",
            code="sso-not-set-up",
            where=f"{context.instance}.client_id",
            fix="crosskey sso apply",
        )
    client = OidcClient(
        issuer=f"{org}/oauth2/{settings.server}" if settings.server else org,
        client_id=settings.client_id,
        credential=client_credential(
            settings.client_id,
            secret=settings.client_secret,
            private_key=settings.private_key,
            key_id=settings.key_id,
            auth=settings.client_auth,
            instance=context.instance,
        ),
        scopes=settings.scopes,
        signals=SignalSettings(
            # A transmitter belongs to the org, whichever server signs people in (reference/ssf-transmitter-sets).
            issuer=org,
            audience=settings.signal_audience,
            keys_url=f"{org}/oauth2/v1/keys",
            authorization=settings.signal_secret,
            stream=settings.signal_stream,
        ),
    )
    return open_oidc(client, _Okta(settings, settings.issuer or org), context)


class _Okta(Dialect):
    """``sub`` of an ID token is the id of the directory (``00u…``), so nothing else is needed to name a person."""

    open_claims: ClassVar[frozenset[str]] = frozenset({"ver", "idp"})

    def __init__(self, settings: OktaSsoSettings, people: str) -> None:
        super().__init__(people)
        self._settings = settings

    def asks(self, request: LoginRequest) -> Mapping[str, str]:
        """``acr_values``: without them Okta's answer has no ``acr``, and that would prove nothing."""
        return {"acr_values": self._settings.acr_values} if request.mfa and self._settings.acr_values else {}

    def evidence(self, claims: dict[str, Any], request: LoginRequest) -> MfaEvidence:
        """Okta ignores values that it does not know, so what came back decides, not what was asked."""
        if not request.mfa:
            return no_evidence(claims)
        if self._settings.mfa_claim == "acr":
            return acr_evidence(claims, self._settings.accept_acr)
        return amr_evidence(claims, self._settings.amr)
