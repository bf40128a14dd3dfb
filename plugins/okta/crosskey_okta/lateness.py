"""How soon Okta tells of a leaver, by channel: what its documentation says, and what it does not promise."""

from __future__ import annotations

from collections.abc import Sequence

from crosskey.connector.lateness import Lateness
from crosskey_okta.settings import OktaSettings
from crosskey_okta.sso_settings import OktaSsoSettings

__all__ = ("of_door", "of_source")


def of_source(settings: OktaSettings) -> Sequence[Lateness]:
    """What a read shows, and the event hook where it has a secret."""
    found = [Lateness(channel="directory", says="a few seconds, and nothing is promised")]
    if settings.hook_secret is not None:
        hook = Lateness(
            channel="hook",
            says="usually within seconds, tried once more, and not promised: an hour's delay is no fault to Okta",
            source="Okta: event hooks",
        )
        found.append(hook)
    return found


def of_door(settings: OktaSsoSettings) -> Sequence[Lateness]:
    """Back-channel logout is not among them: Okta offers it to no OpenID Connect app."""
    found: list[Lateness] = []
    if "offline_access" in settings.scopes:
        found.append(Lateness(channel="refresh", says="refused once the person is deactivated"))
    if settings.signal_secret is not None:
        found.append(
            Lateness(
                channel="security-event",
                says="sessions that ended and credentials that changed; a deactivation is not told",
                source="Okta: SSF transmitter",
            )
        )
    if settings.poll is not None:
        found.append(Lateness(channel="poll", says="whatever the transmitter passes on"))
    found.append(
        Lateness(
            channel="token-revocation",
            says="at once with Identity Threat Protection, else when an administrator clears somebody's sessions",
            source="Okta: Universal Logout",
        )
    )
    found.append(
        Lateness(
            channel="front-channel",
            says="with Single Logout, and only in the browser that is signed out",
            source="Okta: Single Logout",
        )
    )
    return found
