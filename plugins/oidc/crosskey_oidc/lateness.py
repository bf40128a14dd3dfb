"""By which channels a provider can tell of leavers. How soon it does is between its operator and you."""

from __future__ import annotations

from collections.abc import Sequence

from crosskey.connector.lateness import Lateness
from crosskey_oidc.settings import OidcSettings

__all__ = ("of_door",)

_SAYS = "as soon as the provider sends it"


def of_door(settings: OidcSettings) -> Sequence[Lateness]:
    """Those that the settings open, and those that are open always."""
    found: list[Lateness] = []
    if "offline_access" in settings.scopes:
        found.append(Lateness(channel="refresh", says="once the provider takes the sign-in back"))
    found.append(Lateness(channel="back-channel", says=_SAYS))
    if settings.signal_secret is not None:
        found.append(Lateness(channel="security-event", says=_SAYS))
    if settings.poll is not None:
        found.append(Lateness(channel="poll", says="as soon as the transmitter has it"))
    found.append(Lateness(channel="token-revocation", says=_SAYS))
    found.append(Lateness(channel="front-channel", says="only in the browser that is signed out"))
    return found
