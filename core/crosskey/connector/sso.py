"""Sign-in flows: how one identity provider proves who somebody is, and how much of it was a second factor.

A flow speaks with the provider and verifies what comes back. It knows neither accounts nor sessions nor pages: whom an
:class:`Identity` may sign in as is decided by the core, from what the sync has stored.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Any, Literal, Protocol, runtime_checkable

import msgspec

from crosskey.connector.context import Context
from crosskey.connector.lateness import Lateness
from crosskey.connector.signal_poll import SignalPoll
from crosskey.model import Subject
from crosskey.settings import Secret, Settings

__all__ = (
    "AuthorizationRedirect",
    "Callback",
    "ClientAuth",
    "Door",
    "DoorApp",
    "EndsLogins",
    "HearsSignals",
    "Identity",
    "LoginRequest",
    "LogoutRequest",
    "MfaEvidence",
    "Pinned",
    "Pins",
    "Provider",
    "Refreshed",
    "RefreshesLogins",
    "SignalChannel",
    "SignalEvent",
    "SignalMessage",
    "SsoContext",
    "SsoFlow",
    "SsoFlowSpec",
)

Door = Literal["agents", "portal"]
"""One audience's sign-in."""

SignalChannel = Literal["back-channel", "front-channel", "security-event", "token-revocation"]
"""OIDC back-channel and front-channel logout, SETs (RFC 8417) by push or poll, and Global Token Revocation."""


# ----------------------------------------------------------------------------------------------------------------------
# What a provider is
# ----------------------------------------------------------------------------------------------------------------------


class Provider(msgspec.Struct, frozen=True, kw_only=True):
    """What discovery told, after every check of it; addresses are ``""`` where the provider has none.

    ``foreign`` are its addresses on another origin than the issuer's that nobody allowed: told at set-up, and pinned.
    """

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str = ""
    end_session_endpoint: str = ""
    revocation_endpoint: str = ""
    tells_issuer: bool = False
    supports_s256: bool = True
    back_channel_logout: bool = False
    front_channel_logout: bool = False
    auth_methods: tuple[str, ...] = ()
    response_types: tuple[str, ...] = ()
    response_modes: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()
    foreign: tuple[str, ...] = ()


class Pinned(msgspec.Struct, frozen=True, kw_only=True):
    """What was seen of a provider when its door was set up: none of it may become weaker or go elsewhere by itself."""

    issuer: str
    endpoints: Mapping[str, str]
    tells_issuer: bool
    supports_s256: bool
    since: datetime


class Pins(Protocol):
    """Where the core keeps what is pinned."""

    def pinned(self, issuer: str) -> Pinned | None:
        """What was seen first; ``None`` before anything was."""
        ...

    def pin(self, seen: Pinned) -> None:
        """Keep it from now on."""
        ...


class SsoContext(Context, Protocol):
    """The core's services for one configured door."""

    @property
    def door(self) -> Door:
        """Which door it is."""
        ...

    @property
    def pins(self) -> Pins:
        """What is pinned of providers."""
        ...


# ----------------------------------------------------------------------------------------------------------------------
# Signing in
# ----------------------------------------------------------------------------------------------------------------------


class LoginRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One sign-in as the core asks for it. ``state``, ``nonce`` and ``code_challenge`` (S256) are made for it alone.

    ``mfa`` asks the provider for a second factor. ``max_age`` in seconds: how old the provider's own sign-in may be.
    """

    redirect_uri: str
    state: str
    nonce: str
    code_challenge: str
    response_type: Literal["code", "code id_token"] = "code"
    response_mode: Literal["query", "form_post"] = "query"
    mfa: bool = False
    max_age: int | None = None
    prompt: Literal["", "login", "select_account", "none"] = ""
    login_hint: str = ""
    locales: str = ""


class AuthorizationRedirect(msgspec.Struct, frozen=True, kw_only=True):
    """Where to send the browser. Made from the provider's metadata only, never from what a request said."""

    url: str


class Callback(msgspec.Struct, frozen=True, kw_only=True):
    """What the browser brought back, and the sign-in that it belongs to. ``parameters`` hold each name once.

    ``asked_at`` is when the browser was sent away, ``method`` how it came back.
    """

    parameters: Mapping[str, str]
    method: Literal["GET", "POST"]
    request: LoginRequest
    code_verifier: Secret
    asked_at: datetime


class MfaEvidence(msgspec.Struct, frozen=True, kw_only=True):
    """What the provider proved about a second factor. Missing evidence is never taken for any.

    ``verdict``: ``proven``, ``missing`` (asked, and not proven), ``unasked``. ``code`` is a stable reason for the
    journal, ``because`` names the claim that decided, ``acr``, ``amr`` and ``acrs`` are what the token says.
    """

    verdict: Literal["proven", "missing", "unasked"]
    code: str = ""
    because: str = ""
    acr: str = ""
    amr: tuple[str, ...] = ()
    acrs: tuple[str, ...] = ()


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody whom the provider vouches for, every check passed.

    ``subject`` is the person as the sync names them: all that an account is ever found by. ``issuer``, ``sub``, ``sid``
    and ``client_id`` are as the token says, so that later signals find the sessions. ``claims`` are for masked display;
    ``open_claims`` are those of the vendor's own that say nothing about the person. ``skew`` is how many seconds the
    provider's clock is ahead of ours, as far as the token tells.
    """

    subject: Subject
    issuer: str
    sub: str
    client_id: str
    issued_at: datetime
    expires_at: datetime
    mfa: MfaEvidence
    sid: str = ""
    email: str = ""
    guest: bool = False
    authenticated_at: datetime | None = None
    claims: Mapping[str, Any] = {}
    open_claims: frozenset[str] = frozenset()
    id_token: Secret | None = None
    refresh_token: Secret | None = None
    skew: float = 0.0


class SsoFlow(Protocol):
    """An open flow. Each method raises :class:`crosskey.SsoRefused` with a stable reason; nobody is signed in then."""

    async def discover(self) -> Provider:
        """The provider's metadata, checked against the configuration and what is pinned; cached for a while."""
        ...

    async def authorize(self, request: LoginRequest) -> AuthorizationRedirect:
        """Where to send the browser for this sign-in."""
        ...

    async def complete(self, callback: Callback) -> Identity:
        """Verify what came back, redeem the code, verify what that gave."""
        ...


class Refreshed(msgspec.Struct, frozen=True, kw_only=True):
    """The provider still stands by a sign-in. A new ``refresh_token`` takes the place of the one before."""

    refresh_token: Secret | None = None


@runtime_checkable
class RefreshesLogins(Protocol):
    """A flow that can ask the provider whether it still stands by a sign-in."""

    async def refresh(self, token: Secret, *, subject: Subject, issuer: str, sub: str) -> Refreshed:
        """Ask. Raises :class:`crosskey.SsoRefused` when it does not: end the session.

        :class:`crosskey.errors.RetryableError` when nobody can tell now.
        """
        ...


# ----------------------------------------------------------------------------------------------------------------------
# Signing out, and being told to
# ----------------------------------------------------------------------------------------------------------------------


class LogoutRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Signing out at the provider too. ``return_to`` must be registered there; ``state`` comes back from it."""

    return_to: str
    state: str
    id_token: Secret | None = None
    logout_hint: str = ""


@runtime_checkable
class EndsLogins(Protocol):
    """A flow whose provider can be signed out of."""

    async def end_session(self, request: LogoutRequest) -> AuthorizationRedirect | None:
        """Where to send the browser; ``None`` where the provider has no such address."""
        ...


class SignalMessage(msgspec.Struct, frozen=True, kw_only=True):
    """Something that a provider sent to end sessions, as it came.

    ``token`` is the signed part: a logout token, a SET, or the bearer token of a revocation, whose ``body`` is JSON.
    ``authorization`` is the header of a pushed SET; ``polled`` ones we fetched ourselves from the transmitter.
    ``endpoint`` is our own address that it came to, as configured.
    """

    channel: SignalChannel
    token: str
    endpoint: str = ""
    authorization: str = ""
    polled: bool = False
    body: bytes = b""


class SignalEvent(msgspec.Struct, frozen=True, kw_only=True):
    """What a verified message says, and whom it is about. It may end sessions; it can never begin or enable anything.

    ``kind`` is the event in one word (``session-revoked``), ``id`` what a replay is recognised by, ``at`` when it
    happened: a session that began later stays. ``subject`` is the person as the sync names them, where the message
    says; ``issuer`` with ``sub`` or ``sid`` (both: both must fit) are as tokens say. ``email`` ends, and never links.
    ``ends`` is false for what only has to be acknowledged; ``look`` asks for the person to be read again.
    """

    channel: SignalChannel
    kind: str
    id: str
    issuer: str
    client_id: str
    at: datetime
    subject: Subject | None = None
    sub: str = ""
    sid: str = ""
    email: str = ""
    state: str = ""
    ends: bool = True
    look: bool = False


@runtime_checkable
class HearsSignals(Protocol):
    """A flow that understands what its provider sends to end sessions."""

    async def hear(self, message: SignalMessage) -> SignalEvent:
        """Verify and read one message. Raises :class:`crosskey.SsoRefused`."""
        ...


ClientAuth = Literal["client_secret_basic", "client_secret_post", "private_key_jwt"]
"""How an application proves to its provider who it is (names of OpenID Connect)."""


class DoorApp(msgspec.Struct, frozen=True, kw_only=True):
    """What the settings of a door's flow say of its application at the provider.

    ``client_id`` is ``""`` before there is one; ``issuer`` is where the provider's metadata is found.
    """

    client_id: str
    issuer: str
    auth: ClientAuth = "client_secret_basic"
    secret: Secret | None = None
    scopes: tuple[str, ...] = ()

    @property
    def refresh(self) -> bool:
        """Whether refresh tokens are asked for."""
        return "offline_access" in self.scopes


class SsoFlowSpec(msgspec.Struct, frozen=True, kw_only=True):
    """How to make a sign-in flow: its name in ``[sso.<door>] use = "…"``, its settings, and how to open it.

    ``inherits`` are keys that are taken from the section of the source of the same name, where the door leaves them out
    (an org's address): none of them may be a secret. ``app`` says what settings tell of the application at the
    provider, so that it can be set up; without it that is done by hand. ``poll`` says where settings have security
    events fetched, if anywhere; ``lateness`` by which channels, as they are set, the provider tells of leavers, and how
    soon.
    """

    name: str
    summary: str
    settings: type[Settings]
    open: Callable[[Any, SsoContext], AbstractAsyncContextManager[SsoFlow]]
    inherits: tuple[str, ...] = ()
    app: Callable[[Any], DoorApp] | None = None
    poll: Callable[[Any], SignalPoll | None] | None = None
    lateness: Callable[[Any], Sequence[Lateness]] | None = None
