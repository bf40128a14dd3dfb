"""From settings to an open flow, and what little a provider that keeps to the standard leaves open."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any

from crosskey.connector.refusal import SsoRefused
from crosskey.connector.sso import LoginRequest, MfaEvidence, SsoContext, SsoFlow
from crosskey.model import Subject
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
from crosskey_oidc.settings import OidcSettings

__all__ = ("open_provider",)


def open_provider(settings: OidcSettings, context: SsoContext) -> AbstractAsyncContextManager[SsoFlow]:
    """Open the flow. Raises :class:`crosskey.ConfigError` for a private key that is none."""
    client = OidcClient(
        issuer=settings.issuer,
        client_id=settings.client_id,
        credential=client_credential(
            settings.client_id,
            secret=settings.client_secret,
            private_key=settings.private_key,
            key_id=settings.key_id,
            auth=settings.client_auth,
            instance=context.instance,
        ),
        algorithms=frozenset({settings.alg}),
        scopes=settings.scopes,
        hosts=settings.hosts,
        trusted=frozenset(settings.audiences),
        userinfo=settings.userinfo,
        signals=SignalSettings(audience=settings.signal_audience, authorization=settings.signal_secret),
    )
    return open_oidc(client, _Standard(settings), context)


class _Standard(Dialect):
    """No dialect, but a choice of which claims tell the person and the second factor."""

    def __init__(self, settings: OidcSettings) -> None:
        super().__init__(settings.people or settings.issuer)
        self._settings = settings

    def asks(self, request: LoginRequest) -> Mapping[str, str]:
        """The level of assurance, where a second factor is required."""
        wanted = " ".join(self._settings.acr_values)
        return {"acr_values": wanted} if request.mfa and wanted else {}

    def subject(self, claims: dict[str, Any]) -> Subject:
        """The person by the configured claim."""
        value = claims.get(self._settings.subject)
        if not isinstance(value, str) or not value:
            raise SsoRefused("sub-invalid", f"the claim {self._settings.subject} is missing, or no text")
        return Subject(self.people, value)

    def signalled(self, sub: str) -> Subject | None:
        """The person, where the sync names people by ``sub`` too."""
        return Subject(self.people, sub) if self._settings.subject == "sub" else None

    def evidence(self, claims: dict[str, Any], request: LoginRequest) -> MfaEvidence:
        """By ``acr`` where that was asked for, else by ``amr``."""
        if not request.mfa:
            return no_evidence(claims)
        if self._settings.acr_values:
            return acr_evidence(claims, self._settings.acr_values)
        return amr_evidence(claims, self._settings.amr)
