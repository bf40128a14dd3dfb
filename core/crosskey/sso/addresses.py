"""Where a door's own addresses are: made from the configured public address only, never from what a request says."""

from __future__ import annotations

import msgspec

from crosskey.connector.sso import Door

__all__ = ("DoorAddresses", "door_addresses")


class DoorAddresses(msgspec.Struct, frozen=True, kw_only=True):
    """What must be registered at a provider, letter for letter.

    ``callback`` differs by flow: an answer for one provider never reaches the address of another (RFC 9700 §4.4).
    """

    home: str
    start: str
    callback: str
    signed_out: str
    back_channel: str
    front_channel: str
    security_events: str
    token_revocation: str


def door_addresses(public_url: str, door: Door, flow: str) -> DoorAddresses:
    """The addresses of a door behind ``public_url`` (no slash at its end)."""
    home = f"{public_url.rstrip('/')}/{door}"
    return DoorAddresses(
        home=home,
        start=f"{home}/sign-in",
        callback=f"{home}/callback/{flow}",
        signed_out=f"{home}/signed-out",
        back_channel=f"{home}/logout/back-channel",
        front_channel=f"{home}/logout/front-channel",
        security_events=f"{home}/signals/security-events",
        token_revocation=f"{home}/signals/token-revocation",
    )
