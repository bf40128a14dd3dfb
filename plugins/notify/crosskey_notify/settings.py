"""What a team writes below ``[notify.<name>]``."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal

from msgspec import Meta

from crosskey.errors import ConfigError
from crosskey.settings import Secret, Settings

__all__ = ("CommandSettings", "SmtpSettings", "WebhookSettings")


class WebhookSettings(Settings, frozen=True, kw_only=True):
    """``use = "webhook"``."""

    url: Annotated[
        Secret,
        Meta(description="Where to POST. A secret, because whoever knows such an address can write to it. https only."),
    ]
    body: Annotated[
        Literal["json", "text"],
        Meta(
            description='"json": every part of the notice. "text": `{"text": …}` alone, as chat services take it '
            "at their incoming webhooks."
        ),
    ] = "json"
    secret: Annotated[
        Secret | None,
        Meta(
            description="Sign each request with this (HMAC-SHA-256 over id, time and body), so that the receiver can "
            "tell yours from others and refuse a repeated one."
        ),
    ] = None


class SmtpSettings(Settings, frozen=True, kw_only=True, rename={"sender": "from", "receivers": "to"}):
    """``use = "smtp"``."""

    host: Annotated[str, Meta(description="The mail server.")]
    sender: Annotated[str, Meta(description="Address that the mail comes from.")]
    receivers: Annotated[tuple[str, ...], Meta(min_length=1, description="Addresses that it goes to.")]
    security: Annotated[
        Literal["starttls", "tls", "none"],
        Meta(description='How the connection is protected. "none" only for a server on this machine.'),
    ] = "starttls"
    port: Annotated[
        int | None, Meta(ge=1, le=65_535, description="Left out: 587 with starttls, 465 with tls, 25 with none.")
    ] = None
    username: Annotated[str, Meta(description="Who signs in. Empty: nobody does.")] = ""
    password: Annotated[Secret | None, Meta(description="The password of `username`.")] = None

    def __post_init__(self) -> None:
        if bool(self.username) != (self.password is not None):
            raise ConfigError("username and password go together", where="username", fix="write both, or neither")
        if self.security == "none" and self.host not in ("localhost", "127.0.0.1", "::1"):
            raise ConfigError(
                "mail would leave this machine in clear text", where="security", fix='write "starttls" or "tls"'
            )
        if any("\n" in text or "\r" in text for text in (self.sender, *self.receivers)):
            raise ConfigError("an address is one line", where="to", fix="write one address an item")

    @property
    def door(self) -> int:
        """The port to connect to."""
        return self.port or {"starttls": 587, "tls": 465, "none": 25}[self.security]


class CommandSettings(Settings, frozen=True, kw_only=True):
    """``use = "command"``."""

    command: Annotated[
        tuple[str, ...],
        Meta(
            min_length=1,
            description="Program and arguments. It gets the notice as JSON on standard input, no shell, and of the "
            "environment only PATH, HOME, LANG and TZ.",
        ),
    ]
    timeout: Annotated[timedelta, Meta(description="How long it may take before it is killed.")] = timedelta(seconds=30)
