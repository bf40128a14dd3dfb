"""A sign-in flow that leaves one check out: what would be refused for that reason is vouched for (synthetic)."""

from __future__ import annotations

from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import msgspec

from crosskey import (
    AuthorizationRedirect,
    Callback,
    Identity,
    LoginRequest,
    MfaEvidence,
    Secret,
    Settings,
    SsoFlowSpec,
    SsoRefused,
    Subject,
    hookimpl,
)
from crosskey.sso import Dialect, OidcClient, SecretBasic, acr_evidence, no_evidence, open_oidc

ISSUER, CLIENT, FACTOR = "https://id.little.example", "crosskey-desk", "urn:little:2fa"


class LittleSettings(Settings):
    client_secret: Secret
    bug: str = ""


class LittleDialect(Dialect):
    def __init__(self, bug: str) -> None:
        super().__init__("https://people.little.example")
        self.bug = bug

    def subject(self, claims: dict[str, Any]) -> Subject:
        return Subject(self.people, str(claims["email" if self.bug == "addresses_are_people" else "sub"]))

    def evidence(self, claims: dict[str, Any], request: LoginRequest) -> MfaEvidence:
        if self.bug == "any_factor_is_the_second":
            return MfaEvidence(verdict="proven" if request.mfa else "unasked")
        if self.bug == "any_acr_is_enough" and request.mfa and claims.get("acr"):
            return MfaEvidence(verdict="proven")
        return acr_evidence(claims, (FACTOR,)) if request.mfa else no_evidence(claims)


class LittleFlow:
    """The core's verifier, without the check whose reason is the bug."""

    def __init__(self, inner: Any, settings: LittleSettings, context: Any) -> None:
        self.inner = inner
        self.bug = settings.bug
        self.secret = settings.client_secret
        self.context = context

    async def discover(self) -> Any:
        return await self.inner.discover()

    async def authorize(self, request: LoginRequest) -> AuthorizationRedirect:
        try:
            sent = await self.inner.authorize(request)
        except SsoRefused as refused:
            if refused.code != self.bug:
                raise
            sent = AuthorizationRedirect(url=f"{ISSUER}/kit/authorize?{request.state}")
        if self.bug == "no_nonce_is_sent":
            return AuthorizationRedirect(url=sent.url.replace("nonce=", "once="))
        return sent

    async def complete(self, callback: Callback) -> Identity:
        try:
            found = await self.inner.complete(callback)
        except SsoRefused as refused:
            if self.bug == "refusals_tell_the_secret":
                raise SsoRefused(refused.code, f"with {self.secret.reveal()}") from None
            if refused.code != self.bug:
                raise
            return self.guessed()
        if self.bug == "tokens_are_text":
            return msgspec.structs.replace(found, claims={"raw": found.id_token.reveal()})
        return found

    def guessed(self) -> Identity:
        now = self.context.clock.now()
        return Identity(
            subject=Subject("https://people.little.example", "kit-person-1"),
            issuer=ISSUER,
            sub="kit-person-1",
            client_id=CLIENT,
            issued_at=now,
            expires_at=now + timedelta(minutes=5),
            mfa=MfaEvidence(verdict="unasked"),
        )


@asynccontextmanager
async def open_little(settings: LittleSettings, context: Any):
    client = OidcClient(issuer=ISSUER, client_id=CLIENT, credential=SecretBasic(CLIENT, settings.client_secret))
    async with open_oidc(client, LittleDialect(settings.bug), context) as inner:
        yield LittleFlow(inner, settings, context)


@hookimpl
def crosskey_sso_flows():
    return [SsoFlowSpec(name="little", summary="A little flow", settings=LittleSettings, open=open_little)]
