"""Whose account a verified person may use: the one that the sync stored for their immutable subject, and no other.

Neither name nor mail is ever looked at: whoever can choose their address at a provider could choose their account.
"""

from __future__ import annotations

from typing import Final

from crosskey.connector.refusal import SsoRefused
from crosskey.journal import Standing

__all__ = ("require_account",)

_AMBIGUOUS: Final = frozenset({"ambiguous-match", "ambiguous-person", "identity-collision"})


def require_account(standing: Standing, told_to_go: str | None = None) -> None:
    """Raise :class:`SsoRefused` unless the person has one account of the door's kind, and it is on.

    ``told_to_go`` is why they were signed out everywhere after the provider vouched for them, if they were.
    """
    if standing.key is None:
        raise SsoRefused(_why_none(standing))
    if not standing.active:
        raise SsoRefused("account-disabled", f"the account {standing.key} is switched off, or about to be")
    if told_to_go is not None:
        raise SsoRefused("revoked-meanwhile", f"signed out everywhere meanwhile: {told_to_go}")


def _why_none(standing: Standing) -> str:
    if _AMBIGUOUS.intersection(standing.held):
        return "account-ambiguous"
    if standing.held:
        return "account-held"
    if standing.elsewhere:
        return "account-elsewhere"
    return "not-provisioned" if standing.known_issuer else "identity-unlinked"
