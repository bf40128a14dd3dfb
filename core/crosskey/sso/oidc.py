"""OpenID Connect as every flow of crosskey speaks it: one verifier, and a dialect for what a provider does its way."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import msgspec

from crosskey.connector.refusal import SsoRefused
from crosskey.connector.sso import (
    AuthorizationRedirect,
    Callback,
    Identity,
    LoginRequest,
    LogoutRequest,
    Provider,
    Refreshed,
    SignalEvent,
    SignalMessage,
    SsoContext,
)
from crosskey.model import Subject
from crosskey.settings import Secret
from crosskey.sso.answer import read_answer
from crosskey.sso.authorize import authorization_url, end_session_url
from crosskey.sso.credentials import ClientCredential
from crosskey.sso.dialect import Dialect
from crosskey.sso.hashes import hash_fits
from crosskey.sso.hearing import SignalSettings, hear_signal
from crosskey.sso.provider import OpenProvider
from crosskey.sso.redemption import TokenAnswer, redeem_code, renew
from crosskey.sso.token import TokenKind, TokenRules, Verified, number, require_sign_in, require_subject, verify_token

__all__ = ("OidcClient", "OidcFlow", "open_oidc")


class OidcClient(msgspec.Struct, frozen=True, kw_only=True):
    """Who we are to a provider, and what we expect of it.

    ``algorithms`` are pinned here and never learned from the provider. ``hosts`` are further hosts of it, ``trusted``
    further audiences of its tokens. ``userinfo``: ask there too for what the ID token leaves out.
    """

    issuer: str
    client_id: str
    credential: ClientCredential
    metadata_url: str = ""
    algorithms: frozenset[str] = frozenset({"RS256"})
    scopes: tuple[str, ...] = ("openid", "profile", "email")
    hosts: tuple[str, ...] = ()
    trusted: frozenset[str] = frozenset()
    userinfo: bool = False
    signals: SignalSettings = SignalSettings()


@asynccontextmanager
async def open_oidc(client: OidcClient, dialect: Dialect, context: SsoContext) -> AsyncGenerator[OidcFlow]:
    """Open a flow; nothing is asked of the provider yet."""
    async with AsyncExitStack() as stack:
        provider = OpenProvider(
            context, stack, issuer=client.issuer, metadata_url=client.metadata_url, hosts=client.hosts
        )
        yield OidcFlow(client, dialect, provider, context)


class OidcFlow:
    """A :class:`crosskey.SsoFlow` that can also refresh, sign out and hear signals."""

    def __init__(self, client: OidcClient, dialect: Dialect, provider: OpenProvider, context: SsoContext) -> None:
        self._client = client
        self._dialect = dialect
        self._provider = provider
        self._context = context

    async def discover(self) -> Provider:
        """The provider's metadata."""
        return await self._provider.metadata()

    async def authorize(self, request: LoginRequest) -> AuthorizationRedirect:
        """Where to send the browser for this sign-in."""
        provider = await self._provider.metadata()
        url = authorization_url(
            provider,
            request,
            client_id=self._client.client_id,
            scopes=self._client.scopes,
            further=self._dialect.asks(request),
        )
        return AuthorizationRedirect(url=url)

    async def complete(self, callback: Callback) -> Identity:
        """Verify what came back, redeem the code, verify what that gave. Raises :class:`SsoRefused`."""
        provider = await self._provider.metadata()
        answer = read_answer(callback, provider)
        front: Verified | None = None
        if answer.id_token:
            front = await self._sign_in_token(answer.id_token, provider, callback)
            _require_hash(front, "c_hash", answer.code, needed=True)
        tokens = await redeem_code(
            await self._provider.client(provider.token_endpoint),
            provider.token_endpoint,
            self._client.credential,
            code=answer.code,
            callback=callback,
            now=self._context.clock.now(),
        )
        token = await self._sign_in_token(tokens.id_token, provider, callback)
        _require_hash(token, "c_hash", answer.code)
        if tokens.access_token:
            _require_hash(token, "at_hash", tokens.access_token)
        if front is not None and (front.issuer, front.claims["sub"]) != (token.issuer, token.claims["sub"]):
            raise SsoRefused("tokens-differ")
        self._dialect.require(token.claims)
        claims = token.claims | await self._told_besides(provider, token, tokens)
        return self._identity(callback.request, token, tokens, claims)

    async def _sign_in_token(self, text: str, provider: Provider, callback: Callback) -> Verified:
        now = self._context.clock.now()
        token = await self._verify(text, "id", provider, audience=self._client.client_id)
        require_subject(token.claims)
        request = callback.request
        require_sign_in(token, nonce=request.nonce, asked_at=callback.asked_at, max_age=request.max_age, now=now)
        _require_hash(token, "s_hash", request.state)
        return token

    async def _verify(self, text: str, kind: TokenKind, provider: Provider, *, audience: str) -> Verified:
        rules = TokenRules(
            kind=kind,
            algorithms=self._client.algorithms,
            issuer=lambda claims: self._dialect.token_issuer(provider, claims),
            audience=audience,
            trusted=self._client.trusted,
            narrow=self._dialect.key_fits,
        )
        return await verify_token(text, rules, self._provider.keys(provider.jwks_uri), self._context.clock.now())

    async def _told_besides(self, provider: Provider, token: Verified, tokens: TokenAnswer) -> dict[str, Any]:
        """What the provider says at its userinfo endpoint and not in the token; addresses in claims are never asked."""
        if not self._client.userinfo:
            return {}
        if not provider.userinfo_endpoint or not tokens.access_token:
            raise SsoRefused("userinfo-mismatch", "there is no userinfo endpoint, or no token for it")
        found = await self._provider.get(
            provider.userinfo_endpoint, invalid="userinfo-mismatch", token=tokens.access_token
        )
        if found.get("sub") != token.claims["sub"]:
            raise SsoRefused("userinfo-mismatch")
        return {name: value for name, value in found.items() if name not in token.claims}

    def _identity(
        self, request: LoginRequest, token: Verified, tokens: TokenAnswer, claims: dict[str, Any]
    ) -> Identity:
        own = token.claims  # whatever decides something is of the signed token
        signed_in, now = number(own.get("auth_time")), self._context.clock.now()
        return Identity(
            subject=self._dialect.subject(own),
            issuer=token.issuer,
            sub=require_subject(own),
            client_id=self._client.client_id,
            sid=_text(own, "sid"),
            email=_text(claims, "email"),
            issued_at=token.issued_at,
            expires_at=datetime.fromtimestamp(number(own.get("exp")) or 0.0, UTC),
            authenticated_at=None if signed_in is None else datetime.fromtimestamp(signed_in, UTC),
            mfa=self._dialect.evidence(own, request),
            guest=self._dialect.is_guest(own),
            claims=claims,
            open_claims=self._dialect.open_claims,
            id_token=Secret(tokens.id_token),
            refresh_token=Secret(tokens.refresh_token) if tokens.refresh_token else None,
            skew=(token.issued_at - now).total_seconds(),
        )

    async def refresh(self, token: Secret, *, subject: Subject, issuer: str, sub: str) -> Refreshed:
        """Ask whether the provider still stands by a sign-in. Raises :class:`SsoRefused`."""
        provider = await self._provider.metadata()
        tokens = await renew(
            await self._provider.client(provider.token_endpoint),
            provider.token_endpoint,
            self._client.credential,
            refresh_token=token,
            now=self._context.clock.now(),
        )
        if tokens.id_token:
            renewed = await self._renewed(tokens.id_token, provider)
            said = (renewed.issuer, renewed.claims.get("sub"), self._dialect.subject(renewed.claims))
            if said != (issuer, sub, subject):
                raise SsoRefused("refresh-mismatch")
        return Refreshed(refresh_token=Secret(tokens.refresh_token) if tokens.refresh_token else None)

    async def _renewed(self, text: str, provider: Provider) -> Verified:
        """A renewed ID token; one that is not to be believed says that the provider stands by somebody else."""
        try:
            token = await self._verify(text, "id", provider, audience=self._client.client_id)
            require_subject(token.claims)
        except SsoRefused as refused:
            if refused.code == "provider-unreachable":
                raise
            raise SsoRefused("refresh-mismatch", f"{refused.code}: {refused.message}") from refused
        return token

    async def end_session(self, request: LogoutRequest) -> AuthorizationRedirect | None:
        """Where to send the browser to be signed out at the provider too."""
        url = end_session_url(await self._provider.metadata(), request, client_id=self._client.client_id)
        return None if url is None else AuthorizationRedirect(url=url)

    async def hear(self, message: SignalMessage) -> SignalEvent:
        """Verify and read what the provider sent to end sessions. Raises :class:`SsoRefused`."""
        return await hear_signal(message, self._client, self._dialect, self._provider, self._context.clock.now())


def _require_hash(token: Verified, name: str, text: str, *, needed: bool = False) -> None:
    """Raise :class:`SsoRefused` where a token says that it was sent with something else."""
    if (name in token.claims or needed) and not hash_fits(token.alg, text, token.claims.get(name)):
        raise SsoRefused(f"{name.replace('_', '-')}-mismatch")


def _text(claims: dict[str, Any], name: str) -> str:
    value = claims.get(name)
    return value[:255] if isinstance(value, str) else ""
