"""What a team writes under ``[sso.<door>]`` with ``use = "okta"``."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal

from msgspec import Meta

from crosskey.connector.signal_poll import SignalPoll, signal_poll
from crosskey.errors import ConfigError
from crosskey.settings import Secret, Settings

__all__ = ("OktaSsoSettings",)


class OktaSsoSettings(Settings, frozen=True, kw_only=True):
    """An Okta org, the web app that people are assigned to, and one credential of it."""

    url: Annotated[
        str, Meta(description="Address of the org as its tokens name it: `https://acme.okta.com`. As the source's")
    ]
    issuer: Annotated[
        str, Meta(description="Name that people of the source bear in the journal. As the source's, else `url`")
    ] = ""
    server: Annotated[
        str,
        Meta(description='Custom authorization server: "default" or its id (`aus…`). Empty: the org\'s own'),
    ] = ""
    client_id: Annotated[
        str, Meta(description="Client ID of the web app (`0oa…`). Empty until `crosskey sso apply` has made it")
    ] = ""
    client_secret: Annotated[Secret | None, Meta(description="The app's client secret. This, or `private_key`")] = None
    private_key: Annotated[
        Secret | None, Meta(description="The app's private key (`private_key_jwt`): PEM, or one JWK as JSON")
    ] = None
    key_id: Annotated[str, Meta(description="`kid` of that key, when the app has several")] = ""
    client_auth: Annotated[
        Literal["basic", "post"], Meta(description="Where the secret goes: the header (`basic`) or the form (`post`)")
    ] = "basic"
    scopes: Annotated[
        tuple[str, ...],
        Meta(description="Scopes to ask for; with `offline_access` sessions are asked about while they are in use"),
    ] = ("openid", "profile", "email")
    acr_values: Annotated[
        str,
        Meta(description="Assurance to ask for where a second factor is required; `acr` must say it"),
    ] = "urn:okta:loa:2fa:any"
    accept_acr: Annotated[
        tuple[str, ...], Meta(description="What `acr` may say then. `phr` and `phrh` are phishing-resistant, and more")
    ] = ("urn:okta:loa:2fa:any", "phr", "phrh")
    mfa_claim: Annotated[
        Literal["acr", "amr"],
        Meta(description="Which claim proves the second factor; `amr` where the org does not answer with `acr`"),
    ] = "acr"
    amr: Annotated[tuple[str, ...], Meta(description="With `amr`: methods of which the token must hold one")] = ("mfa",)
    signal_secret: Annotated[
        Secret | None,
        Meta(description="What comes in `Authorization` with security events (SSF). Without it none is taken"),
    ] = None
    signal_audience: Annotated[str, Meta(description="Audience of security events. Left out: the client ID")] = ""
    signal_stream: Annotated[str, Meta(description="Id of the stream of security events, to take only its tests")] = ""
    signal_poll: Annotated[
        str,
        Meta(
            description="Address at which security events are fetched (RFC 8936), where somebody passes the org's on. "
            "Okta itself only pushes"
        ),
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
        given = sum(each is not None for each in (self.client_secret, self.private_key))
        if given > 1 or (self.client_id and not given):
            raise ConfigError(
                "exactly one credential is needed", where="client_secret", fix="write client_secret or private_key"
            )
        if "openid" not in self.scopes:
            raise ConfigError("there is no ID token without the scope openid", where="scopes", fix='add "openid"')
        _ = self.poll  # raises where it cannot be
