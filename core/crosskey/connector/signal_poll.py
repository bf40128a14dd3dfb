"""Where security events are fetched, for providers that cannot reach us or do not push (RFC 8936)."""

from __future__ import annotations

from datetime import timedelta
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

import msgspec

from crosskey.errors import ConfigError
from crosskey.settings import Secret

__all__ = ("LONGEST", "SLOWEST", "SignalPoll", "signal_poll")

LONGEST: Final = 65.0
"""Seconds that a transmitter may let a question wait for events: proxies rarely let anything wait longer."""

SLOWEST: Final = 15 * 60.0
"""Seconds between two questions to a transmitter that does not answer, at most."""

_SHORTEST: Final = timedelta(seconds=5)


class SignalPoll(msgspec.Struct, frozen=True, kw_only=True):
    """The transmitter's address, the token that it wants, and the longest time from one question to the next."""

    url: str
    token: Secret
    every: timedelta


def signal_poll(url: str, token: Secret | None, every: timedelta) -> SignalPoll | None:
    """What a flow's settings come to; ``None`` where nothing is fetched.

    Raises :class:`ConfigError` naming ``signal_poll``, ``signal_poll_token`` or ``signal_poll_every``.
    """
    if not url and token is None:
        return None
    if not url:
        raise ConfigError("it is for an address that is missing", where="signal_poll_token", fix="write signal_poll")
    if token is None:
        raise ConfigError(
            "a transmitter gives events only to those whom it knows",
            where="signal_poll",
            fix='write signal_poll_token = { env = "…" }',
        )
    if not _is_safe(url):
        raise ConfigError(
            "it must be an https address", where="signal_poll", fix='write it like "https://id.acme.example/ssf/poll"'
        )
    if every < _SHORTEST:
        raise ConfigError("it is too short", where="signal_poll_every", fix='write at least "5s"; "30s" is usual')
    return SignalPoll(url=url, token=token, every=every)


def _is_safe(url: str) -> bool:
    """Whether nobody between can read the token: https, or this machine itself."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        _ = parts.port
    except ValueError:
        return False
    if not host or parts.username is not None or parts.fragment:
        return False
    if parts.scheme == "https":
        return True
    try:
        loopback = ip_address(host).is_loopback
    except ValueError:
        loopback = host == "localhost"
    return parts.scheme == "http" and loopback
