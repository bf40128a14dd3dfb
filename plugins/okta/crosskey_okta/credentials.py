"""What can be known of the end of an Okta credential: little, and nothing is guessed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec

from crosskey.connector.credential import Credential
from crosskey_okta.settings import OktaSettings

__all__ = ("credentials_of",)


class _Jwk(msgspec.Struct):
    exp: float | None = None


def credentials_of(settings: OktaSettings, instance: str) -> Sequence[Credential]:
    """The credential in use. Costs no request.

    An API token ends 30 days after its last use, and each use moves that end; it stops sooner when its owner is
    deactivated or somebody revokes it. Keys of an app have no end that Okta knows of; some tools write one into a JWK.
    """
    if settings.private_key is not None:
        return (
            Credential(
                name=f"{instance}.private_key (key of the service app)",
                expires_at=_jwk_end(settings.private_key.reveal()),
                fix="add a new key to the app in Okta (the app > Public keys > Add key, then Done and Save), store the "
                f"private half where {instance}.private_key points, and remove the old one",
            ),
        )
    return (
        Credential(
            name=f"{instance}.token (API token)",
            fix="it ends after 30 days without use, or when its owner is deactivated; make a new token in Okta "
            f"(Security > API > Tokens) and store it where {instance}.token points",
        ),
    )


def _jwk_end(text: str) -> datetime | None:
    """``exp`` of a JWK, in seconds since 1970. A PEM says nothing."""
    try:
        end = msgspec.json.decode(text, type=_Jwk).exp
        return None if end is None else datetime.fromtimestamp(end, UTC)
    except (msgspec.DecodeError, ValueError, OverflowError, OSError):
        return None
