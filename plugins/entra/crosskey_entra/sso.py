"""Signing in with Entra ID: pinned tenants, the object id as identity, a second factor by authentication context."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Any, ClassVar, Final

import msgspec

from crosskey.connector.refusal import SsoRefused
from crosskey.connector.sso import LoginRequest, MfaEvidence, Provider, SsoContext, SsoFlow
from crosskey.errors import ConfigError
from crosskey.model import Subject
from crosskey.sso import (
    ClientCredential,
    Dialect,
    OidcClient,
    PublicKey,
    SecretPost,
    acrs_evidence,
    no_evidence,
    open_oidc,
)
from crosskey_entra.certificate import Certificate, read_certificate
from crosskey_entra.clouds import CLOUDS, address
from crosskey_entra.sso_settings import EntraSsoSettings

__all__ = ("open_entra_sso",)

_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_TEMPLATE: Final = "{tenantid}"
_WELL_KNOWN: Final = "v2.0/.well-known/openid-configuration"


def open_entra_sso(settings: EntraSsoSettings, context: SsoContext) -> AbstractAsyncContextManager[SsoFlow]:
    """Open the flow. Raises :class:`ConfigError` for a tenant, an address or a certificate that cannot be one."""
    tenants = tuple(tenant.strip().lower() for tenant in (settings.tenant, *settings.tenants))
    for tenant in tenants:
        if not _GUID.fullmatch(tenant):
            raise ConfigError(
                f'"{tenant}" is not the id of a tenant',
                code="entra-tenant",
                where=f"{context.instance}.tenant",
                fix="write the Directory (tenant) ID, a GUID",
            )
    if not settings.client_id:
        raise ConfigError(
            "this door has no app registration yet",
            code="sso-not-set-up",
            where=f"{context.instance}.client_id",
            fix="crosskey sso apply",
        )
    authority = address(settings.authority, CLOUDS[settings.cloud].authority, f"{context.instance}.authority")
    home, several = tenants[0], bool(settings.tenants)
    query = f"?appid={settings.client_id}" if settings.own_keys else ""
    client = OidcClient(
        issuer=f"{authority}/{_TEMPLATE if several else home}/v2.0",
        metadata_url=f"{authority}/{'organizations' if several else home}/{_WELL_KNOWN}{query}",
        client_id=settings.client_id,
        credential=_credential(settings, context),
        scopes=settings.scopes,
        # Microsoft's userinfo endpoint is on Graph.
        hosts=(CLOUDS[settings.cloud].graph.removeprefix("https://"),),
    )
    return open_oidc(client, _Entra(settings, authority, tenants), context)


def _credential(settings: EntraSsoSettings, context: SsoContext) -> ClientCredential:
    if settings.client_secret is not None:
        return SecretPost(settings.client_id, settings.client_secret)
    if settings.certificate is None:  # the settings refuse this themselves
        raise SsoRefused("client-refused", where=context.instance)
    return _CertificateCredential(
        settings.client_id, read_certificate(settings.certificate, settings.private_key, context.instance)
    )


class _CertificateCredential:
    """A :class:`ClientCredential`: Entra wants to know the certificate by its thumbprint."""

    def __init__(self, client_id: str, certificate: Certificate) -> None:
        self._client_id = client_id
        self._certificate = certificate

    def apply(self, form: dict[str, str], headers: dict[str, str], *, endpoint: str, now: datetime) -> None:  # noqa: ARG002 - same shape for all
        """Into the form."""
        form |= {"client_id": self._client_id, **self._certificate.form(self._client_id, endpoint, now)}


class _Entra(Dialect):
    """``sub`` is another one for each app; only tenant and object id together are the person that Graph knows."""

    open_claims: ClassVar[frozenset[str]] = frozenset({"tid", "ver", "acct", "idp", "xms_edov"})

    def __init__(self, settings: EntraSsoSettings, authority: str, tenants: tuple[str, ...]) -> None:
        super().__init__(settings.issuer or _people(settings, tenants[0]))
        self._settings = settings
        self._authority = authority
        self._tenants = tenants

    def asks(self, request: LoginRequest) -> Mapping[str, str]:
        """The authentication context, as a claim that the ID token must bring."""
        if not request.mfa or not self._settings.mfa_context:
            return {}
        wanted = {"id_token": {"acrs": {"essential": True, "value": self._settings.mfa_context}}}
        return {"claims": msgspec.json.encode(wanted).decode()}

    def token_issuer(self, provider: Provider, claims: dict[str, Any]) -> str:  # noqa: ARG002 - the tenant decides
        """The issuer of the token's own tenant, which must be one of those that are let in."""
        tenant = claims.get("tid")
        if tenant not in self._tenants:
            raise SsoRefused("tenant-refused", f"of the tenant {str(tenant)[:60]}" if tenant else "of no tenant")
        return f"{self._authority}/{tenant}/v2.0"

    def key_fits(self, key: PublicKey, issuer: str) -> bool:
        """Keys name the issuer whose tokens they sign, or a template that stands for every tenant's."""
        return key.issuer in ("", issuer, f"{self._authority}/{_TEMPLATE}/v2.0")

    def require(self, claims: dict[str, Any]) -> None:
        """Version 2 only, which the metadata is of; guests only where they may."""
        if claims.get("ver") != "2.0":
            raise SsoRefused("version-refused", f"of version {str(claims.get('ver'))[:10]}")
        if self.is_guest(claims) and not self._settings.guests:
            raise SsoRefused("guest-refused")

    def subject(self, claims: dict[str, Any]) -> Subject:
        """Tenant and object id."""
        oid, tenant = claims.get("oid"), str(claims["tid"])
        if not isinstance(oid, str) or not _GUID.fullmatch(oid.lower()):
            raise SsoRefused("sub-invalid", "the object id (oid) is missing: the app needs the scope profile")
        return Subject(self.people if tenant == self._tenants[0] else _people(self._settings, tenant), oid)

    def signalled(self, sub: str) -> Subject | None:  # noqa: ARG002 - it is of one app only
        """Nobody: ``sub`` is not the object id."""
        return None

    def is_guest(self, claims: dict[str, Any]) -> bool:
        """``acct`` is 1 for guests; ``idp`` names another directory than the token's own."""
        idp = claims.get("idp")
        return claims.get("acct") in (1, "1") or (idp is not None and idp != claims.get("iss"))

    def evidence(self, claims: dict[str, Any], request: LoginRequest) -> MfaEvidence:
        """Version 2 tokens have no ``amr``: only the authentication context that was asked for counts."""
        if not request.mfa:
            return no_evidence(claims)
        return acrs_evidence(claims, self._settings.mfa_context)


def _people(settings: EntraSsoSettings, tenant: str) -> str:
    """As the source names a tenant's people, whatever address the service is reached at."""
    return f"{CLOUDS[settings.cloud].authority}/{tenant}/v2.0"
