"""How soon Entra ID tells of a leaver, by channel: what Microsoft's documentation says."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from crosskey.connector.lateness import Lateness
from crosskey_entra.settings import EntraSettings
from crosskey_entra.sso_settings import EntraSsoSettings

__all__ = ("of_door", "of_source")


def of_source(settings: EntraSettings) -> Sequence[Lateness]:
    """What a delta round shows, and change notifications where they have a secret."""
    found = [
        Lateness(channel="directory", says="it varies, and nothing is promised", source="Microsoft Graph: delta query")
    ]
    if settings.hook_secret is not None:
        hook = Lateness(
            channel="hook",
            says="within two minutes on average, 15 at most",
            most=timedelta(minutes=15),
            source="Microsoft Graph: latency of change notifications",
        )
        found.append(hook)
    return found


def of_door(settings: EntraSsoSettings) -> Sequence[Lateness]:
    """Entra ID sends other vendors' apps neither security events nor back-channel logouts."""
    found: list[Lateness] = []
    if "offline_access" in settings.scopes:
        found.append(
            Lateness(
                channel="refresh",
                says="refused once the account is disabled or its sessions are revoked",
                source="Microsoft Entra: revoke user access",
            )
        )
    found.append(
        Lateness(
            channel="front-channel",
            says="only in the browser that is signed out",
            source="Microsoft Entra: single sign-out",
        )
    )
    return found
