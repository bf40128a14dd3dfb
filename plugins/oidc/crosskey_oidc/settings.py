"""What a team writes under ``[sso.<door>]`` with ``use = "oidc"``."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal

from msgspec import Meta

from crosskey.connector.signal_poll import SignalPoll, signal_poll
from crosskey.errors import ConfigError
from crosskey.settings import Secret, Settings

__all__ = ("OidcSettings",)


class OidcSettings(Settings, frozen=True, kw_only=True):
    """A provider, the client that is registered there, and one credential of it: a secret or a private key."""

    issuer: Annotated[str, Meta(description="The provider's issuer, letter for letter: `https://id.acme.example`")]
    client_id: Annotated[str, Meta(description="Client ID that the provider gave to this door")]
    client_secret: Annotated[Secret | None, Meta(description="The client's secret. This, or `private_key`")] = None
    private_key: Annotated[
        Secret | None, Meta(description="The client's private key (`private_key_jwt`): PEM, or one JWK as JSON")
    ] = None
    key_id: Annotated[str, Meta(description="`kid` of that key, where the provider asks for one")] = ""
    client_auth: Annotated[
        Literal["basic", "post"], Meta(description="Where the secret goes: the header (`basic`) or the form (`post`)")
    ] = "basic"
    alg: Annotated[
        Literal["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"],
        Meta(description="How the provider signs its tokens. Nothing else is taken, whatever it says"),
    ] = "RS256"
    scopes: Annotated[
        tuple[str, ...],
        Meta(description="Scopes to ask for; with `offline_access` sessions are asked about while they are in use"),
    ] = ("openid", "profile", "email")
    people: Annotated[
        str, Meta(description="Name that people of the source bear in the journal. Left out: the issuer")
    ] = ""
    subject: Annotated[
        str,
        Meta(description="Claim of the ID token that holds a person's id in the source; it never changes hands"),
    ] = "sub"
    hosts: Annotated[
        tuple[str, ...], Meta(description="Further hosts of the provider on which its endpoints are allowed to be")
    ] = ()
    audiences: Annotated[
        tuple[str, ...], Meta(description="Further audiences that a token may be for, besides this client")
    ] = ()
    userinfo: Annotated[bool, Meta(description="Ask at the userinfo endpoint for what the ID token leaves out")] = False
    acr_values: Annotated[
        tuple[str, ...], Meta(description="What to ask for where a second factor is required; one must come back")
    ] = ()
    amr: Annotated[
        tuple[str, ...],
        Meta(description="Without `acr_values`: `amr` must hold one of these where a second factor is required"),
    ] = ("mfa",)
    signal_secret: Annotated[
        Secret | None,
        Meta(description="What comes in `Authorization` with security events (SSF). Without it none is taken"),
    ] = None
    signal_audience: Annotated[str, Meta(description="Audience of security events. Left out: the client ID")] = ""
    signal_poll: Annotated[
        str,
        Meta(description="Address at which security events are fetched (RFC 8936), where a transmitter has one"),
    ] = ""
    signal_poll_token: Annotated[
        Secret | None, Meta(description="Bearer token that the transmitter at `signal_poll` wants")
    ] = None
    signal_poll_every: Annotated[
        timedelta,
        Meta(description="How often it is asked at least; a transmitter that lets us wait is asked all the time"),
    ] = timedelta(seconds=30)

    @property
    def poll(self) -> SignalPoll | None:
        """Where security events are fetched, if anywhere."""
        return signal_poll(self.signal_poll, self.signal_poll_token, self.signal_poll_every)

    def __post_init__(self) -> None:
        if (self.client_secret is None) == (self.private_key is None):
            raise ConfigError(
                "exactly one credential is needed", where="client_secret", fix="write client_secret or private_key"
            )
        if "openid" not in self.scopes:
            raise ConfigError("there is no ID token without the scope openid", where="scopes", fix='add "openid"')
        _ = self.poll  # raises where it cannot be
